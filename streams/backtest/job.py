"""What is to be done, as every process of a backtest is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.events import InputTopic
from streams.backtest.identities import Identities
from streams.detection.config import DetectionConfig
from streams.detection.usage_rule import UsageRule


@dataclass(frozen=True, slots=True)
class Job:
    """One backtest. `names` are the topics' own; `out_of_order` in ms; `until` (ms) leaves out what is later."""

    config: DetectionConfig
    names: Mapping[InputTopic, str]
    out_of_order: int
    folder: Path
    """For what does not fit into memory; whoever made it removes it."""
    homes: int = 1
    """Over which the accounts are dealt: one for each process."""
    until: int | None = None
    user_key: bytes = b""
    rule: UsageRule | None = None
    """What counts as usage; None: all of it."""
    settings: Sequence[DetectionConfig] = ()
    """Of the knob, ascending: those that are followed beside the engine. See `knob.settings_beside`."""
    ids: Identities | None = None
    """Whose each id is; None: each its own."""
