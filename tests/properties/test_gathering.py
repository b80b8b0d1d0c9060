"""What gathering and the outbox promise together, whatever alerts do, whatever Slack answers, whenever the worker is
killed: what is to be told is told, once, in order, in time and within the limit."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from alerting import lifecycle
from alerting.delivery.answers import OK, Answer, Failure
from alerting.lifecycle import Alert, Finding, Standing
from alerting.notification import AnyNote, Group, Notification, Summary
from alerting.policy import DeliveryPolicy
from alerting.quiet import HOUR, MINUTE, SECOND, Quiet
from alerting.routing import Route, listeners, route
from schemas.alerts import AlertState, Change, Kind, Resolution, Severity, Transition
from tests.examples import examples
from tests.unit.alerting.virtual_office import Heard, VirtualOffice

ACCOUNTS = ("acme", "beta", "gamma", "delta", "eps")
KINDS = (Kind.USAGE_DROP, Kind.PAYMENT_FAILED, Kind.PAUSED)
LIMIT = 3
ALL = frozenset(Kind)
ROUTES = {
    "default": Quiet(reminder=4 * HOUR),
    "hours": Quiet(hours=(480, 1080), days=frozenset(range(5)), timezone="Europe/Berlin"),
    "limit": Quiet(limit_per_hour=LIMIT, reminder=HOUR),
    "digest": Quiet(digest_at=540, timezone="America/New_York"),
    "plain": Quiet(group_wait=0, group_interval=0),
}
MOODS = (
    OK,
    Answer(status=503),
    Answer(status=429, retry_after=40.0),
    Answer(failure=Failure.TIMEOUT),
    Answer(failure=Failure.CONNECTION),
)


class Channel(RuleBasedStateMachine):
    """Five accounts' alerts, five routes side by side, and one Slack that changes its mood."""

    def __init__(self) -> None:
        super().__init__()
        self.routes = [
            Route(name, kinds=ALL, quiet=quiet, continues=True, minimum_severity=self.least(name))
            for name, quiet in ROUTES.items()
        ]
        self.mood = OK
        patient = DeliveryPolicy(give_up=1_000 * HOUR)
        self.office = VirtualOffice(self.routes, lambda _route, _note, _now: (self.mood, 300), patient)
        self.alerts: dict[tuple[str, Kind], Alert] = {}
        self.told: list[tuple[int, Transition]] = []

    @staticmethod
    def least(name: str) -> Severity:
        """The digest takes watches, too."""
        return Severity.WATCH if name == "digest" else Severity.WARNING

    @initialize(seed=st.integers(0, 100))
    def begin(self, seed: int) -> None:
        self.office.seed = seed

    @rule(account=st.sampled_from(ACCOUNTS), kind=st.sampled_from(KINDS), draw=st.data())
    def an_alert_changes(self, account: str, kind: Kind, draw: st.DataObject) -> None:
        before = self.alerts.get((account, kind))
        possible = sorted(change for state, change in lifecycle.ALLOWED if state == (before.state if before else None))
        change = draw.draw(st.sampled_from(possible))
        severity = draw.draw(st.sampled_from(Severity))
        alert = self._change(before, kind, change, severity)
        self.alerts[account, kind] = alert
        transition = lifecycle.transition(alert, account)
        self.told.append((self.office.now, transition))
        for name in (*route(transition, self.routes), *listeners(transition, self.routes)):
            self.office.arrives(Notification(route=name, transition=transition))

    def _change(self, before: Alert | None, kind: Kind, change: Change, severity: Severity) -> Alert:
        now, stands = self.office.now, Standing(50, 100, "EUR", float(len(self.told) % 7))
        found = Finding(severity, now, f"words {len(self.told)}")
        if before is None:
            # An id holds the time of opening: no two alerts of an account open at once here.
            return lifecycle.open_alert(f"{len(self.told)}", kind, now, found, stands)
        if change is Change.OPENED:
            return lifecycle.reopen(before, now, found, stands)
        if change is Change.ESCALATED:
            return lifecycle.escalate(before, now, found, stands)
        if change is Change.ACKNOWLEDGED:
            return lifecycle.acknowledge(before, now, "mara", stands)
        if change is Change.SNOOZED:
            return lifecycle.snooze(before, now, "mara", now + HOUR, stands)
        if change is Change.WOKEN:
            return lifecycle.wake(before, now, None, stands)
        resolution = Resolution.LOST if len(self.told) % 5 == 0 else Resolution.RECOVERED
        return lifecycle.resolve(before, now, resolution, "over", stands)

    @rule(pause=st.sampled_from([SECOND, 20 * SECOND, 30 * SECOND, 3 * MINUTE, 20 * MINUTE, HOUR, 9 * HOUR]))
    def time_passes(self, pause: int) -> None:
        self.office.run_until(self.office.now + pause)

    @precondition(lambda self: self.office.kill_in <= 0)
    @rule(steps=st.integers(1, 12))
    def the_worker_will_be_killed(self, steps: int) -> None:
        self.office.kill_in = steps

    @rule(mood=st.sampled_from(MOODS))
    def slack_changes_its_mood(self, mood: Answer) -> None:
        self.mood = mood

    def teardown(self) -> None:
        """Slack is well again, and everything has time to be told."""
        self.mood, self.office.kill_in = OK, 0
        # An alert of which nobody knows goes on being reminded of: all end.
        self.office.run_until(self.office.now + 80 * HOUR)
        for each in self.routes:
            heard = [one for one in self.office.heard if one.route == each.name]
            note(f"{each.name}: {[(one.at, type(one.note).__name__, one.covers) for one in heard]}")
            self._nothing_twice(heard)
            if each.quiet.gathers:
                self._everything_once_and_in_order(each, heard)
        assert self.office.undelivered == 0
        assert not any(self.office.gathering.held().values())
        self._within_the_limit()
        self._within_the_hours()
        self._plain()

    def _nothing_twice(self, heard: list[Heard]) -> None:
        """Only what was in flight when the worker was killed can come again: one message a route and kill."""
        times: dict[int, int] = defaultdict(int)
        for each in heard:
            times[each.sequence] += 1
        assert sum(count - 1 for count in times.values()) <= self.office.kills

    def _everything_once_and_in_order(self, each: Route, heard: list[Heard]) -> None:
        covered: dict[str, list[tuple[int, int]]] = defaultdict(list)
        seen: set[int] = set()
        for one in heard:
            if one.sequence not in seen:
                seen.add(one.sequence)
                for alert_id, revision in one.covers.items():
                    covered[alert_id].append((revision, one.at))
                    assert revision == _said(one.note).get(alert_id, revision), "it says what it covers"
        for revisions in covered.values():
            assert all(before < after for (before, _), (after, _) in pairwise(revisions)), revisions
        for at, transition in self.told:
            if each.wants(transition):
                later = [one for one in covered[transition.alert_id] if one[0] >= transition.revision]
                assert later or self._came_and_went(each, transition), self._history(transition.alert_id)
                assert all(heard_at >= at for _, heard_at in later)

    def _history(self, alert_id: str) -> str:
        """An alert's changes, for whoever reads of a failure."""
        own = [(at, one) for at, one in self.told if one.alert_id == alert_id]
        return "\n".join(f"{at} {one.revision} {one.change} {one.severity} {one.resolution or ''}" for at, one in own)

    def _came_and_went(self, each: Route, transition: Transition) -> bool:
        """Whether the alert was over before it was told, by what the route took in after it had last been told."""
        own = [one for _, one in self.told if one.alert_id == transition.alert_id and each.wants(one)]
        following = [one for one in own if one.revision >= transition.revision]
        ends = [one for one in following if one.state is AlertState.RESOLVED and one.resolution is not Resolution.LOST]
        opened = [one for one in own if one.revision <= transition.revision and one.change is Change.OPENED]
        told = {revision for one in self.office.heard if one.route == each.name
                for alert_id, revision in one.covers.items() if alert_id == transition.alert_id}  # fmt: skip
        return any(
            not any(first.revision <= revision < end.revision for revision in told)
            for first in opened[-1:]
            for end in ends
        )

    def _within_the_limit(self) -> None:
        arrived = [each for each in self.office.heard if each.route == "limit"]
        times = sorted({each.sequence: each.at for each in arrived}.values())
        for first, last in zip(times, times[LIMIT:], strict=False):
            assert last - first >= HOUR - SECOND, times

    def _within_the_hours(self) -> None:
        quiet = ROUTES["hours"]
        for at, name, covers in self.office.released:
            if name == "hours" and not quiet.is_open(at):
                worst = [one for _, one in self.told if covers.get(one.alert_id) == one.revision]
                assert any(one.severity is Severity.CRITICAL and one.state is AlertState.FIRING for one in worst)

    def _plain(self) -> None:
        """The route that gathers nothing tells every change by itself, in the order in which they came."""
        said: dict[int, tuple[str, int]] = {}
        for each in self.office.heard:
            if each.route == "plain":
                assert isinstance(each.note, Notification)
                said[each.sequence] = (each.note.transition.alert_id, each.note.transition.revision)
        wanted = [one for _, one in self.told if self.routes[-1].wants(one)]
        per_alert: dict[str, list[int]] = defaultdict(list)
        for alert_id, revision in said.values():
            per_alert[alert_id].append(revision)
        assert sorted(said.values()) == sorted((one.alert_id, one.revision) for one in wanted)
        assert all(revisions == sorted(revisions) for revisions in per_alert.values())


def _said(told: AnyNote) -> dict[str, int]:
    """Alerts that a message names, and their revisions."""
    notes = told.alerts if isinstance(told, Group) else (told,)
    return {
        each.transition.alert_id: each.transition.revision
        for each in notes
        if not isinstance(each, Summary) and isinstance(each, Notification)
    }


TestChannel: Any = Channel.TestCase
TestChannel.settings = settings(
    max_examples=examples(60),
    stateful_step_count=40,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
