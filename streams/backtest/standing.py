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


def channels(account: Account, rules: Rules) -> list[Channel]:
    """The three channels of an account that has been active."""
    fleet = rules.fleet(account.closed)
    levels = rules.thresholds.of(account.drop.baseline.rate(fleet.median_rate))
    return [
        Channel("silence", account.silence.score(fleet), levels.silence[1]),
        Channel("days without activity", account.clock.days, levels.clock[1]),
        Channel("drop of the rate", account.drop.evidence, levels.drop[1]),
    ]


def highest_channel(account: Account, rules: Rules) -> str:
    """Which channel is nearest to an alert, and how near; a sentence or two."""
    name, score, needed = max(channels(account, rules), key=lambda each: each.score / each.needed)
    rate = account.drop.baseline.rate(rules.fleet(account.closed).median_rate)
    missed = rate * account.clock.days
    text = f"The highest channel, {name}, stood at {number(score)} of the {number(needed)} that an alert takes."
    if score >= needed and missed < rules.config.expected_events:
        text += f" Only {number(missed)} events were missing; it takes {number(rules.config.expected_events)}."
    elif account.due is not None and score < needed:
        text += f" Without activity it is looked at again on {rules.calendar.day_text(account.due)}."
    return text
