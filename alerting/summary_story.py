"""What a digest says, and the summary of what is above a route's limit, in words."""

from collections.abc import Iterator, Mapping
from typing import Final

from alerting import words
from alerting.notification import Over, Summary, Why
from alerting.overview import Overview, account_line, account_name, in_all, money_at_risk
from alerting.story import kind_title

_KINDS_SHOWN = 8
_WHY: Final[Mapping[Why, tuple[str, str]]] = {
    "digest": ("🗓️ Digest", "a digest"),
    "limit": ("🌊 Many alerts at once", "told as one: the route's limit of messages an hour is reached"),
    "over": ("✅ Over by now", "told once a day: they were counted by a summary, or are of the past"),
}
"""Title and footer."""


def summary_story(note: Summary) -> Overview:
    """The story of a summary."""
    where = words.zone(note.timezone)
    title, why = _WHY[note.why]
    lines = [f"{number}. {account_line(each, where)}" for number, each in enumerate(note.accounts, 1)]
    if (more := note.open_accounts - len(note.accounts)) > 0:
        lines.append(f"… and {words.count(more, 'more account')}: slackwater alerts list shows all")
    lines += [_over(each) for each in note.over]
    if (more := note.resolved - len(note.over)) > 0:
        lines.append(f"✅ … and {words.count(more, 'more alert')} that {_is(more)} over")
    return Overview(
        title=f"{title}: {words.count(note.changed_accounts, 'account')}",
        sentence=" ".join(_sentences(note)),
        lines=tuple(lines),
        footer=in_all(why, words.day(note.at, where), note.rerouted_from),
    )


def _sentences(note: Summary) -> Iterator[str]:
    where = words.zone(note.timezone)
    first, last = words.day(note.first_at, where), words.day(note.last_at, where)
    if note.why == "over":
        when = f"On {first}" if first == last else f"From {first} to {last}"
        over = f"{words.count(note.resolved, 'alert')} {_was(note.resolved)} resolved"
        yield f"{when}: {over} that no message had named."
        return
    said = [f"{words.count(note.new, 'alert')} opened"]
    said += [f"{note.worse:,} got worse"] if note.worse else []
    said += [f"{note.acknowledged:,} {_was(note.acknowledged)} acknowledged or snoozed"] if note.acknowledged else []
    said += [f"{note.resolved:,} {_was(note.resolved)} resolved"] if note.resolved else []
    yield f"{f'On {first}' if first == last else f'From {first} to {last}'}: {', '.join(said)}."
    if note.went:
        yield f"{note.went:,} more came and went."
    if note.still_open:
        yield f"{words.count(note.still_open, 'alert')} of before {_is(note.still_open)} still open."
    if len(note.kinds) > 1:
        counts = [f"{kind_title(kind).lower()} {count:,}" for kind, count in list(note.kinds.items())[:_KINDS_SHOWN]]
        yield f"By kind: {', '.join(counts)}{', …' if len(note.kinds) > _KINDS_SHOWN else ''}."
    if note.open_accounts:
        risk = money_at_risk(note.at_risk_minor)
        on = words.count(note.open_accounts, "account")
        yield f"What is new is on {on}, with {risk}:" if risk else f"What is new is on {on}, the most severe first:"


def _over(each: Over) -> str:
    name = account_name(each.account_id, each.account_name)
    kind = kind_title(each.kind).lower()
    return f"⚫ {name} is lost ({kind})" if each.lost else f"✅ {name}: {kind} is over"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
