"""What the message about the past says, in words."""

from datetime import tzinfo

from alerting import words
from alerting.notification import CatchUp
from alerting.overview import Overview, account_line, in_all, money_at_risk


def catch_up_story(note: CatchUp) -> Overview:
    """The story of a catch-up."""
    where = words.zone(note.timezone)
    more = note.open_accounts - len(note.accounts)
    lines = [f"{number}. {account_line(each, where)}" for number, each in enumerate(note.accounts, 1)]
    if more > 0:
        lines.append(f"… and {words.count(more, 'more account')}: slackwater alerts list shows all")
    return Overview(
        title=f"🌊 Caught up: {words.count(note.opened, 'alert')} of the past",
        sentence=_sentence(note, where),
        lines=tuple(lines),
        footer=in_all("told once, instead of one by one", words.day(note.at, where), note.rerouted_from),
    )


def _sentence(note: CatchUp, where: tzinfo) -> str:
    first, last = words.day(note.first_at, where), words.day(note.last_at, where)
    span = f" of {first}" if first == last else f" from {first} to {last}"
    opened = f"{words.count(note.opened, 'alert')} opened and {note.resolved:,} {_were(note.resolved)} resolved"
    said = f"slackwater has read what happened{span}: {opened}."
    if not note.open_alerts:
        return f"{said} None of them is still open."
    risk = money_at_risk(note.at_risk_minor)
    money = f", with {risk}" if risk else ""
    on = words.count(note.open_accounts, "account")
    first_ones = "Most is at risk on these:" if risk else "The most severe come first:"
    return f"{said} {note.open_alerts:,} {_are(note.open_alerts)} still open, on {on}{money}. {first_ones}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
