"""One account's alerts of every kind and change, as realistic as the signals make them.

`python -m tests.unit.alerting.gallery` writes the golden files anew; `... FILE.html` (`make gallery`) and
`... FILE.svg` write pictures of the messages to look at.
"""

import json
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from alerting.delivery.console import as_slack_shows_it
from alerting.message import Message
from alerting.notification import AnyNote, Notification, Went
from alerting.outbox import RouteStatus
from alerting.render import render
from alerting.routing import Route
from schemas.alerts import AlertReason, Change, Kind, OpenAlert, Resolution, Severity
from schemas.instants import parse_instant
from streams.runtime.route_news import notice as broken
from tests.unit.alerting.block_kit_html import page
from tests.unit.alerting.samples import AT, DAY, catch_up, group, notice, reminder, summary, transition

BROKEN = RouteStatus("emea", 1, AT, AT, AT, AT + 300_000, "route_broken 404 channel_not_found")
GOLDEN = Path(__file__).with_name("golden")
FADING = (13, 16, 12, 14, 10, 1, 0, 15, 12, 13, 11, 12, 0, 0, 12, 9, 7, 5, 3, 0, 0, 8, 6, 5, 3, 2, 0, 0)
SILENT = (12, 9, 0, 1, 13, 16, 12, 14, 10, 1, 0, 13, 12, 14, 12, *[0] * 13)

USAGE = {"score": 8.113, "false_alarms_per_account_year": 0.031}
SAMPLES: dict[Kind, dict[str, Any]] = {
    Kind.USAGE_DROP: {
        "headline": "Activity is 67% below normal since 3 March 2025: 24 events where about 73 were expected.",
        "evidence": {"observed": 24, "expected": 72.81, "window_days": 9, "daily": FADING, **USAGE},
        "playbook": "Ask the champion what changed; offer a refresher session: https://wiki.example.com/plays/drop",
    },
    Kind.USAGE_SILENCE: {
        "headline": "No activity for 13 days; this account is usually active on 5.1 days a week.",
        "evidence": {"observed": 0, "expected": 117.4, "window_days": 13, "daily": SILENT, **USAGE},
        "severity": Severity.CRITICAL,
        "since": AT - 13 * DAY,
    },
    Kind.KEY_ACTION_STOPPED: {
        "headline": "No core action for 16 days, although the account is used: about 11 were expected.",
        "evidence": {"observed": 0, "expected": 11.2, "window_days": 16, "clock_days": 10.4, **USAGE},
        "reasons": (
            AlertReason(
                code="core_actions_missing",
                text="Last core action on 22 February 2025; about 11 are missing since.",
                values={"days": 16, "actions_missing": 11.2},
            ),
            AlertReason(
                code="used_otherwise",
                text="There were 143 events of other kinds in the 16 days after it.",
                values={"events": 143},
            ),
        ),
    },
    Kind.BREADTH_DECLINE: {
        "headline": "Fewer people use it, 58% below normal since 17 February 2025: about 8.1 a week where 19 are "
        "usual.",
        "evidence": {"observed": 8.1, "expected": 19.3, "window_days": 21, **USAGE},
    },
    Kind.CHAMPION_GONE: {
        "headline": "A champion has stayed away on 21 days on which others came.",
        "evidence": {"missed_days": 21, "expected_days": 18.3},
        "reasons": (
            AlertReason(
                code="silent_for",
                text="“kim” came on 87% of the account's days before; last seen on 10 February 2025.",
                values={"missed_days": 21, "active_days": 61, "user_id": "kim"},
            ),
        ),
        "since": AT - 30 * DAY,
    },
    Kind.ONBOARDING_STALLED: {
        "headline": "No core action in the first 14 days of a new account.",
        "evidence": {"days_since_start": 14, "events": 9},
        "reasons": (
            AlertReason(
                code="no_core_action",
                text="The account started on 26 February 2025. It was used, but without one: 9 events so far.",
                values={"started_at": AT - 14 * DAY, "events": 9},
            ),
        ),
        "since": AT - 14 * DAY,
    },
    Kind.PAYMENT_FAILED: {
        "headline": "Payment of 1,490.00 EUR failed at attempt 2 (card_declined); next attempt on 15 March 2025.",
        "evidence": {"attempt": 2, "amount_minor": 149_000, "invoices": 2, "next_attempt_at": AT + 3 * DAY},
        "reasons": (
            AlertReason(
                code="payment_failed",
                text="Invoice in_0041: 1,490.00 EUR, attempt 2 failed (card_declined); next attempt on 15 March 2025.",
                values={"invoice_id": "in_0041", "amount_minor": 149_000, "currency": "EUR", "attempt": 2},
            ),
            AlertReason(
                code="payment_failed",
                text="Invoice in_0039: 90.00 EUR, attempt 3 failed; next attempt on 14 March 2025.",
                values={"invoice_id": "in_0039", "amount_minor": 9_000, "currency": "EUR", "attempt": 3},
            ),
        ),
        "playbook": "Send the update-card link",
    },
    Kind.CARD_EXPIRING: {
        "headline": "The default card ends on 31 March 2025, before the next charge on 2 April 2025.",
        "evidence": {
            "card_end": parse_instant("2025-04-01T00:00:00+02:00"),
            "days_left": 20,
            "next_charge_at": AT + 21 * DAY,
        },
        "since": AT,
    },
    Kind.CANCEL_SCHEDULED: {
        "headline": "Cancellation is set for 2 April 2025, 21 days from now, and ends 1,490.00 EUR a month.",
        "evidence": {"days_left": 21, "cancel_at": AT + 21 * DAY, "subscriptions": 1, "mrr_minor": 149_000},
        "reasons": (
            AlertReason(
                code="cancelled",
                text="pro was cancelled: the reason given is “too expensive”; it ends on 2 April 2025.",
                values={
                    "subscription_id": "default",
                    "cancel_at": AT + 21 * DAY,
                    "reason": "too expensive",
                    "comment": "We only use <5% of it & the *price* went up.\nSorry!",
                },
            ),
        ),
        "since": AT,
    },
    Kind.DOWNGRADE: {
        "headline": "The plan went from business to starter: 900.00 EUR a month less, of 2,390.00 EUR.",
        "evidence": {"mrr_before_minor": 239_000, "mrr_less_minor": 90_000},
        "reasons": (
            AlertReason(
                code="lowered",
                text="default: 2,390.00 EUR a month before, 1,490.00 EUR now.",
                values={"subscription_id": "default", "mrr_before_minor": 239_000, "mrr_minor": 149_000},
            ),
        ),
        "since": AT,
    },
    Kind.SEATS_REDUCED: {
        "headline": "Seats went from 40 to 25.",
        "evidence": {"seats_before": 40, "seats": 25},
        "reasons": (
            AlertReason(
                code="fewer_seats",
                text="pro: 40 seats before, 25 now.",
                values={"subscription_id": "default", "seats_before": 40, "seats": 25},
            ),
        ),
        "since": AT,
    },
    Kind.PAUSED: {
        "headline": "The subscription is paused until 1 May 2025.",
        "evidence": {"paused_at": AT, "subscriptions": 1, "resumes_at": AT + 50 * DAY, "days_left": 50},
        "reasons": (
            AlertReason(
                code="usage_drop",
                text="Activity is 67% below normal since 3 March 2025: 24 events where about 73 were expected.",
                values={"since": AT - 9 * DAY},
            ),
        ),
        "since": AT,
    },
    Kind.RENEWAL_AT_RISK: {
        "headline": "The contract renews in 50 days; health is 41 of 100, and 1 alert on engagement is open.",
        "evidence": {"renewal_at": AT + 50 * DAY, "days_left": 50, "health": 41, "alerts": 1},
        "reasons": (
            AlertReason(
                code="usage_silence",
                text="No activity for 13 days; this account is usually active on 5.1 days a week.",
                values={"severity": "critical", "since": AT - 13 * DAY},
            ),
            AlertReason(
                code="health_usage", text="64 events in 28 days, about 224 are normal.", values={"points": -29.8}
            ),
        ),
        "since": AT - 13 * DAY,
    },
    Kind.CANCEL_INTENT: {
        "headline": "Somebody did what precedes leaving: “data.exported”, and 1 other such thing, 3 times in all.",
        "evidence": {"intent_events": 3, "event_names": 2},
        "severity": Severity.CRITICAL,
        "reasons": tuple(
            AlertReason(
                code="intent_event",
                text=f"“{name}” came {times}, last on 1{day} March 2025.",
                values={"event": name, "times": int(times[0]), "last_at": AT},
            )
            for name, times, day in (("data.exported", "1 time", 2), ("cancel_page.viewed", "2 times", 0))
        ),
    },
    Kind.NEGATIVE_FEEDBACK: {
        "headline": "A support ticket is escalated; 1 other complaint in 30 days.",
        "evidence": {"complaints": 2, "open_tickets": 1},
        "severity": Severity.CRITICAL,
        "reasons": (
            AlertReason(
                code="nps",
                text="Somebody gave an NPS of 3 of 10 on 4 March 2025.",
                values={"since": AT - 8 * DAY, "score": 3},
            ),
            AlertReason(
                code="ticket_open_long",
                text="A support ticket “T-4711” has been open for 9 days, since 3 March 2025.",
                values={"since": AT - 9 * DAY, "ticket_id": "T-4711", "priority": "high"},
            ),
            AlertReason(
                code="ticket_escalated",
                text="A support ticket “T-4711” is escalated, since 3 March 2025.",
                values={"since": AT - 9 * DAY, "ticket_id": "T-4711", "priority": "high"},
            ),
        ),
    },
    Kind.TELEMETRY_STALLED: {
        "headline": "The source “web” has sent nothing for 3 hours; engagement alerts are held.",
        "account_id": "fleet",
        "account_name": None,
        "mrr_minor": None,
        "currency": None,
        "renewal_at": None,
        "owner": None,
    },
}
RESOLUTIONS = {
    Kind.PAYMENT_FAILED: Resolution.PAID,
    Kind.CARD_EXPIRING: Resolution.REPLACED,
    Kind.CANCEL_SCHEDULED: Resolution.LOST,
    Kind.USAGE_DROP: Resolution.REBASELINED,
    Kind.PAUSED: Resolution.MANUAL,
    Kind.CANCEL_INTENT: Resolution.EXPIRED,
}
BY = {Change.ACKNOWLEDGED, Change.SNOOZED}


def notification_of(kind: Kind, change: Change) -> Notification:
    """The notification of one change of the gallery's alert of a kind."""
    resolved = change is Change.RESOLVED
    resolution = RESOLUTIONS.get(kind, Resolution.RECOVERED) if resolved else None
    fields: dict[str, Any] = {
        "kind": kind,
        "change": change,
        "revision": list(Change).index(change) + 1,
        "at": AT + 5 * DAY if resolved else AT,
        "mrr_minor": 149_000,
        "currency": "EUR",
        "owner": "anna@vendor.example",
        "team": "Key accounts",
        "resolution": resolution,
        "by": "Ben" if change in BY or resolution is Resolution.MANUAL else None,
        "renewal_at": AT + 50 * DAY,
        "also_open": ()
        if kind is Kind.USAGE_DROP or resolution is Resolution.LOST
        else (OpenAlert(kind=Kind.USAGE_DROP, severity=Severity.WARNING),),
        **SAMPLES[kind],
    }
    return Notification(
        route="default",
        transition=transition(**fields),
        owner_slack_id="U0ANNA" if kind is Kind.CANCEL_SCHEDULED else None,
        timezone="Europe/Berlin",
    )


def payloads(kind: Kind) -> dict[str, Any]:
    """What goes to Slack, for every change of a kind."""
    return {change.value: render(notification_of(kind, change)).payload() for change in Change}


def others() -> dict[str, AnyNote]:
    """Notes that are about more than one change of one alert."""
    drop, silence, paid = (
        notification_of(kind, change)
        for kind, change in (
            (Kind.USAGE_DROP, Change.ESCALATED),
            (Kind.USAGE_SILENCE, Change.OPENED),
            (Kind.PAYMENT_FAILED, Change.RESOLVED),
        )
    )
    alerts = [
        each.model_copy(update={"transition": each.transition.model_copy(update={"alert_id": f"{number:016x}"})})
        for number, each in enumerate((silence, drop, paid), 1)
    ]
    went = (Went(kind=Kind.CARD_EXPIRING, severity=Severity.WARNING),)
    flood = summary(32, why="limit", worse=0, acknowledged=0, resolved=0, went=0, still_open=0, over=(), new=37)
    over = summary(0, why="over", worse=0, acknowledged=0, resolved=310, went=0, still_open=0, changed_accounts=304)
    over = over.model_copy(update={"over": over.over[1:]})
    return {
        "notice": notice(),
        "route_broken": broken(BROKEN, Route("emea", "cs"), to="default", at=AT, timezone="Europe/Berlin"),
        "passed_on": alerts[0].model_copy(update={"route": "emea"}).rerouted("default"),
        "catch_up": catch_up(accounts=32),
        "group": group(*alerts, new=("0" * 15 + "1",), went=went, timezone="Europe/Berlin"),
        "group_over": group(alerts[2], notification_of(Kind.USAGE_DROP, Change.RESOLVED), new=()),
        "reminder": reminder(alerts[0]),
        "digest": summary(32),
        "limit": flood,
        "limit_over": over,
    }


def messages() -> Iterator[tuple[str, Message]]:
    """The whole gallery, with names."""
    for kind in Kind:
        for change in Change:
            yield f"{kind.value}, {change.value}", render(notification_of(kind, change))
    for name, note in others().items():
        yield name, render(note)


def write_golden_files() -> None:
    """What a diff of them shows is a change of what people read."""
    GOLDEN.mkdir(exist_ok=True)
    for kind in Kind:
        text = json.dumps(payloads(kind), indent=1, ensure_ascii=False)
        (GOLDEN / f"{kind.value}.json").write_text(text + "\n", encoding="utf-8")
    for name, note in others().items():
        text = json.dumps(render(note).payload(), indent=1, ensure_ascii=False)
        (GOLDEN / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def main(path: Path | None) -> None:
    """See the module."""
    if path is None:
        write_golden_files()
    elif path.suffix == ".svg":
        console = Console(record=True, width=80, highlight=False, file=StringIO())
        for _, message in messages():
            console.print(as_slack_shows_it(message))
        console.save_svg(str(path), title="slackwater")
    else:
        path.write_text(page(messages()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
