"""What the list is asked for, as it stands in the page's address."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import urlencode

from schemas.alerts import Kind, Severity
from schemas.picture import Phase
from streams.board.accounts import Account

PAGE: Final = 50
"""Accounts on a page."""
_LONGEST: Final = 256
Named = TypeVar("Named", bound=StrEnum)


class QueryError(ValueError):
    """A part of the address has a value that is not allowed; the text says which, and what is."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which accounts to list: those that fit everything that is given. Names are compared without regard to case."""

    text: str = ""
    """Part of the name or of the id."""
    team: str = ""
    owner: str = ""
    kind: Kind | None = None
    """An alert of this kind is open ..."""
    severity: Severity | None = None
    """... of this severity or a higher one."""
    phase: Phase | None = None
    everyone: bool = False
    """Those without an open alert, too."""
    page: int = 1

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Query":
        """From the address's parameters; those that are empty or unknown say nothing. Raises QueryError.

        >>> Query.read({"kind": "usage_drop", "q": " Acme "}).text
        'Acme'
        """
        given = {key: value.strip() for key, value in given.items()}
        for key in ("q", "team", "owner"):
            if len(given.get(key, "")) > _LONGEST:
                raise QueryError(f"{key}: has {len(given[key]):,} characters; at most {_LONGEST} are allowed")
        page = given.get("page") or "1"
        if not (page.isascii() and page.isdigit() and int(page[:9]) >= 1 and len(page) < 8):
            raise QueryError("page: should be a number from 1 on")
        if given.get("show") not in (None, "", "risk", "all"):
            raise QueryError("show: should be risk or all")
        return cls(
            text=given.get("q", ""),
            team=given.get("team", ""),
            owner=given.get("owner", ""),
            kind=_one_of(Kind, "kind", given.get("kind")),
            severity=_one_of(Severity, "severity", given.get("severity")),
            phase=_one_of(Phase, "phase", given.get("phase")),
            everyone=given.get("show") == "all",
            page=int(page),
        )

    def address(self, page: int | None = None) -> str:
        """The parameters that ask for the same, or for another page of it."""
        asked = self if page is None else replace(self, page=page)
        given = {
            "q": asked.text,
            "team": asked.team,
            "owner": asked.owner,
            "kind": asked.kind or "",
            "severity": asked.severity or "",
            "phase": asked.phase or "",
            "show": "all" if asked.everyone else "",
            "page": str(asked.page) if asked.page > 1 else "",
        }
        return urlencode({key: value for key, value in given.items() if value})

    def select(self, accounts: Iterable[Account]) -> list[Account]:
        """Those that fit, in no order; whoever asks for those at risk alone gives these."""
        text, team, owner = self.text.casefold(), self.team.casefold(), self.owner.casefold()
        return [
            each
            for each in accounts
            if (not text or text in each.words)
            and (not team or (each.team or "").casefold() == team)
            and (not owner or (each.owner or "").casefold() == owner)
            and (self.phase is None or each.phase is self.phase)
            and self._has_alert(each)
        ]

    def _has_alert(self, account: Account) -> bool:
        if self.kind is None and self.severity is None:
            return True
        least = self.severity.rank if self.severity is not None else 0
        return any(self.kind in (None, kind) and severity.rank >= least for kind, severity in account.alerts)


def _one_of(names: type[Named], key: str, value: str | None) -> Named | None:
    if not value:
        return None
    try:
        return names(value)
    except ValueError:
        raise QueryError(f"{key}: there is no {value[:_LONGEST]!r}; there are {', '.join(names)}") from None
