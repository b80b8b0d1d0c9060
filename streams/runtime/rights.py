"""Whether this user may do what a worker does: asked at the start, so that a missing ACL is told there and by its name,
and not by a task that fails.

Brokers say with a topic's metadata which operations the asking user is allowed
(https://cwiki.apache.org/confluence/display/KAFKA/KIP-430). One without ACLs allows all, an older one does not say.
"""

from collections.abc import Iterator
from typing import Any, Final

from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, for_code
from aiokafka.protocol.group import HeartbeatRequest

from schemas.errors import BrokerError, StartError
from streams.runtime import topics
from streams.runtime.settings import Settings
from streams.runtime.topic_ids import TopicsRequest

_OPERATIONS: Final = {"Read": 3, "Write": 4}
"""Their bits."""
_NOT_SAID: Final = -(1 << 31)
_REFUSED: Final = 29
"""The error code of a topic that this user may not even see."""


async def refuse_without_rights(settings: Settings) -> None:
    """Raises `StartError`, which names what is lacking and the commands that give it; and `BrokerError`."""
    client = AIOKafkaClient(**settings.kafka(), client_id=f"{settings.app_id}-rights")
    try:
        await client.bootstrap()
        lacking = [*await _topics(client, settings), *await _group(client, settings)]
    except (KafkaError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise BrokerError(f"no Kafka broker can be used at {settings.brokers}: {reason}") from error
    finally:
        await client.close()
    if lacking:
        raise StartError("\n".join(lacking))


def needed(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Operations by topic."""
    only_written = {settings.topic("health"), settings.topic("dead_letters"), settings.undelivered_topic}

    def of(topic: topics.TopicPlan) -> tuple[str, ...]:
        if topic.name == settings.topic("commands") and settings.app_tokens:
            return ("Read", "Write")
        if topic.role == "input":
            return ("Read",)
        return ("Write",) if topic.name in only_written else ("Read", "Write")

    return {topic.name: of(topic) for topic in topics.plan(settings)}


async def _topics(client: Any, settings: Settings) -> list[str]:
    wanted = needed(settings)
    response = await client.send(client.get_random_node(), TopicsRequest(sorted(wanted), operations=True))
    return list(_lacking(settings, wanted, response.to_object()["topics"]))


def _lacking(settings: Settings, wanted: dict[str, tuple[str, ...]], found: list[dict[str, Any]]) -> Iterator[str]:
    for each in found:
        name, allowed = each["topic"], each.get("topic_authorized_operations", _NOT_SAID)
        if each["error_code"] == _REFUSED:
            allowed = 0
        elif each["error_code"] or allowed == _NOT_SAID:
            continue
        missing = [operation for operation in wanted[name] if not allowed >> _OPERATIONS[operation] & 1]
        if missing:
            yield _told(settings, f"topic {name!r}", missing, f"--topic {name}")


async def _group(client: Any, settings: Settings) -> list[str]:
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
    return [_told(settings, f"group {group!r}", ["Read"], f"--group {group}")]


def _told(settings: Settings, what: str, operations: list[str], resource: str) -> str:
    user = f"User:{settings.sasl_plain_username or 'NAME'}"
    options = " ".join(f"--operation {operation}" for operation in operations)
    return (
        f"{user if settings.sasl_plain_username else 'this user'} may not {' and '.join(operations).lower()} {what}; "
        f"kafka-acls --bootstrap-server {settings.brokers} --add --allow-principal {user} {options} {resource}"
    )
