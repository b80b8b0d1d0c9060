"""One route's queue in the outbox: which notification may go when, and what an answer does to it and to the route."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import takewhile

from alerting.delivery.answers import Answer, Failure, Verdict, judge
from alerting.notification import Undelivered, UndeliveredReason, decode_note
from alerting.outbox_rows import RouteState, Row, route_key
from alerting.policy import DeliveryPolicy
from alerting.rate import Rate
from alerting.threads import First, Threads

SET_ASIDE_AT_MOST = 2
"""Messages of a route that may be set aside while others are tried: where three fail it is the route that fails."""
EVERYTHING = ""
"""The subject of what overtakes nothing and is overtaken by nothing. No alert or account has it."""


class Lane:
    """A route's rows in the order of their sequence, and how the route does.

    `rate`: None for a route that is not configured (any more), whose rows move on. `refuge`: there is another route
    that takes this one's rows when it is broken.
    """

    def __init__(
        self, name: str, rate: Rate | None, policy: DeliveryPolicy, draw: Callable[[], float], *, refuge: bool
    ) -> None:
        self.name = name
        self.state = RouteState()
        self.rows: dict[int, Row] = {}
        self.threads = Threads(name)
        self.dirty: dict[str, Row | RouteState | First | None] = {}
        self.undelivered: list[Undelivered] = []
        self.leaving: list[Row] = []
        self._rate = rate
        self._policy = policy
        self._draw = draw
        self._refuge = refuge
        self._in_flight: int | None = None
        self._restored: set[int] = set()
        self._newest = -1

    def restore_state(self, state: RouteState) -> None:
        """Put the route's own stored row back."""
        self.state = state
        if self._rate is not None:
            self._rate.restore(state.full_at)

    def restore(self, row: Row) -> None:
        """Put a stored row back; rows come in the order of their sequence."""
        self._restored.add(row.sequence)
        self.rows[row.sequence] = row
        self._newest = row.sequence

    def add(self, sequence: int, alert_id: str, notification: bytes, now: int) -> bool:
        """Queue a notification; or pass it on at once while the route is broken. False: it was taken in before."""
        if sequence <= self._newest:
            return False
        self._newest = sequence
        row = Row(self.name, sequence, alert_id, now, notification)
        if self._rate is None:
            self._leave(row, now)
        elif self._passes_on(now):
            self.leaving.append(row)
        else:
            if self.rows:
                # A clock that was set back must not spoil the order in which rows grow old.
                row = replace(row, added_at=max(now, self.rows[next(reversed(self.rows))].added_at))
            self._put(row)
        return True

    @property
    def in_flight(self) -> bool:
        """An answer is awaited."""
        return self._in_flight is not None

    @property
    def newest(self) -> int:
        """The highest sequence taken in; -1: none is known."""
        return self._newest

    def room(self, now: int) -> frozenset[str] | None:
        """None: nothing more should be queued for now, so that it can still grow or shrink while the route is slow or
        away. Else the subjects of which nothing more should be: their messages are set aside, two at most."""
        if self._rate is None or self._passes_on(now):
            return frozenset()  # it does not stay here
        rows = self.rows.values()
        if self._in_flight is not None or len(rows) > SET_ASIDE_AT_MOST or any(row.not_before <= now for row in rows):
            return None
        subjects = frozenset(row.alert_id for row in rows)
        return None if EVERYTHING in subjects else subjects

    def next(self, now: int) -> Row | None:
        """What may be sent at `now`, counted as tried and taken from the bucket; None while an answer is awaited."""
        if self._in_flight is not None or not self.rows:
            return None
        if self._rate is None:
            for row in list(self.rows.values()):
                self._leave(row, now)
            return None
        if now < self._ready_at(self._rate):
            self._expire(now)
            return None
        row = next(row for row in self._heads() if row.not_before <= now)
        row = row.tried(now)
        self._in_flight = row.sequence
        self._put(row)
        self._set(full_at=self._rate.take(now))
        return row

    def doubtful(self, row: Row) -> bool:
        """Whether the row may have arrived before: it was tried, or was perhaps on its way when its worker ended."""
        return row.attempts > 1 or row.sequence in self._restored

    def wake_at(self) -> int | None:
        """The earliest moment at which `next` has something to do, if nothing is added or answered before."""
        if self._in_flight is not None or not self.rows:
            return None
        if self._rate is None:
            return 0
        moments = [self._ready_at(self._rate)]
        if self.state.failing_since is not None:
            moments.append(self._expires_at(next(iter(self.rows.values())), self.state.failing_since))
        return min(moments)

    def answered(self, sequence: int, answer: Answer, now: int) -> Verdict:
        """Take the answer to what `next` gave. Raises `ValueError` when none is awaited for it."""
        if self._in_flight != sequence:
            raise ValueError(f"no answer is awaited for {self.name}/{sequence}")
        self._in_flight = None
        row = self.rows[sequence]
        verdict = judge(answer)
        if verdict is not Verdict.DELIVERED:
            self._set(last=_words(verdict, answer))
        if verdict is Verdict.DELIVERED:
            if answer.receipt is not None:
                self.dirty |= self.threads.keep(decode_note(row.notification), answer.receipt, now)
            self._drop(row)
            self._works(now)
        elif verdict is Verdict.REJECTED:
            if row.plain or answer.plainest:
                self._give_up(row, UndeliveredReason.REJECTED, now)
            else:
                self._put(replace(row, plain=True))
            if answer.failure is not Failure.UNRENDERABLE:
                self._works(now)
        else:
            self._fails(row, verdict, answer, now)
        self.wait_until(asked_until(answer, now))  # whatever the answer is
        return verdict

    def wait_until(self, moment: int) -> None:
        """Send nothing before a moment."""
        if moment > self.state.not_before:
            self._set(not_before=moment)

    def _works(self, now: int) -> None:
        failing_since = self.state.failing_since
        self._set(failures=0, failing_since=None, broken_since=None, probes=0)
        if failing_since is not None and now - failing_since >= self._policy.patience:
            # It was the route and not the messages: those set aside go first again.
            for row in [row for row in self.rows.values() if row.not_before]:
                self._put(replace(row, not_before=0))

    def _fails(self, row: Row, verdict: Verdict, answer: Answer, now: int) -> None:
        policy, state = self._policy, self.state
        broken = verdict is Verdict.ROUTE_BROKEN
        probing = state.broken_since is not None
        failures, probes = state.failures + 1, state.probes + (broken or probing)
        wait = policy.probe_wait(probes) if broken or probing else policy.back_off(failures, self._draw())
        if verdict is Verdict.RATE_LIMITED and answer.retry_after is None:
            wait = max(wait, policy.limited_wait)
        self._set(
            failures=failures,
            probes=probes,
            not_before=now + wait,
            failing_since=now if state.failing_since is None else state.failing_since,
            broken_since=now if broken and not probing else state.broken_since,
        )
        if self.state.broken_since is not None and self._refuge:
            for waiting in list(self.rows.values()):
                self._leave(waiting, now)
            return
        tried_for = row.tried_for(now)
        if tried_for >= policy.give_up:
            self._give_up(row, UndeliveredReason.GIVEN_UP, now)
        elif tried_for >= policy.patience and not broken and verdict is not Verdict.RATE_LIMITED:
            self._put(replace(row, not_before=now + policy.set_aside))

    def _expire(self, now: int) -> None:
        """Give up what has waited for too long while the route failed: the oldest ones, which are the first ones."""
        if (failing_since := self.state.failing_since) is None:
            return
        for row in list(takewhile(lambda row: now >= self._expires_at(row, failing_since), self.rows.values())):
            self._give_up(row, UndeliveredReason.GIVEN_UP, now)

    def _expires_at(self, row: Row, failing_since: int) -> int:
        # Not from `added_at` alone: after a worker's long rest a route that works must get its messages.
        return max(row.added_at, failing_since) + self._policy.give_up

    def _ready_at(self, rate: Rate) -> int:
        heads: list[int] = []
        for row in self._heads():
            heads.append(row.not_before)
            if not row.not_before:
                break
        return max(self.state.not_before, rate.ready_at(), min(heads))

    def _heads(self) -> Iterator[Row]:
        """The first row of each subject, in order: what may go without overtaking what it is about."""
        seen: set[str] = set()
        for row in self.rows.values():
            if row.alert_id == EVERYTHING:
                if not seen:
                    yield row
                return
            if row.alert_id not in seen:
                seen.add(row.alert_id)
                yield row

    def _passes_on(self, now: int) -> bool:
        return self.state.broken_since is not None and self._refuge and now < self.state.not_before

    def _leave(self, row: Row, now: int) -> None:
        if self._refuge:
            self._drop(row)
            self.leaving.append(row)
        else:
            self._give_up(row, UndeliveredReason.NO_ROUTE, now)

    def _give_up(self, row: Row, reason: UndeliveredReason, now: int) -> None:
        self._drop(row)
        self.undelivered.append(
            Undelivered(
                reason=reason,
                detail=self.state.last or "never tried",
                attempts=row.attempts,
                added_at=row.added_at,
                first_tried_at=row.first_tried_at,
                at=now,
                notification=decode_note(row.notification),
            )
        )

    def _put(self, row: Row) -> None:
        self.rows[row.sequence] = self.dirty[row.key] = row

    def _drop(self, row: Row) -> None:
        self.rows.pop(row.sequence, None)
        self._restored.discard(row.sequence)
        self.dirty[row.key] = None

    def _set(self, **fields: object) -> None:
        self.state = self.dirty[route_key(self.name)] = replace(self.state, **fields)  # type: ignore[arg-type]


def asked_until(answer: Answer, now: int) -> int:
    """The moment before which an answer asks for no other message: a whole millisecond, never one too early. 0: it does
    not ask."""
    return 0 if answer.retry_after is None else now + int(answer.retry_after * 1_000) + 1


def _words(verdict: Verdict, answer: Answer) -> str:
    """The verdict and what led to it: codes and classes of errors only, so that nothing secret can be in it."""
    parts = (verdict, answer.status, answer.body_code, answer.failure, answer.detail)
    return " ".join(dict.fromkeys(str(part) for part in parts if part))
