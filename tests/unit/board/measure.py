"""The board with 100,000 accounts: memory, how long the reading takes, and how soon pages are there.

    python -m tests.unit.board.measure [ACCOUNTS]

Pictures go in as the topic gives them, without a broker; pages are asked for over HTTP.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from statistics import median
from typing import Any, Final

from schemas.picture import AccountPicture
from streams.board.accounts import Accounts
from tests.bench.workers import resident
from tests.unit.board.kit import alert, at_risk, filled, picture, visiting

ACCOUNTS: Final = 100_000
_RISKY: Final = 10
"""One account in so many has open alerts."""
_TIMES: Final = 7


def made(number: int, draw: random.Random) -> bytes:
    """A picture as typical as can be: 60 days of counts, up to 50 lines of history, a hundred owners."""
    daily = [draw.randrange(200) * (day % 7 < 5) for day in range(60)]
    lines = [
        {"at": "2026-05-30T00:00:00Z", "code": "payment", "text": f"Invoice in_{draw.randrange(10**9)} is paid."}
        for _ in range(draw.randrange(51))
    ]
    fields: dict[str, Any] = {
        "account_name": f"{draw.choice(['Evergreen', 'Blue', 'North', 'Acme'])} {number} Ltd",
        "owner": f"person-{draw.randrange(100)}@vendor.example",
        "team": f"team-{draw.randrange(8)}",
        "billing": {"mrr_minor": draw.randrange(1_000, 5_000_000), "currency": "EUR", "plan": "Team"},
        "engagement": {"events_28d": sum(daily[-28:]), "expected_28d": 2_000.0, "daily": daily},
        "timeline": lines,
    }
    account = f"acct-{number}"
    given = picture(account, **fields)
    if number % _RISKY == 0:
        given = at_risk(account, draw.random() * 1e6, alert(severity=draw.choice(["watch", "warning"])), **fields)
    return AccountPicture.model_validate_json(json.dumps(given)).model_dump_json(exclude_none=True).encode()


async def measure(count: int) -> None:
    """Measure and print."""
    draw = random.Random(1)
    samples = [made(number, draw) for number in range(1_000)]
    size = sum(map(len, samples)) / len(samples)
    before, accounts, spent = resident(os.getpid()), Accounts(), 0.0
    for number in range(count):
        value = made(number, draw)
        start = time.process_time()
        accounts.put(b"", value)
        spent += time.process_time() - start
    grown = resident(os.getpid()) - before
    print(f"{count:,} accounts, pictures of {size:,.0f} bytes in the mean")
    print(f"taken in        {spent:6.1f} s of CPU, {spent / count * 1e6:.0f} us each")
    print(f"resident memory {grown / 1e6:6.0f} MB more, {grown / count:,.0f} bytes each")
    feed = filled([])
    feed.accounts = accounts
    async with visiting(feed=feed) as visitor:
        await visitor.log_in()
        for path in (
            "/",
            "/?show=all",
            "/?show=all&q=77",
            "/?kind=usage_drop&team=team-1",
            "/account?id=acct-10",
            "/score",
        ):
            wall, cpu = await _seconds(partial(visitor.get, path))
            print(f"{path:30s} {wall * 1000:6.0f} ms, {cpu * 1000:4.0f} ms of CPU")


async def _seconds(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """The median of several, by the wall clock and of CPU."""
    walls, cpus = [], []
    for _ in range(_TIMES):
        wall, cpu = time.perf_counter(), time.process_time()
        await work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return median(walls), median(cpus)


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS))
