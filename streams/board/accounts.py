"""All accounts as the board holds them: of each what the list and the score need, and its picture, packed."""

import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from sys import intern
from typing import Final, NamedTuple

from pydantic import ValidationError

from alerting.markup import clean
from schemas.alerts import Kind, Severity
from schemas.picture import AccountPicture, ActionCount, Loss, OutcomeCount, Phase

_NAME: Final = 256
"""Characters of a name that are kept for the list; the picture has all."""
_LEVEL: Final = 1
"""Of compression: a sixth of the picture's size, for a twentieth of a millisecond."""


class Paid(NamedTuple):
    """MRR in minor units, and its currency."""

    mrr_minor: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """One account's row. `packed` is the picture, as compressed JSON."""

    account_id: str
    account_name: str | None
    words: str
    """Name and id, as they are searched."""
    phase: Phase
    health: int
    priority: float
    billing: Paid
    owner: str | None
    team: str | None
    alerts: tuple[tuple[Kind, Severity], ...]
    """The open ones."""
    loss: Loss | None
    outcomes: tuple[OutcomeCount, ...]
    actions: tuple[ActionCount, ...]
    packed: bytes

    @property
    def rank(self) -> int:
        """That of its most severe open alert; -1 without one."""
        return max((severity.rank for _, severity in self.alerts), default=-1)

    def picture(self) -> AccountPicture:
        """All that is known of it."""
        return AccountPicture.model_validate_json(zlib.decompress(self.packed))


class Accounts:
    """The last picture of each account, by id. Memory is bounded by the number of accounts."""

    def __init__(self) -> None:
        self.unreadable = 0
        """Records that are no picture of an account: each was passed over."""
        self.owners: Counter[str] = Counter()
        self.teams: Counter[str] = Counter()
        """How many accounts each has."""
        self._rows: dict[str, Account] = {}
        self._at_risk: dict[str, Account] = {}
        # Most accounts have the same few open alerts, owners and sums: one object stands for all that are alike.
        self._alerts: dict[tuple[tuple[Kind, Severity], ...], tuple[tuple[Kind, Severity], ...]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def get(self, account_id: str) -> Account | None:
        """The account of this id; None: there is none."""
        return self._rows.get(account_id)

    def all(self) -> Iterable[Account]:
        """All of them, in no order to rely on."""
        return self._rows.values()

    def at_risk(self) -> Iterable[Account]:
        """Those with an open alert, be it a watch."""
        return self._at_risk.values()

    def put(self, key: bytes | None, value: bytes | None) -> None:
        """Take in a record of the health topic. One without a value takes its key's account away."""
        if not value:
            self._take_away((key or b"").decode(errors="replace"))
            return
        try:
            row = self._row(AccountPicture.model_validate_json(value), value)
        except ValidationError:
            self.unreadable += 1
            return
        self._take_away(row.account_id)
        self._rows[row.account_id] = row
        if row.alerts:
            self._at_risk[row.account_id] = row
        if row.owner:
            self.owners[row.owner] += 1
        if row.team:
            self.teams[row.team] += 1

    def _take_away(self, account_id: str) -> None:
        row = self._rows.pop(account_id, None)
        if row is None:
            return
        self._at_risk.pop(account_id, None)
        for name, names in ((row.owner, self.owners), (row.team, self.teams)):
            if name:
                names[name] -= 1
                if not names[name]:
                    del names[name]

    def _row(self, picture: AccountPicture, value: bytes) -> Account:
        alerts = tuple((alert.kind, alert.severity) for alert in picture.alerts)
        billing, name = picture.billing, _name(picture.account_name)
        return Account(
            account_id=picture.account_id,
            account_name=name,
            words=f"{name or ''}\n{picture.account_id}".casefold(),
            phase=picture.phase,
            health=picture.health,
            priority=picture.priority,
            billing=Paid(billing.mrr_minor, intern(billing.currency) if billing.currency else None),
            owner=_name(picture.owner),
            team=_name(picture.team),
            alerts=self._alerts.setdefault(alerts, alerts),
            loss=picture.loss,
            outcomes=picture.outcomes,
            actions=picture.actions,
            packed=zlib.compress(value, _LEVEL),
        )


def _name(text: str | None) -> str | None:
    return intern(clean(text[:_NAME])) if text else None


def by_risk(account: Account) -> tuple[float, int, int, str]:
    """What accounts are ordered by: most money at risk first, then the most severe alert, then the lowest health."""
    return (-account.priority, -account.rank, account.health, account.account_id)
