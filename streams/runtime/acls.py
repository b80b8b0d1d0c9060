"""What each principal has to be allowed, and no more: the one list of it. `slackwater topics acls` prints it, a worker
holds it against what it is allowed (`rights.py`), and a test gives a real Kafka exactly this.

Read and Write bring Describe with them, and a transactional producer needs no right on the cluster
(https://kafka.apache.org/documentation/#security_authz_primitives).
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import groupby
from typing import Literal, NamedTuple

from streams.runtime import topics
from streams.runtime.settings import Settings

Resource = Literal["topic", "group", "transactional-id"]
Operation = Literal["Create", "Delete", "Describe", "DescribeConfigs", "Read", "Write"]


class Role(StrEnum):
    """Who comes to Kafka in slackwater's name, each best as a principal of its own."""

    WORKER = "worker"
    """Workers, and `check`."""
    PRODUCER = "producer"
    """Whoever writes the input topics: `produce`, `simulate`, `accounts import`, and programs of your own."""
    BOARD = "board"
    """`board`."""
    PEOPLE = "people"
    """The commands `alerts`, `score` and `dead-letters list`."""
    OPERATOR = "operator"
    """`topics create`, `dead-letters replay`, `reset` and `bootstrap`."""


class Acl(NamedTuple):
    """Something that is allowed. `prefixed`: on all names that begin so."""

    resource: Resource
    name: str
    operation: Operation
    prefixed: bool = False


def acls_of(settings: Settings, role: Role) -> list[Acl]:
    """What a role needs, each right once, those of a resource one after the other."""
    return list(_OF[role](settings))


def operations_by_topic(acls: Iterable[Acl]) -> dict[str, tuple[Operation, ...]]:
    """The rights on topics, by the topic's name."""
    found: dict[str, tuple[Operation, ...]] = {}
    for each in acls:
        if each.resource == "topic":
            found[each.name] = (*found.get(each.name, ()), each.operation)
    return found


def commands(settings: Settings, principal: str, acls: Iterable[Acl]) -> Iterator[str]:
    """The commands that give these rights, one a resource. A `principal` has its type with it: `User:slackwater`."""
    for (resource, name, prefixed), each in groupby(acls, lambda acl: (acl.resource, acl.name, acl.prefixed)):
        operations = " ".join(f"--operation {acl.operation}" for acl in each)
        yield (
            f"kafka-acls --bootstrap-server {settings.brokers} --add --allow-principal {principal} {operations} "
            f"--{resource} {name}" + (" --resource-pattern-type prefixed" if prefixed else "")
        )


def refusal(settings: Settings, acls: list[Acl]) -> str:
    """What is told of rights that are lacking, all on one resource: which, and the command that gives them."""
    resource, name, _, prefixed = acls[0]
    what = f"transactional ids that begin with {name!r}" if prefixed else f"{resource} {name!r}"
    user = settings.sasl_plain_username
    who = f"User:{user}" if user else "this user"
    (command,) = commands(settings, f"User:{user or 'NAME'}", acls)
    return f"{who} may not {' and '.join(each.operation.lower() for each in acls)} {what}; {command}"


def transactions(settings: Settings) -> Acl:
    """To write in transactions, as every task does; and to take them over from another worker."""
    return Acl("transactional-id", f"{settings.app_id}-", "Write", prefixed=True)


def _worker(settings: Settings) -> Iterator[Acl]:
    only_written = {settings.topic("health"), settings.topic("dead_letters"), settings.undelivered_topic}
    for topic in topics.plan(settings):
        name = topic.name
        if name not in only_written:
            yield Acl("topic", name, "Read")
        if topic.role != "input" or (name == settings.topic("commands") and settings.app_tokens):
            yield Acl("topic", name, "Write")
    yield Acl("group", settings.app_id, "Read")
    yield transactions(settings)


def _producer(settings: Settings) -> Iterator[Acl]:
    """A marker of the clock goes to every input topic, the commands as well."""
    for name in topics.input_names(settings):
        yield Acl("topic", name, "Write")


def _board(settings: Settings) -> Iterator[Acl]:
    yield Acl("topic", settings.topic("health"), "Read")
    yield Acl("topic", settings.topic("commands"), "Write")


def _people(settings: Settings) -> Iterator[Acl]:
    for name in ("alerts", "health", "dead_letters"):
        yield Acl("topic", settings.topic(name), "Read")
    yield Acl("topic", settings.topic("commands"), "Write")


def _operator(settings: Settings) -> Iterator[Acl]:
    emptied = {settings.topic("alerts"), settings.topic("dead_letters")}
    for topic in (*topics.plan(settings), topics.of_replays(settings)):
        for operation in ("Create", "DescribeConfigs", "Read", "Write"):
            yield Acl("topic", topic.name, operation)
        if topic.name in emptied:
            yield Acl("topic", topic.name, "Delete")
    yield Acl("group", settings.app_id, "Read")
    yield transactions(settings)


_OF = {
    Role.WORKER: _worker,
    Role.PRODUCER: _producer,
    Role.BOARD: _board,
    Role.PEOPLE: _people,
    Role.OPERATOR: _operator,
}
