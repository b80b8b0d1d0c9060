"""One route's part of gathering: what is held of each account, and when it goes.

An account is *held* while its changes are gathered or the route is closed, and *ripe* when it waits for nothing but the
route: for room in its queue, and for a message to be left of those that an hour may have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from alerting.composing import Counted, reminds, tells
from alerting.gathering_rows import AccountRow, HeldAlert, RouteRow, ToldAlert, account_key, route_key
from alerting.lane import EVERYTHING
from alerting.naming import named_in
from alerting.notification import AnyNote, Notification, Why
from alerting.outbox import Outbox
from alerting.pace import NEVER, Pace
from alerting.quiet import Quiet
from alerting.ripe import Ripe
from alerting.routing import QUIETENING
from alerting.turns import Turns
from schemas.alerts import AlertState, Change, Severity, Transition

_GATHERED_OVER: Final = 86_400_000
"""So long (ms) the ends are gathered of what nobody was told of by name: they are one message a day at most."""


class Hold:
    """What a route holds back. `changes`: those that it tells; of others it only takes note. The module `gathering`
    says how it is driven."""

    def __init__(self, name: str, quiet: Quiet, changes: frozenset[Change], outbox: Outbox) -> None:
        self.name = name
        self.quiet = quiet
        self.accounts: dict[str, AccountRow] = {}
        self.route = RouteRow()
        self.dirty: set[str | None] = set()
        """Accounts whose row changed; None: the route's own."""
        self.changes = changes
        self._outbox = outbox
        self._ripe = Ripe()
        self._held: int | None = None
        self._released_at = 0
        self._pace = Pace(quiet)
        self._turns = Turns(name, self._pace, outbox)

    def restore(self, key: str, account_id: str | None, value: bytes) -> None:
        """Put a stored row back. Raises `StateError`."""
        if account_id is None:
            self.route = RouteRow.decode(key, value)
        else:
            self.accounts[account_id] = AccountRow.decode(key, value)
            self._changed(account_id)

    def changed(self) -> list[tuple[str, bytes | None]]:
        """The rows that changed since the last call; None: it is none any more."""
        changed: list[tuple[str, bytes | None]] = []
        for account_id in self.dirty:
            if account_id is None:
                changed.append((route_key(self.name), self.route.encode()))
            else:
                row = self.accounts.get(account_id)
                changed.append((account_key(self.name, account_id), None if row is None else row.encode()))
        self.dirty = set()
        return changed

    @property
    def held(self) -> int:
        """How many alerts are held."""
        if self._held is None:
            self._held = sum(len(row.held) for row in self.accounts.values())
        return self._held

    def take(self, note: Notification, now: int) -> None:
        """Hold a change back; or only take note of it."""
        each, account_id = note.transition, note.transition.account_id
        row = self.accounts.get(account_id) or AccountRow()
        held, told = row.held.get(each.alert_id), row.told.get(each.alert_id)
        if each.revision <= max(held.revision if held else 0, told.revision if told else 0):
            return  # told or held here already: it comes again from another route, which is broken
        if held is None and each.change not in self.changes:
            if told is not None:
                note_again = told.note if each.state is AlertState.FIRING else b""
                row.told[each.alert_id] = replace(told, revision=each.revision, severity=each.severity, note=note_again)
                self._changed(account_id)
            return
        new = held.new if held is not None else told is None and each.change is Change.OPENED
        lasting = HeldAlert.of(note, new=new)
        self.accounts[account_id] = row
        if row.only_unnamed:
            row.due = None  # what comes now does not wait for as long
        if new and each.state is AlertState.RESOLVED and not lasting.lost:
            self._comes_and_goes(row, each)
        else:
            row.held[each.alert_id] = lasting
            row.due = self._due(row, each, now)
        if row.only_unnamed and self.route.over_at is None:
            self.route.over_at = now + _GATHERED_OVER
            self.dirty.add(None)
        if self.quiet.digest_at is not None and self.route.digest_from is None:
            self.route.digest_from = now
            self.dirty.add(None)
        self._changed(account_id)

    def _comes_and_goes(self, row: AccountRow, each: Transition) -> None:
        """What nobody was told of is over. Nobody wants to hear that all is well who never heard that it was not: it is
        only mentioned, where there is something else to say of the account, or in a digest."""
        row.held.pop(each.alert_id, None)
        row.went.append((each.kind, each.severity))
        if not row.held:
            row.due = None

    def _due(self, row: AccountRow, each: Transition, now: int) -> int:
        if each.change in QUIETENING and each.change in self.changes:
            return now  # somebody has just done it, and looks whether it shows
        if row.due is not None:
            return row.due
        again = (row.told_at or 0) + self.quiet.group_interval
        return again if row.told_at is not None and again > now else now + self.quiet.group_wait

    def add(self, note: AnyNote, sequence: int, now: int, subject: str | None = None) -> None:
        """Hand a note over to the outbox, with this sequence or the next one that was never used."""
        known = self.route.sequence
        sequence = max(self._outbox.following(self.name, sequence), known + 1)
        self._outbox.add(sequence, note, now, subject)
        if self.quiet.gathers or known >= 0:  # else each note has one of its own
            self.route.sequence = sequence
            self.dirty.add(None)

    def note_named(self, note: AnyNote, now: int) -> None:
        """Remember the alerts that a note names which was not gathered here."""
        for each in named_in(note):
            row = self.accounts.setdefault(each.account_id, AccountRow())
            if each.alert_id not in row.told and each.alert_id not in row.held:
                row.told[each.alert_id] = ToldAlert(each.revision, each.severity, now)
            self._changed(each.account_id)

    def release(self, sequence: int, now: int) -> None:
        """Hand over to the outbox what may go. `sequence`: the last that was taken in."""
        self._released_at = now
        self._ripen(now)
        digest_due = self._pace.digest_at(self.route.digest_from) <= now
        if digest_due and self._may_summarise(now):
            self._summarise("digest", list(self.accounts), sequence, now)
        if self._over_goes_at() <= now and self._may_summarise(now):
            over = [account_id for account_id, row in self.accounts.items() if row.only_unnamed]
            self._summarise("over", over, sequence, now)
        while (chosen := self._choose(now)) is not None:
            if chosen == EVERYTHING:
                self._summarise("limit", list(self._ripe.news), sequence, now)
            elif chosen in self._ripe.news:
                row = self.accounts[chosen]
                self.add(tells(chosen, row, self.name, self.quiet.timezone), sequence, now, chosen)
                self._is_told(chosen, row, now)
            else:
                self._remind(chosen, sequence, now)

    def delivered(self, now: int) -> None:
        """A message has arrived."""
        if self.quiet.limit_per_hour:
            self.route.delivered = [*self._pace.recent(self.route.delivered, now), now]
            self.dirty.add(None)

    def wake_at(self, now: int) -> int | None:
        """When to call `release` again if nothing is taken in, sent or answered before; None: not needed."""
        moments = [self._ripe.soonest()]
        later = [self._pace.digest_at(self.route.digest_from), self._over_goes_at()]
        if self._ripe or min(later) <= self._released_at:
            later += [self._turns.has_free(number, self.route, now) for number in (1, 2)]
        if self.route.summary_at is not None:
            later.append(self.route.summary_at)
        # What came before the last release and is still here waits for an answer of the route.
        moments += [moment for moment in later if moment > self._released_at]
        soonest = min(moments)
        return None if soonest >= NEVER else max(now, soonest)

    def _may_summarise(self, now: int) -> bool:
        """Whether a message about all accounts may go: none that is on its way is to be told behind it."""
        return self._turns.free(self.route, now) > 0 and self._outbox.room(self.name, now) == frozenset()

    def _over_goes_at(self) -> int:
        """When the ends of what nobody was told of by name go, if no digest takes them along."""
        if self.route.over_at is None or self.quiet.digest_at is not None:
            return NEVER
        return self._pace.goes_at(Severity.WATCH, self.route.over_at)

    def _choose(self, now: int) -> str | None:
        """Whose turn it is: see `Turns`."""
        if not self._ripe or (waiting := self._outbox.room(self.name, now)) is None:
            return None
        self._close(now)
        before = self.route.summary_at
        chosen = self._turns.next(self._ripe, self.accounts, self.route, waiting, now)
        if self.route.summary_at != before:
            self.dirty.add(None)
        return chosen

    def _summarise(self, why: Why, accounts: Iterable[str], sequence: int, now: int) -> None:
        counted = Counted()
        still_open = 0
        told: list[str] = []
        for account_id in accounts:
            row = self.accounts[account_id]
            still_open += len(row.told.keys() - row.held.keys())
            if row.held or row.went:
                counted.take(row)
                told.append(account_id)
        if why == "digest":
            self.route.digest_from = None
        elif why == "limit":
            self.route.summary_at = None
        else:
            self.route.over_at = None
        self.dirty.add(None)
        if not told:
            return
        note = counted.summary(self.name, self.quiet.timezone, why, self.route.sequence, now, still_open)
        self.add(note, sequence, now, EVERYTHING)
        named = {each.account_id for each in note.accounts}
        for account_id in told:
            self._is_told(account_id, self.accounts[account_id], now, named=why != "limit" or account_id in named)

    def _remind(self, account_id: str, sequence: int, now: int) -> None:
        row = self.accounts[account_id]
        self.add(reminds(account_id, row, self.name, self.quiet.timezone, now), sequence, now, account_id)
        row.told = {id_: replace(each, counted=each.counted and not each.note) for id_, each in row.told.items()}
        row.reminders += 1
        row.told_at = now
        self._changed(account_id)

    def _is_told(self, account_id: str, row: AccountRow, now: int, *, named: bool = True) -> None:
        for alert_id, each in row.held.items():
            before = row.told.get(alert_id)
            if each.state is AlertState.RESOLVED:
                row.told.pop(alert_id, None)
            else:
                again = self.quiet.reminder and each.firing and each.severity is Severity.CRITICAL
                counted = not named and (before is None or before.counted)
                note = each.note if again else b""
                row.told[alert_id] = ToldAlert(each.revision, each.severity, now, note, counted)
        row.held, row.went, row.due, row.told_at, row.reminders = {}, [], None, now, 0
        self._changed(account_id)

    def _changed(self, account_id: str) -> None:
        """An account's row is another one: so may be the moment at which there is something to do about it."""
        row = self.accounts[account_id]
        self.dirty.add(account_id)
        self._held = None
        if not self.quiet.gathers:
            row.told, row.told_at = {}, None
        if self.quiet.digest_at is None and not row.held:
            row.went = []
        if account_id in self._ripe.news and row.held:
            return
        moment = self._moment(row)
        self._ripe.wait(account_id, moment)
        if moment >= NEVER and not (row.held or row.told or row.went):
            del self.accounts[account_id]

    def _moment(self, row: AccountRow) -> int:
        moment = NEVER
        if row.due is not None and self.quiet.digest_at is None and not row.only_unnamed:
            moment = self._pace.goes_at(row.severity, row.due)
        if row.told_at is None:
            return moment
        if row.unanswered and self.quiet.reminder:
            moment = min(moment, self._pace.goes_at(Severity.CRITICAL, row.told_at + self.quiet.reminder))
        if not (row.held or row.told or row.went) and self._released_at < row.told_at + self.quiet.group_interval:
            moment = row.told_at + self.quiet.group_interval  # to be forgotten
        return moment

    def _ripen(self, now: int) -> None:
        while (account_id := self._ripe.pop(now)) is not None:
            row = self.accounts[account_id]
            if row.due is not None and row.due <= now and self.quiet.digest_at is None and not row.only_unnamed:
                self._ripe.news[account_id] = None
            elif row.unanswered and self.quiet.reminder:
                self._ripe.reminders[account_id] = None
            else:
                self._changed(account_id)

    def _close(self, now: int) -> None:
        """What became ripe while the route was open, and may not go any more, waits until it opens again."""
        if not self.quiet.has_hours or self.quiet.is_open(now):
            return
        for account_id in [*self._ripe.news, *self._ripe.reminders]:
            severity = self.accounts[account_id].severity if account_id in self._ripe.news else Severity.CRITICAL
            if (moment := self._pace.goes_at(severity, now)) > now:
                self._ripe.wait(account_id, moment)
