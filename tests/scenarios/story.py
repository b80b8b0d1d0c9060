"""Stories about accounts on a virtual clock, told in days.

    story = Story()
    story.daily_use("acme", users=5, days=90).then_silence(days=12).expect("usage_silence", opened_between=(92, 96))

A story is told once and can be run anywhere: `story.events()` are native events in the order of their time, to be fed
to the pure engine (`tests.scenarios.pure`) or sent through a broker; `story.check(transitions)` says whether what came
out is what was expected. Day 0 is the story's first day; a chapter's clock stands at the beginning of a day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Self

from schemas.alerts import Transition
from schemas.events import InputTopic
from schemas.instants import format_instant, parse_instant
from tests.scenarios.expecting import Expectation, Expecting

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a story."""

    at: int
    topic: InputTopic
    value: dict[str, Any]


@dataclass(slots=True)
class Story:
    """Accounts and what happens to them. The same seed tells the same story."""

    first_day: str = "2025-01-06"
    """A Monday."""
    seed: int = 1
    chapters: dict[str, Chapter] = field(default_factory=dict)
    expectations: list[tuple[str, Expectation]] = field(default_factory=list)

    @property
    def begins_at(self) -> int:
        """The first millisecond of day 0."""
        return parse_instant(f"{self.first_day}T00:00:00Z")

    @property
    def ends_at(self) -> int:
        """The end of the longest chapter, and an hour and a half more, so that its last day is judged."""
        days = max((chapter.day for chapter in self.chapters.values()), default=0)
        return self.begins_at + days * DAY_MS + HOUR_MS + HOUR_MS // 2

    def account(self, account_id: str) -> Chapter:
        """The account's chapter, from where it stands."""
        if account_id not in self.chapters:
            self.chapters[account_id] = Chapter(self, account_id, Random(f"{self.seed}/{account_id}"))
        return self.chapters[account_id]

    def daily_use(self, account_id: str, *, days: int, users: int = 5, weekends: bool = False) -> Chapter:
        """See `Chapter.daily_use`."""
        return self.account(account_id).daily_use(days=days, users=users, weekends=weekends)

    def told(self) -> list[Told]:
        """Every event with its time and topic, in the order of time; at one time in the order told."""
        events = [event for chapter in self.chapters.values() for event in chapter.events]
        return sorted(events, key=lambda event: event.at)

    def events(self) -> list[tuple[InputTopic, dict[str, Any]]]:
        """Native events in the order of their time, each with the topic it belongs to."""
        return [(event.topic, event.value) for event in self.told()]

    def check(self, transitions: Iterable[Transition]) -> None:
        """Raises `AssertionError` with everything that was not as expected, and what was instead."""
        all_of_them = list(transitions)
        wrong: list[str] = []
        for account_id, expectation in self.expectations:
            own = [transition for transition in all_of_them if transition.account_id == account_id]
            complaint = expectation(own)
            if complaint is not None:
                wrong.append(f"{account_id}: {complaint}; it had\n" + "\n".join(self.line(each) for each in own))
        if wrong:
            raise AssertionError("\n".join(wrong))

    def day_of(self, at: int) -> float:
        """A time in days of the story."""
        return (at - self.begins_at) / DAY_MS

    def line(self, transition: Transition) -> str:
        """A transition in a line, for a person."""
        return (
            f"    day {self.day_of(transition.at):7.2f} {transition.kind.value} {transition.change.value} "
            f"{transition.severity.value} {transition.state.value} rev {transition.revision}: {transition.headline}"
        )


@dataclass
class Chapter(Expecting):
    """One account's part of a story. Every method says what happens next and returns the chapter."""

    story: Story
    account_id: str
    random: Random
    day: int = 0
    """The day at whose beginning the chapter stands."""
    events: list[Told] = field(default_factory=list)
    _count: int = 0
    _facts_today: int = 0

    # Usage

    def daily_use(
        self,
        *,
        days: int,
        users: int = 5,
        weekends: bool = False,
        share: float = 1.0,
        busier: int = 1,
        exports: bool = False,
    ) -> Self:
        """Every user does one to three things, or `busier` times as many, on nine days in ten; `share` of all that
        happens. With `exports` someone exports a report once or twice."""
        for _ in range(days):
            if weekends or self._weekday() < 5:
                for user in range(users):
                    if self.random.random() < 0.9:
                        for _ in range(busier * self.random.randint(1, 3)):
                            if self.random.random() < share:
                                self.usage(hour=self.random.uniform(8, 18), user=f"user-{user}")
                for _ in range(self.random.randint(1, 2) if exports else 0):
                    self.usage(hour=self.random.uniform(8, 18), user="user-0", event="report_exported")
            self._next_day()
        return self

    def people(self, *, days: int, **shares: float) -> Self:
        """Each of these does something on so large a share of the weekdays."""
        for _ in range(days):
            if self._weekday() < 5:
                for user, share in shares.items():
                    if self.random.random() < share:
                        self.usage(hour=self.random.uniform(8, 18), user=user)
            self._next_day()
        return self

    def use_every(self, *, every: int, times: int, users: int = 1) -> Self:
        """A few events on every n-th day."""
        for _ in range(times):
            for _ in range(self.random.randint(1, 4)):
                self.usage(hour=self.random.uniform(8, 18), user=f"user-{self.random.randrange(users)}")
            for _ in range(every):
                self._next_day()
        return self

    def usage(self, *, hour: float = 12.0, user: str | None = None, **fields: Any) -> Self:
        """One usage event today."""
        at = self._at(math.floor(hour * HOUR_MS))
        value = {"event": "report_viewed", "occurred_at": format_instant(at)} | fields
        if user is not None:
            value["user_id"] = user
        return self._tell(at, InputTopic.USAGE, "event_id", value)

    def then_silence(self, *, days: int) -> Self:
        """Nothing, for some days."""
        for _ in range(days):
            self._next_day()
        return self

    waits = then_silence

    # Billing

    def bills(self, type_: str, **fields: Any) -> Self:
        """Any billing event, this morning."""
        at = self._morning()
        value = {"type": type_, "occurred_at": format_instant(at)} | fields
        return self._tell(at, InputTopic.BILLING, "event_id", value)

    def subscribes(self, *, plan: str = "team", mrr_minor: int = 49_000, period_days: int = 30, **fields: Any) -> Self:
        """A subscription starts."""
        terms = self._terms(plan, mrr_minor, period_days)
        return self.bills("subscription.started", **(terms | fields))

    def renews(self, *, plan: str = "team", mrr_minor: int = 49_000, period_days: int = 30, **fields: Any) -> Self:
        """A new period begins."""
        terms = self._terms(plan, mrr_minor, period_days)
        return self.bills("subscription.renewed", **(terms | fields))

    def cancels(self, *, in_days: int, **fields: Any) -> Self:
        """A cancellation is scheduled."""
        return self.bills("subscription.cancel_scheduled", effective_at=self._in(in_days), **fields)

    def payment_fails(
        self, invoice: str = "in-1", *, attempt: int = 1, next_in_days: int | None = 3, **fields: Any
    ) -> Self:
        """An attempt to charge fails."""
        money = {"invoice_id": invoice, "amount_minor": 49_000, "currency": "EUR", "attempt": attempt}
        if next_in_days is not None:
            money["next_attempt_at"] = self._in(next_in_days)
        return self.bills("payment.failed", **(money | fields))

    def pays(self, invoice: str = "in-1") -> Self:
        """An invoice is paid."""
        return self.bills("payment.succeeded", invoice_id=invoice, amount_minor=49_000, currency="EUR")

    def has_card(self, card: str = "card-1", *, month: int, year: int) -> Self:
        """The default card is this one."""
        return self.bills(
            "payment_method.updated",
            payment_method_id=card,
            kind="card",
            exp_month=month,
            exp_year=year,
            default=True,
        )

    # Feedback

    def says(self, type_: str, **fields: Any) -> Self:
        """Any feedback event, this morning."""
        at = self._morning()
        value = {"type": type_, "occurred_at": format_instant(at)} | fields
        return self._tell(at, InputTopic.FEEDBACK, "event_id", value)

    def scores(self, scale: str, score: int, *, user: str = "user-0") -> Self:
        """Somebody gives a score: `nps` or `csat`."""
        return self.says(scale, score=score, user_id=user)

    def ticket(self, status: str, ticket: str = "t-1", **fields: Any) -> Self:
        """A support ticket is new or changed."""
        return self.says("ticket", ticket_id=ticket, status=status, **fields)

    # People

    def is_described(self, **fields: Any) -> Self:
        """An account update."""
        at = self._morning()
        self.events.append(
            Told(
                at,
                InputTopic.ACCOUNTS,
                {"account_id": self.account_id, "updated_at": format_instant(at)} | fields,
            )
        )
        return self

    def commands(self, command: str, kind: str = "*", **fields: Any) -> Self:
        """Somebody gives a command."""
        at = self._morning()
        value = {"command": command, "kind": kind, "by": "ana", "at": format_instant(at)} | fields
        return self._tell(at, InputTopic.COMMANDS, "command_id", value)

    def snoozes(self, kind: str, *, days: int) -> Self:
        """Quiet for some days."""
        return self.commands("snooze", kind, until=self._in(days))

    def demand(self, expectation: Expectation) -> None:
        """See `Expecting`."""
        self.story.expectations.append((self.account_id, expectation))

    def day_of(self, at: int) -> float:
        """See `Expecting`."""
        return self.story.day_of(at)

    def _terms(self, plan: str, mrr_minor: int, period_days: int) -> dict[str, Any]:
        end = self._in(period_days)
        return {"plan": plan, "mrr_minor": mrr_minor, "currency": "EUR", "current_period_end": end}

    def _weekday(self) -> int:
        return (self.story.begins_at // DAY_MS + self.day + 3) % 7

    def _next_day(self) -> None:
        self.day += 1
        self._facts_today = 0

    def _at(self, ms: int) -> int:
        return self.story.begins_at + self.day * DAY_MS + ms

    def _in(self, days: int) -> str:
        return format_instant(self._at(days * DAY_MS))

    def day_from_now(self, days: int) -> str:
        """The beginning of a day to come."""
        return self._in(days)

    def _morning(self) -> int:
        """Seven o'clock, and a minute later for everything else that morning."""
        self._facts_today += 1
        return self._at(7 * HOUR_MS + self._facts_today * MINUTE_MS)

    def _tell(self, at: int, topic: InputTopic, id_field: str, value: dict[str, Any]) -> Self:
        self._count += 1
        value = {"account_id": self.account_id, id_field: f"{self.account_id}-{self._count}"} | value
        self.events.append(Told(at, topic, value))
        return self
