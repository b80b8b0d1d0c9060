"""What a channel hears: the life of alerts, against a route's grouping, hours, digests, reminders and limits."""

from __future__ import annotations

from datetime import date

from alerting.delivery.answers import OK, Answer
from alerting.notification import AnyNote
from alerting.quiet import HOUR, MINUTE, Quiet
from schemas.alerts import Severity
from tests.scenarios.quiet_story import QuietStory, office_hours

BUSY = Answer(status=503)


# Grouping


def test_a_decline_that_trips_three_kinds_is_one_message() -> None:
    it = QuietStory(Quiet())
    it.at("mon 09:00:00").opens("acme", "usage_drop").opens("beta", "paused")
    it.at("mon 09:00:10").opens("acme", "payment_failed", "critical").opens("acme", "breadth_decline")
    it.hears(
        "mon 09:00:30 acme: payment_failed opened!, breadth_decline opened, usage_drop opened",
        "mon 09:00:30 beta: paused opened",
    )


def test_what_comes_after_a_message_waits_for_five_minutes_and_is_gathered_again() -> None:
    it = QuietStory(Quiet())
    it.at("mon 09:00:00").opens("acme", "usage_drop")
    it.at("mon 09:01:00").opens("acme", "paused")
    it.at("mon 09:04:00").escalates("acme", "usage_drop")
    it.at("mon 10:00:00").resolves("acme", "usage_drop")
    it.hears(
        "mon 09:00:30 acme: usage_drop opened",
        "mon 09:05:30 acme: usage_drop escalated!, paused opened",
        "mon 10:00:30 acme: usage_drop resolved!",
    )


def test_what_opened_and_got_worse_before_anybody_heard_of_it_is_told_as_new() -> None:
    it = QuietStory(Quiet())
    it.at("mon 09:00:00").opens("acme", "usage_drop")
    it.at("mon 09:00:20").escalates("acme", "usage_drop")
    it.hears("mon 09:00:30 acme: usage_drop escalated! (new)")


def test_what_is_over_before_anybody_was_told_is_not_told_at_all() -> None:
    it = QuietStory(Quiet())
    it.at("mon 09:00:00").opens("acme", "card_expiring")
    it.at("mon 09:00:20").resolves("acme", "card_expiring", "replaced")
    it.hears()
    assert it.office.stored.table == {}, "nothing is left of it"


def test_what_came_and_went_is_mentioned_where_there_is_something_else_to_say_of_the_account() -> None:
    it = QuietStory(Quiet())
    it.at("mon 09:00:00").opens("acme", "card_expiring").opens("acme", "usage_drop")
    it.at("mon 09:00:20").resolves("acme", "card_expiring", "replaced")
    it.hears("mon 09:00:30 acme: usage_drop opened; came and went: card_expiring")


def test_an_account_that_is_lost_before_anybody_heard_of_its_cancellation_is_told_all_the_same() -> None:
    it = QuietStory(Quiet())
    it.at("mon 09:00:00").opens("acme", "cancel_scheduled")
    it.at("mon 09:00:20").resolves("acme", "cancel_scheduled", "lost")
    it.hears("mon 09:00:30 acme: cancel_scheduled resolved (new)")


def test_an_alert_that_opens_again_after_it_came_and_went_is_new() -> None:
    it = QuietStory(Quiet())
    it.at("mon 09:00:00").opens("acme", "usage_drop")
    it.at("mon 09:00:10").resolves("acme", "usage_drop")
    it.at("mon 09:00:20").opens("acme", "usage_drop")
    it.hears("mon 09:00:50 acme: usage_drop opened")


def test_what_is_acknowledged_while_it_is_held_is_told_as_that() -> None:
    it = QuietStory(Quiet())
    it.at("mon 09:00:00").opens("acme", "usage_drop", "critical").opens("acme", "paused")
    it.at("mon 09:00:10").acknowledges("acme", "usage_drop")
    it.hears("mon 09:00:30 acme: paused opened, usage_drop acknowledged! (new)")


def test_with_no_times_set_every_change_goes_by_itself_at_once() -> None:
    it = QuietStory(Quiet(group_wait=0, group_interval=0))
    it.at("mon 09:00:00").opens("acme", "usage_drop").opens("acme", "paused").resolves("acme", "paused")
    it.hears(
        "mon 09:00:00 acme: usage_drop opened",
        "mon 09:00:00 acme: paused opened",
        "mon 09:00:00 acme: paused resolved",
    )


# Hours


def test_what_comes_on_friday_evening_is_told_on_monday_morning_as_it_stands_then() -> None:
    it = QuietStory(office_hours())
    it.at("fri 19:00").opens("acme", "usage_drop").opens("beta", "usage_drop")
    it.at("sat 12:00").opens("acme", "paused").resolves("beta", "usage_drop")
    it.hears("next mon 08:00:00 acme: paused opened, usage_drop opened", until="next mon 09:00")


def test_a_critical_alert_goes_at_night_and_takes_along_what_else_there_is_of_its_account() -> None:
    it = QuietStory(office_hours())
    it.at("fri 19:00").opens("acme", "usage_drop").opens("beta", "usage_drop")
    it.at("sat 03:00").opens("acme", "payment_failed", "critical")
    it.at("sat 04:00").resolves("acme", "payment_failed", "paid")
    it.hears(
        "sat 03:00:00 acme: payment_failed opened!, usage_drop opened",
        "next mon 08:00:00 acme: payment_failed resolved!",
        "next mon 08:00:00 beta: usage_drop opened",
    )


def test_what_people_know_of_and_what_is_over_by_morning_becomes_a_line() -> None:
    it = QuietStory(office_hours())
    it.at("fri 12:00").opens("acme", "usage_drop")
    it.at("fri 20:00").escalates("acme", "usage_drop", "warning")
    it.at("sat 20:00").resolves("acme", "usage_drop")
    it.hears("fri 12:00:30 acme: usage_drop opened", "next mon 08:00:00 acme: usage_drop resolved")


def test_a_holiday_is_closed_and_nothing_passes_where_critical_alerts_may_not() -> None:
    it = QuietStory(office_hours(holidays=frozenset([date(2025, 3, 12)]), critical_passes=False))
    it.at("wed 10:00").opens("acme", "usage_silence", "critical")
    it.hears("thu 08:00:00 acme: usage_silence opened!")


def test_the_clock_change_of_a_weekend_moves_no_opening() -> None:
    it = QuietStory(office_hours(), monday="2025-03-24")
    it.at("sat 12:00").opens("acme", "usage_drop")
    it.hears("next mon 08:00:00 acme: usage_drop opened", until="next tue 00:00")


def test_what_was_ready_when_slack_went_away_and_the_office_closed_waits_until_morning() -> None:
    def away(_route: str, _note: AnyNote, now: int) -> tuple[Answer, int]:
        return (BUSY if now < it._moment("wed 19:00") else OK), 100

    it = QuietStory(office_hours(), slack=away)
    it.at("wed 17:50").opens("acme", "usage_drop").opens("beta", "usage_drop")
    it.at("wed 18:30").opens("beta", "paused")
    it.at("wed 23:00")
    assert [line.partition(" ")[2].partition(": ")[2] for line in it.heard] == ["usage_drop opened"]
    it.at("thu 09:00")
    assert it.heard[1:] == ["thu 08:00:00 beta: paused opened, usage_drop opened"]


# An outage


def test_what_waits_for_a_route_that_is_down_grows_together_and_what_resolves_meanwhile_is_a_line() -> None:
    def away(_route: str, _note: AnyNote, now: int) -> tuple[Answer, int]:
        return (BUSY if now < it._moment("mon 15:00") else OK), 100

    it = QuietStory(Quiet(), slack=away)
    it.at("mon 09:00").opens("one", "paused").opens("two", "paused").opens("three", "paused")
    it.at("mon 10:00").opens("acme", "usage_drop").opens("beta", "usage_drop").opens("gone", "usage_drop")
    it.at("mon 11:00").opens("acme", "paused").resolves("gone", "usage_drop").escalates("beta", "usage_drop")
    it.at("mon 12:00").resolves("one", "paused", "reverted").resolves("acme", "paused", "reverted")
    it.at("mon 16:00")
    told = [line.partition(" ")[2].partition(" ")[2] for line in it.heard]
    assert sorted(told) == [
        "acme: usage_drop opened; came and went: paused",
        "beta: usage_drop escalated! (new)",
        "one: paused opened",  # three are tried, so that no single message holds up the route: they grow no more
        "one: paused resolved",
        "three: paused opened",
        "two: paused opened",
    ]
    assert told.index("one: paused opened") < told.index("one: paused resolved")


# Digests


def test_a_digest_tells_of_the_day_what_is_new_and_what_is_over() -> None:
    it = QuietStory(Quiet(digest_at=9 * 60, timezone="Europe/Berlin"))
    it.at("mon 10:00").opens("acme", "usage_drop", mrr_minor=1_000).opens("beta", "paused", mrr_minor=5_000)
    it.at("mon 12:00").opens("gone", "usage_drop")
    it.at("mon 13:00").resolves("gone", "usage_drop").opens("acme", "payment_failed", "critical")
    it.at("tue 12:00").resolves("beta", "paused", "reverted")
    it.hears(
        "tue 09:00:00 digest: 3 new, 1 went; beta acme",
        "wed 09:00:00 digest: 1 resolved, 2 still_open",
    )


def test_a_weekly_digest_of_watches_comes_on_its_day_and_a_week_with_nothing_has_none() -> None:
    quiet = Quiet(digest_at=9 * 60, digest_days=frozenset([0]))
    it = QuietStory(quiet, minimum_severity=Severity.WATCH)
    it.at("tue 10:00").opens("acme", "usage_drop", "watch").opens("beta", "usage_drop", "watch")
    it.at("sat 10:00").resolves("beta", "usage_drop")
    it.hears("next mon 09:00:00 digest: 1 new, 1 went; acme")


# Reminders


def test_a_critical_alert_that_nobody_acknowledges_is_told_again_and_again_until_somebody_does() -> None:
    it = QuietStory(Quiet(reminder=4 * HOUR))
    it.at("mon 09:00").opens("acme", "usage_silence", "critical").opens("beta", "usage_drop")
    it.at("mon 18:00").acknowledges("acme", "usage_silence")
    it.hears(
        "mon 09:00:30 acme: usage_silence opened!",
        "mon 09:00:30 beta: usage_drop opened",
        "mon 13:00:30 acme: reminder 1 of usage_silence",
        "mon 17:00:30 acme: reminder 2 of usage_silence",
    )


def test_an_alert_that_is_snoozed_or_over_is_not_reminded_of_and_one_that_wakes_is() -> None:
    it = QuietStory(Quiet(reminder=4 * HOUR))
    it.at("mon 09:00").opens("acme", "usage_silence", "critical").opens("beta", "usage_silence", "critical")
    it.at("mon 10:00").snoozes("acme", "usage_silence").resolves("beta", "usage_silence")
    it.at("tue 10:00").wakes("acme", "usage_silence")
    it.at("tue 15:00").resolves("acme", "usage_silence")
    it.hears(
        "mon 09:00:30 acme: usage_silence opened!",
        "mon 09:00:30 beta: usage_silence opened!",
        "mon 10:00:30 beta: usage_silence resolved!",
        "tue 10:00:30 acme: usage_silence woken!",
        "tue 14:00:30 acme: reminder 1 of usage_silence",
        "tue 15:00:30 acme: usage_silence resolved!",
    )


def test_where_critical_alerts_do_not_pass_reminders_wait_for_the_morning_too() -> None:
    it = QuietStory(office_hours(reminder=4 * HOUR, critical_passes=False))
    it.at("mon 16:00").opens("acme", "usage_silence", "critical")
    it.at("tue 09:00").resolves("acme", "usage_silence")
    it.hears(
        "mon 16:00:30 acme: usage_silence opened!",
        "tue 08:00:00 acme: reminder 1 of usage_silence",
        "tue 09:00:30 acme: usage_silence resolved!",
    )


# Limits


def test_above_the_limit_the_most_at_risk_go_by_themselves_and_all_others_are_one_summary() -> None:
    it = QuietStory(Quiet(limit_per_hour=3))
    it.at("mon 09:00")
    for number in range(1, 8):
        it.opens(f"acct-{number}", "usage_drop", mrr_minor=number * 1_000)
    it.at("mon 09:03").opens("late", "usage_drop", mrr_minor=2_500)
    it.hears(
        "mon 09:00:30 acct-7: usage_drop opened",
        "mon 09:00:30 acct-6: usage_drop opened",
        "mon 09:05:30 limit: 6 new; acct-5 acct-4 acct-3 late acct-2 acct-1",
    )


def test_what_comes_after_the_summary_of_an_hour_waits_for_the_next_hour() -> None:
    it = QuietStory(Quiet(limit_per_hour=2))
    it.at("mon 09:00").opens("a", "usage_drop", mrr_minor=3).opens("b", "usage_drop").opens("c", "usage_drop")
    it.at("mon 09:20").opens("d", "usage_drop").resolves("b", "usage_drop")
    it.hears(
        "mon 09:00:30 a: usage_drop opened",
        "mon 09:05:30 limit: 2 new; b c",
        "mon 10:05:30 limit: 1 new, 1 resolved; d",
    )


def test_a_single_account_above_the_limit_is_told_in_full() -> None:
    it = QuietStory(Quiet(limit_per_hour=1, group_interval=5 * MINUTE))
    it.at("mon 09:00").opens("acme", "usage_drop")
    it.at("mon 09:30").opens("beta", "usage_drop")
    it.hears("mon 09:05:30 acme: usage_drop opened", "mon 10:10:30 beta: usage_drop opened")


def test_what_is_set_aside_while_slack_is_away_counts_for_the_limit() -> None:
    def away(_route: str, _note: AnyNote, now: int) -> tuple[Answer, int]:
        return (BUSY if now < it._moment("mon 11:00") else OK), 100

    it = QuietStory(Quiet(limit_per_hour=2), slack=away)
    it.at("mon 09:00").opens("one", "paused").at("mon 09:01").opens("two", "paused")
    it.at("mon 09:02").opens("three", "paused").opens("four", "paused")
    it.at("mon 11:55")
    assert [line.partition(" ")[2].partition(" ")[2] for line in it.heard] == [
        "one: paused opened",
        "limit: 3 new; two four three",
    ]


# A crash


def test_a_worker_that_dies_while_it_gathers_forgets_and_repeats_nothing() -> None:
    it = QuietStory(Quiet(reminder=HOUR))
    it.at("mon 09:00:00").opens("acme", "usage_silence", "critical")
    it.at("mon 09:00:10").is_killed().opens("acme", "paused")
    it.at("mon 10:00:00").is_killed()
    it.at("mon 10:30:00").acknowledges("acme", "usage_silence")
    it.hears(
        "mon 09:00:30 acme: usage_silence opened!, paused opened",
        "mon 10:00:30 acme: reminder 1 of usage_silence",
    )
