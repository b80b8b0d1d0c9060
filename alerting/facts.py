"""The numbers that convince: label and value, by kind, out of a transition's evidence.

Evidence is written by the signals. What is absent, or is not of the sort expected, is left out: a message with a number
less is better than none.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import tzinfo

from alerting import words
from alerting.notification import Notification
from schemas.alerts import Kind, Transition


@dataclass(frozen=True, slots=True)
class Fact:
    """One number with its name. Made of our own words, numbers, dates and currency codes: nothing others wrote."""

    label: str
    value: str


_CURRENCY = re.compile("[A-Z]{3}").fullmatch
_LARGEST = 10**15
"""No figure of an account is larger; what is would only fill the message with digits."""
_UNITS = {
    Kind.KEY_ACTION_STOPPED: "core action",
    Kind.BREADTH_DECLINE: "active user",
    Kind.CHAMPION_GONE: "active user",
}
"""What is counted, where that is not events."""


def facts(notification: Notification, where: tzinfo) -> tuple[Fact, ...]:
    """What is known of observed, expected and since, of the dates and money of a billing kind, and of the account."""
    transition = notification.transition
    found = [
        *_measured(transition),
        *_since(transition, where),
        *_billed(transition, where),
        *_sureness(transition),
        *_account(transition, where),
    ]
    return tuple(Fact(label, value) for label, value in found if value)


def _measured(transition: Transition) -> Iterator[tuple[str, str]]:
    unit = _UNITS.get(transition.kind, "event")
    observed, expected = _number(transition, "observed"), _number(transition, "expected")
    days = _number(transition, "window_days")
    if observed is not None:
        window = f" in {words.count(round(days), 'day')}" if days else ""
        if transition.kind is Kind.BREADTH_DECLINE:
            window = " a week"
        yield "Observed", f"{words.number(observed)} {unit}{'' if observed == 1 else 's'}{window}"
    if expected is not None:
        yield "Expected", f"about {words.number(expected)}"


def _billed(transition: Transition, where: tzinfo) -> Iterator[tuple[str, str]]:
    def date(at: float) -> str:
        return words.day(at, where)

    def last_date(at: float) -> str:
        return words.day(at - 1, where)  # the evidence holds the first moment after it

    shown: tuple[tuple[str, str, Callable[[float], str]], ...] = (
        ("attempt", "Attempt", words.number),
        ("amount_minor", "Amount", lambda minor: _amount(transition, minor)),
        ("next_attempt_at", "Next attempt", date),
        ("invoices", "Unpaid invoices", lambda count: words.number(count) if count > 1 else ""),
        ("card_end", "Card ends", last_date),
        ("next_charge_at", "Next charge", date),
        ("cancel_at", "Ends", date),
        ("resumes_at", "Pause ends", date),
        ("seats_before", "Seats before", words.number),
        ("seats", "Seats", words.number),
        ("used", "Seats used", words.number),
        ("mrr_before_minor", "Before", lambda minor: _monthly(transition, minor)),
        ("mrr_less_minor", "Less", lambda minor: _monthly(transition, minor)),
        ("days_left", "Days left", words.number),
    )
    for key, label, say in shown:
        if (value := _number(transition, key)) is not None:
            yield label, say(value)


def _amount(transition: Transition, minor: float) -> str:
    # The invoice's currency need not be the account's: it stands with the reason that has the same amount.
    invoices = [reason.values for reason in transition.reasons if reason.values.get("amount_minor") == minor]
    named = (values.get("currency") for values in invoices)
    currency = next((name for name in named if isinstance(name, str) and _CURRENCY(name)), transition.currency)
    return words.money(int(minor), currency) if currency and minor >= 0 else ""


def _monthly(transition: Transition, minor: float) -> str:
    # Nor need it be that of what went down, of which the last step stands first.
    named = (reason.values.get("currency") for reason in transition.reasons[:1])
    currency = next((name for name in named if isinstance(name, str) and _CURRENCY(name)), transition.currency)
    return f"{words.money(int(minor), currency)} a month" if currency and minor >= 0 else ""


def _since(transition: Transition, where: tzinfo) -> Iterator[tuple[str, str]]:
    ago = transition.at - transition.since
    yield "Since", words.day(transition.since, where) + (f" ({words.span(ago)})" if ago >= words.DAY else "")


def _sureness(transition: Transition) -> Iterator[tuple[str, str]]:
    rate = _number(transition, "false_alarms_per_account_year")
    if rate is not None and 1e-9 <= rate <= 1:
        yield "False alarms like this", f"one in {words.number(float(f'{1 / rate:.1g}'))} account-years"


def _account(transition: Transition, where: tzinfo) -> Iterator[tuple[str, str]]:
    if transition.mrr_minor is not None and transition.currency is not None:
        yield "MRR", f"{words.money(transition.mrr_minor, transition.currency)} a month"
    if transition.renewal_at is not None:
        ahead = transition.renewal_at - transition.at
        if ahead > -words.DAY:  # one that is past has happened, and the next one is not known
            left = f" (in {words.span(ahead)})" if ahead > 0 else ""
            yield "Renewal", words.day(transition.renewal_at, where) + left
    yield "Health", f"{transition.health} of 100"


def _number(transition: Transition, key: str) -> int | float | None:
    value: object = transition.evidence.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not -_LARGEST <= value <= _LARGEST:
        return None
    return value
