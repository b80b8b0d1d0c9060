"""Each transition is written once for each route that is to tell it, together with the position."""

from __future__ import annotations

from time import time

from faust.types import TP

from alerting.matchers import Matchers
from alerting.notification import Notification
from alerting.routing import Mention, Route
from schemas.alerts import PAST_HEADER, Change, Transition
from schemas.codec import encode
from schemas.dead_letter import DeadLetter
from streams.runtime.notify import AWAY_MS, Notify
from streams.runtime.placing import sender_of
from streams.runtime.settings import Settings
from tests.unit.alerting.samples import transition
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until

SETTINGS = Settings(brokers="127.0.0.1:1", flush="1m", clock="events")
PARTITION = TP(SETTINGS.topic("alerts"), 2)
BOTH = (Route("default", continues=True), Route("console", channel="console"))


class Post:
    """One partition of alerts."""

    def __init__(self, routes: tuple[Route, ...] = BOTH, settings: Settings = SETTINGS) -> None:
        self.broker = FakeBroker()
        self.tasks, self.errors = tasks_on(self.broker, settings)
        self.tasks.routes = routes

    async def owner(self) -> Notify:
        """A task that takes the partition over where it was committed."""
        task = Notify(PARTITION, self.tasks)
        await task.start()
        task.begin(self.broker.positions.get(PARTITION, 0))
        return task

    @property
    def written(self) -> list[tuple[str, str]]:
        """Route and alert of every notification, in their order."""
        notes = [Notification.decode(each.value or b"") for each in self.broker.topics[SETTINGS.notifications_topic]]
        return [(note.route, note.transition.alert_id) for note in notes]


def alert(number: int, **fields: object) -> Transition:
    """A transition of an alert of its own."""
    return transition(alert_id=f"{number:016x}", **fields)


def taken(task: Notify, *transitions: Transition, start: int = 0) -> None:
    """Hand the task a batch."""
    task.handle(batch(start, map(encode, transitions)))


async def test_every_route_gets_its_own_in_order_and_somebody_is_told_at_once() -> None:
    post = Post()
    task = await post.owner()
    taken(task, alert(1), alert(2))
    await until(lambda: post.broker.positions.get(PARTITION) == 2)  # long before the flush interval is over
    one, two = f"{1:016x}", f"{2:016x}"
    assert post.written == [("default", one), ("console", one), ("default", two), ("console", two)]
    for record in post.broker.topics[SETTINGS.notifications_topic]:
        assert record.partition == sender_of(SETTINGS), "whichever route it is for"
    assert {record.key for record in post.broker.topics[SETTINGS.notifications_topic]} == {b"default", b"console"}
    await task.end(patience=5)


async def test_where_nobody_is_to_be_told_the_position_moves_on_all_the_same() -> None:
    post = Post(routes=())
    task = await post.owner()
    taken(task, alert(1), alert(2))
    await until(lambda: task.position == 2)
    await task.end(patience=5)
    assert post.written == []
    assert post.broker.positions == {PARTITION: 2}


async def test_what_could_not_be_written_is_told_once_by_the_next_owner() -> None:
    post = Post()
    first = await post.owner()
    taken(first, alert(1))
    await until(lambda: bool(post.written))
    post.broker.away = True
    taken(first, alert(2), alert(3), start=1)
    await until(lambda: bool(post.errors))
    await first.end(patience=5)
    assert post.broker.positions == {PARTITION: 1}

    post.broker.away = False
    second = await post.owner()
    taken(second, alert(1), alert(2), alert(3))
    await until(lambda: post.broker.positions[PARTITION] == 3)
    await second.end(patience=5)
    assert [name for name, _ in post.written] == ["default", "console"] * 3
    assert [alert_id for _, alert_id in post.written[::2]] == [f"{number:016x}" for number in (1, 2, 3)]


async def test_who_lets_go_writes_what_was_routed() -> None:
    post = Post()
    first = await post.owner()
    taken(first, alert(1))
    await until(lambda: first.position == 1)
    await first.end(patience=5)
    assert len(post.written) == 2
    second = await post.owner()
    assert second.position == 1
    await second.end(patience=5)


async def test_on_the_wall_clock_the_past_is_told_to_nobody_and_counted() -> None:
    post = Post(settings=SETTINGS.model_copy(update={"clock": "wall"}))
    now = int(time() * 1000)
    task = await post.owner()
    read = batch(0, map(encode, [alert(1, at=now - AWAY_MS - 60_000), alert(2, at=now - AWAY_MS + 60_000), alert(3)]))
    read.records[2].headers = ((PAST_HEADER, b"1"),)
    task.handle(read)
    await until(lambda: post.broker.positions.get(PARTITION) == 3)
    await task.end(patience=5)
    assert {alert_id for _, alert_id in post.written} == {f"{2:016x}"}
    told = post.tasks.metrics.registry.get_sample_value
    for route in BOTH:
        assert told("slackwater_notifications_total", {"route": route.name, "result": "past"}) == 2


async def test_what_is_marked_as_past_is_told_to_nobody_on_the_events_clock_too() -> None:
    post = Post()
    task = await post.owner()
    read = batch(0, map(encode, [alert(1), alert(2)]))
    read.records[0].headers = (("content-type", b"application/json"), (PAST_HEADER, b"1"))
    task.handle(read)
    await until(lambda: post.broker.positions.get(PARTITION) == 2)
    await task.end(patience=5)
    assert {alert_id for _, alert_id in post.written} == {f"{2:016x}"}


async def test_a_record_that_is_no_transition_is_a_dead_letter_and_holds_up_nobody() -> None:
    post = Post()
    task = await post.owner()
    made_up = encode(alert(1))[:-1] + b',"evidence":{"made up":{}}}'
    task.handle(batch(0, [b"garbage", encode(alert(1)), made_up]))
    await until(lambda: post.broker.positions.get(PARTITION) == 3)
    await task.end(patience=5)
    assert post.errors == []
    assert [name for name, _ in post.written] == ["default", "console"]
    letters = post.broker.topics[SETTINGS.topic("dead_letters")]
    found = [DeadLetter.model_validate_json(each.value or b"") for each in letters]
    assert [(each.raw, each.origin.topic, each.origin.offset) for each in found] == [
        (b"garbage", PARTITION.topic, 0),
        (made_up, PARTITION.topic, 2),
    ]
    assert [each.field for each in found] == [None, "evidence"], "a key is whatever somebody wrote"


TEAMS = (
    Route("emea", matchers=Matchers(teams=("emea",)), mentions=frozenset(Mention)),
    Route("apac", matchers=Matchers(teams=("apac",)), mentions=frozenset()),
    Route(),
)
IDS = {"people": {"ann@vendor.example": "U012AB3CD"}, "teams": {"emea": "S012AB3CD", "apac": "S045EF6GH"}}


async def told(post: Post, *transitions: Transition) -> list[Notification]:
    """What is written for these transitions."""
    task = await post.owner()
    taken(task, *transitions)
    await until(lambda: task.position == len(transitions))
    await task.end(patience=5)
    return [Notification.decode(each.value or b"") for each in post.broker.topics[SETTINGS.notifications_topic]]


async def test_a_route_mentions_whom_it_asks_for_by_the_slack_ids_that_are_known() -> None:
    post = Post(TEAMS, SETTINGS.model_copy(update=IDS))
    owned = {"owner": "Ann@Vendor.example", "team": "EMEA"}
    notes = await told(
        post,
        alert(1, **owned),
        alert(2, **{**owned, "owner": "bob@vendor.example"}),
        alert(3, **{**owned, "team": "apac"}),
        alert(4, owner="Ann@Vendor.example"),
    )
    assert [(note.route, note.owner_slack_id, note.team_slack_id) for note in notes] == [
        ("emea", "U012AB3CD", "S012AB3CD"),
        ("emea", None, "S012AB3CD"),
        ("apac", None, None),
        ("default", "U012AB3CD", None),
    ]


async def test_the_end_of_an_alert_is_offered_to_those_who_may_have_heard_of_it_under_another_owner() -> None:
    over = {"change": Change.RESOLVED, "revision": 2}
    notes = await told(Post(TEAMS), alert(1, team="emea"), alert(1, team="apac", **over))
    assert [(note.route, note.transition.change.value, note.follows) for note in notes] == [
        ("emea", "opened", None),
        ("apac", "resolved", None),
        ("emea", "resolved", True),
        ("default", "resolved", True),
    ]
