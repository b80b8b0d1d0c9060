"""What people did about an account's alerts, what that cost, and what the alerts came to afterwards."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

_KEPT: Final = 24
_ROWS: Final = 48
NAME_LENGTH: Final = 64
OTHER: Final = "other"
_CLASSES: Final = {
    "call": "call",
    "phone": "call",
    "meeting": "call",
    "visit": "visit",
    "email": "email",
    "mail": "email",
    "message": "email",
    "training": "training",
    "session": "training",
    "onboarding": "training",
    "discount": "discount",
    "credit": "discount",
    "pause": "pause",
    "seats": "seats",
    "seat_change": "seats",
    "plan": "plan",
    "plan_change": "plan",
    "downgrade": "plan",
    "card_link": "card_link",
    "update_card_link": "card_link",
}
_OTHER_THAN_LETTERS: Final = re.compile(r"[\W_]+")


def class_of(action: str) -> str:
    """What an action's name stands for where names are bounded, as on metrics: by the name alone, nothing is guessed.

    >>> class_of("Plan change"), class_of("call"), class_of("called Jane")
    ('plan', 'call', 'other')
    """
    return _CLASSES.get(_OTHER_THAN_LETTERS.sub("_", action.casefold()).strip("_"), OTHER)


class Row(NamedTuple):
    """By what actions are added up. What is not known is empty."""

    kind: str
    """Of the alert; `outcomes.ANY` without one."""
    action: str
    result: str
    reason: str
    """The class of the account's reason for leaving."""
    outcome: str
    """What the alert came to; empty as long as it is not judged."""
    currency: str


class Sums(NamedTuple):
    """Money in minor units of the row's currency."""

    times: int = 0
    cost_minor: int = 0
    saved_minor: int = 0


class Action(NamedTuple):
    """One that is known by itself, as the outcome of its alert may still change."""

    alert_id: str
    row: Row
    cost_minor: int = 0
    saved_minor: int = 0


class Actions:
    """Of one account: the last 24, and the sums of those before them, by 48 rows at most; then what was done is no
    longer told apart."""

    __slots__ = ("last", "sums")

    def __init__(self) -> None:
        self.last: list[Action] = []
        self.sums: dict[Row, Sums] = {}

    def __bool__(self) -> bool:
        return bool(self.last or self.sums)

    def add(self, action: Action) -> None:
        """Something was done."""
        self.last.append(action)
        if len(self.last) > _KEPT:
            _, row, cost, saved = self.last.pop(0)
            if row not in self.sums and len(self.sums) >= _ROWS:
                row = row._replace(action=OTHER, result="", reason="")
            had = self.sums.get(row, Sums())
            self.sums[row] = Sums(had.times + 1, had.cost_minor + cost, had.saved_minor + saved)

    def settle(self, alert_id: str, outcome: str, saved_minor: int = 0, currency: str = "", reason: str = "") -> None:
        """The alert has come to this. The MRR that was saved is shared out evenly over what was done about it, so that
        sums over actions are sums over alerts; not to what had a cost in another currency."""
        of_alert = [number for number, each in enumerate(self.last) if each.alert_id == alert_id]
        shared = [number for number in of_alert if self.last[number].row.currency in ("", currency)]
        each_saved, left = divmod(saved_minor, max(len(shared), 1))
        for number in of_alert:
            action = self.last[number]
            saved = each_saved + (number == shared[0]) * left if number in shared else 0
            row = action.row._replace(outcome=outcome, reason=action.row.reason or reason)
            if not action.cost_minor and saved:
                row = row._replace(currency=currency)
            self.last[number] = action._replace(row=row, saved_minor=saved)

    def counted(self) -> list[tuple[Row, Sums]]:
        """All of them, in order of their names."""
        found = dict(self.sums)
        for _, row, cost, saved in self.last:
            had = found.get(row, Sums())
            found[row] = Sums(had.times + 1, had.cost_minor + cost, had.saved_minor + saved)
        return sorted(found.items())

    def digest(self) -> str:
        """How many came to what, as short text: `KIND.ACTION.OUTCOME.TIMES+...`, the actions by their class, those
        that are not judged left out."""
        found: dict[tuple[str, str, str], int] = {}
        for row, sums in self.counted():
            if row.outcome:
                key = (row.kind, class_of(row.action), row.outcome)
                found[key] = found.get(key, 0) + sums.times
        return "+".join([".".join([*key, str(times)]) for key, times in sorted(found.items())])

    def encode(self) -> list[Any]:
        """Lists of JSON values."""
        last = [[alert_id, *row, cost, saved] for alert_id, row, cost, saved in self.last]
        return [last, [[*row, *sums] for row, sums in self.sums.items()]]

    @classmethod
    def decode(cls, values: list[Any]) -> "Actions":
        """The inverse of `encode`."""
        actions = cls()
        last, sums = values
        actions.last = [Action(alert_id, Row(*more[:6]), *more[6:]) for alert_id, *more in last]
        actions.sums = {Row(*each[:6]): Sums(*each[6:]) for each in sums}
        return actions


class Came(NamedTuple):
    """One row of `Actions.digest`, read."""

    kind: str
    action: str
    outcome: str
    times: int


def read_digest(text: str) -> Iterator[Came]:
    """The inverse of `Actions.digest`."""
    for row in text.split("+") if text else ():
        kind, action, outcome, times = row.split(".")
        yield Came(kind, action, outcome, int(times))
