"""What a reader of the channel sees, whatever gets lost on the way: outbox and bot together, Slack as a model."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.delivery.answers import OK, Answer, Failure
from alerting.delivery.attempt import attempt
from alerting.delivery.bot import BotChannel
from alerting.delivery.slack_api import Reply
from alerting.notification import Notification
from alerting.outbox import Outbox
from alerting.routing import Route
from schemas.alerts import Change
from tests.examples import examples
from tests.slack_workspace import CHANNEL, Posted, Workspace
from tests.unit.alerting.samples import AT, letter_to, notification

ACCOUNTS = ["acme", "b/thread/", "c"]
CHANGES = [Change.OPENED, Change.ESCALATED, Change.ACKNOWLEDGED, Change.RESOLVED]
FAULTS = ["", "", "", "refused", "lost", "lost", "crash", "crash after"]


@dataclass
class Model:
    """The Web API without a network: each call goes well, is refused, or is carried out and its answer lost."""

    slack: Workspace
    draw: Callable[[], str]
    crashed: bool = False
    posted: set[str] = field(default_factory=set)
    """Marks of all that was ever posted."""

    async def call(self, method: str, arguments: Mapping[str, Any] | None = None, *, form: bool = False) -> Reply:
        assert form == method.startswith("conversations."), "methods that read take no JSON"
        fault = self.draw()
        if self.crashed or fault == "crash":
            self.crashed = True
            return Reply(Answer(failure=Failure.CONNECTION))
        if fault == "refused":
            return Reply(Answer(503))
        given = dict(arguments or {})
        body = self.slack.carry_out(method, given)
        if method == "chat.postMessage" and body["ok"]:
            self.posted.add(given["metadata"]["event_payload"]["mark"])
        if fault == "crash after":
            self.crashed = True
        if self.crashed or fault == "lost":
            return Reply(Answer(200, failure=Failure.TIMEOUT))
        return Reply(OK, body) if body["ok"] else Reply(Answer(200, body["error"], refused=True))


def lived(
    news: list[tuple[str, Change]], draw: Callable[[], str], deleting: Callable[[], bool]
) -> tuple[Model, list[Notification]]:
    """Everything that is told, through a worker that dies and comes again."""
    slack, table = Workspace(), dict[str, bytes]()
    api = Model(slack, draw)
    bot = BotChannel(api, CHANNEL)  # type: ignore[arg-type]  # in place of SlackApi
    routes, now = [Route(channel="bot")], AT
    outbox = Outbox(routes, draw=lambda: 0.5)
    notes = [
        notification(account_id=account_id, change=change, revision=number + 1)
        for number, (account_id, change) in enumerate(news)
    ]

    def store() -> None:
        for key, value in outbox.changed().rows:
            if value is None:
                del table[key]
            else:
                table[key] = value

    for number, note in enumerate(notes):
        outbox.add(number, note, now)
    store()
    while (wake_at := outbox.wake_at(now)) is not None:
        now = wake_at
        if (row := outbox.next(now)) is None:
            continue
        answer = at_once(attempt(row, bot, outbox.earlier(row)))
        if api.crashed:  # nobody is there to take the answer
            api.crashed = False
            outbox = Outbox.restore(list(table.items()), routes, draw=lambda: 0.5)
            continue
        outbox.answered(row, answer, now)
        store()
        if deleting() and slack.channel:
            gone = slack.channel[-1]
            slack.messages = [each for each in slack.messages if gone.ts not in (each.ts, each.thread_ts)]
    return api, notes


def at_once(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run what waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        answer: Answer = done.value
        return answer
    raise AssertionError("it waits")


news = st.lists(st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(CHANGES)), min_size=1, max_size=8)


def marks(messages: list[Posted]) -> list[str]:
    return [each.metadata["event_payload"]["mark"] for each in messages]


@settings(max_examples=examples(60), deadline=None)
@given(news, st.data())
def test_each_news_is_there_once_and_each_accounts_message_says_the_last_one(
    told: list[tuple[str, Change]], data: st.DataObject
) -> None:
    faults = iter(data.draw(st.lists(st.sampled_from(FAULTS), max_size=40)))
    api, notes = lived(told, lambda: next(faults, ""), lambda: False)
    slack = api.slack
    assert sorted(marks(slack.messages)) == sorted(letter_to(note).mark for note in notes)
    for account_id in {account_id for account_id, _ in told}:
        own = [letter_to(note) for note in notes if note.transition.account_id == account_id]
        (first,) = [each for each in slack.channel if marks([each]) == [own[0].mark]]
        assert first.text == own[-1].first.text
        assert first.blocks == list(own[-1].first.blocks)
        assert [each.text for each in slack.thread(first)] == [each.reply.text for each in own[1:]]


@settings(max_examples=examples(40), deadline=None)
@given(news, st.data())
def test_whatever_people_delete_each_news_is_told_and_nothing_waits_for_ever(
    told: list[tuple[str, Change]], data: st.DataObject
) -> None:
    faults = iter(data.draw(st.lists(st.sampled_from(FAULTS), max_size=20)))
    deletions = iter(data.draw(st.lists(st.booleans(), max_size=10)))
    api, notes = lived(told, lambda: next(faults, ""), lambda: next(deletions, False))
    assert api.posted == {letter_to(note).mark for note in notes}
