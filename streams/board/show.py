"""Templates, and how values look in them. What others wrote is cleaned, cut and, by the templates, escaped."""

from collections import Counter
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from alerting import words
from alerting.facts import Fact, facts
from alerting.markup import clean, cut
from alerting.notification import Notification
from alerting.story import kind_title
from schemas.alerts import Transition
from schemas.picture import AccountPicture

NAME: Final = 80
TEXT: Final = 600
_ACCOUNT_FACTS: Final = frozenset({"MRR", "Health", "Renewal"})
"""Said once, of the account, and not with each alert."""


def environment(timezone: str) -> Environment:
    """The templates of the board; days are those of the time zone."""
    where = words.zone(timezone)
    made = Environment(
        loader=PackageLoader("streams.board"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "name": name,
        "said": said,
        "kind": kind_title,
        "day": lambda at: words.day(at, where) if at is not None else "",
        "plain": lambda value: str(value).replace("_", " "),
        "money": money,
        "sums": sums,
        "percent": lambda share: "" if share is None else f"{share:.0%}",
        "number": words.number,
        "facts": lambda alert: alert_facts(alert, timezone),
    }
    return made


def name(text: str | None, limit: int = NAME) -> str:
    """A name on one line: whatever it holds, it takes little room and changes nothing around it.

    >>> name("Acme\\u202egnp.exe <b>")
    'Acmegnp.exe <b>'
    """
    return cut(clean(text or ""), limit)


def said(text: str | None) -> str:
    """A sentence that may come from others."""
    return name(text, TEXT)


def title(picture: AccountPicture) -> str:
    """What an account is called; never empty."""
    return name(picture.account_name) or name(picture.account_id) or "account without a name"


def money(minor: float | None, currency: str | None) -> str:
    """An amount; empty where it, or its currency, is not known."""
    return words.money(int(minor), currency) if minor is not None and currency is not None else ""


def sums(amounts: Counter[str] | dict[str, int] | None) -> str:
    """Sums by currency: never added to each other."""
    return ", ".join(words.money(amount, code) for code, amount in sorted((amounts or {}).items()) if amount)


def alert_facts(alert: Transition, timezone: str) -> list[Fact]:
    """Observed, expected, since, how rare: as a message says them."""
    told = facts(Notification(route="board", timezone=timezone, transition=alert), words.zone(timezone))
    return [fact for fact in told if fact.label not in _ACCOUNT_FACTS]


def reasons(alert: Transition) -> list[str]:
    """The reasons besides the headline, each once."""
    told: dict[str, Any] = dict.fromkeys(said(reason.text) for reason in alert.reasons)
    told.pop(said(alert.headline), None)
    return [text for text in told if text]
