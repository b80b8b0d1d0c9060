"""How near an account is to an alert at the end."""

from typing import NamedTuple

from alerting.words import number
from streams.detection.calibration import DROP, SILENCE
from streams.detection.rules import Rules
from streams.detection.state import Account


class Standing(NamedTuple):
    """What is nearest to an alert."""

    name: str
    years: float
    """Account-years to a false alarm that comes as far ..."""
    needed: float
    """... and to one that is an alert."""
    missed: float
    """Events that are missing ..."""
    fewest: float
    """... and how many have to be, for any alert."""


def standing_of(account: Account, rules: Rules) -> Standing:
    """How near an account that has been active is to an alert."""
    fleet, thresholds, habit = rules.fleet(account.closed), rules.thresholds, account.habit
    rate, drop = habit.rate(fleet), habit.evidence
    by_silence = thresholds.silence_false_alarms(rate, drop, habit.silence(fleet), habit.clock_days)
    by_drop = thresholds.false_alarms(DROP, drop, rate)
    needed, needed_drop = (thresholds.alert_false_alarms(rate, channel) for channel in (SILENCE, DROP))
    missed, seldom = rate * habit.clock_days, thresholds.is_seldom(rate)
    fewest = 0.0 if seldom else rules.config.expected_events
    if not seldom and by_drop / needed_drop < by_silence / needed:
        return Standing("drop of the rate", 1.0 / by_drop, 1.0 / needed_drop, missed, fewest)
    return Standing("silence", 1.0 / by_silence, 1.0 / needed, missed, fewest)


def in_words(standing: Standing) -> str:
    """What is nearest to an alert, and how near that is; a sentence or two."""
    name, years, needed, missed, fewest = standing
    often = "more than once in an account-year" if years < 1.0 else f"once in {number(years)} account-years"
    text = f"Rarest was its {name}: one like it comes to nothing {often}; an alert takes one in {number(needed)}."
    if years >= needed and missed < fewest:
        text += f" Only {number(missed)} events were missing; it takes {number(fewest)}."
    return text
