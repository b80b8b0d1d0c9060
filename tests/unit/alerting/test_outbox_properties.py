"""What the outbox promises whatever the answers and whenever they come."""

from itertools import chain, cycle, pairwise, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.bucket import Bucket
from alerting.delivery.answers import OK, Answer, Failure, Verdict
from alerting.notification import UndeliveredReason
from alerting.policy import HOUR, MINUTE, SECOND, DeliveryPolicy
from alerting.routing import Route
from tests.examples import examples
from tests.unit.alerting.samples import AT, notification
from tests.unit.alerting.virtual_delivery import Sent, VirtualDelivery, in_turn

pytestmark = pytest.mark.slow

ROUTES = (Route("default"), Route("sales"), Route("own", "own"), Route("screen", "console"))
ALERTS = [f"{n:016x}" for n in range(4)]
GIVE_UP = 24 * HOUR
Mood = list[tuple[Answer, int]]
Arrivals = list[tuple[str, str, int]]

waits = st.none() | st.floats(0, 7_200)
answers = st.one_of(
    st.just(OK),
    st.just(OK),
    st.builds(Answer, status=st.just(429), retry_after=waits),
    st.builds(Answer, status=st.sampled_from([500, 502, 503, 504]), retry_after=waits),
    st.builds(Answer, failure=st.sampled_from(list(Failure))),
    st.builds(Answer, status=st.sampled_from([200, 302, 400, 401, 403, 404, 408, 410, 413]), retry_after=waits),
    st.builds(Answer, status=st.just(400), body_code=st.just("invalid_payload")),
    st.builds(Answer, status=st.just(404), body_code=st.just("no_service")),
)
# A run of moods that repeats for ever: long spells of one mood are what an outage looks like.
moods = st.lists(
    st.tuples(answers, st.integers(0, 20_000), st.integers(1, 40)).map(lambda m: [(m[0], m[1])] * m[2]),
    min_size=1,
    max_size=6,
).map(lambda spells: list(chain.from_iterable(spells)))
arrivals = st.lists(
    st.tuples(
        st.sampled_from(["default", "default", "sales", "own", "screen", "removed"]),
        st.sampled_from(ALERTS),
        st.one_of(st.integers(0, 3 * SECOND), st.integers(0, 30 * HOUR)),
    ),
    min_size=1,
    max_size=30,
)


def deliver(
    mood: Mood,
    arriving: Arrivals,
    policy: DeliveryPolicy | None = None,
    restart: int = 0,
) -> VirtualDelivery:
    """Everything that arrives, and a week more."""
    world = VirtualDelivery(ROUTES, in_turn(cycle(mood)), policy or DeliveryPolicy(), restart_every=restart)
    for sequence, (route, alert_id, pause) in enumerate(arriving):
        world.run_until(world.now + pause)
        world.add(sequence, notification(route, alert_id=alert_id))
    world.run_until(world.now + 7 * GIVE_UP)
    return world


def of_route(world: VirtualDelivery, route: str) -> list[Sent]:
    return [sent for sent in world.sent if sent.row.route == route]


@settings(max_examples=examples(60), deadline=None)
@given(moods, arrivals)
def test_the_notifications_of_one_alert_are_sent_in_order_and_none_before_the_one_ahead_is_settled(
    mood: Mood, arriving: Arrivals
) -> None:
    world = deliver(mood, arriving)
    for route in ROUTES:
        for alert_id in ALERTS:
            sequences = [s.row.sequence for s in of_route(world, route.name) if s.row.alert_id == alert_id]
            assert sequences == sorted(sequences)


@settings(max_examples=examples(60), deadline=None)
@given(moods, arrivals)
def test_a_route_keeps_its_order_as_long_as_no_message_fails_beyond_patience(mood: Mood, arriving: Arrivals) -> None:
    world = deliver(mood, arriving, DeliveryPolicy(patience=100 * GIVE_UP))
    for route in ROUTES:
        sequences = [s.row.sequence for s in of_route(world, route.name)]
        assert sequences == sorted(sequences)


@settings(max_examples=examples(60), deadline=None)
@given(moods, arrivals, st.integers(1, 5), st.integers(0, 5_000))
def test_never_more_messages_than_the_bucket_allows(mood: Mood, arriving: Arrivals, burst: int, interval: int) -> None:
    world = deliver(mood, arriving, DeliveryPolicy(bucket=Bucket(interval, burst)))
    for routes in ({"default", "sales"}, {"own"}):  # those of one channel together
        times = sorted(s.at for s in world.sent if s.row.route in routes)
        for i, start in enumerate(times):
            # Neighbours suffice up to some multiple of the burst; farther apart the rule follows from the nearer ones.
            for j, end in enumerate(times[i : i + 3 * burst + 2]):
                assert (j + 1 - burst) * interval <= end - start


@settings(max_examples=examples(60), deadline=None)
@given(moods, arrivals)
def test_a_wait_that_is_asked_for_is_always_kept(mood: Mood, arriving: Arrivals) -> None:
    world = deliver(mood, arriving)
    for route in ROUTES:
        sent = of_route(world, route.name)
        for before, after in pairwise(sent):
            if before.answer.retry_after is not None:
                assert after.at >= before.answered_at + before.answer.retry_after * 1_000
            if before.verdict is Verdict.RATE_LIMITED:
                assert after.at > before.answered_at
    of_channel = [sent for sent in world.sent if sent.row.route in {"default", "sales"}]
    for limited in of_channel:
        if limited.verdict is Verdict.RATE_LIMITED:
            until = limited.answered_at + (limited.answer.retry_after or 0) * 1_000
            assert not any(limited.answered_at < sent.at < until for sent in of_channel)


@settings(max_examples=examples(60), deadline=None)
@given(moods, arrivals)
def test_every_notification_ends_once_as_delivered_undelivered_or_rerouted(mood: Mood, arriving: Arrivals) -> None:
    world = deliver(mood, arriving)
    ends = [(s.row.route, s.row.sequence) for s in world.sent if s.verdict is Verdict.DELIVERED]
    assert len(set(ends)) == len(ends)
    waiting = sum(status.pending for status in world.outbox.status())
    assert len(ends) + len(world.undelivered) + len(world.rerouted) + waiting == len(world.added)
    assert len([key for key in world.table if not key.endswith("/")]) == waiting
    assert all(
        moved.route == "default" and moved.rerouted_from in {"sales", "own", "removed", "screen"}
        for moved in world.rerouted
    )


@settings(max_examples=examples(60), deadline=None)
@given(moods, arrivals)
def test_none_is_given_up_before_its_time_and_none_kept_for_long_after_it(mood: Mood, arriving: Arrivals) -> None:
    world = deliver(mood, arriving)
    for lost in world.undelivered:
        if lost.reason is UndeliveredReason.GIVEN_UP:
            assert lost.at - lost.added_at >= GIVE_UP
        else:
            assert lost.reason is UndeliveredReason.REJECTED
            assert lost.attempts >= 2
    # A week of quiet is over: whatever still waited then waits for an hour-long probe or a wait it was told, no more.
    assert sum(status.pending for status in world.outbox.status()) == 0


@settings(max_examples=examples(60), deadline=None)
@given(moods, arrivals, st.integers(1, 5))
def test_a_restored_outbox_goes_on_exactly_where_it_stood(mood: Mood, arriving: Arrivals, restart: int) -> None:
    undisturbed = deliver(mood, arriving)
    restarted = deliver(mood, arriving, restart=restart)
    assert restarted.sent == undisturbed.sent
    assert restarted.undelivered == undisturbed.undelivered
    assert restarted.rerouted == undisturbed.rerouted
    assert restarted.table == undisturbed.table


def test_restarts_do_happen_in_the_property_above() -> None:
    world = VirtualDelivery(ROUTES, in_turn(repeat((Answer(status=500), 100))), restart_every=2)
    world.add(0, notification())
    world.run_until(AT + HOUR)
    assert world.restarts > 3
    assert world.outbox.status()[0].pending == 1
    assert world.now - world.sent[-1].at < 6 * MINUTE
