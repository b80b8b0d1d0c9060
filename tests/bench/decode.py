"""What it costs to read a usage event, beside bare JSON: `python -m tests.bench.decode`. Thread time."""

from collections.abc import Callable
from time import thread_time_ns

import orjson

from schemas.codec import InputTopic, decode, encode
from schemas.picture import AccountPicture, Engagement, Factor, Phase
from schemas.usage import UsageEvent

RAW = (
    b'{"event_id":"4f0c1d9a-7b1e-4d5e-9b0a-1c2d3e4f5a6b","account_id":"acct_000123","event":"report.exported",'
    b'"occurred_at":"2025-03-01T12:34:56.789Z","user_id":"user_0042","quantity":3,"source":"product-api"}'
)
NESTED = RAW[:-1] + b',"properties":{"plan":"pro","path":"/reports/7","tags":["a","b"]}}'
SLOW_TIME = RAW.replace(b"56.789Z", b"56.789012+01:00")
ESCAPED = RAW.replace(b"user_0042", b'user \\"42\\"')
PICTURE = AccountPicture(
    account_id="acct_000123",
    at=1_740_832_496_789,
    phase=Phase.ACTIVE,
    health=71,
    factors=tuple(Factor(name=f"factor-{i}", points=12.5, text="Used on 18 of 20 working days.") for i in range(5)),
    engagement=Engagement(events_total=91_827, events_7d=420, events_28d=1_700, daily=tuple(range(60))),
)


def nanoseconds(work: Callable[[], object], rounds: int = 15, times: int = 20_000) -> float:
    """The cheapest round's cost of one call: the others were disturbed."""
    best = float("inf")
    for _ in range(rounds):
        start = thread_time_ns()
        for _ in range(times):
            work()
        best = min(best, (thread_time_ns() - start) / times)
    return best


def main() -> None:
    bare = nanoseconds(lambda: orjson.loads(RAW))
    validate = UsageEvent.__pydantic_validator__.validate_python
    value = orjson.loads(RAW)
    print(f"usage event of {len(RAW)} bytes; bare orjson.loads {bare:.0f} ns")
    for name, work in (
        ("decode", lambda: decode(InputTopic.USAGE, RAW)),
        ("  of which validation", lambda: validate(value)),
        ("decode, with properties", lambda: decode(InputTopic.USAGE, NESTED)),
        ("decode, with escapes", lambda: decode(InputTopic.USAGE, ESCAPED)),
        ("decode, an offset and microseconds", lambda: decode(InputTopic.USAGE, SLOW_TIME)),
    ):
        cost = nanoseconds(work)
        print(f"{name:36s}{cost:8.0f} ns  {cost / bare:5.1f} times bare")
    print(f"{'encode an account picture':36s}{nanoseconds(lambda: encode(PICTURE), times=2_000):8.0f} ns")


if __name__ == "__main__":
    main()
