"""The stories. Each says what happens to an account and what slackwater should say of it; they run on the pure engine
(`test_stories.py`) and can be sent through a broker as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.scenarios.story import Story

SETTINGS = {"intent_events": "cancel_page_*,data_exported", "key_actions": "report_exported"}
"""What a worker has to be told for them."""
STORIES: list[Callable[[], Story]] = []


def story(tell: Callable[[], Story]) -> Callable[[], Story]:
    """Adds a story to the collection."""
    STORIES.append(tell)
    return tell


@story
def a_daily_user_that_stops_is_called_silent_within_days() -> Story:
    it = Story()
    it.daily_use("acme", users=5, days=90).then_silence(days=12).expect(
        "usage_silence",
        opened_between=(92, 94),
        warned_between=(93, 96),
        critical_between=(95, 99),
        since_between=(87, 88),
    ).expect_no("usage_drop")
    return it


@story
def a_weekly_user_is_given_weeks_and_a_monthly_one_months() -> Story:
    it = Story()
    it.account("weekly").use_every(every=7, times=30).then_silence(days=40).expect(
        "usage_silence", opened_between=(215, 226), warned_between=(220, 232)
    )
    it.account("monthly").use_every(every=30, times=14).then_silence(days=120).expect(
        "usage_silence", opened_between=(430, 475), warned_between=(450, 510)
    )
    return it


@story
def weekends_are_no_silence_and_steady_use_is_no_drop() -> Story:
    it = Story()
    it.daily_use("weekdays", users=4, days=250).expect_no(severity="warning")
    it.daily_use("always", users=2, days=250, weekends=True).expect_no(severity="warning")
    # Busy enough to be called silent after two days, were a weekend not what it is.
    it.daily_use("busy", users=12, days=250).expect_no()
    return it


@story
def a_fall_to_a_quarter_is_found_and_forgiven_when_it_is_over() -> Story:
    it = Story()
    acme = it.daily_use("acme", users=6, days=100)
    acme.daily_use(users=6, days=21, share=0.25).daily_use(users=6, days=60)
    acme.expect(
        "usage_drop",
        warned_between=(101, 111),
        since_between=(94, 103),
        resolved_between=(127, 160),
        resolution="recovered",
    )
    return it


@story
def a_lower_level_that_lasts_becomes_the_new_normal() -> Story:
    it = Story()
    it.daily_use("acme", users=8, days=100).daily_use(users=8, days=150, share=0.3).expect(
        "usage_drop", warned_between=(101, 110), resolved_between=(160, 172), resolution="rebaselined"
    )
    return it


@story
def a_holiday_that_was_reported_is_not_reported_again_as_a_drop() -> Story:
    it = Story()
    it.daily_use("acme", users=5, days=91).then_silence(days=16).daily_use(users=5, days=45).expect(
        "usage_silence", warned_between=(94, 97), resolved_between=(107, 108), resolution="recovered"
    ).expect_no("usage_drop")
    return it


@story
def core_actions_that_stop_are_missed_although_people_go_on() -> Story:
    it = Story()
    acme = it.account("acme").daily_use(users=5, days=98, exports=True).daily_use(users=5, days=28)
    acme.daily_use(users=5, days=10, exports=True).expect(
        "key_action_stopped",
        opened_between=(103, 110),
        warned_between=(108, 122),
        since_between=(95, 95),
        resolved_between=(126, 126),
        resolution="recovered",
    ).expect_no("usage_silence", "usage_drop", severity="warning")
    # Once more within the cool-down: it is the same alert.
    acme.daily_use(users=5, days=21).expect_ids("key_action_stopped", 1).expect_changes(
        "key_action_stopped",
        *("opened", "escalated", "resolved"),
        "opened",
    )
    return it


@story
def core_actions_that_stay_away_turn_critical_late_in_a_fleet_that_has_not_shown_how_rare_that_is() -> Story:
    it = Story()
    acme = it.account("acme").daily_use(users=5, days=98, exports=True).daily_use(users=5, days=75)
    acme.expect("key_action_stopped", warned_between=(108, 122), critical_between=(150, 170))
    return it


@story
def core_actions_are_not_missed_where_all_of_it_stops_or_falls() -> Story:
    it = Story()
    it.account("gone").daily_use(users=5, days=98, exports=True).then_silence(days=40).expect_no("key_action_stopped")
    # On holiday there are fewer of them, as of everything else.
    away = it.account("away").daily_use(users=5, days=98, exports=True).daily_use(users=5, days=14, share=0.1)
    away.daily_use(users=5, days=28, exports=True).expect_no("key_action_stopped", severity="warning")
    # Who never exported has nothing to miss.
    it.daily_use("never", users=5, days=150).expect_no("key_action_stopped")
    return it


@story
def people_who_leave_are_missed_although_as_much_is_done_as_before() -> Story:
    it = Story()
    acme = it.daily_use("acme", users=12, days=98).daily_use(users=3, days=35, busier=4)
    acme.daily_use(users=12, days=35).expect(
        "breadth_decline",
        opened_between=(105, 113),
        warned_between=(105, 120),
        since_between=(98, 98),
        resolved_between=(140, 168),
        resolution="recovered",
    ).expect_no("usage_silence", "usage_drop", severity="warning")
    return it


@story
def a_team_that_does_little_for_a_fortnight_is_no_smaller_one() -> Story:
    it = Story()
    it.daily_use("away", users=12, days=98).daily_use(users=12, days=14, share=0.25).daily_use(
        users=12, days=28
    ).expect_no("breadth_decline")
    it.daily_use("one", users=1, days=98).daily_use(users=1, days=28, share=0.3).expect_no("breadth_decline")
    return it


@story
def a_new_account_is_left_alone() -> Story:
    it = Story()
    it.daily_use("tried", users=5, days=4).then_silence(days=200).expect_no()
    it.account("seldom").use_every(every=45, times=4).then_silence(days=200).expect_no()
    # Gone in the third week, but nobody could be sure before it is old enough to be judged.
    it.daily_use("young", users=5, days=18).then_silence(days=30).expect("usage_silence", opened_between=(31, 31))
    return it


@story
def silence_again_within_the_cool_down_is_the_same_alert_and_later_a_new_one() -> Story:
    it = Story()
    acme = it.daily_use("acme", users=5, days=91).then_silence(days=8).daily_use(users=5, days=3)
    acme.then_silence(days=9).daily_use(users=5, days=60).then_silence(days=6)
    acme.expect_ids("usage_silence", 2).expect_changes(
        "usage_silence",
        *("opened", "escalated", "escalated", "resolved"),
        *("opened", "escalated", "resolved"),
        "opened",
    )
    return it


@story
def a_failed_payment_grows_with_each_attempt_until_it_is_paid() -> Story:
    it = Story()
    acme = it.account("acme").subscribes().waits(days=5)
    acme.payment_fails(attempt=1, failure_code="insufficient_funds").waits(days=3)
    acme.payment_fails(attempt=2).waits(days=3).payment_fails(attempt=2).waits(days=2)
    acme.payment_fails(attempt=3, next_in_days=None).waits(days=1).pays().waits(days=2)
    acme.expect(
        "payment_failed",
        opened_between=(5, 5),
        warned_between=(5, 5),
        critical_between=(13, 13),
        resolved_between=(14, 14),
        resolution="paid",
    ).expect_changes("payment_failed", "opened", "escalated", "escalated", "resolved")
    return it


@story
def a_hard_decline_is_critical_at_once_and_a_voided_invoice_is_over() -> Story:
    it = Story()
    acme = it.account("acme").subscribes().payment_fails(hard=True, failure_code="stolen_card").waits(days=2)
    acme.bills("invoice.voided", invoice_id="in-1").waits(days=1)
    acme.expect("payment_failed", critical_between=(0, 0), resolved_between=(2, 2), resolution="expired")
    return it


@story
def two_unpaid_invoices_are_one_alert_that_ends_with_the_second() -> Story:
    it = Story()
    acme = it.account("acme").subscribes().payment_fails("in-1").waits(days=2).payment_fails("in-2").waits(days=1)
    acme.pays("in-1").waits(days=4).pays("in-2")
    acme.expect_changes("payment_failed", "opened", "escalated", "resolved")
    acme.expect("payment_failed", resolved_between=(7, 7))
    return it


@story
def a_payment_that_overtakes_its_own_failure_leaves_no_alert() -> Story:
    it = Story()
    acme = it.account("acme").subscribes().waits(days=1).pays().waits(days=1).renews()
    # Reported late: it had failed the day before it was paid.
    acme.payment_fails(occurred_at="2025-01-06T12:00:00Z").waits(days=2).expect_no()
    return it


@story
def a_card_that_ends_before_the_next_charge_is_announced_and_replaced() -> Story:
    it = Story()
    # Good to the end of March: day 84 is 31 March, and 85 the first day without it.
    acme = it.account("acme").subscribes(period_days=30).has_card(month=3, year=2025).waits(days=30)
    acme.renews(period_days=30).waits(days=30).renews(period_days=30).waits(days=5)
    acme.has_card("card-2", month=3, year=2028).waits(days=60)
    acme.expect(
        "card_expiring", opened_between=(60, 60), resolved_between=(65, 65), resolution="replaced"
    ).expect_changes("card_expiring", "opened", "resolved")
    return it


@story
def a_card_on_a_yearly_contract_is_announced_a_month_before_its_end_and_critical_before_the_charge() -> Story:
    it = Story()
    acme = it.account("acme").subscribes(period_days=120).has_card(month=3, year=2025).waits(days=125)
    acme.expect("card_expiring", opened_between=(55, 55), warned_between=(55, 55), critical_between=(113, 113))
    return it


@story
def a_card_that_outlives_the_contract_is_no_news() -> Story:
    it = Story()
    acme = it.account("acme").subscribes(period_days=30).has_card(month=3, year=2025).cancels(in_days=30)
    acme.waits(days=90).expect_no("card_expiring")
    return it


@story
def an_unhappy_answer_is_told_and_a_better_one_of_the_same_person_settles_it() -> Story:
    it = Story()
    acme = it.account("acme").subscribes().waits(days=3).scores("nps", 6, user="kim").waits(days=2)
    acme.scores("nps", 10, user="lee").waits(days=3).scores("nps", 9, user="kim").waits(days=2)
    acme.expect(
        "negative_feedback",
        opened_between=(3, 3),
        warned_between=(3, 3),
        resolved_between=(8, 8),
        resolution="recovered",
    ).expect_changes("negative_feedback", "opened", "resolved")
    # Neither a passive nor half of a satisfied customer is unhappy, and a ticket is no complaint as such.
    it.account("fine").scores("nps", 7).scores("csat", 3).ticket("new").waits(days=6).ticket("solved").waits(
        days=30
    ).expect_no()
    return it


@story
def a_complaint_that_is_followed_by_nothing_is_over_after_thirty_days() -> Story:
    it = Story()
    it.account("acme").scores("csat", 2).waits(days=40).expect(
        "negative_feedback", opened_between=(0, 0), resolved_between=(30, 30), resolution="expired"
    ).expect_no(severity="warning")
    return it


@story
def a_ticket_that_nobody_closes_is_told_after_a_week_and_worse_when_it_is_escalated() -> Story:
    it = Story()
    acme = it.account("acme").ticket("new", priority="high").waits(days=2).ticket("pending").waits(days=8)
    acme.ticket("escalated").waits(days=3).ticket("closed").waits(days=40)
    acme.expect(
        "negative_feedback",
        opened_between=(7, 7),
        critical_between=(10, 10),
        since_between=(0, 0),
        resolved_between=(13, 13),
        resolution="recovered",
    ).expect_changes("negative_feedback", "opened", "escalated", "resolved")
    return it


@story
def the_third_ticket_in_two_weeks_is_a_complaint_and_one_later_is_not() -> Story:
    it = Story()
    often = it.account("often").ticket("new", "t-1").waits(days=3).ticket("solved", "t-1").ticket("new", "t-2")
    often.waits(days=3).ticket("solved", "t-2").waits(days=7).ticket("new", "t-3").waits(days=1).ticket("solved", "t-3")
    often.waits(days=3).expect(
        "negative_feedback", opened_between=(13, 13), resolved_between=(14, 14), resolution="recovered"
    )
    seldom = it.account("seldom").ticket("new", "t-1").waits(days=3).ticket("solved", "t-1").ticket("new", "t-2")
    seldom.waits(days=3).ticket("solved", "t-2").waits(days=8).ticket("new", "t-3").waits(days=3)
    seldom.ticket("solved", "t-3").expect_no()
    return it


@story
def feedback_that_overtakes_or_repeats_itself_is_told_once() -> Story:
    it = Story()
    acme = it.account("acme").scores("nps", 2, user="kim").waits(days=1)
    acme.says("nps", score=2, user_id="kim", event_id="acme-1").waits(days=2).scores("nps", 9, user="kim").waits(days=1)
    acme.ticket("new").waits(days=1).ticket("solved")
    # Reported late: before the answer that settled it.
    acme.says("nps", score=1, user_id="kim", occurred_at="2025-01-07T12:00:00Z").waits(days=3)
    acme.expect_changes("negative_feedback", "opened", "resolved")
    return it


@story
def what_precedes_leaving_is_told_once_a_day_and_forgotten_after_a_month() -> Story:
    it = Story()
    acme = it.daily_use("acme", days=40).usage(event="cancel_page_opened", user="user-1")
    acme.usage(hour=12.5, event="cancel_page_left", user="user-1").usage(hour=13, event="cancel_page_left")
    acme.waits(days=1).daily_use(days=3).usage(event="data_exported").usage(hour=13, event="data_exported")
    acme.waits(days=1).daily_use(days=40)
    acme.expect(
        "cancel_intent",
        opened_between=(40, 40),
        critical_between=(40, 40),
        resolved_between=(74, 74),
        resolution="expired",
    ).expect_changes("cancel_intent", "opened", "escalated", "escalated", "resolved")
    # Close, and not named.
    it.daily_use("other", days=40).usage(event="cancel", user="user-1").usage(event="data_exported_daily").expect_no(
        "cancel_intent"
    )
    return it


@story
def what_precedes_leaving_is_told_once_however_often_it_is_sent_and_late_for_its_own_time() -> Story:
    it = Story()
    acme = it.account("acme").usage(event="data_exported").waits(days=1)
    acme.usage(event="data_exported", event_id="acme-1").waits(days=1).usage().waits(days=40).usage().waits(days=1)
    # On the way for six weeks: what it told of is over.
    acme.usage(event="data_exported", occurred_at="2025-01-06T11:00:00Z").waits(days=2)
    acme.expect("cancel_intent", opened_between=(0, 0), warned_between=(0, 0), resolved_between=(30, 30))
    acme.expect_changes("cancel_intent", "opened", "resolved").expect_no("cancel_intent", severity="critical")
    return it


@story
def whoever_carried_the_account_and_stays_away_is_missed_until_back() -> Story:
    it = Story()
    acme = it.account("acme").people(days=84, kim=1.0, lee=0.4, ana=0.3).people(days=35, lee=0.6, ana=0.9)
    acme.people(days=14, kim=1.0, lee=0.4).expect(
        "champion_gone",
        opened_between=(98, 101),
        warned_between=(112, 117),
        since_between=(81, 81),
        resolved_between=(119, 119),
        resolution="recovered",
    ).expect_changes("champion_gone", "opened", "escalated", "resolved")
    gone = it.account("gone").people(days=84, kim=1.0, lee=0.4).people(days=100, lee=1.0)
    gone.expect("champion_gone", warned_between=(112, 117), resolved_between=(168, 170), resolution="expired")
    return it


@story
def two_weeks_away_are_a_holiday_and_so_is_a_silence_of_all() -> Story:
    it = Story()
    away = it.account("away").people(days=84, kim=1.0, lee=0.4).people(days=14, lee=1.0).people(days=14, kim=1.0)
    away.expect_no("champion_gone")
    it.account("all").people(days=84, kim=1.0, lee=0.4).waits(days=40).people(days=14, kim=1.0, lee=0.4).expect_no(
        "champion_gone"
    )
    return it


@story
def where_all_are_alike_nobody_is_a_champion_and_a_program_never_is() -> Story:
    it = Story()
    it.account("alike").people(days=84, kim=0.9, lee=0.9, ana=0.9).people(days=60, lee=0.9, ana=0.9).expect_no(
        "champion_gone"
    )
    cron = it.account("cron")
    for _ in range(84):
        cron.usage(hour=0.25, user="cron").people(days=1, lee=0.4, ana=0.3)
    cron.people(days=60, lee=0.6, ana=0.6).expect_no("champion_gone")
    return it


@story
def a_champion_that_is_named_may_come_seldom_and_is_replaced_by_naming_another() -> Story:
    it = Story()
    acme = it.account("acme").is_described(champions=["boss"]).people(days=182, boss=0.25, kim=1.0, lee=0.8)
    acme.people(days=120, kim=1.0, lee=0.8).is_described(champions=["kim"]).people(days=10, kim=1.0, lee=0.8)
    acme.expect(
        "champion_gone", opened_between=(210, 290), resolved_between=(302, 302), resolution="replaced"
    ).expect_no("usage_drop")
    return it


@story
def a_champion_that_is_reported_to_have_left_is_critical_at_once() -> Story:
    it = Story()
    acme = it.account("acme").is_described(champions=["kim"]).people(days=40, kim=0.9, lee=0.9)
    acme.is_described(contacts_left=["somebody", "kim"]).people(days=20, lee=0.9).people(days=5, kim=1.0, lee=0.9)
    acme.expect("champion_gone", critical_between=(40, 40), resolved_between=(60, 64), resolution="recovered")
    acme.expect_changes("champion_gone", "opened", "resolved")
    it.account("other").is_described(champions=["kim"]).people(days=40, kim=0.9, lee=0.9).is_described(
        contacts_left=["lee"]
    ).people(days=10, kim=0.9).expect_no("champion_gone")
    return it


@story
def a_new_account_that_nobody_uses_is_told_after_two_weeks_until_somebody_does() -> Story:
    it = Story()
    new = it.account("new").waits(days=5).is_described(started_at="2025-01-11T06:00:00Z").waits(days=40)
    new.usage(user="kim", event="report_exported").waits(days=3).expect(
        "onboarding_stalled",
        warned_between=(19, 19),
        critical_between=(33, 33),
        resolved_between=(45, 45),
        resolution="recovered",
    ).expect_changes("onboarding_stalled", "opened", "escalated", "resolved")
    idle = it.account("idle").is_described(started_at="2025-01-06T06:00:00Z").waits(days=105)
    idle.expect("onboarding_stalled", warned_between=(14, 14), resolved_between=(90, 90), resolution="expired")
    return it


@story
def onboarding_is_not_judged_where_it_went_well_or_cannot_be_known() -> Story:
    it = Story()
    it.account("in-time").is_described(started_at="2025-01-06T06:00:00Z").waits(days=13).usage(
        event="report_exported"
    ).waits(days=40).expect_no("onboarding_stalled")
    # Older than what there is to see; and said too late, when it had been used.
    it.account("older").is_described(started_at="2024-12-20T06:00:00Z").waits(days=40).expect_no("onboarding_stalled")
    late = it.account("late").waits(days=5).usage(event="report_exported").waits(days=3)
    late.is_described(started_at="2025-01-10T06:00:00Z").waits(days=40).expect_no("onboarding_stalled")
    # Of an account that has been there from the beginning nobody knows how old it is.
    it.account("early").subscribes(trial=True).waits(days=60).expect_no("onboarding_stalled")
    return it


@story
def a_survey_after_the_end_is_kept_and_raises_nothing() -> Story:
    it = Story()
    acme = it.account("acme").subscribes().scores("nps", 3).waits(days=5).bills("subscription.ended").waits(days=9)
    acme.says("exit_survey", reason="switched", comment="The other one reads our files.").scores("nps", 1)
    acme.waits(days=3).expect("negative_feedback", resolved_between=(5, 5), resolution="lost")
    acme.expect_changes("negative_feedback", "opened", "resolved")
    return it


@story
def a_cancellation_turns_critical_in_its_last_week_and_ends_as_lost() -> Story:
    it = Story()
    acme = it.account("acme").is_described(name="Acme GmbH", owner="ana@example.com").subscribes()
    acme.daily_use(users=5, days=60).cancels(in_days=20, reason="switched").then_silence(days=20)
    acme.bills("subscription.ended").waits(days=30)
    acme.expect(
        "cancel_scheduled",
        opened_between=(60, 60),
        warned_between=(60, 60),
        critical_between=(73, 73),
        resolved_between=(80, 80),
        resolution="lost",
    ).expect_no("usage_silence", "usage_drop")
    return it


@story
def a_cancellation_that_is_taken_back_is_over_and_silence_speaks_again() -> Story:
    it = Story()
    acme = it.account("acme").subscribes().daily_use(users=5, days=60).cancels(in_days=25).then_silence(days=12)
    acme.bills("subscription.cancel_reverted").waits(days=3)
    acme.expect("cancel_scheduled", opened_between=(60, 60), resolved_between=(72, 72), resolution="reverted")
    acme.expect("usage_silence", opened_between=(73, 73), critical_between=(73, 73))
    return it


@story
def a_lost_account_has_no_alerts_and_one_that_comes_back_begins_anew() -> Story:
    it = Story()
    acme = it.account("acme").subscribes().daily_use(users=5, days=60).then_silence(days=10)
    acme.payment_fails(next_in_days=None).waits(days=2).bills("subscription.ended", voluntary=False).waits(days=60)
    acme.expect("usage_silence", opened_between=(62, 65), resolved_between=(72, 72), resolution="lost")
    acme.expect("payment_failed", opened_between=(70, 70), resolved_between=(72, 72), resolution="lost")
    acme.subscribes(plan="starter").daily_use(users=2, days=20).then_silence(days=60)
    acme.expect_ids("usage_silence", 2).expect_changes(
        "usage_silence", *("opened", "escalated", "escalated", "resolved"), *("opened", "escalated", "escalated")
    ).expect_changes("payment_failed", "opened", "resolved")
    return it


@story
def a_pause_is_no_silence() -> Story:
    it = Story()
    acme = it.account("acme").subscribes().daily_use(users=5, days=63).bills("subscription.paused").waits(days=40)
    acme.bills("subscription.resumed").daily_use(users=5, days=14)
    acme.expect_no("usage_drop", "usage_silence", severity="warning").expect_changes("paused", "opened", "resolved")
    gone = it.account("gone").subscribes().daily_use(users=5, days=63).bills("subscription.paused").waits(days=40)
    gone.bills("subscription.resumed").waits(days=10).expect("usage_silence", warned_between=(105, 110))
    return it


@story
def a_snoozed_alert_wakes_by_itself_or_when_it_turns_critical() -> Story:
    it = Story()
    quiet = it.account("quiet").subscribes().waits(days=1).payment_fails(next_in_days=9).waits(days=1)
    quiet.snoozes("payment_failed", days=4).waits(days=8)
    quiet.expect_changes("payment_failed", "opened", "snoozed", "woken")
    worse = it.account("worse").subscribes().waits(days=1).payment_fails().waits(days=1)
    worse.snoozes("payment_failed", days=9).waits(days=1).payment_fails(attempt=2, next_in_days=None).waits(days=9)
    worse.expect_changes("payment_failed", "opened", "snoozed", "escalated")
    return it


@story
def an_acknowledged_alert_stays_acknowledged_while_it_grows() -> Story:
    it = Story()
    acme = it.account("acme").subscribes().payment_fails().waits(days=1).commands("acknowledge", "payment_failed")
    acme.waits(days=2).payment_fails(attempt=2).waits(days=2).pays()
    acme.expect_changes("payment_failed", "opened", "acknowledged", "escalated", "resolved")
    return it


@story
def the_companys_own_account_is_never_alerted() -> Story:
    it = Story()
    acme = it.account("acme").is_described(internal=True).daily_use(users=5, days=60).payment_fails()
    acme.then_silence(days=60).expect_no()
    late = it.account("late").subscribes().payment_fails().waits(days=1).is_described(internal=True).waits(days=9)
    late.expect("payment_failed", resolved_between=(1, 1), resolution="expired")
    return it


@story
def a_pause_that_nobody_comes_back_from_is_told_again_before_it_ends() -> Story:
    it = Story()
    gone = it.account("gone").subscribes().daily_use(users=5, days=63)
    gone.bills("subscription.paused", resumes_at=gone.day_from_now(40)).waits(days=50)
    gone.expect("paused", warned_between=(63, 63), critical_between=(96, 96)).expect_no("usage_drop")
    # Nobody says that the pause is over: from its end on the account is like any other.
    gone.expect("paused", resolved_between=(103, 103), resolution="recovered")
    gone.expect("usage_silence", warned_between=(105, 112))
    back = it.account("back").subscribes().daily_use(users=5, days=63)
    back.bills("subscription.paused", resumes_at=back.day_from_now(40)).waits(days=28).daily_use(users=5, days=14)
    back.bills("subscription.resumed").daily_use(users=5, days=8)
    back.expect_changes("paused", "opened", "resolved").expect("paused", resolution="recovered")
    return it


@story
def a_smaller_plan_is_a_downgrade_until_it_goes_up_again_or_a_month_has_passed() -> Story:
    it = Story()
    up = it.account("up").subscribes(plan="team", mrr_minor=49_000).waits(days=10)
    up.bills("subscription.updated", plan="basic", mrr_minor=30_000, currency="EUR").waits(days=9)
    up.bills("subscription.updated", plan="team", mrr_minor=49_000, currency="EUR").waits(days=40)
    up.expect("downgrade", warned_between=(10, 10), resolved_between=(19, 19), resolution="reverted")
    stays = it.account("stays").subscribes(plan="team", mrr_minor=49_000).waits(days=10)
    stays.bills("subscription.updated", plan="basic", mrr_minor=30_000, currency="EUR").waits(days=5)
    stays.bills("subscription.updated", plan="free", mrr_minor=0, currency="EUR").waits(days=40)
    stays.expect("downgrade", critical_between=(15, 15), resolved_between=(45, 45), resolution="expired")
    stays.expect_changes("downgrade", "opened", "escalated", "resolved")
    dearer = it.account("dearer").subscribes().waits(days=5)
    dearer.bills("subscription.updated", plan="big", mrr_minor=90_000, currency="EUR").waits(days=5)
    dearer.bills("subscription.updated", plan="big", mrr_minor=400, currency="USD").waits(days=5).expect_no()
    tried = it.account("tried").subscribes(plan="big", mrr_minor=90_000, trial=True).waits(days=5)
    tried.bills("subscription.updated", plan="basic", mrr_minor=30_000, currency="EUR", trial=False).waits(days=5)
    tried.expect_no()
    return it


@story
def one_of_several_subscriptions_that_ends_unannounced_is_a_downgrade() -> Story:
    it = Story()
    less = it.account("less").subscribes(plan="team", mrr_minor=49_000)
    less.subscribes(plan="add-on", mrr_minor=9_000, subscription_id="add-on").waits(days=40)
    less.bills("subscription.ended", subscription_id="add-on", reason="price").waits(days=40)
    less.expect("downgrade", warned_between=(41, 41), resolved_between=(71, 71), resolution="expired")
    less.expect_reason("downgrade", "ended").expect_changes("downgrade", "opened", "resolved")
    half = it.account("half").subscribes(plan="team", mrr_minor=49_000)
    half.subscribes(plan="data", mrr_minor=60_000, subscription_id="data").waits(days=40)
    half.bills("subscription.ended", subscription_id="data").waits(days=10)
    half.subscribes(plan="data", mrr_minor=60_000, subscription_id="data-2").waits(days=5)
    half.expect("downgrade", critical_between=(41, 41), resolved_between=(50, 50), resolution="reverted")
    moves = it.account("moves").subscribes(plan="team", mrr_minor=49_000)
    moves.subscribes(plan="data", mrr_minor=20_000, subscription_id="data").waits(days=40)
    moves.subscribes(plan="data 2", mrr_minor=25_000, subscription_id="new")
    moves.bills("subscription.ended", subscription_id="data").waits(days=20)
    moves.bills("subscription.ended", subscription_id="default")
    moves.bills("subscription.updated", plan="all", mrr_minor=74_000, currency="EUR", subscription_id="new")
    moves.waits(days=40).expect_no()
    tries = it.account("tries").subscribes(plan="team", mrr_minor=49_000)
    tries.subscribes(plan="data", mrr_minor=20_000, subscription_id="data", trial=True).waits(days=14)
    tries.bills("subscription.ended", subscription_id="data").waits(days=40).expect_no()
    announced = it.account("announced").subscribes(plan="team", mrr_minor=49_000)
    announced.subscribes(plan="data", mrr_minor=20_000, subscription_id="data").waits(days=40)
    announced.cancels(in_days=20, subscription_id="data").waits(days=20)
    announced.bills("subscription.ended", subscription_id="data").waits(days=40).expect_no("downgrade")
    announced.expect("cancel_scheduled", warned_between=(40, 40), resolved_between=(60, 60), resolution="expired")
    leaves = it.account("leaves").subscribes(plan="team", mrr_minor=49_000)
    leaves.subscribes(plan="data", mrr_minor=20_000, subscription_id="data").waits(days=40)
    leaves.bills("subscription.ended", subscription_id="data").bills("subscription.ended").waits(days=40)
    leaves.expect_no()
    return it


@story
def fewer_seats_are_told_once_and_not_as_a_downgrade() -> Story:
    it = Story()
    acme = it.account("acme").subscribes(plan="team", mrr_minor=40_000, seats=40).waits(days=10)
    acme.bills("subscription.updated", plan="team", mrr_minor=25_000, currency="EUR", seats=25).waits(days=20)
    acme.bills("subscription.renewed", plan="team", mrr_minor=40_000, currency="EUR", seats=40).waits(days=5)
    acme.expect("seats_reduced", warned_between=(10, 10), resolved_between=(30, 30), resolution="recovered")
    acme.expect_no("downgrade").expect_changes("seats_reduced", "opened", "resolved")
    return it


@story
def seats_that_nobody_uses_are_told_before_the_renewal() -> Story:
    it = Story()
    terms: dict[str, Any] = {"plan": "team", "mrr_minor": 40_000, "currency": "EUR", "interval": "year"}
    empty = it.account("empty")
    empty.subscribes(**terms, seats=20, renewal_at=empty.day_from_now(200)).daily_use(users=6, days=199)
    empty.expect("seats_reduced", warned_between=(137, 137)).expect_no("renewal_at_risk", "downgrade")
    empty.waits(days=1).renews(**terms, seats=20, renewal_at=empty.day_from_now(365)).daily_use(users=6, days=5)
    empty.expect("seats_reduced", resolved_between=(200, 200), resolution="recovered")
    used = it.account("used")
    used.subscribes(**terms, seats=20, renewal_at=used.day_from_now(200)).daily_use(users=12, days=199)
    used.expect_no("seats_reduced")
    return it


@story
def a_renewal_is_at_risk_while_the_account_is_not_well() -> Story:
    it = Story()
    terms: dict[str, Any] = {"mrr_minor": 40_000, "currency": "EUR", "interval": "year", "period_days": 365}
    ill = it.account("ill")
    ill.subscribes(**terms, renewal_at=ill.day_from_now(200)).daily_use(users=5, days=150).then_silence(days=49)
    ill.expect("usage_silence", warned_between=(152, 157))
    ill.expect("renewal_at_risk", warned_between=(152, 157), critical_between=(172, 172))
    ill.renews(**terms, renewal_at=ill.day_from_now(365)).waits(days=2)
    ill.expect("renewal_at_risk", resolved_between=(199, 199), resolution="renewed")
    again = it.account("again")
    again.subscribes(**terms, renewal_at=again.day_from_now(200)).daily_use(users=5, days=91)
    again.then_silence(days=14).daily_use(users=5, days=90)
    # Its silence began before the renewal came into sight: the contract is looked at from day 109 on.
    again.expect("usage_silence", resolved_between=(105, 105)).expect_no("renewal_at_risk")
    well = it.account("well")
    well.subscribes(**terms, renewal_at=well.day_from_now(200)).daily_use(users=5, days=199).expect_no()
    monthly = it.account("monthly")
    monthly.subscribes(renewal_at=monthly.day_from_now(30), interval="month").daily_use(users=5, days=91)
    monthly.renews(renewal_at=monthly.day_from_now(30), interval="month").then_silence(days=20)
    monthly.expect("usage_silence", warned_between=(92, 97)).expect_no("renewal_at_risk")
    return it


@story
def a_renewal_that_is_told_when_its_day_has_passed_is_one() -> Story:
    it = Story()
    terms: dict[str, Any] = {"mrr_minor": 40_000, "currency": "EUR", "interval": "year", "period_days": 365}
    late = it.account("late")
    late.subscribes(**terms, renewal_at=late.day_from_now(200)).daily_use(users=5, days=150).then_silence(days=52)
    late.renews(**terms, renewal_at=late.day_from_now(363)).waits(days=8)
    late.expect("renewal_at_risk", resolved_between=(202, 202), resolution="renewed")
    never = it.account("never")
    never.subscribes(**terms, renewal_at=never.day_from_now(200)).daily_use(users=5, days=150).then_silence(days=60)
    never.expect("renewal_at_risk", resolved_between=(207, 207), resolution="expired")
    return it


@story
def a_cancellation_takes_the_silence_in_as_a_reason_and_the_loss_says_how_early_it_was_foreseen() -> Story:
    it = Story()
    acme = it.account("acme").subscribes().daily_use(users=5, days=90).then_silence(days=12)
    acme.cancels(in_days=20, reason="too_expensive").waits(days=20)
    acme.bills("subscription.ended", voluntary=True).waits(days=1)
    acme.expect("cancel_scheduled", warned_between=(102, 102), resolution="lost")
    acme.expect_reason("cancel_scheduled", "usage_silence").expect_reason("cancel_scheduled", "cancelled")
    return it
