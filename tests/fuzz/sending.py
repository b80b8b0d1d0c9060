"""Sends a run what there is to be sent, until it is over."""

import asyncio
import re
import sys
import time
from contextlib import suppress
from html import unescape
from typing import Final
from urllib.parse import unquote_plus

from aiohttp import ClientError, ClientSession, ClientTimeout, CookieJar
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.fuzz.envelopes import Envelopes
from tests.fuzz.records import GOOD, Records
from tests.fuzz.requests import Request, Requests, statuses
from tests.fuzz.stage import ANSWER_SECONDS, SECRETS, Run
from tests.secrecy import Secrets
from tests.unit.board.kit import TOKEN, form_token

_BATCH: Final = 40


async def send_records(run: Run, records: Records) -> None:
    """Records: some of any kind and a good one at a time, until all of them are answered."""
    async with AIOKafkaProducer(
        bootstrap_servers=run.broker.address, max_request_size=1 << 20, retry_backoff_ms=50
    ) as producer:
        while not run.over:
            began = time.monotonic()
            some = [records.good(), *(records.any() for _ in range(_BATCH))]
            written = []
            for each in some:
                run.suspects.append((time.time(), each))
                with suppress(KafkaError):  # too large, say: refused on this side
                    written.append(
                        await producer.send(
                            each.topic,
                            each.value,
                            key=each.key,
                            partition=each.partition,
                            headers=each.headers,
                            timestamp_ms=each.timestamp,
                        )
                    )
                    run.sent[each.topic.partition(".")[2] or each.topic] += 1
            for result in await asyncio.gather(*written, return_exceptions=True):
                run.sent["refused by the broker"] += isinstance(result, BaseException)
            await asyncio.sleep(max(0.0, _BATCH / run.rate - (time.monotonic() - began)))


async def send_envelopes(run: Run) -> None:
    """Envelopes, five a second."""
    envelopes = Envelopes(run.slack, run.number)
    while not run.over:
        run.envelopes += await envelopes.send()
        await asyncio.sleep(0.2)


async def send_requests(run: Run, requests: Requests, address: str) -> None:
    """Requests, one after the other; each answer is looked at."""
    port = int(address.rpartition(":")[2])
    name = "board" if address == run.board_address else "worker"
    secrets = Secrets(**SECRETS)
    while not run.over:
        request = requests.any()
        run.requests[name] += 1
        answer = await _asked(port, request)
        try:
            told = statuses(answer)
        except ValueError as error:
            run.findings.add(f"the {name} answers with no HTTP", f"{error}\n{request}")
            continue
        run.statuses.update(told)
        shown = f"{str(request)[:4_000]}\n{answer[:600]!r}"
        for status in told:
            if status >= 500:
                what = b" ".join(request.pieces[0].split(b" ")[:2])[:60]
                run.findings.add(f"the {name} answers {status}", f"{what!r}\n{shown}")
        for secret in secrets.found_in(answer):
            run.findings.add(f"the {name} answers with the secret {secret!r}", shown)


async def stay_logged_in(run: Run, requests: Requests) -> None:
    """A visitor of the board: logged in again where a request has logged it out. Sees which accounts there are."""
    while not run.over:
        async with ClientSession(cookie_jar=CookieJar(unsafe=True), timeout=ClientTimeout(ANSWER_SECONDS)) as visitor:
            try:
                async with visitor.get(f"{run.board_address}/login") as page:
                    form = {"form_token": form_token(await page.text()), "token": TOKEN}
                async with visitor.post(f"{run.board_address}/login", data=form):
                    cookies = {each.key: each.value for each in visitor.cookie_jar}
                while not run.over:
                    async with visitor.get(f"{run.board_address}/?show=all") as page:
                        text = await page.text()
                        if page.status >= 500:
                            run.findings.add(f"the board's list answers {page.status}", text[:500])
                        if page.url.path == "/login":
                            break
                    requests.cookie = cookies.get("slackwater_board", "")
                    if 'name="form_token"' in text:
                        requests.form_token = form_token(text)
                    requests.accounts = [GOOD + "1", "acme", *_ids(text)]
                    await asyncio.sleep(3)
            except (ClientError, TimeoutError, AssertionError) as error:
                if run.alive:
                    run.findings.add(f"a visitor of the board sees {type(error).__name__}", str(error)[:2_000])
                await asyncio.sleep(1)


async def _asked(port: int, request: Request) -> bytes:
    """What the server answers before it closes the connection, or has nothing more to say."""
    # By another address than the visitor's: logins fail, and an address that fails has to wait.
    here = ("127.0.0.2", 0) if sys.platform == "linux" else None
    answer = b""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=here)
    except OSError:  # whether it is alive is looked at elsewhere
        await asyncio.sleep(0.5)
        return answer
    with suppress(ConnectionError):
        for piece in request.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(request.pause)
        if not request.half:
            with suppress(TimeoutError):
                while True:
                    async with asyncio.timeout(2.0 if answer == b"" else 0.3):
                        more = await reader.read(1 << 20)
                    if not more:
                        break
                    answer += more
    writer.transport.abort()
    return answer


def _ids(page: str) -> list[str]:
    return [unquote_plus(unescape(each)) for each in re.findall(r'href="/account\?id=([^"]+)"', page)]
