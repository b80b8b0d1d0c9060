"""The metrics page has the promised names, and no label that could hold an account or a user."""

from __future__ import annotations

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streams.detection.config import DetectionConfig
from streams.detection.day_sums import DaySums
from streams.detection.engine import Engine
from streams.detection.fleet_log import offer
from streams.detection.habits import Habits
from streams.detection.home import Home
from streams.detection.merge import Merge
from streams.detection.outcomes import ANY, Ended, Outcome
from streams.detection.reasons import ReasonClass
from streams.detection.state import Account
from streams.runtime.metrics import Metrics
from tests.unit.detection.building import at, bills, command

PROMISED = {
    "events",
    "events_rejected",
    "events_duplicate",
    "events_late",
    "dedup_overflow",
    "dead_letters",
    "event_age_seconds",
    "consumer_lag_records",
    "due_queue_accounts",
    "events_rekeyed",
    "accounts",
    "alerts_open",
    "mrr_active_minor",
    "mrr_at_risk_minor",
    "payments",
    "state_bytes",
    "flush_seconds",
    "recovery_seconds",
    "alerts",
    "notifications",
    "notification_seconds",
    "notifications_pending",
    "notification_oldest_seconds",
    "notification_route_broken",
    "notifications_undelivered",
    "ready",
    "task_failures",
    "assignment_timestamp_seconds",
    "wall_clock",
    "build",
    "accounts_lost",
    "outcomes",
    "mrr_saved_minor",
    "alert_precision",
    "alert_recall",
    "alert_lead_seconds",
    "mrr_lost_minor",
    "actions",
    "accounts_paying",
    "loss_reason_known_ratio",
}
HARMLESS = {
    "topic",
    "type",
    "reason",
    "setting",
    "stage",
    "partition",
    "kind",
    "severity",
    "change",
    "route",
    "result",
    "version",
}
HARMLESS |= {"phase", "currency", "voluntary", "influenceable", "button"}


def test_the_page_has_the_promised_names() -> None:
    page = generate_latest(Metrics().registry).decode()
    names = {
        family.name.removeprefix("slackwater_").removesuffix("_info") for family in text_string_to_metric_families(page)
    }
    assert names >= PROMISED
    own = ("slackwater_", "process_")
    assert all(family.name.startswith(own) for family in text_string_to_metric_families(page))


def test_labels_name_nobody() -> None:
    labels = {label for metric in vars(Metrics()).values() for label in getattr(metric, "_labelnames", ())}
    assert labels <= HARMLESS


def test_what_can_go_wrong_is_there_before_it_does() -> None:
    metrics = Metrics()
    metrics.begin_at_zero({"usage": "ingest", "shuffle": "engagement"}, {"usage"}, ["sales"])

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"slackwater_{name}_total", labels)

    assert value("records_lost", topic="shuffle") == value("topic_incarnations", topic="usage") == 0
    assert value("dead_letters", topic="usage", reason="not_json") == value("task_failures", stage="ingest") == 0
    assert value("dead_letters", topic="shuffle", reason="not_json") is None
    assert value("notifications_undelivered", route="sales", reason="no_route") == 0
    assert value("notifications", route="sales", result="delivered") == 0
    assert value("alerts", kind="paused", severity="critical", change="opened") == 0
    assert value("accounts_lost", voluntary="true", reason="price", influenceable="true") == 0
    assert value("accounts_lost", voluntary="false", reason="unknown", influenceable="unknown") == 0


def test_two_applications_in_a_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.events_total.labels("t", "usage").inc()
    assert one.registry.get_sample_value("slackwater_events_total", {"topic": "t", "type": "usage"}) == 1
    assert other.registry.get_sample_value("slackwater_events_total", {"topic": "t", "type": "usage"}) is None


def test_a_home_that_began_anew_counts_on() -> None:
    metrics = Metrics()
    for seen, late in ((3, 1), (5, 1), (2, 0)):  # of three tasks, one after the other
        home = Home(Engine(DetectionConfig()), Merge(frozenset({"t/0"})))
        tally = home.tally
        tally.duplicates, tally.late, tally.dedup_overflow = seen - 1, late, 10 * seen
        counted = metrics.observe_home(home, "t", {})
        tally.duplicates = seen
        metrics.observe_home(home, "t", counted)
    assert metrics.registry.get_sample_value("slackwater_events_duplicate_total", {"topic": "t"}) == 10
    assert metrics.registry.get_sample_value("slackwater_events_late_total", {"topic": "t"}) == 2
    assert metrics.registry.get_sample_value("slackwater_dedup_overflow_total") == 100


def test_losses_are_counted_by_decision_and_reason_also_when_a_home_began_anew() -> None:
    metrics = Metrics()
    for number in (1, 2):
        home = Home(Engine(DetectionConfig()), Merge(frozenset()))
        home.tally.lost[True, ReasonClass.MERGED] = number
        home.tally.lost[False, None] = 1
        home.tally.mrr_lost["EUR", (True, ReasonClass.MERGED)] = 100 * number
        metrics.observe_home(home, "t", {})

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"slackwater_{name}_total", labels)

    assert value("accounts_lost", voluntary="true", reason="merged", influenceable="false") == 3
    assert value("accounts_lost", voluntary="false", reason="unknown", influenceable="unknown") == 2
    assert value("mrr_lost_minor", currency="EUR", voluntary="true", reason="merged") == 300


def test_what_alerts_came_to_is_told_by_kind() -> None:
    metrics = Metrics()
    home = Home(Engine(DetectionConfig()), Merge(frozenset()))
    metrics.standings.homes[0] = home
    for number, (kind, ended) in enumerate(
        [
            ("usage_drop", Ended("a", Outcome.SAVED, 100, "EUR")),
            ("usage_drop", Ended("a", Outcome.FALSE_ALARM)),
            ("usage_drop", Ended("a", Outcome.LOST, 50, "EUR", 7_200_000)),
            (ANY, Ended("a", Outcome.LOST, 50, "EUR", 3_600_000)),
            (ANY, Ended("a", Outcome.MISSED)),
        ]
    ):
        account = Account(f"acme-{number}", Habits())
        account.outcomes.count(kind, ended, ())
        home.census.enter(account.encode())

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"slackwater_{name}", labels)

    assert value("outcomes_total", kind="usage_drop", outcome="saved") == 1
    assert value("outcomes_total", kind="any", outcome="missed") == 1
    assert value("mrr_saved_minor_total", currency="EUR", kind="usage_drop") == 100
    assert value("alert_precision", kind="usage_drop") == pytest.approx(2 / 3)
    assert (value("alert_recall", kind="usage_drop"), value("alert_recall", kind="any")) == (0.5, 0.5)
    assert (value("alert_lead_seconds", kind="usage_drop"), value("alert_lead_seconds", kind="any")) == (7_200, 3_600)
    assert value("alert_precision", kind="any") is None


def test_what_was_done_is_told_by_what_its_alert_came_to_and_who_left_by_whether_it_said_why() -> None:
    metrics = Metrics()
    home = Home(Engine(DetectionConfig()), Merge(frozenset()))
    metrics.standings.homes[0] = home
    engine = Engine(DetectionConfig())
    for number, reason in enumerate(["too_expensive", None, "unused"]):
        account = engine.account(f"acme-{number}")
        did = command("record_action", at(2), kind="payment_failed", action="A call to Jane", result="offered")
        ends = bills("subscription.ended", at(3), reason=reason)
        engine.apply(account, [bills("subscription.started", at(0)), bills("payment.failed", at(1)), did, ends])
        home.census.enter(account.encode())

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"slackwater_{name}", labels)

    assert value("actions_total", kind="payment_failed", action="other", outcome="lost") == 3
    assert value("loss_reason_known_ratio") == pytest.approx(2 / 3)
    assert value("accounts_paying", currency="EUR") is None


def test_a_scrape_tells_what_the_homes_have_at_that_moment() -> None:
    metrics = Metrics()
    homes = [Home(Engine(DetectionConfig()), Merge(frozenset())) for _ in range(2)]
    metrics.standings.homes = dict(enumerate(homes))
    engine = Engine(DetectionConfig())
    for number, home in enumerate(homes):
        account = engine.account(f"acme-{number}")
        engine.apply(account, [bills("subscription.started", at(0)), bills("payment.failed", at(number))])
        home.census.enter(account.encode())

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"slackwater_{name}", labels)

    assert value("accounts", phase="alerting") == 2
    assert value("accounts", phase="lost") == 0
    assert value("alerts_open", kind="payment_failed", severity="critical") == 2
    assert value("mrr_active_minor", currency="EUR") == 20_000
    assert value("accounts_paying", currency="EUR") == 2
    assert value("loss_reason_known_ratio") is None
    assert value("mrr_at_risk_minor", currency="EUR", kind="payment_failed") == 20_000
    assert value("due_queue_accounts", partition="1") == 0
    assert value("home_clock_seconds", partition="0") is None
    assert value("fleet_factor", source="all") is None
    homes[0].learnt.take(0, offer(0, 20_000, DaySums()))
    assert value("fleet_factor", source="all") == 1
    assert (value("telemetry_stalled"), value("thresholds_learnt")) == (0, 0)
    del metrics.standings.homes[1]
    assert value("accounts", phase="alerting") == 1
    assert value("due_queue_accounts", partition="1") is None
