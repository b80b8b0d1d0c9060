"""The worker's metrics, in a registry of their own. Never an account, a user or free text as a label."""

from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import version
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from alerting.delivery.answers import Verdict
from alerting.notification import UndeliveredReason
from schemas.alerts import Change, Kind, Severity
from schemas.errors import Reason
from streams.detection.home import Home
from streams.detection.reasons import ReasonClass
from streams.detection.tally import LossClass
from streams.runtime.standings import Standings
from streams.runtime.workload import Workload

PREFIX = "slackwater"
_AGES = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3_600.0, 86_400.0)
_TIMES = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SIZES = (1, 10, 100, 500, 1_000, 2_000, 5_000, 10_000)


Counted = dict[object, int]
"""What a home has counted, by name; losses by what they are."""


class Metrics:
    """Every metric by its name without the prefix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, namespace=PREFIX, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, namespace=PREFIX, registry=self.registry)

        def histogram(name: str, text: str, buckets: Iterable[float], *labels: str) -> Histogram:
            return Histogram(name, text, labels, namespace=PREFIX, registry=self.registry, buckets=tuple(buckets))

        self.events_total = counter("events", "Valid events read.", "topic", "type")
        self.events_rejected_total = counter("events_rejected", "Records turned away.", "topic", "reason")
        self.events_excluded_total = counter(
            "events_excluded", "Those that do not count, by setting.", "topic", "setting"
        )
        self.events_aliased_total = counter("events_aliased", "Events under an alias of their account.", "topic")
        self.aliases = gauge("aliases", "Ids that stand for an account.")
        self.events_parked_total = counter("events_parked", "Records that began to wait for their account.", "topic")
        self.events_released_total = counter("events_released", "Those whose account was named.", "topic")
        self.events_ignored_total = counter(
            "events_ignored", "Records of a foreign format that say nothing here.", "topic", "reason"
        )
        self.events_known_total = counter("events_known", "Events of before what was loaded as history: known already.")
        self.events_duplicate_total = counter("events_duplicate", "Events whose id had been seen.", "topic")
        self.dedup_overflow_total = counter("dedup_overflow", "Event ids forgotten early: an account had too many.")
        self.events_rekeyed_total = counter("events_rekeyed", "Events whose home is another partition.", "topic")
        self.events_late_total = counter("events_late", "Usage events of a day that had been judged.", "topic")
        self.dead_letters_total = counter("dead_letters", "Dead letters written.", "topic", "reason")
        self.event_age_seconds = histogram("event_age_seconds", "From a record's time to when it was read.", _AGES)
        self.batch_seconds = histogram("batch_seconds", "Time a batch takes.", _TIMES, "stage")
        self.batch_records = histogram("batch_records", "Records in a batch.", _SIZES, "stage")
        self.flush_seconds = histogram("flush_seconds", "Time a flush takes.", _TIMES, "stage")
        self.events_disordered_total = counter("events_disordered", "Events applied before their turn.")
        self.records_lost_total = counter("records_lost", "Records that were removed before they were read.", "topic")
        self.topic_incarnations_total = counter("topic_incarnations", "Topics that were created anew.", "topic")
        self.payments_total = counter("payments", "Payments, and failed attempts at one.", "result")
        self.accounts_lost_total = counter(
            "accounts_lost", "Accounts whose last paid subscription ended.", "voluntary", "reason", "influenceable"
        )
        self.mrr_lost_minor_total = counter(
            "mrr_lost_minor", "What they paid a month, in minor units.", "currency", "voluntary", "reason"
        )
        self.alerts_total = counter("alerts", "Changes of alerts.", "kind", "severity", "change")
        self.notifications_total = counter("notifications", "Answers to messages.", "route", "result")
        self.notification_seconds = histogram("notification_seconds", "Time a message takes.", _TIMES, "route")
        self.notifications_undelivered_total = counter(
            "notifications_undelivered", "Messages that nobody got, and that are not tried any more.", "route", "reason"
        )
        self.button_presses_total = counter("button_presses", "Buttons that were pressed in Slack.", "button", "result")
        self.slack_connections = gauge("slack_connections", "Connections over which Slack tells of buttons.")
        self.recovery_seconds = gauge("recovery_seconds", "From assignment to the first record, the last time.")
        self.assignment_timestamp_seconds = gauge(
            "assignment_timestamp_seconds", "When this worker was given its partitions, the last time."
        )
        self.task_failures_total = counter("task_failures", "Tasks that ended by an error and began anew.", "stage")
        self.exactly_once = gauge("exactly_once", "1: the broker has transactions. 0: at least once.")
        self.wall_clock = gauge("wall_clock", "1: the clock mode is wall. 0: it is events.")
        Info("build", "The version that runs.", namespace=PREFIX, registry=self.registry).info(
            {"version": version("slackwater")}
        )
        self.standings = Standings(PREFIX)
        self.registry.register(self.standings)
        self.workload = Workload(PREFIX)
        self.registry.register(self.workload)
        ProcessCollector(registry=self.registry)  # `process_...`, as any other program's

    def begin_at_zero(self, topics: Mapping[str, str], inputs: Collection[str], routes: Iterable[str]) -> None:
        """Show counts before there is anything to count: to Prometheus one that comes from nowhere has not grown.
        `topics` are those that are read, with their stages; `inputs` those of them that others write."""
        for topic, reason in product(inputs, Reason):
            self.dead_letters_total.labels(topic, reason.value)
        for topic, stage in topics.items():
            self.records_lost_total.labels(topic)
            self.topic_incarnations_total.labels(topic)
            self.task_failures_total.labels(stage)
        for route in routes:
            for given_up in UndeliveredReason:
                self.notifications_undelivered_total.labels(route, given_up.value)
            for verdict in Verdict:
                self.notifications_total.labels(route, verdict.value)
        for kind, severity in product(Kind, Severity):
            self.alerts_total.labels(kind.value, severity.value, Change.OPENED.value)
        for lost in product((True, False), (None, *ReasonClass)):
            self.accounts_lost_total.labels(*_labels(lost), _influenceable(lost))

    def observe_home(self, home: Home, usage_topic: str, before: Counted) -> Counted:
        """Take over what a home partition has counted, of which `before` was taken over already; gives all of it. It
        counts from 0 on since it was loaded."""
        tally = home.tally
        counted: Counted = {
            "duplicates": tally.duplicates,
            "late": tally.late,
            "forgotten": tally.dedup_overflow,
            "disordered": home.merge.disordered,
            "known": home.merge.passed_over,
            "succeeded": tally.payments_succeeded,
            "failed": tally.payments_failed,
        }
        counted.update(tally.lost.items())
        counted.update(tally.mrr_lost.items())
        more = {name: now - before.get(name, 0) for name, now in counted.items()}
        self.events_duplicate_total.labels(usage_topic).inc(more["duplicates"])
        self.events_late_total.labels(usage_topic).inc(more["late"])
        self.dedup_overflow_total.inc(more["forgotten"])
        self.events_disordered_total.inc(more["disordered"])
        self.events_known_total.inc(more["known"])
        for result in ("succeeded", "failed"):
            self.payments_total.labels(result).inc(more[result])
        for lost in tally.lost:
            self.accounts_lost_total.labels(*_labels(lost), _influenceable(lost)).inc(more[lost])
        for currency, lost in tally.mrr_lost:
            self.mrr_lost_minor_total.labels(currency, *_labels(lost)).inc(more[currency, lost])
        return counted


def _labels(lost: LossClass) -> tuple[str, str]:
    voluntary, of_class = lost
    return str(voluntary).lower(), "unknown" if of_class is None else of_class.value


def _influenceable(lost: LossClass) -> str:
    _, of_class = lost
    return "unknown" if of_class is None else str(of_class.influenceable).lower()
