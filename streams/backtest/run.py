"""The engine's way through a history."""

from collections.abc import Callable, Iterable, Mapping

from schemas.events import InputTopic
from streams.backtest.ledger import Ledger
from streams.backtest.reading import TOPICS, event_of
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import Replay
from streams.produce.ordering import Item


def run_engine(
    blocks: Iterable[list[Item]],
    config: DetectionConfig,
    ledger: Ledger,
    *,
    names: Mapping[InputTopic, str],
    out_of_order: int,
    user_key: bytes = b"",
    end: int | None = None,
    progress: Callable[[int, int], None] = lambda _events, _at: None,
) -> Replay:
    """Take all items, in order of time, and let the time go on until `end` (ms), at least beyond the last of them. The
    transitions end up in the ledger. `names` are the topics' own; `progress` is told how many events were taken, and
    the time (ms)."""
    replay = Replay(Engine(config), out_of_order=out_of_order, user_key=user_key)
    take = replay.take
    called = [names[topic] for topic in TOPICS]
    taken = 0
    for block in blocks:
        for item in block:
            topic = item[1]
            take(TOPICS[topic], called[topic], event_of(item))
        taken += len(block)
        progress(taken, block[-1][0])
        _drain(replay, ledger)
    replay.end(end)
    _drain(replay, ledger)
    return replay


def _drain(replay: Replay, ledger: Ledger) -> None:
    """Transitions are kilobytes each: a long history's would not all fit into memory."""
    transitions = replay.transitions
    if transitions:
        ledger.take(transitions)
        transitions.clear()
