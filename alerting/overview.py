"""A message about many accounts, in words, whatever the reason why they are told together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo

from alerting import words
from alerting.markup import clean, cut
from alerting.notification import AtRisk
from alerting.story import kind_title

_NAME_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Overview:
    """The parts of the message, each one clean line."""

    title: str
    sentence: str
    lines: tuple[str, ...]
    """The accounts at risk, how many more there are, and what else there is to say."""
    footer: str


def account_name(account_id: str, name: str | None) -> str:
    """What an account is called, at a length that leaves room for more."""
    return cut(clean(name or "") or clean(account_id) or "account without a name", _NAME_LIMIT)


def account_line(each: AtRisk, where: tzinfo) -> str:
    """An account at risk: its alerts, its money, its owner."""
    kinds = ", ".join(f"{kind_title(kind).lower()} ({severity.value})" for kind, severity in each.kinds)
    since = words.day(each.since, where)
    parts = [f"{account_name(each.account_id, each.account_name)}: {kinds}" + (f" since {since}" if since else "")]
    if each.mrr_minor is not None and each.currency is not None:
        risk = f", {words.money(round(each.priority), each.currency)} of it at risk" if each.priority >= 1 else ""
        parts.append(f"{words.money(each.mrr_minor, each.currency)} a month{risk}")
    if owner := clean(each.owner or ""):
        parts.append(f"owner {cut(owner, _NAME_LIMIT)}")
    return "; ".join(parts)


def money_at_risk(by_currency: Mapping[str, int]) -> str:
    """Amounts in minor units, each in its own currency: "" where there are none."""
    amounts = [words.money(minor, currency) for currency, minor in sorted(by_currency.items()) if minor > 0]
    return f"{' and '.join(amounts)} of monthly revenue at risk" if amounts else ""


def in_all(why: str, day: str, rerouted_from: str | None) -> str:
    """The footer."""
    moved = f"meant for the route {rerouted_from}, which is broken" if rerouted_from else ""
    return " · ".join(part for part in (why, day, moved) if part)
