"""The board beside a worker: what one says is on the other's pages, and what is done there comes back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, CookieJar

from schemas.alerts import AlertState, Change
from streams.broker import Broker
from streams.broker.ready import free_port
from tests.e2e.chromium import PROGRAM, Tab, chromium
from tests.e2e.harness import Application, application, eventually
from tests.e2e.test_orders import payment_fails
from tests.unit.board.kit import OTHER, TOKEN, form_token, text_of


@asynccontextmanager
async def board(broker: Broker, home: Path) -> AsyncIterator[tuple[Application, str]]:
    """An application, its board running, and the board's address."""
    port = str(free_port())
    tokens = f"mara={TOKEN},tom={OTHER}"
    app = await application(broker, home, clock="wall", board_port=port, board_tokens=tokens, log_level="DEBUG")
    address = f"http://127.0.0.1:{port}"
    async with app.command("board") as process, ClientSession() as session:

        async def answers() -> bool:
            assert process.exit_status is None, process.output_tail(20)
            try:
                async with session.get(f"{address}/healthz") as response:
                    return response.status == 200
            except ClientError:
                return False

        await eventually(answers, "the board answers")
        yield app, address
        said = process.output_tail(1_000)
        assert f"the board is at {address}/" in said
        assert not any(secret in said for secret in (TOKEN, OTHER))


async def test_an_alert_is_seen_acknowledged_and_seen_to_be(broker: Broker, tmp_path: Path) -> None:
    async with board(broker, tmp_path) as (app, address), app.worker():
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as visitor:

            async def page(path: str) -> str:
                async with visitor.get(address + path) as response:
                    return await response.text()

            token = form_token(await page("/login"))
            async with visitor.post(f"{address}/login", data={"form_token": token, "token": TOKEN}) as response:
                assert "No account yet" in await response.text()
            await payment_fails(app, "acme")

            async def listed() -> bool:
                return "Payment failed" in await page("/")

            await eventually(listed, "the account is on the list")
            (opened,) = await app.transitions()
            token = form_token(await page("/account?id=acme"))
            form = {
                "form_token": token,
                "command": "acknowledge",
                "command_id": "from-the-board",
                "alert": opened.alert_id,
            }
            for _ in range(2):  # a double click
                async with visitor.post(f"{address}/account?id=acme", data=form) as response:
                    assert response.status == 200

            async def answered() -> bool:
                shown = text_of(await page("/account?id=acme"))
                return "acknowledged by mara" in shown and "Waiting for the workers" not in shown

            await eventually(answered, "the board shows that it is acknowledged")
        _, acknowledged = await app.transitions()
        assert (acknowledged.change, acknowledged.state) == (Change.ACKNOWLEDGED, AlertState.ACKNOWLEDGED)
        assert acknowledged.by == "mara"
        assert await app.dead_letters() == []


@pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here")
async def test_a_browser_does_all_of_it_by_keyboard_on_a_phone_and_in_the_dark(
    embedded: Broker, tmp_path: Path
) -> None:
    async with board(embedded, tmp_path) as (app, address), app.worker(), chromium(tmp_path) as tab:
        await payment_fails(app, "acme")
        await tab.size(360, 740)
        await tab.go(f"{address}/account?id=acme")
        await tab.type(TOKEN)  # the field has the focus
        await tab.press("Enter", 13)
        await tab.until("document.body?.innerText.includes('Open alerts')")
        await reach(tab, "Acknowledge")
        await tab.press("Enter", 13)
        await tab.until("document.body?.innerText.includes('acknowledged by mara')")
        for path in ("/", "/account?id=acme", "/score"):
            await tab.go(address + path)
            assert await tab.value("document.documentElement.scrollWidth") == 360, "nothing is wider than the phone"
        backgrounds = set()
        for scheme in ("light", "dark"):
            await tab.scheme(scheme)
            await tab.go(f"{address}/account?id=acme")
            backgrounds.add(await tab.value("getComputedStyle(document.body).backgroundColor"))
            assert await tab.value(LEAST_CONTRAST) >= 4.5, "WCAG 2.2, 1.4.3: contrast of text"
        assert len(backgrounds) == 2


async def reach(tab: Tab, button: str) -> None:
    """Go on by the tabulator to a button."""
    deadline = time.monotonic() + 20.0
    while await tab.value("document.activeElement?.innerText") != button:
        assert time.monotonic() < deadline, f"the tabulator does not lead to {button}"
        await tab.press("Tab", 9)


LEAST_CONTRAST = """
(() => {
  const luminance = rgb => rgb.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  let least = 21;
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || e.closest('svg')) continue;
    const pair = [luminance(parse(getComputedStyle(e).color).slice(0, 3)), luminance(behind(e))];
    least = Math.min(least, (Math.max(...pair) + .05) / (Math.min(...pair) + .05));
  }
  return least;
})()
"""
"""The least contrast of any text on the page with what is behind it."""
