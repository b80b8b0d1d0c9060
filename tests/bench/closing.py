"""What detection costs a worker: closing days, with what is learnt of the fleet by them, for every account.

In this process, so that nothing else is counted, and with no more accounts than a home partition may well have.
"""

from collections import Counter
from time import process_time
from typing import Final

from schemas.events import InputTopic
from schemas.shuffle import Usage
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from tests.bench.load import DAY_MS, START, Load
from tests.plain import Plain

_ACCOUNTS: Final = 20_000


def closing(load: Load) -> float:
    """CPU seconds for all days of a load."""
    part = load.sized(load.events * min(_ACCOUNTS, load.accounts) // load.accounts)
    used: list[Counter[str]] = [Counter() for _ in range(part.days)]
    for record in part.records():
        if record.topic is InputTopic.USAGE:
            used[(record.at - START) // DAY_MS][record.account] += 1
    plain, spent = Plain(Engine(DetectionConfig())), 0.0
    for day, counts in enumerate(used):
        noon = START + day * DAY_MS + DAY_MS // 2
        for account, count in counts.items():
            event = Usage(0, noon, account, noon, "used", None, count, "product-api", None)
            plain.engine.apply(plain.account(account), [event])
        began = process_time()
        plain.close(noon + DAY_MS)
        spent += process_time() - began
    return spent * load.accounts / part.accounts
