"""A headless Chromium, driven by the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from tests.e2e.harness import eventually

PROGRAM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
"""None: there is none here."""
_PATIENCE = 30.0


class NavigatedError(Exception):
    """The page went away while it was asked."""


class Tab:
    """One open page."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its answer."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(_PATIENCE):
            while True:
                answer = await self._socket.receive_json()
                if answer.get("id") == number:
                    if "navigated" in str(answer.get("error")) or "context" in str(answer.get("error")):
                        raise NavigatedError(answer)
                    assert "error" not in answer, answer
                    return dict(answer["result"])

    async def value(self, expression: str) -> Any:
        """What a line of JavaScript gives; it is the test's, and no page's."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Return when it is true."""

        async def so() -> bool:
            try:
                return bool(await self.value(expression))
            except NavigatedError:
                return False

        await eventually(so, expression)

    async def go(self, address: str) -> None:
        """Open an address, and wait until all of it is there."""
        await self.value("window.left = true")
        await self.call("Page.navigate", url=address)
        await self.until("document.readyState === 'complete' && !window.left")

    async def size(self, width: int, height: int) -> None:
        """As on a screen of this size, in CSS pixels."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    async def scheme(self, name: str) -> None:
        """`light` or `dark`, as the person's system has it."""
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    async def press(self, key: str, code: int) -> None:
        """A key, pressed and let go: Tab is 9, Enter 13."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    async def type(self, text: str) -> None:
        """Text, into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def picture(self, path: Path) -> None:
        """A PNG of the whole page."""
        answer = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))


@asynccontextmanager
async def chromium(home: Path) -> AsyncIterator[Tab]:
    """A browser with one tab, gone afterwards; its profile is under `home`."""
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        *("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"),
        f"--user-data-dir={home / 'profile'}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _port(home / "profile" / "DevToolsActivePort")
        async with ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as response:
                (tab,) = [each for each in await response.json() if each["type"] == "page"]
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Tab(socket)
    finally:
        process.terminate()
        await process.wait()


async def _port(file: Path) -> int:
    async def written() -> bool:
        return file.is_file() and bool(file.read_text().splitlines())

    await eventually(written, "the browser listens")
    return int(file.read_text().splitlines()[0])
