"""Which topics a broker has."""

import asyncio
import time
from collections.abc import Collection

from schemas.errors import BrokerError
from streams.runtime import topics
from streams.runtime.settings import Settings

_PATIENCE = 2.0  # seconds until a topic that was just created is known to every broker


async def partition_counts(settings: Settings, names: Collection[str]) -> dict[str, int]:
    """Partition counts of these topics (full names). Creates none, which clients that just use a topic may do.

    Raises BrokerError when there is no broker, or when it lacks one of them.
    """
    async with topics.admin_of(settings) as admin:
        deadline = time.monotonic() + _PATIENCE
        while True:
            found = await topics.counts_of(admin)
            missing = [name for name in names if not found.get(name)]
            if not missing:
                return {name: found[name] for name in names}
            if time.monotonic() > deadline:
                told = ", ".join(repr(name) for name in missing)
                raise BrokerError(
                    f"the broker at {settings.brokers} has no topic {told}; run: slackwater topics create"
                )
            await asyncio.sleep(0.2)
