"""Stories of the outbox, on a virtual clock."""

from itertools import chain, pairwise, repeat

import pytest

from alerting.bucket import Bucket
from alerting.delivery.answers import OK, Answer, Failure, Verdict, judge
from alerting.notification import Undelivered, UndeliveredReason, decode_note
from alerting.outbox import Outbox
from alerting.policy import HOUR, MINUTE, SECOND, DeliveryPolicy
from alerting.routing import Route
from schemas.errors import StateError
from tests.unit.alerting.samples import AT, notice, notification, transition_of
from tests.unit.alerting.virtual_delivery import Slack, VirtualDelivery, in_turn

ROUTES = (Route("default"), Route("sales"))
GONE = Answer(status=404, body_code="no_service")
BUSY = Answer(status=503)
REFUSED = Answer(status=400, body_code="invalid_blocks")
A, B, C = (f"{n:016x}" for n in range(3))


def always(answer: Answer, takes: int = 100) -> Slack:
    return in_turn(repeat((answer, takes)))


def spells(*answers: tuple[int, Answer]) -> Slack:
    """So many of this, so many of that, then deliveries."""
    return in_turn(chain(chain.from_iterable(repeat((answer, 100), n) for n, answer in answers), repeat((OK, 100))))


def away_until(back_at: int) -> Slack:
    return lambda _row, now: (BUSY if now < back_at else OK, 50)


def no_jitter() -> float:
    return 0.5


def test_a_message_goes_out_at_once_and_leaves_nothing_behind_but_the_bucket() -> None:
    world = VirtualDelivery(ROUTES, always(OK))
    world.add(0, notification())
    world.run_until(AT + MINUTE)
    assert world.delivered() == [0]
    assert [sent.at for sent in world.sent] == [AT]
    assert list(world.table) == ["default/"]
    assert world.outbox.wake_at(world.now) is None


def test_ten_messages_at_once_leave_as_a_burst_of_three_and_then_one_a_second() -> None:
    world = VirtualDelivery(ROUTES, always(OK, takes=0))
    for sequence in range(10):
        world.add(sequence, notification())
    world.run_until(AT + MINUTE)
    assert [sent.at - AT for sent in world.sent] == [0, 0, 0, *range(1_000, 8_000, 1_000)]


def test_the_console_is_not_held_back() -> None:
    world = VirtualDelivery([Route("default", channel="console")], always(OK, takes=0))
    for sequence in range(10):
        world.add(sequence, notification())
    world.run_until(AT)
    assert [sent.at - AT for sent in world.sent] == [0] * 10


@pytest.mark.parametrize("seed", range(20))
def test_slack_away_for_two_minutes_delays_everything_and_loses_and_doubles_and_disorders_nothing(seed: int) -> None:
    world = VirtualDelivery(ROUTES, away_until(AT + 2 * MINUTE), seed=seed, restart_every=3)
    for sequence in range(30):
        world.run_until(AT + sequence * 4 * SECOND)
        world.add(sequence, notification(alert_id=(A, B, C)[sequence % 3]))
    world.run_until(AT + HOUR)
    assert world.delivered() == list(range(30))
    failed = [sent for sent in world.sent if sent.verdict is Verdict.SERVER_ERROR]
    assert 5 <= len(failed) <= 25, "it backs off, and it goes on trying"
    assert world.outbox.status()[0].failing_since is None


def test_after_a_failure_the_waits_grow_from_a_second_to_five_minutes() -> None:
    world = VirtualDelivery(ROUTES, always(BUSY, takes=0))
    world.outbox = Outbox(ROUTES, draw=no_jitter)
    world.add(0, notification())
    world.run_until(AT + 2 * HOUR)
    times = [sent.at for sent in world.sent]
    waits = [after - before for before, after in pairwise(times)]
    # Full jitter: half of 1 s, 2 s, 4 s ... and, once the message is set aside, its own ten minutes.
    assert waits[:10] == [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 150_000]
    assert set(waits[14:]) == {10 * MINUTE}


def test_a_route_that_asks_for_silence_gets_it_and_its_neighbour_does_not_notice() -> None:
    world = VirtualDelivery(ROUTES, spells((1, Answer(status=429, retry_after=90.0))))
    world.add(0, notification("default"))
    world.run_until(AT + SECOND)
    world.add(1, notification("sales"))
    world.add(2, notification("default", alert_id=B))
    world.run_until(AT + HOUR)
    assert world.delivered("sales") == [1]
    assert world.delivered("default") == [0, 2]
    assert [sent.at - AT for sent in world.sent if sent.row.route == "default"][1] >= 90_100


def test_rate_limits_without_a_wait_are_answered_with_half_a_minute_at_least() -> None:
    world = VirtualDelivery(ROUTES, spells((3, Answer(status=429))))
    world.add(0, notification())
    world.run_until(AT + HOUR)
    times = [sent.at for sent in world.sent]
    assert all(after - before >= 30 * SECOND for before, after in pairwise(times))
    assert world.delivered() == [0]


def test_rate_limits_of_zero_seconds_are_not_answered_with_a_flood() -> None:
    world = VirtualDelivery(ROUTES, always(Answer(status=429, retry_after=0.0), takes=0))
    world.add(0, notification())
    world.run_until(AT + HOUR)
    assert len(world.sent) < 60


def test_a_message_that_nobody_takes_for_a_day_is_undelivered_with_the_last_answer() -> None:
    world = VirtualDelivery(ROUTES, always(Answer(failure=Failure.TIMEOUT, detail="TimeoutError"), takes=10_000))
    world.add(0, notification())
    world.run_until(AT + 3 * 24 * HOUR)
    (lost,) = world.undelivered
    assert lost.reason is UndeliveredReason.GIVEN_UP
    assert lost.detail == "timeout TimeoutError"
    assert lost.first_tried_at == AT
    assert 24 * HOUR <= lost.at - AT <= 24 * HOUR + 6 * MINUTE
    assert lost.attempts > 100
    assert lost.notification == notification()
    assert Undelivered.decode(lost.encode()) == lost
    assert list(world.table) == ["default/"]


def test_a_wait_of_a_week_does_not_hold_messages_for_longer_than_a_day() -> None:
    world = VirtualDelivery(ROUTES, always(Answer(status=429, retry_after=7 * 86_400.0), takes=0))
    world.add(0, notification())
    world.run_until(AT + HOUR)
    world.add(1, notification(alert_id=B))
    world.run_until(AT + 48 * HOUR)
    assert [(lost.at - AT, lost.attempts) for lost in world.undelivered] == [(24 * HOUR, 1), (25 * HOUR, 0)]
    assert len(world.sent) == 1


def test_a_worker_that_rested_for_a_week_tries_what_was_left_before_it_gives_up_anything() -> None:
    first = VirtualDelivery(ROUTES, always(BUSY))
    for sequence in range(3):
        first.add(sequence, notification())
    first.run_until(AT + MINUTE)
    second = VirtualDelivery(ROUTES, always(OK))
    second.now = AT + 7 * 24 * HOUR
    second.outbox = Outbox.restore(first.table.items(), ROUTES, draw=no_jitter)
    second.table = first.table
    second.run_until(second.now + HOUR)
    assert second.delivered() == [0, 1, 2]
    assert second.undelivered == []


def test_what_was_never_tried_before_a_long_rest_has_its_day_all_the_same() -> None:
    outbox = Outbox(ROUTES, draw=no_jitter)
    for sequence in range(3):
        outbox.add(sequence, notification(), AT)
    rows = [(key, value) for key, value in outbox.changed().rows if value is not None]
    world = VirtualDelivery(ROUTES, away_until(AT + 31 * HOUR))
    world.now = AT + 30 * HOUR
    world.outbox = Outbox.restore(rows, ROUTES, draw=no_jitter)
    world.table = dict(rows)
    world.run_until(AT + 32 * HOUR)
    assert world.delivered() == [0, 1, 2]


def test_one_poisonous_message_is_set_aside_and_the_others_arrive() -> None:
    world = VirtualDelivery(ROUTES, lambda row, _now: (BUSY if row.alert_id == A else OK, 100))
    world.add(0, notification(alert_id=A))
    world.add(1, notification(alert_id=B))
    world.add(2, notification(alert_id=A, revision=2))
    world.add(3, notification(alert_id=C))
    world.run_until(AT + 10 * MINUTE)
    assert world.delivered() == [], "the order of the route comes first"
    world.run_until(AT + 40 * MINUTE)
    assert world.delivered() == [1, 3]
    for hour in range(1, 60):
        world.run_until(AT + hour * HOUR)
        world.add(3 + hour, notification(alert_id=C, revision=1 + hour))
        if hour == 23:
            sent = {sent.row.sequence for sent in world.sent if sent.row.alert_id == A}
            assert sent == {0}, "its alert's order is kept"
    world.run_until(AT + 60 * HOUR)
    assert world.delivered() == [1, *range(3, 63)]
    assert [transition_of(lost.notification).revision for lost in world.undelivered] == [1, 2]
    first, second = (lost.at - AT for lost in world.undelivered)
    assert 24 * HOUR <= first <= 24 * HOUR + 12 * MINUTE, "that the others arrived did not prolong its day"
    assert first + 24 * HOUR <= second <= first + 25 * HOUR


@pytest.mark.parametrize("seed", range(5))
def test_after_an_outage_beyond_patience_what_was_set_aside_goes_at_once(seed: int) -> None:
    world = VirtualDelivery(ROUTES, away_until(AT + 17 * MINUTE), seed=seed)
    for sequence, alert_id in enumerate((A, B, C)):
        world.add(sequence, notification(alert_id=alert_id))
    world.run_until(AT + 24 * MINUTE)
    assert sorted(world.delivered()) == [0, 1, 2], "not after the ten minutes for which it was set aside"


def test_being_slowed_down_or_broken_for_long_sets_no_message_aside() -> None:
    for answer, times in ((Answer(status=429), 40), (GONE, 12)):
        world = VirtualDelivery(ROUTES, spells((times, answer)))
        for sequence, alert_id in enumerate((A, B, C)):
            world.add(sequence, notification(alert_id=alert_id))
        world.run_until(AT + 20 * HOUR)
        assert {sent.row.sequence for sent in world.sent[:times]} == {0}
        assert world.delivered() == [0, 1, 2]


def test_refused_blocks_are_tried_once_more_as_plain_text() -> None:
    world = VirtualDelivery(ROUTES, spells((1, REFUSED)))
    world.add(0, notification())
    world.run_until(AT + MINUTE)
    assert [sent.row.plain for sent in world.sent] == [False, True]
    assert world.delivered() == [0]


def test_what_is_refused_as_plain_text_too_is_undelivered_and_the_next_goes_on() -> None:
    world = VirtualDelivery(ROUTES, spells((2, REFUSED)))
    world.add(0, notification())
    world.add(1, notification(revision=2))
    world.run_until(AT + MINUTE)
    (lost,) = world.undelivered
    assert (lost.reason, lost.detail, lost.attempts) == (UndeliveredReason.REJECTED, "rejected 400 invalid_blocks", 2)
    assert world.delivered() == [1]


def test_a_message_that_could_not_even_be_made_says_nothing_about_its_route() -> None:
    unmade = Answer(failure=Failure.UNRENDERABLE, detail="KeyError at render.py:7")
    world = VirtualDelivery(ROUTES, in_turn(chain([(GONE, 100), (unmade, 0), (unmade, 0)], repeat((OK, 100)))))
    world.add(0, notification())
    world.run_until(AT + 5 * MINUTE + SECOND)
    (lost,) = world.undelivered
    assert (lost.reason, lost.detail) == (UndeliveredReason.REJECTED, "rejected unrenderable KeyError at render.py:7")
    (status,) = world.outbox.status()
    assert status.broken_since == AT + 100
    world.add(1, notification(revision=2))
    world.run_until(AT + HOUR)
    assert world.delivered() == [1]


def test_what_waits_for_a_broken_route_goes_to_the_default_one_and_so_does_what_comes_after() -> None:
    world = VirtualDelivery(ROUTES, always(GONE))
    world.add(0, notification("sales"))
    world.add(1, notification("sales", revision=2))
    world.run_until(AT + SECOND)
    world.add(2, notification("sales", revision=3))
    world.run_until(AT + 2 * SECOND)
    world.outbox.add(3, notification("sales", revision=4), world.now)
    assert [transition_of(moved).revision for moved in world.outbox.changed().rerouted] == [4]
    assert [transition_of(moved).revision for moved in world.rerouted] == [1, 2, 3]
    assert {(moved.route, moved.rerouted_from) for moved in world.rerouted} == {("default", "sales")}
    assert len(world.sent) == 1, "no message is spent on a route known to be broken"
    assert list(world.table) == ["sales/"]


def test_a_broken_route_is_tried_again_now_and_then_and_used_when_it_works() -> None:
    world = VirtualDelivery(ROUTES, spells((2, GONE)))
    for minute in range(20):
        world.run_until(AT + minute * MINUTE)
        world.add(minute, notification("sales", revision=minute + 1))
    world.run_until(AT + HOUR)
    assert [sent.row.sequence for sent in world.sent][:3] == [0, 6, 17], "after 5 minutes, then after 10"
    assert world.delivered("sales") == [17, 18, 19]
    assert [transition_of(moved).revision - 1 for moved in world.rerouted] == list(range(17))
    (status,) = world.outbox.status()
    assert status.broken_since is None


def test_a_broken_route_that_fails_in_another_way_is_no_better() -> None:
    moods = chain([(GONE, 100), (BUSY, 100), (Answer(status=429, retry_after=9.0), 100)], repeat((OK, 100)))
    world = VirtualDelivery(ROUTES, in_turn(moods))
    for minute in (0, 6, 30, 60):
        world.run_until(AT + minute * MINUTE)
        world.add(minute, notification("sales", revision=minute + 1))
    world.run_until(AT + 2 * HOUR)
    assert [transition_of(moved).revision - 1 for moved in world.rerouted] == [0, 6, 30]
    assert world.delivered("sales") == [60]


def test_a_broken_default_route_keeps_its_messages_and_tries_at_least_every_hour() -> None:
    world = VirtualDelivery(ROUTES, spells((6, GONE)))
    world.add(0, notification())
    world.add(1, notification(revision=2))
    world.run_until(AT + SECOND)
    (status,) = world.outbox.status()
    assert (status.broken_since, status.pending, status.last) == (AT + 100, 2, "route_broken 404 no_service")
    world.run_until(AT + 12 * HOUR)
    times = [sent.at for sent in world.sent]
    waits = [(after - before) // MINUTE for before, after in pairwise(times)]
    assert waits[:6] == [5, 10, 20, 40, 60, 60]
    assert world.delivered() == [0, 1]


def test_the_rows_of_a_route_that_settings_no_longer_name_go_to_the_default_one() -> None:
    first = VirtualDelivery(ROUTES, always(BUSY))
    first.add(0, notification("sales"))
    outbox = Outbox.restore(first.table.items(), [Route("default")], draw=no_jitter)
    assert outbox.wake_at(AT) == AT
    assert outbox.next(AT) is None
    changed = outbox.changed()
    assert [moved.route for moved in changed.rerouted] == ["default"]
    assert [key for key, value in changed.rows if value is None] == ["sales/0"]


def test_without_any_route_a_notification_is_undelivered() -> None:
    outbox = Outbox([Route("sales")], draw=no_jitter)
    assert outbox.add(0, notification("default"), AT)
    (lost,) = outbox.changed().undelivered
    assert lost.reason is UndeliveredReason.NO_ROUTE
    assert outbox.wake_at(AT) is None


def test_a_notification_read_again_is_not_taken_in_again() -> None:
    outbox = Outbox(ROUTES, draw=no_jitter)
    assert outbox.add(7, notification(), AT)
    assert not outbox.add(7, notification(), AT)
    rows = [(key, value) for key, value in outbox.changed().rows if value is not None]
    restored = Outbox.restore(rows, ROUTES, draw=no_jitter)
    assert not restored.add(7, notification(), AT)
    assert restored.add(8, notification(), AT)
    assert [status.pending for status in restored.status()] == [2]


def test_what_was_being_sent_when_the_worker_died_is_sent_again() -> None:
    outbox = Outbox(ROUTES, draw=no_jitter)
    outbox.add(0, notification(), AT)
    row = outbox.next(AT)
    assert row is not None
    rows = [(key, value) for key, value in outbox.changed().rows if value is not None]
    again = Outbox.restore(rows, ROUTES, draw=no_jitter).next(AT + MINUTE)
    assert again is not None
    assert (again.sequence, again.attempts, again.first_tried_at) == (0, 2, AT)


def test_an_answer_that_nobody_waits_for_is_a_mistake() -> None:
    outbox = Outbox(ROUTES, draw=no_jitter)
    outbox.add(0, notification(), AT)
    row = outbox.next(AT)
    assert row is not None
    outbox.answered(row, OK, AT)
    with pytest.raises(ValueError, match="default/0"):
        outbox.answered(row, OK, AT)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("default/0", b'[2,"aa",1,null,0,0,0]\n{}', "version 2"),
        ("default/0", b"\x00\x01", "cannot be read"),
        ("default/0", b"7", "cannot be read"),
        ("default/0", b'[1,"aa"]\n{}', "has 1 fields"),
        ("default/first", b'[1,"aa",1,null,0,0,0]\n{}', "no sequence number"),
        ("default/0", b'[1,"aa",1,null,0,0,0]\n{"schema_version":2}', "a message of version 2"),
        ("default/0", b'[1,"aa",1,null,0,0,0]\n{"schema_version":0}', "notification"),
        ("default/", b"[1,0]", "has 1 fields"),
    ],
)
def test_rows_that_cannot_be_read_stop_the_worker_before_it_writes(key: str, value: bytes, says: str) -> None:
    with pytest.raises(StateError, match=says):
        Outbox.restore([(key, value)], ROUTES, draw=no_jitter)


def test_the_policy_takes_its_times_from_settings() -> None:
    world = VirtualDelivery(ROUTES, always(BUSY), DeliveryPolicy(give_up=10 * MINUTE))
    world.add(0, notification())
    world.run_until(AT + HOUR)
    (lost,) = world.undelivered
    assert 10 * MINUTE <= lost.at - AT <= 16 * MINUTE


@pytest.mark.parametrize(("interval", "burst"), [(-1, 1), (1_000, 0)])
def test_a_bucket_that_lets_nothing_through_is_refused(interval: int, burst: int) -> None:
    with pytest.raises(ValueError, match="interval_ms >= 0 and burst >= 1"):
        Bucket(interval, burst)


def test_no_answer_at_all_is_a_connection_error() -> None:
    assert judge(Answer()) is Verdict.CONNECTION_ERROR


def test_notices_wait_their_turn_among_the_others_and_survive_a_restart() -> None:
    outbox = Outbox([Route()], draw=lambda: 0.5)
    outbox.add(0, notification(), AT)
    outbox.add(1, notice(), AT)
    kept = Outbox.restore(
        [(key, value) for key, value in outbox.changed().rows if value is not None], [Route()], draw=lambda: 0.5
    )
    for expected in (notification(), notice()):
        row = kept.next(AT + HOUR)
        assert row is not None
        assert decode_note(row.notification) == expected
        kept.answered(row, OK, AT + HOUR)
