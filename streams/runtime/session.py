"""Whether the broker takes `SESSION_TIMEOUT`: asked at the start, as a client that is refused for it tries for ever.

Brokers have a least and a longest session (`group.min.session.timeout.ms`, `group.max.session.timeout.ms`), and look at
it before all else when somebody wants to join.

Only for a broker with transactions, which is a Kafka or does as one: others may take whoever comes for a member,
whatever id it says it has, as the embedded one does.
"""

import asyncio
from time import monotonic
from typing import Any, Final

from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.errors import InvalidSessionTimeoutError, KafkaError, for_code
from aiokafka.protocol.group import JoinGroupRequest

from schemas.errors import StartError
from streams.runtime.connecting import no_broker
from streams.runtime.group import PATIENCE
from streams.runtime.settings import Settings

_AGAIN_SECONDS: Final = 0.2
_NOBODY: Final = "slackwater-asks-whether-the-session-would-do"
"""An id that no member has: brokers make those up themselves. Whoever comes with it is sent away, and no group or
rebalance begins."""


async def refuse_impossible_session(settings: Settings) -> None:
    """Raises `StartError`, which names the setting, and `BrokerError`."""
    client = AIOKafkaClient(**settings.kafka(), client_id=f"{settings.app_id}-session")
    try:
        await client.bootstrap()
        refused = await _refused(client, settings)
    except (KafkaError, OSError) as error:
        raise await no_broker(settings, error) from error
    finally:
        await client.close()
    if refused:
        raise StartError(
            f"the broker does not take SLACKWATER_SESSION_TIMEOUT={settings.session_timeout / 1000:g}s; set one "
            "between its group.min.session.timeout.ms and group.max.session.timeout.ms (6 s and 30 minutes unless "
            "somebody changed them)"
        )


async def _refused(client: Any, settings: Settings) -> bool:
    group = settings.app_id
    request = JoinGroupRequest(
        group, settings.session_timeout, settings.rebalance_timeout, _NOBODY, "", "consumer", [("none", b"")]
    )
    deadline = monotonic() + PATIENCE
    while True:
        try:
            node = await client.coordinator_lookup(CoordinationType.GROUP, group)
            answer = await client.send(node, request, group=ConnectionGroup.COORDINATION)
        except KafkaError as error:  # a broker's first group waits until there is somebody to keep it
            if not error.retriable or monotonic() > deadline:
                raise
        else:
            return for_code(answer.error_code) is InvalidSessionTimeoutError
        await asyncio.sleep(_AGAIN_SECONDS)
