"""What a story may expect of an account: said in its chapter, checked against the transitions in the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Self

from schemas.alerts import Change, Kind, Severity, Transition

Span = tuple[int, int]
"""First and last day, both included."""
Expectation = Callable[[list[Transition]], str | None]
"""Looks at an account's transitions, in order; returns what is wrong with them, or None."""


class Expecting(ABC):
    """The part of a chapter that expects. Every method returns the chapter."""

    @abstractmethod
    def demand(self, expectation: Expectation) -> None:
        """Have it checked when the story has been run."""

    @abstractmethod
    def day_of(self, at: int) -> float:
        """A time in days of the story."""

    def expect(
        self,
        kind: str,
        *,
        opened_between: Span | None = None,
        warned_between: Span | None = None,
        critical_between: Span | None = None,
        resolved_between: Span | None = None,
        resolution: str | None = None,
        since_between: Span | None = None,
    ) -> Self:
        """The first alert of this kind opens, reaches a severity, is resolved within these days."""
        wanted = Kind(kind)
        spans: list[tuple[str, Span | None, Callable[[Transition], bool]]] = [
            ("opened", opened_between, lambda each: each.change is Change.OPENED),
            ("at warning", warned_between, lambda each: each.severity.rank >= Severity.WARNING.rank),
            ("critical", critical_between, lambda each: each.severity is Severity.CRITICAL),
            ("resolved", resolved_between, lambda each: each.change is Change.RESOLVED),
        ]
        for what, span, is_it in spans:
            if span is not None:
                self._expect(wanted, partial(self._when, what=what, span=span, is_it=is_it))
        if resolution is not None:
            self._expect(wanted, partial(self._how, resolution=resolution))
        if since_between is not None:
            self._expect(
                wanted, partial(self._when, what="opened", span=since_between, is_it=lambda _: True, since=True)
            )
        return self

    def _expect(self, kind: Kind, complaint: Callable[[list[Transition]], str | None]) -> None:
        def expectation(transitions: list[Transition]) -> str | None:
            found = complaint([each for each in transitions if each.kind is kind])
            return f"{kind.value} {found}" if found is not None else None

        self.demand(expectation)

    def _when(
        self,
        own: list[Transition],
        what: str,
        span: Span,
        is_it: Callable[[Transition], bool],
        *,
        since: bool = False,
    ) -> str | None:
        found = next((each for each in own if is_it(each)), None)
        if found is None:
            return f"was never {what}"
        at = found.since if since else found.at
        if self._within(at, span):
            return None
        return f"{'is said to be since' if since else f'was {what} on'} day {self.day_of(at):.2f}, not in {span}"

    def _how(self, own: list[Transition], resolution: str) -> str | None:
        had = [each.resolution for each in own if each.change is Change.RESOLVED]
        return None if had[:1] == [resolution] else f"was resolved as {had}, not {resolution}"

    def expect_changes(self, kind: str, *changes: str) -> Self:
        """Exactly these changes of this kind, in this order."""

        def expectation(transitions: list[Transition]) -> str | None:
            had = [each.change.value for each in transitions if each.kind == kind]
            return None if had == list(changes) else f"{kind} went {had}, not {list(changes)}"

        self.demand(expectation)
        return self

    def expect_reason(self, kind: str, code: str) -> Self:
        """The first alert of this kind opens for this reason, among others."""

        def expectation(transitions: list[Transition]) -> str | None:
            found = next((each for each in transitions if each.kind == kind), None)
            codes = [reason.code for reason in found.reasons] if found is not None else []
            return None if code in codes else f"{kind} was opened for {codes}, not for {code}"

        self.demand(expectation)
        return self

    def expect_ids(self, kind: str, count: int) -> Self:
        """So many different alerts of this kind, each with revisions 1, 2, 3 and so on."""

        def expectation(transitions: list[Transition]) -> str | None:
            revisions: dict[str, list[int]] = {}
            for each in transitions:
                if each.kind == kind:
                    revisions.setdefault(each.alert_id, []).append(each.revision)
            if any(had != list(range(1, len(had) + 1)) for had in revisions.values()):
                return f"{kind} has revisions {list(revisions.values())}"
            return None if len(revisions) == count else f"there were {len(revisions)} alerts of {kind}, not {count}"

        self.demand(expectation)
        return self

    def expect_no(self, *kinds: str, severity: str = "watch") -> Self:
        """No alert of these kinds (none given: of any) at that severity or above."""
        least = Severity(severity).rank

        def expectation(transitions: list[Transition]) -> str | None:
            bad = [each for each in transitions if each.severity.rank >= least and (not kinds or each.kind in kinds)]
            return f"there was {bad[0].kind.value} at {bad[0].severity.value}" if bad else None

        self.demand(expectation)
        return self

    def _within(self, at: int, span: Span) -> bool:
        return span[0] <= self.day_of(at) < span[1] + 1
