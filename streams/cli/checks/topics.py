"""The topics as the broker has them, against what the engine needs of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alerting.words import DAY, count, span
from streams.cli.checks.finding import Finding, Findings
from streams.runtime import topics
from streams.runtime.settings import Settings
from streams.runtime.topics import TopicPlan

_SAY: Final = Findings("topics")
_WEEKEND: Final = 3 * DAY
"""An input topic that keeps less is emptied while nobody looks."""
_FOR_EVER: Final = -1


@dataclass(frozen=True, slots=True)
class Described:
    """A topic as it is. `replicas`: of the partition that has fewest; `in_sync`: likewise. `leaderless`: partitions
    that nobody can use now. `configs`: empty where this user may not see them."""

    partitions: int
    replicas: int
    in_sync: int
    leaderless: tuple[int, ...]
    configs: Mapping[str, str]

    def number(self, name: str) -> int | None:
        """A configuration that is a number."""
        text = self.configs.get(name, "")
        return int(text) if text.lstrip("-").isdigit() else None


async def look(settings: Settings) -> list[Finding]:
    """What is wrong with each topic, and what is as it has to be. Raises `BrokerError`."""
    problems = await topics.verify(settings)
    found = [_SAY.failure(each.text, each.remedy, each.topic) for each in problems]
    plans = topics.plan(settings)
    brokers, described = await _described(settings, [each.name for each in plans])
    for plan in plans:
        if plan.name in described:
            found += _of_one(plan, described[plan.name])
    found += _replication(brokers, described)
    if described and not any(each.configs for each in described.values()):
        text = "policy, retention and sizes were not looked at: the broker does not tell this user"
        found.append(_SAY.warning(text, "allow it DescribeConfigs of these topics"))
    return found + list(_fine(settings, plans, described, {each.subject for each in found}))


async def _described(settings: Settings, names: list[str]) -> tuple[int, dict[str, Described]]:
    async with topics.admin_of(settings) as admin:
        brokers = len((await admin.describe_cluster())["brokers"])
        there = [each for each in await admin.describe_topics() if each["topic"] in names]
        configs = await topics.configs_of(admin, [each["topic"] for each in there])
    return brokers, {each["topic"]: _described_one(each, configs.get(each["topic"], {})) for each in there}


def _described_one(topic: Mapping[str, Any], configs: Mapping[str, str]) -> Described:
    partitions = topic["partitions"]
    return Described(
        partitions=len(partitions),
        replicas=min((len(each["replicas"]) for each in partitions), default=0),
        in_sync=min((len(each["isr"]) for each in partitions), default=0),
        leaderless=tuple(sorted(each["partition"] for each in partitions if each["leader"] < 0)),
        configs=configs,
    )


def _of_one(plan: TopicPlan, topic: Described) -> Iterator[Finding]:
    if topic.leaderless:
        which = ", ".join(map(str, topic.leaderless[:10]))
        text = f"nobody leads partition {which}: it can be neither read nor written"
        yield _SAY.failure(text, "bring the brokers back that have it", plan.name, leaderless=list(topic.leaderless))
    needed = topic.number("min.insync.replicas")
    if needed is not None and not topic.leaderless and topic.in_sync < needed:
        yield _SAY.failure(
            f"{topic.in_sync} of {topic.replicas} replicas are in sync, and min.insync.replicas is {needed}: nothing "
            "can be written to it now",
            "bring the other brokers back" if needed <= topic.replicas else "lower min.insync.replicas",
            plan.name,
        )
    elif needed is not None and 1 < topic.replicas == needed and plan.role != "input":
        text = f"min.insync.replicas is {needed}, as many as there are: one broker that is down stops all writing"
        yield _SAY.warning(text, f"set min.insync.replicas={needed - 1} for it", plan.name)
    yield from _input_kept(plan, topic) if plan.role == "input" else _own_kept(plan, topic)


def _input_kept(plan: TopicPlan, topic: Described) -> Iterator[Finding]:
    kept = _kept(topic)
    if kept is None or topic.configs.get("cleanup.policy") == "compact":
        return
    if plan.configs["cleanup.policy"] == "compact" and "compact" not in topic.configs.get("cleanup.policy", "compact"):
        text = f"keeps updates for {span(kept)} only: after a reset, names, owners and aliases of before are not known"
        yield _SAY.warning(text, "use cleanup.policy=compact for it, with the account's id as the key", plan.name)
    elif kept < _WEEKEND:
        text = f"keeps records for {span(kept)} only: workers that stand still for longer lose events"
        yield _SAY.warning(text, f"set retention.ms={7 * DAY} for it, or more", plan.name, retention_ms=kept)


def _own_kept(plan: TopicPlan, topic: Described) -> Iterator[Finding]:
    """Of a topic that `topics create` makes, against what it would be then."""
    asked, kept = int(plan.configs.get("retention.ms", _FOR_EVER)), _kept(topic)
    if kept is not None and plan.configs["cleanup.policy"] == "delete":
        if asked == _FOR_EVER:
            text = f"keeps records for {span(kept)} only, and all of it has to be there for every worker that starts"
            yield _SAY.failure(text, "set retention.ms=-1 for it", plan.name, retention_ms=kept)
        elif kept < asked:
            lost = "what no worker has done by then is lost" if plan.role == "internal" else "readers find no more"
            text = f"keeps records for {span(kept)} only, and is made to keep {span(asked)}: {lost}"
            yield _SAY.warning(text, f"set retention.ms={asked} for it", plan.name, retention_ms=kept)
    if asked == _FOR_EVER and plan.configs["cleanup.policy"] == "delete":
        size = topic.number("retention.bytes")
        if size is not None and size != _FOR_EVER:
            text = f"keeps {size:,} bytes only, and all of it has to be there for every worker that starts"
            yield _SAY.failure(text, "set retention.bytes=-1 for it", plan.name)
    largest, wanted = topic.number("max.message.bytes"), plan.configs.get("max.message.bytes")
    if wanted is not None and largest is not None and largest < int(wanted):
        text = f"takes records of {largest:,} bytes at most: one that is larger stops its task"
        yield _SAY.warning(text, f"set max.message.bytes={wanted} for it", plan.name)
    stamped = topic.configs.get("message.timestamp.type")
    if stamped == "CreateTime":
        text = "takes its times from workers: the broker refuses what one writes whose clock is wrong"
        yield _SAY.warning(text, "set message.timestamp.type=LogAppendTime for it", plan.name)


def _kept(topic: Described) -> int | None:
    """For how long records are kept; None: for ever, or not known."""
    kept = topic.number("retention.ms")
    return None if kept is None or kept == _FOR_EVER else kept


def _replication(brokers: int, described: Mapping[str, Described]) -> Iterator[Finding]:
    single = sorted(name for name, topic in described.items() if topic.replicas == 1)
    if brokers > 1 and single:
        text = f"{count(len(single), 'topic')} of {len(described)} are kept by one broker alone: {', '.join(single)}"
        yield _SAY.warning(text, "give them three replicas, so that the loss of a broker loses nothing", topics=single)


def _fine(
    settings: Settings, plans: list[TopicPlan], described: Mapping[str, Described], at_fault: set[str]
) -> Iterator[Finding]:
    inputs = topics.input_names(settings)
    for name in inputs:
        if name in described and name not in at_fault:
            topic = described[name]
            kept = _kept(topic)
            policy = topic.configs.get("cleanup.policy", "")
            how = "compacted" if policy == "compact" else "" if kept is None else f"kept for {span(kept)}"
            text = ", ".join(filter(None, (count(topic.partitions, "partition"), how)))
            yield _SAY.ok(text, name, partitions=topic.partitions, replicas=topic.replicas)
    own = [each.name for each in plans if each.role != "input"]
    fine = [name for name in own if name in described and name not in at_fault]
    if fine:
        yield _SAY.ok(f"{len(fine)} of slackwater's own are as they have to be", topics=fine)
    absent = [name for name in own if name not in described]
    if absent:
        yield _SAY.ok(f"{len(absent)} of slackwater's own are not there yet: a worker makes them", topics=absent)
