"""How high an account's channels stand at the end, beside what an alert takes."""

from typing import NamedTuple

from alerting.words import number
from streams.detection.rules import Rules
from streams.detection.state import Account


class Channel(NamedTuple):
    """One channel: its score, and the score at which a warning opens."""

    name: str
    score: float
    needed: float


class Standing(NamedTuple):
    """The channel that is nearest to an alert."""

    highest: Channel
    missed: float
    """Events that are missing ..."""
    fewest: float
    """... and how many have to be, for any alert."""


def channels(account: Account, rules: Rules) -> list[Channel]:
    """The three channels of an account that has been active."""
    fleet = rules.fleet(account.closed)
    habit = account.habit
    levels = rules.thresholds.of(habit.rate(fleet))
    return [
        Channel("silence", habit.silence(fleet), levels.silence[1]),
        Channel("days without activity", habit.clock_days, levels.clock[1]),
        Channel("drop of the rate", habit.evidence, levels.drop[1]),
    ]


def standing_of(account: Account, rules: Rules) -> Standing:
    """How near an account that has been active is to an alert."""
    highest = max(channels(account, rules), key=lambda each: each.score / each.needed)
    missed = account.habit.rate(rules.fleet(account.closed)) * account.habit.clock_days
    return Standing(highest, missed, rules.config.expected_events)


def in_words(standing: Standing) -> str:
    """Which channel is nearest to an alert, and how near; a sentence or two."""
    (name, score, needed), missed, fewest = standing
    text = f"The highest channel, {name}, stood at {number(score)} of the {number(needed)} that an alert takes."
    if score >= needed and missed < fewest:
        text += f" Only {number(missed)} events were missing; it takes {number(fewest)}."
    return text
