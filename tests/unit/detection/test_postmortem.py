"""The story of a loss in the account's picture: what was seen, who could be told, what was done; or why nothing was."""

from __future__ import annotations

import pytest

from schemas.alerts import Kind, Severity
from schemas.picture import PostMortem
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from tests.unit.detection.building import Run, at, bills, command, update, usage


def story(run: Run, day: float) -> PostMortem:
    loss = run.engine.picture(run.account, at(day)).loss
    assert loss is not None
    assert loss.post_mortem is not None
    return loss.post_mortem


def silent_from(run: Run, day: int) -> None:
    run.apply(bills("subscription.started", at(0), mrr_minor=5_000))
    for each in range(day):
        run.apply(usage(at(each, 9)), usage(at(each, 15)))


def cancels(run: Run, day: int) -> None:
    run.apply(
        bills("subscription.cancel_scheduled", at(day), effective_at=at(day + 20), reason="unused"),
        bills("subscription.ended", at(day + 20)),
    )


def test_what_was_seen_is_told_with_who_could_be_told_how_long_before_and_what_was_done(run: Run) -> None:
    run.apply(update(at(0), owner="mara", team="north"))
    silent_from(run, 80)
    run.apply(
        command("acknowledge", at(95), kind="usage_silence"),
        command("record_action", at(97), id_="c-2", kind="usage_silence", action="call", result="offered"),
    )
    cancels(run, 100)
    found = story(run, 121)
    watch, warned = run.transitions[0], next(each for each in run.transitions if each.severity is Severity.WARNING)
    assert found.text == (
        "The first sign was usage silence, on 3 April 2025. From 5 April 2025 on, 10 days before it was decided, "
        "there was something to tell mara and north: usage silence. The last thing done was on 13 April 2025 by ana "
        "(call: offered); 1 more before that."
    )
    (sign,) = found.signs
    assert (sign.kind, sign.severity, sign.acted) == (Kind.USAGE_SILENCE, Severity.CRITICAL, True)
    assert (sign.opened_at, sign.told_at, sign.resolved_at) == (watch.at, warned.at, None)
    assert found.warning_days == round((at(100) - warned.at) / (at(1) - at(0)), 1)
    assert [each.code for each in found.done] == ["alert.acknowledged", "action"]


def test_what_was_seen_before_an_earlier_loss_is_no_sign_of_this_one(run: Run) -> None:
    silent_from(run, 80)
    run.apply(command("acknowledge", at(95), kind="usage_silence"), bills("subscription.ended", at(100)))
    assert [each.kind for each in story(run, 101).signs] == [Kind.USAGE_SILENCE]
    run.close(at(800))
    run.apply(bills("subscription.started", at(800), subscription_id="s-2", mrr_minor=5_000))
    for day in range(800, 900):
        run.apply(usage(at(day, 9)), usage(at(day, 15)))
    run.apply(bills("subscription.ended", at(900), subscription_id="s-2"))
    assert (story(run, 901).signs, story(run, 901).done) == ((), ())


def test_what_nobody_did_anything_about_says_so(run: Run) -> None:
    silent_from(run, 80)
    cancels(run, 100)
    assert story(run, 121).text.endswith("Nobody acknowledged it or recorded an action.")
    assert story(run, 121).done == ()


def test_where_nothing_was_seen_it_says_how_near_it_was_and_that_it_cancelled_first(run: Run) -> None:
    silent_from(run, 83)
    cancels(run, 80)
    found = story(run, 101)
    assert (found.warning_days, found.signs) == (None, ())
    assert found.text.startswith(
        "It cancelled on 27 March 2025; usage is not judged after that. Rarest was its silence: "
    )
    assert found.text.endswith(" account-years; an alert takes one in 5.")


def test_where_only_a_watch_was_opened_it_is_a_sign_and_nobody_could_be_told() -> None:
    run = Run(Engine(DetectionConfig(alert_false_alarms=0.0001)))
    silent_from(run, 80)
    run.apply(bills("subscription.ended", at(90), voluntary=True))
    found = story(run, 91)
    (sign,) = found.signs
    assert (sign.severity, sign.told_at) == (Severity.WATCH, None)
    assert "Only a watch was opened, on 3 April 2025 (usage_silence)." in found.text


@pytest.mark.parametrize(
    ("days", "fields", "says"),
    [
        ([], {}, "No usage of it was ever seen."),
        ([0, 4], {}, "Not known well enough to be judged: 2 active days over 5 days. It takes 5 within 180 days, and"),
        (
            list(range(40)),
            {},
            "Its usage gave no sign: it was last active on 14 February 2025. Rarest was its silence: one like it",
        ),
        ([0], {"internal": True}, "The account is marked as internal, and internal accounts are not judged."),
    ],
)
def test_why_nothing_was_seen_is_said(run: Run, days: list[int], fields: dict[str, bool], says: str) -> None:
    run.apply(update(at(0), **fields), bills("subscription.started", at(0)))
    run.apply(*(usage(at(day, 9)) for day in days))
    run.apply(bills("subscription.ended", at(40, 12), voluntary=True))
    assert story(run, 41).text.startswith(says)


def test_an_alert_that_was_over_long_before_is_none_of_the_signs(run: Run) -> None:
    silent_from(run, 60)
    for day in range(75, 200):
        run.apply(usage(at(day, 9)), usage(at(day, 15)))
    run.apply(bills("subscription.ended", at(200), voluntary=True))
    assert run.account.alerts[Kind.USAGE_SILENCE].warned_at is not None
    assert story(run, 201).signs == ()
