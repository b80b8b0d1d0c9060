"""What the message about the past says, in words."""

from dataclasses import dataclass
from datetime import tzinfo

from alerting import words
from alerting.markup import clean, cut
from alerting.notification import AtRisk, CatchUp
from alerting.story import kind_title

_NAME_LIMIT = 100


@dataclass(frozen=True, slots=True)
class CatchUpStory:
    """The parts of the message, each one clean line."""

    title: str
    sentence: str
    lines: tuple[str, ...]
    """The accounts at risk, and how many more there are."""
    footer: str


def catch_up_story(note: CatchUp) -> CatchUpStory:
    """The story of a catch-up."""
    where = words.zone(note.timezone)
    more = note.open_accounts - len(note.accounts)
    lines = [f"{number}. {_line(each, where)}" for number, each in enumerate(note.accounts, 1)]
    if more > 0:
        lines.append(f"… and {words.count(more, 'more account')}: slackwater alerts list shows all")
    return CatchUpStory(
        title=f"Caught up: {words.count(note.opened, 'alert')} of the past",
        sentence=_sentence(note, where),
        lines=tuple(lines),
        footer=" · ".join(
            part
            for part in (
                "told once, instead of one by one",
                words.day(note.at, where),
                f"meant for the route {note.rerouted_from}, which is broken" if note.rerouted_from else "",
            )
            if part
        ),
    )


def _sentence(note: CatchUp, where: tzinfo) -> str:
    first, last = words.day(note.first_at, where), words.day(note.last_at, where)
    span = f" of {first}" if first == last else f" from {first} to {last}"
    opened = f"{words.count(note.opened, 'alert')} opened and {note.resolved:,} {_were(note.resolved)} resolved"
    said = f"slackwater has read what happened{span}: {opened}."
    if not note.open_alerts:
        return f"{said} None of them is still open."
    risk = [words.money(minor, currency) for currency, minor in sorted(note.at_risk_minor.items()) if minor > 0]
    money = f", with {' and '.join(risk)} of monthly revenue at risk" if risk else ""
    on = words.count(note.open_accounts, "account")
    first_ones = "Most is at risk on these:" if risk else "The most severe come first:"
    return f"{said} {note.open_alerts:,} {_are(note.open_alerts)} still open, on {on}{money}. {first_ones}"


def _line(each: AtRisk, where: tzinfo) -> str:
    name = clean(each.account_name or "") or clean(each.account_id) or "account without a name"
    kinds = ", ".join(f"{kind_title(kind).lower()} ({severity.value})" for kind, severity in each.kinds)
    since = words.day(each.since, where)
    parts = [f"{cut(name, _NAME_LIMIT)}: {kinds}" + (f" since {since}" if since else "")]
    if each.mrr_minor is not None and each.currency is not None:
        risk = f", {words.money(round(each.priority), each.currency)} of it at risk" if each.priority >= 1 else ""
        parts.append(f"{words.money(each.mrr_minor, each.currency)} a month{risk}")
    if owner := clean(each.owner or ""):
        parts.append(f"owner {cut(owner, _NAME_LIMIT)}")
    return "; ".join(parts)


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
