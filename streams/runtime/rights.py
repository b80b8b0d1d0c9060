"""Whether this user may do what a worker does (`acls.py`): asked at the start, so that a missing ACL is told there and
by its name, and not by a task that fails.

Brokers say with a topic's metadata which operations the asking user is allowed
(https://cwiki.apache.org/confluence/display/KAFKA/KIP-430). One without ACLs allows all, an older one does not say.
"""

from collections.abc import Iterator
from typing import Any, Final

from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, for_code
from aiokafka.protocol.group import HeartbeatRequest

from schemas.errors import StartError
from streams.runtime.acls import Acl, Operation, Role, acls_of, operations_by_topic, refusal
from streams.runtime.connecting import no_broker
from streams.runtime.settings import Settings
from streams.runtime.topic_ids import TopicsRequest

_OPERATIONS: Final = {"Read": 3, "Write": 4}
"""Their bits."""
_NOT_SAID: Final = -(1 << 31)
_REFUSED: Final = 29
"""The error code of a topic that this user may not even see."""


async def refuse_without_rights(settings: Settings) -> None:
    """Raises `StartError`, which names what is lacking and the commands that give it; and `BrokerError`. Transactional
    ids are asked for by `has_transactions`."""
    client = AIOKafkaClient(**settings.kafka(), client_id=f"{settings.app_id}-rights")
    wanted = operations_by_topic(acls_of(settings, Role.WORKER))
    try:
        await client.bootstrap()
        response = await client.send(client.get_random_node(), TopicsRequest(sorted(wanted), operations=True))
        lacking = [*_lacking(wanted, response.to_object()["topics"]), *await _group(client, settings)]
    except (KafkaError, OSError) as error:
        raise await no_broker(settings, error) from error
    finally:
        await client.close()
    if lacking:
        raise StartError("\n".join(refusal(settings, acls) for acls in lacking))


def _lacking(wanted: dict[str, tuple[Operation, ...]], found: list[dict[str, Any]]) -> Iterator[list[Acl]]:
    for each in found:
        name, allowed = each["topic"], each.get("topic_authorized_operations", _NOT_SAID)
        if each["error_code"] == _REFUSED:
            allowed = 0
        elif each["error_code"] or allowed == _NOT_SAID:
            continue
        missing = [operation for operation in wanted[name] if not allowed >> _OPERATIONS[operation] & 1]
        if missing:
            yield [Acl("topic", name, operation) for operation in missing]


async def _group(client: Any, settings: Settings) -> list[list[Acl]]:
    """A heartbeat of nobody: it changes nothing, and needs the right to read as a member."""
    group = settings.app_id
    try:
        node = await client.coordinator_lookup(CoordinationType.GROUP, group)
        answer = await client.send(node, HeartbeatRequest(group, -1, ""), group=ConnectionGroup.COORDINATION)
        if for_code(answer.error_code) is not GroupAuthorizationFailedError:
            return []
    except GroupAuthorizationFailedError:
        pass
    except KafkaError:  # the coordinator is not there yet: whoever joins waits for it
        return []
    return [[Acl("group", group, "Read")]]
