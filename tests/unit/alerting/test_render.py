"""What a message says, and that Slack takes it."""

import json
import re
from typing import Any

import pytest

from alerting.message import Message
from alerting.render import render
from schemas.alerts import AlertReason, Change, Kind, OpenAlert, Resolution, Severity
from tests.unit.alerting.gallery import GOLDEN, notification_of, others, payloads
from tests.unit.alerting.samples import AT, DAY, HOUR, catch_up, notice, notification
from tests.unit.alerting.slack_limits import assert_slack_accepts, texts


def shown(message: Message) -> str:
    return "\n".join(text["text"] for text in texts(message))


def header(message: Message) -> str:
    first = message.blocks[0]
    assert first["type"] == "header"
    return str(first["text"]["text"])


def told(**fields: Any) -> Message:
    message = render(notification(**fields))
    assert_slack_accepts(message)
    return message


@pytest.mark.parametrize("kind", Kind)
def test_the_messages_of_a_kind_are_as_they_were(kind: Kind) -> None:
    written = json.loads((GOLDEN / f"{kind.value}.json").read_text(encoding="utf-8"))
    assert payloads(kind) == written, "if it is meant: python -m tests.unit.alerting.gallery, and look at the diff"


def test_there_is_a_golden_file_for_every_kind_and_no_other() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*Kind, *others()}


@pytest.mark.parametrize("name", others())
def test_the_messages_of_other_notes_are_as_they_were(name: str) -> None:
    written = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    message = render(others()[name])
    assert message.payload() == written, "if it is meant: python -m tests.unit.alerting.gallery, and look at the diff"
    assert_slack_accepts(message)


def test_the_past_is_told_with_how_much_it_was_and_who_is_at_risk_most_valuable_first() -> None:
    message = render(catch_up(accounts=32))
    assert_slack_accepts(message)
    assert header(message) == "🌊 Caught up: 412 alerts of the past"
    told = (
        "from 16 May 2024 to 11 March 2025: 412 alerts opened and 380 were resolved. 64 are still open, on 32 "
        "accounts, with 956.08 EUR and 1,200.00 USD of monthly revenue at risk. Most is at risk on these:"
    )
    listed = (
        "1. Acme 1: usage silence (critical), usage drop (warning) since 11 March 2025; 1,490.00 EUR a month, 521.50 "
        "EUR of it at risk; owner anna@vendor.example\n2. Acme 2: usage drop (warning) since 10 March 2025; 745.00 EUR "
        "a month, 260.75 EUR of it at risk\n3. acct-3"
    )
    for part in (
        told,
        listed,
        "… and 22 more accounts: slackwater alerts list shows all",
        "told once, instead of one by one · 12 March 2025",
    ):
        assert part in shown(message)
        assert part in message.text


def test_a_past_that_left_nothing_open_says_so() -> None:
    message = render(catch_up(accounts=0, opened=1, resolved=1, first_at=AT, last_at=AT))
    assert header(message) == "🌊 Caught up: 1 alert of the past"
    assert "of 12 March 2025: 1 alert opened and 1 was resolved. None of them is still open." in shown(message)
    assert [block["type"] for block in message.blocks] == ["header", "section", "context"]


@pytest.mark.parametrize("text", ["<!channel> & \u202e *x* " * 40, "\n", "😀" * 250])
def test_slack_accepts_every_message_about_the_past(text: str) -> None:
    hostile = catch_up(accounts=10).accounts[0].model_copy(update={"account_name": text, "owner": text})
    worst = hostile.model_copy(update={"kinds": tuple((kind, Severity.CRITICAL) for kind in Kind)})
    message = render(catch_up(accounts=10, rerouted_from="sales").model_copy(
        update={"accounts": (worst,) * 10, "at_risk_minor": {f"A{chr(65 + n)}X": 10**15 for n in range(26)}}
    ))  # fmt: skip
    assert_slack_accepts(message)
    assert "meant for the route sales" in message.text or "…" in message.text


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"rerouted_from": "sales", "timezone": "Mars/Olympus"},
        dict.fromkeys(("title", "where", "text", "advice"), "<!channel> & \u202e *x* " * 40),
        dict.fromkeys(("title", "where", "text", "advice"), "\n"),
        dict.fromkeys(("title", "where", "text", "advice"), "😀" * 1_000),
    ],
)
def test_slack_accepts_every_notice(fields: dict[str, str]) -> None:
    assert_slack_accepts(render(notice(**fields)))


def test_a_notice_says_what_where_and_what_to_do_and_that_it_is_about_no_account() -> None:
    message = render(notice())
    assert header(message) == "🔧 Records lost: billing/3"
    for part in ("(offsets 100 to 1333)", "slackwater itself, not an account · 12 March 2025"):
        assert part in shown(message)
        assert part in message.text
    assert "*What to do*  Give the topic a longer retention.ms: <https://kafka.apache.org/" in shown(message)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("change", Change)
def test_slack_accepts_every_message_of_the_gallery(kind: Kind, change: Change) -> None:
    assert_slack_accepts(render(notification_of(kind, change)))


@pytest.mark.parametrize("change", [Change.OPENED, Change.ESCALATED, Change.WOKEN])
def test_a_message_that_asks_for_something_shows_all_that_convinces(change: Change) -> None:
    message = told(
        change=change,
        evidence={"observed": 24, "expected": 72.8, "window_days": 9},
        mrr_minor=149_000,
        currency="EUR",
        renewal_at=AT + 50 * DAY,
        also_open=(OpenAlert(kind=Kind.PAYMENT_FAILED, severity=Severity.CRITICAL),),
        owner="anna@vendor.example",
        team="Key accounts",
        playbook="Call the champion.",
    )
    assert "Usage drop" in header(message)
    assert "Acme Corp" in header(message)
    everything = shown(message)
    for part in (
        "Activity is down to a third of what is normal for Acme Corp.",
        "*Observed*\n24 events in 9 days",
        "*Expected*\nabout 73",
        "*Since*\n3 March 2025 (9 days)",
        "*MRR*\n1,490.00 EUR a month",
        "*Renewal*\n1 May 2025 (in 50 days)",
        "*Health*\n41 of 100",
        "Owner: anna@vendor.example",
        "Team: Key accounts",
        "*Next step*  Call the champion.",
        "Also open: payment failed (critical)",
        "alert 00112233445566aa",
    ):
        assert part in everything
        assert re.sub(r"\*(.+)\*\s+", r"\1: ", part) in message.text, "the text alone says it too"


def test_daily_counts_in_the_evidence_become_a_sparkline() -> None:
    message = told(evidence={"daily": (14, 11, 15, 0, 1, 16, 0, 7, 14)})
    assert "`█▆█▁▂█▁▅█`\nEvents a day, last 9 days; highest 16" in shown(message)
    assert "█▆█▁▂█▁▅█" in message.text


@pytest.mark.parametrize("evidence", [{}, {"daily": 7}, {"daily": ()}, {"daily": (0, 0)}])
def test_without_daily_counts_there_is_no_sparkline(evidence: dict[str, Any]) -> None:
    assert "Events a day" not in shown(told(evidence=evidence))


def test_six_weeks_are_shown_of_a_longer_history() -> None:
    assert "last 42 days; highest 1" in shown(told(evidence={"daily": (9,) * 18 + (1,) * 42}))


def test_quiet_news_has_no_sparkline() -> None:
    assert "Events a day" not in shown(told(change=Change.ACKNOWLEDGED, evidence={"daily": (1, 2)}, revision=2))


@pytest.mark.parametrize(
    ("severity", "icon"), [(Severity.WATCH, "🟡"), (Severity.WARNING, "🟠"), (Severity.CRITICAL, "🔴")]
)
def test_the_severity_is_a_colour_and_a_word(severity: Severity, icon: str) -> None:
    message = told(severity=severity)
    assert header(message).startswith(icon)
    assert severity.value.capitalize() in shown(message)


def test_an_alert_that_opens_again_says_so() -> None:
    assert header(told()) == "🟠 Usage drop: Acme Corp"
    assert header(told(revision=4)) == "🟠 Usage drop again: Acme Corp"
    assert header(told(change=Change.ESCALATED, revision=2)) == "🟠 Usage drop, escalated: Acme Corp"
    assert header(told(change=Change.WOKEN, revision=3)) == "🟠 Usage drop, snooze over: Acme Corp"


@pytest.mark.parametrize(
    ("kind", "resolution", "by", "sentence"),
    [
        (Kind.USAGE_DROP, Resolution.RECOVERED, None, "Resolved after 12 days: activity is back to normal."),
        (Kind.DOWNGRADE, Resolution.RECOVERED, None, "Resolved after 12 days: it is back to normal."),
        (Kind.USAGE_DROP, Resolution.REBASELINED, None, "Resolved after 12 days: this is the account's new normal."),
        (Kind.PAYMENT_FAILED, Resolution.PAID, None, "Resolved after 12 days: it is paid."),
        (Kind.CARD_EXPIRING, Resolution.REPLACED, None, "Resolved after 12 days: the card was replaced."),
        (Kind.CANCEL_SCHEDULED, Resolution.REVERTED, None, "Resolved after 12 days: the cancellation was taken back."),
        (Kind.DOWNGRADE, Resolution.REVERTED, None, "Resolved after 12 days: as much is paid as before."),
        (
            Kind.CANCEL_SCHEDULED,
            Resolution.EXPIRED,
            None,
            "Resolved after 12 days: the subscription has ended, and the account has others.",
        ),
        (Kind.USAGE_DROP, Resolution.EXPIRED, None, "Resolved after 12 days: it no longer applies."),
        (Kind.USAGE_DROP, Resolution.MANUAL, "Ben", "Resolved after 12 days: closed by Ben."),
        (Kind.USAGE_DROP, Resolution.MANUAL, None, "Resolved after 12 days: closed by hand."),
        (Kind.USAGE_DROP, None, None, "Resolved after 12 days."),
    ],
)
def test_a_resolved_alert_says_why_and_after_how_long_and_little_else(
    kind: Kind, resolution: Resolution | None, by: str | None, sentence: str
) -> None:
    message = told(
        kind=kind, change=Change.RESOLVED, resolution=resolution, by=by, opened_at=AT - 12 * DAY - 5 * HOUR, revision=2
    )
    assert [block["type"] for block in message.blocks] == ["section", "context"]
    (line, *_) = texts(message)
    assert line["text"].endswith(f": Acme Corp\n{sentence}")
    assert line["text"].startswith("✅")
    assert "Activity is down" not in shown(message), "the sentence of then is not the news of now"


def test_what_went_down_is_in_its_own_currency_and_not_the_accounts() -> None:
    reason = AlertReason(code="ended", text="data ended.", values={"currency": "USD", "mrr_before_minor": 70_000})
    evidence = {"mrr_before_minor": 90_000, "mrr_less_minor": 70_000}
    shown_ = shown(told(kind=Kind.DOWNGRADE, reasons=(reason,), evidence=evidence, currency="EUR", mrr_minor=10_000))
    assert "700.00 USD a month" in shown_
    assert "900.00 USD a month" in shown_
    assert "100.00 EUR a month" in shown_


def test_every_resolution_has_its_words() -> None:
    for resolution in Resolution:
        message = told(change=Change.RESOLVED, resolution=resolution, revision=2)
        assert "Resolved after less than an hour: " in shown(message) or "is lost" in shown(message)


def test_a_lost_account_is_not_called_resolved() -> None:
    message = told(change=Change.RESOLVED, resolution=Resolution.LOST, kind=Kind.CANCEL_SCHEDULED, revision=2)
    assert shown(message).startswith("⚫ Cancellation scheduled: Acme Corp\nThe account is lost")


def test_quiet_news_mentions_nobody() -> None:
    for change in (Change.ACKNOWLEDGED, Change.SNOOZED, Change.RESOLVED):
        made = notification(change=change, owner="anna@vendor.example", by="Ben", revision=2)
        message = render(made.model_copy(update={"owner_slack_id": "U0ANNA", "team_slack_id": "S0EMEA"}))
        assert "<@" not in shown(message) + message.text
        assert "<!" not in shown(message) + message.text
        assert "Owner: anna@vendor.example" in shown(message)


def test_an_owner_with_a_slack_id_is_mentioned() -> None:
    message = render(notification(owner="anna@vendor.example").model_copy(update={"owner_slack_id": "U0ANNA"}))
    assert_slack_accepts(message)
    assert "Owner: <@U0ANNA>" in shown(message)
    assert message.text.endswith("Owner: <@U0ANNA>")


def test_a_team_with_a_slack_group_is_mentioned_beside_the_owner() -> None:
    made = notification(owner="anna@vendor.example", team="EMEA")
    message = render(made.model_copy(update={"owner_slack_id": "U0ANNA", "team_slack_id": "S0EMEA"}))
    assert_slack_accepts(message)
    assert "Team: <!subteam^S0EMEA>" in shown(message)
    assert "Team: EMEA" not in shown(message) + message.text
    assert message.text.endswith("Owner: <@U0ANNA>\nTeam: <!subteam^S0EMEA>")
    assert render(made).text.endswith("Team: EMEA\nWarning · alert 00112233445566aa · account acme")


def test_a_name_full_of_markup_does_nothing_and_is_shown_as_it_is() -> None:
    name = "<!channel> & *Sons* :fire: <https://evil.example|click>"
    message = told(account_name=name, headline=f"{name} went quiet.")
    assert header(message) == f"🟠 Usage drop: {name}"
    plain = [text["text"] for text in texts(message) if text["type"] == "plain_text"]
    assert f"{name} went quiet." in plain
    assert "&lt;!channel&gt; &amp; *Sons*" in message.text


def test_a_name_cannot_start_a_line_or_turn_it_around() -> None:
    message = told(account_name="Acme\nOwner: mallory\u202e\x1b[2J\u2028x", owner="Anna\n\nTeam: none")
    assert header(message) == "🟠 Usage drop: Acme Owner: mallory [2J x"
    assert "Owner: Anna Team: none" in shown(message)


def test_an_account_without_a_name_is_called_by_its_id_and_one_with_a_name_has_both() -> None:
    assert header(told(account_name=None)) == "🟠 Usage drop: acme"
    assert "account acme" not in shown(told(account_name=None))
    assert "account acme" in shown(told())
    assert header(told(account_name="\u202e \n")) == "🟠 Usage drop: acme"
    assert header(told(account_name=" ", account_id="\u200b")) == "🟠 Usage drop: account without a name"


def test_a_long_name_is_cut_with_a_count_and_stands_in_full_nowhere() -> None:
    message = told(account_name="A" * 5_000)
    assert re.fullmatch(r"🟠 Usage drop: A+… \(\+4,\d\d\d\)", header(message))


def test_addresses_in_a_playbook_become_links_and_nothing_else_does() -> None:
    message = told(playbook="Read https://wiki.example.com/a?b=1&c=2, then <!here> call *them* & <https://x|y>.")
    assert (
        "*Next step*  Read <https://wiki.example.com/a?b=1&amp;c=2>, then &lt;!here&gt; call *them* &amp; "
        "&lt;<https://x>|y&gt;." in shown(message)
    )


def test_an_address_that_was_cut_is_no_link() -> None:
    message = told(playbook="see https://wiki.example.com/" + "a" * 2_000)
    assert "<https" not in shown(message)
    assert re.search(r"a… \(\+\d,\d{3}\)$", next(t["text"] for t in texts(message) if "Next step" in t["text"]))


def test_what_the_customer_said_at_the_cancellation_is_shown_as_said() -> None:
    reason = AlertReason(
        code="cancelled",
        text="pro was cancelled: no reason given; it ends on 2 April 2025.",
        values={"comment": "We only use <5%\nof *it*"},
    )
    message = told(kind=Kind.CANCEL_SCHEDULED, reasons=(reason,))
    assert "• pro was cancelled: no reason given; it ends on 2 April 2025. “We only use <5% of *it*”" in shown(message)


def test_many_reasons_are_cut_with_a_count() -> None:
    reasons = tuple(AlertReason(code="x", text=f"Reason {n}.") for n in range(9))
    message = told(kind=Kind.NEGATIVE_FEEDBACK, reasons=reasons)
    assert "• Reason 4.\n… (+4 more)" in shown(message)


def test_days_are_those_of_the_business_time_zone() -> None:
    late = notification(since=AT - 10 * HOUR)  # 23:30 in UTC, 8:30 of the next day in Tokyo
    assert "*Since*\n11 March 2025" in shown(render(late))
    assert "*Since*\n12 March 2025" in shown(render(late.model_copy(update={"timezone": "Asia/Tokyo"})))
    assert "*Since*\n11 March 2025" in shown(render(late.model_copy(update={"timezone": "Mars/Olympus"})))


@pytest.mark.parametrize(
    ("key", "value", "label"),
    [
        ("cancel_at", 10**15, "Ends"),
        ("cancel_at", 0, "Ends"),
        ("next_attempt_at", -(10**15), "Next attempt"),
        ("attempt", 10**16, "Attempt"),
        ("amount_minor", -1, "Amount"),
        ("false_alarms_per_account_year", 5e-324, "False alarms"),
        ("false_alarms_per_account_year", 0, "False alarms"),
        ("invoices", 1, "Unpaid invoices"),
    ],
)
def test_a_figure_that_says_nothing_is_left_out(key: str, value: float, label: str) -> None:
    assert f"*{label}" not in shown(told(evidence={key: value}, currency="EUR"))


def test_the_last_day_of_a_card_is_the_day_before_the_first_on_which_it_is_no_good() -> None:
    made = notification_of(Kind.CARD_EXPIRING, Change.OPENED)
    assert "*Card ends*\n31 March 2025" in shown(render(made))


@pytest.mark.parametrize(
    ("days", "shown_as"),
    [(2, "14 March 2025 (in 2 days)"), (0.1, "12 March 2025 (in 2 hours)"), (-0.3, "12 March 2025"), (-2, None)],
)
def test_a_renewal_is_shown_until_it_is_past(days: float, shown_as: str | None) -> None:
    everything = shown(told(renewal_at=AT + round(days * DAY)))
    assert ("*Renewal*" in everything) is (shown_as is not None)
    assert shown_as is None or f"*Renewal*\n{shown_as}" in everything


def test_the_amount_of_an_invoice_is_in_its_own_currency() -> None:
    reason = AlertReason(code="payment_failed", text="x", values={"amount_minor": 500, "currency": "JPY"})
    fields: dict[str, Any] = {"kind": Kind.PAYMENT_FAILED, "evidence": {"amount_minor": 500, "attempt": 1}}
    assert "*Amount*\n500 JPY" in shown(told(**fields, currency="EUR", reasons=(reason,)))
    assert "*Amount*\n5.00 EUR" in shown(told(**fields, currency="EUR"))
    assert "*Amount*" not in shown(told(**fields))


def test_a_message_that_was_meant_for_a_broken_route_says_so() -> None:
    message = render(notification("sales").rerouted("default"))
    assert_slack_accepts(message)
    assert "meant for the route sales, which is broken" in shown(message)


def test_the_plain_version_is_the_text_alone_and_is_not_read_as_markup() -> None:
    payload = told().plain().payload()
    assert set(payload) == {"text", "mrkdwn", "unfurl_links", "unfurl_media"}
    assert payload["mrkdwn"] is False
