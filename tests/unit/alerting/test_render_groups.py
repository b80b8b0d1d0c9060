"""What messages about several alerts, or many accounts, say."""

import pytest

from alerting.message import Message
from alerting.notification import AnyNote, Notification, Went
from alerting.render import render
from schemas.alerts import AlertReason, Change, Kind, OpenAlert, Resolution, Severity
from tests.unit.alerting.gallery import notification_of
from tests.unit.alerting.samples import DAY, group, notification, reminder, summary
from tests.unit.alerting.slack_limits import assert_slack_accepts, texts


def told(note: AnyNote) -> Message:
    message = render(note)
    assert_slack_accepts(message)
    return message


def shown(message: Message) -> str:
    return "\n".join(text["text"] for text in texts(message))


def of(kind: Kind, change: Change, number: int) -> Notification:
    """The gallery's alert of a kind, with an id of its own."""
    note = notification_of(kind, change)
    return note.model_copy(update={"transition": note.transition.model_copy(update={"alert_id": f"{number:016x}"})})


def test_a_group_names_its_alerts_worst_first_and_the_accounts_own_figures_once() -> None:
    alerts = (of(Kind.USAGE_SILENCE, Change.OPENED, 1), of(Kind.USAGE_DROP, Change.ESCALATED, 2))
    message = told(group(*alerts, new=(f"{1:016x}",)))
    assert message.blocks[0]["text"]["text"] == "🔴 Usage silence and usage drop, escalated: Acme Corp"
    everything = shown(message)
    for part in (
        "🔴 Usage silence\nNo activity for 13 days",
        "🟠 Usage drop, escalated\nActivity is 67% below normal",
        "*Observed*\n0 events in 13 days",
        "*Observed*\n24 events in 9 days",
        "*Next step*  Ask the champion",
        f"Critical · alerts {1:016x}, {2:016x} · account acme",
    ):
        assert part in everything
    for once in ("*MRR*", "*Health*", "*Renewal*", "Owner: ", "Team: ", "Events a day"):
        assert everything.count(once) == 1, once
    for part in ("🔴 Usage silence", "Observed: 24 events in 9 days", "Next step: Ask", "MRR: 1,490.00 EUR a month"):
        assert part in message.text


def test_what_got_worse_or_woke_up_before_anybody_heard_of_it_is_called_neither() -> None:
    worse, woken = of(Kind.USAGE_DROP, Change.ESCALATED, 1), of(Kind.PAUSED, Change.WOKEN, 2)
    assert "escalated" not in shown(told(group(worse, woken)))
    assert "snooze over" not in shown(told(group(worse, woken)))
    everything = shown(told(group(worse, woken, new=())))
    assert "Usage drop, escalated and paused, snooze over: Acme Corp" in everything


def test_what_is_over_is_a_line_and_what_came_and_went_a_word() -> None:
    alerts = (of(Kind.USAGE_DROP, Change.OPENED, 1), of(Kind.PAYMENT_FAILED, Change.RESOLVED, 2))
    went = (Went(kind=Kind.CARD_EXPIRING, severity=Severity.WARNING),)
    message = told(group(*alerts, new=(f"{1:016x}",), went=went))
    assert message.blocks[0]["text"]["text"] == "🟠 Usage drop: Acme Corp"
    for part in ("✅ Payment failed: Resolved after 5 days: it is paid.", "Came and went meanwhile: card expiring"):
        assert part in shown(message)
        assert part in message.text
    assert shown(message).count("Usage drop") == 1, "the header has said it"


def test_a_group_of_which_all_is_over_shouts_at_nobody() -> None:
    over = notification(change=Change.RESOLVED, resolution=Resolution.RECOVERED, at=notification().transition.at + DAY)
    lost = of(Kind.CANCEL_SCHEDULED, Change.RESOLVED, 2)
    message = told(group(lost, over, new=()))
    assert message.blocks[0]["type"] == "section"
    assert message.blocks[0]["text"]["text"] == "⚫ 2 changes: Acme Corp"
    assert "⚫ Cancellation scheduled: The account is lost" in shown(message)


def test_only_the_first_five_alerts_are_shown_with_all_that_convinces() -> None:
    kinds = list(Kind)[:15]
    message = told(group(*(of(kind, Change.OPENED, number) for number, kind in enumerate(kinds)), new=()))
    assert "and 13 more: Acme Corp" in message.blocks[0]["text"]["text"]
    assert "… (+3 more)" in shown(message)
    assert len(message.blocks) < 30


def test_what_else_is_open_is_named_unless_the_group_tells_it() -> None:
    others = (
        OpenAlert(kind=Kind.USAGE_DROP, severity=Severity.WARNING),
        OpenAlert(kind=Kind.PAUSED, severity=Severity.CRITICAL),
    )
    first = notification(kind=Kind.PAYMENT_FAILED, alert_id="1" * 16, also_open=others)
    assert "Also open: paused (critical)" in shown(told(group(first, notification(also_open=()))))
    assert "Also open: usage drop (warning), paused (critical)" in shown(told(group(first)))


def test_a_reminder_says_what_and_for_how_long_nobody_has_answered() -> None:
    message = told(reminder())
    assert message.blocks[0]["text"]["text"] == "⏰ Usage silence, not acknowledged: Acme Corp"
    assert "Nobody has acknowledged it for 9 hours. Reminder 2." in shown(message)
    assert "Nobody has acknowledged it for 9 hours. Reminder 2." in message.text
    both = reminder(notification(), notification(kind=Kind.PAUSED, alert_id="1" * 16))
    assert "⏰ Usage drop and paused, not acknowledged" in shown(told(both))
    assert "Nobody has acknowledged them" in shown(told(both))


def test_a_group_mentions_the_owner_where_one_of_its_alerts_does() -> None:
    alert = of(Kind.CANCEL_SCHEDULED, Change.OPENED, 1)
    message = told(group(alert, notification()))
    assert "Owner: <@U0ANNA>" in shown(message)
    assert message.text.endswith("Owner: <@U0ANNA>")
    over = notification_of(Kind.CANCEL_SCHEDULED, Change.RESOLVED)
    assert "<@" not in shown(told(group(over, new=()))), "what is over calls nobody"


def test_a_digest_counts_and_names_and_adds_up_no_currencies() -> None:
    message = told(summary(32))
    assert message.blocks[0]["text"]["text"] == "🗓️ Digest: 38 accounts"
    for part in (
        "From 5 March 2025 to 11 March 2025: 32 alerts opened, 1 got worse, 2 were acknowledged or snoozed",
        "4 were resolved. 5 more came and went. 12 alerts of before are still open.",
        "By kind: usage silence 32, payment failed 1.",
        "What is new is on 32 accounts, with 956.08 EUR and 1,200.00 USD of monthly revenue at risk:",
        "1. Acme 1: usage silence (critical), usage drop (warning)",
        "… and 22 more accounts: slackwater alerts list shows all",
        "⚫ Gone 1 is lost (cancellation scheduled)\n✅ Gone 2: cancellation scheduled is over",
        "✅ … and 1 more alert that is over",
        "a digest · 12 March 2025",
    ):
        assert part in shown(message)
        assert part in message.text


def test_a_summary_above_the_limit_says_why_it_is_one() -> None:
    message = told(summary(1, why="limit", at_risk_minor={}, rerouted_from="sales"))
    assert message.blocks[0]["text"]["text"] == "🌊 Many alerts at once: 7 accounts"
    assert "What is new is on 1 account, the most severe first:" in shown(message)
    assert "told as one: the route's limit of messages an hour is reached" in message.text
    assert "meant for the route sales" in message.text


def test_what_was_only_counted_is_over_in_one_message() -> None:
    over = summary(0, why="over", new=0, worse=0, acknowledged=0, went=0, still_open=3, kinds={}, resolved=310)
    message = told(over)
    assert message.blocks[0]["text"]["text"] == "✅ Over by now: 6 accounts"
    for part in (
        "310 alerts were resolved that no message had named.",
        "✅ Gone 2: cancellation scheduled is over",
        "✅ … and 307 more alerts that are over",
        "told once a day",
    ):
        assert part in message.text
    assert "opened" not in message.text


@pytest.mark.parametrize("why", ["digest", "limit"])
def test_a_summary_of_what_is_all_over_names_no_accounts_at_risk(why: str) -> None:
    message = told(summary(0, why=why, new=0, worse=0, open_accounts=0, kinds={}, still_open=0))
    assert "What is new" not in message.text
    assert "0 alerts opened, 2 were acknowledged or snoozed, 4 were resolved." in message.text


def test_reasons_of_an_alert_in_a_group_are_three_at_most() -> None:
    reasons = tuple(AlertReason(code="x", text=f"Reason {number}.") for number in range(5))
    message = told(group(notification(kind=Kind.DOWNGRADE, reasons=reasons), notification()))
    assert "• Reason 2.\n… (+2 more)" in shown(message)
