"""What a label may say: each has a few values that are known beforehand."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from alerting.delivery.answers import Verdict
from alerting.notification import UndeliveredReason
from schemas.alerts import Change, Kind, Severity
from schemas.errors import Reason
from schemas.picture import Phase
from streams.detection.outcomes import ANY, Outcome
from streams.detection.reasons import ReasonClass
from streams.detection.usage_rule import Exclusion
from streams.runtime.settings import Settings
from streams.runtime.topics import input_names

REASONS: Final[Collection[str]] = {*Reason, *UndeliveredReason, *ReasonClass, "unknown"}
KNOWN: Final[Mapping[str, Collection[str]]] = {
    "reason": REASONS,
    "setting": {*Exclusion},
    "stage": {"ingest", "engagement", "notify", "deliver", "store"},
    "phase": {*Phase},
    "kind": {*Kind, ANY},
    "severity": {*Severity},
    "change": {*Change},
    "outcome": {*Outcome},
    "result": {*Verdict, "past", "succeeded", "failed"},
    "route": {"default", "console"},
    "voluntary": {"true", "false"},
    "influenceable": {"true", "false", "unknown"},
}
_SHAPES: Final = {
    "currency": re.compile(r"[A-Z]{3}"),
    "type": re.compile(r"[a-z_]+(\.[a-z_]+)?"),
    "le": re.compile(r"[\d.]+|\+Inf"),
    "version": re.compile(r"\d+\.\d+\.\d+"),
}
OF_SERIES: Final = {"__name__", "job", "instance"}
"""What Prometheus puts there by itself."""
MOST_SOURCES: Final = 11
"""All together, the default one, the eight that most accounts use, and the rest."""


def faults(series: Mapping[str, str], settings: Settings) -> list[str]:
    """What is wrong with the labels of a series; nothing, mostly."""
    topics = {*input_names(settings), settings.shuffle_topic, settings.topic("alerts"), settings.notifications_topic}
    topics.add(settings.fleet_topic)
    return [
        f"{series.get('__name__')}: {label}={value}"
        for label, value in series.items()
        if label not in OF_SERIES and not _may_be(label, value, topics, settings)
    ]


def _may_be(label: str, value: str, topics: Collection[str], settings: Settings) -> bool:
    if label == "topic":
        return value in topics
    if label == "partition":
        return value.isdigit() and int(value) < max(settings.partitions, 64)
    if label == "source":  # a producer names it: there are few, see MOST_SOURCES
        return len(value) <= 64
    if label in _SHAPES:
        return _SHAPES[label].fullmatch(value) is not None
    return value in KNOWN.get(label, ())
