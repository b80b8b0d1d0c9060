"""The bot's channel against a workspace: an alert has one message, which is kept up to date, and a thread."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr

from alerting.delivery.answers import Answer, Failure, Verdict, judge
from alerting.delivery.attempt import attempt
from alerting.delivery.bot import BotChannel
from alerting.delivery.slack_api import SlackApi
from alerting.letter import Letter
from alerting.message import Receipt
from alerting.outbox import Earlier, Outbox
from alerting.outbox_rows import Row
from alerting.render import render
from alerting.routing import Route
from schemas.alerts import Change, Resolution, Severity
from tests.slack_workspace import BOT_TOKEN, CHANNEL, SECRETS, Mood, Workspace, does_and_hangs, hangs, says, text
from tests.unit.alerting.samples import AT, group, letter, letter_to, notice, notification, reminder

TIMEOUT_MS = 400


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as slack:
        yield slack


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
def bot(slack: Workspace, session: ClientSession) -> BotChannel:
    return bot_of(slack, session)


def bot_of(slack: Workspace, session: ClientSession, token: str = BOT_TOKEN, timeout_ms: int = 10_000) -> BotChannel:
    return BotChannel(SlackApi(session, SecretStr(token), slack.url, timeout_ms), CHANNEL)


OPENED = letter()
ESCALATED = letter(change=Change.ESCALATED, revision=2, severity=Severity.CRITICAL)
ACKNOWLEDGED = letter(change=Change.ACKNOWLEDGED, revision=3, by="ann@vendor.example")
RESOLVED = letter(change=Change.RESOLVED, revision=4, resolution=Resolution.RECOVERED)


async def told(bot: BotChannel, each: Letter, first: Receipt | None = None, *, doubtful: bool = False) -> Receipt:
    answer = await bot.send_letter(each, first, doubtful=doubtful)
    assert judge(answer) is Verdict.DELIVERED
    assert answer.receipt is not None
    return answer.receipt


async def test_an_account_has_one_message_that_is_kept_up_to_date_and_a_thread(
    bot: BotChannel, slack: Workspace
) -> None:
    first = await told(bot, OPENED)
    (message,) = slack.channel
    assert first == Receipt(CHANNEL, message.ts)
    assert list(message.buttons) == ["Acknowledge", "Snooze 7 days", "Not a risk", "Saved", "Lost"]
    seen = []
    for each in (ESCALATED, ACKNOWLEDGED, RESOLVED):
        assert await told(bot, each, first) == first
        assert slack.channel == [message]
        seen.append((message.text.split("\n")[0], list(message.buttons)))
    assert [(each.text.split("\n")[0], each.broadcast) for each in slack.thread(message)] == [
        ("🔴 Usage drop, escalated: Acme Corp", True),
        ("👀 Usage drop: Acme Corp", False),
        ("✅ Usage drop: Acme Corp", False),
    ]
    assert seen == [
        ("🔴 Usage drop, escalated: Acme Corp", ["Acknowledge", "Snooze 7 days", "Not a risk", "Saved", "Lost"]),
        ("👀 Usage drop: Acme Corp", ["Snooze 7 days", "Not a risk", "Saved", "Lost"]),
        ("✅ Usage drop: Acme Corp", ["Not a risk", "Saved", "Lost"]),
    ]
    assert not any(each.buttons for each in slack.thread(message))


async def test_a_group_has_one_message_and_a_reminder_of_it_leaves_that_as_it_is(
    bot: BotChannel, slack: Workspace
) -> None:
    both, again = letter_to(group()), letter_to(reminder())
    first = await told(bot, both)
    (message,) = slack.channel
    assert message.text == both.first.text
    assert await told(bot, again, first) == first
    assert [(each.text, each.broadcast) for each in slack.thread(message)] == [(again.reply.text, True)]
    assert message.text == both.first.text
    assert not slack.called("chat.update")
    slack.messages.clear()
    assert (await told(bot, again, first)).ts == slack.channel[0].ts, "where it is gone, the reminder has its place"
    assert "Acknowledge" in slack.channel[0].buttons


async def test_an_acknowledged_alert_goes_on_saying_what_was_found(bot: BotChannel, slack: Workspace) -> None:
    await told(bot, ACKNOWLEDGED, await told(bot, OPENED))
    (message,) = slack.channel
    assert "Acknowledged by ann@vendor.example." in message.text
    assert "Activity is down to a third of what is normal for Acme Corp." in message.text


async def test_a_message_that_somebody_deleted_is_posted_anew(bot: BotChannel, slack: Workspace) -> None:
    first = await told(bot, OPENED)
    slack.messages.clear()
    again = await told(bot, ESCALATED, first)
    (message,) = slack.channel
    assert again == Receipt(CHANNEL, message.ts) != first
    assert message.text == ESCALATED.first.text
    assert message.buttons


async def test_a_message_that_is_deleted_between_its_change_and_the_reply_is_posted_anew(
    bot: BotChannel, slack: Workspace
) -> None:
    first = await told(bot, OPENED)
    slack.moods["chat.postMessage"] = [says("thread_not_found")]
    again = await told(bot, ESCALATED, first)
    assert again.ts == slack.channel[-1].ts != first.ts


@pytest.mark.parametrize("code", ["restricted_action_thread_locked", "cannot_reply_to_message"])
async def test_a_thread_that_takes_no_replies_is_begun_anew_and_holds_up_no_other_account(
    code: str, bot: BotChannel, slack: Workspace
) -> None:
    outbox = Outbox([Route()], draw=lambda: 0.5)

    async def run() -> list[Verdict]:
        verdicts = []
        while (row := outbox.next(AT)) is not None:
            verdicts.append(outbox.answered(row, await attempt(row, bot, outbox.earlier(row)), AT))
        return verdicts

    outbox.add(0, notification(account_id="acme"), AT)
    assert await run() == [Verdict.DELIVERED]
    slack.moods["chat.postMessage"] = [says(code)]
    outbox.add(1, notification(account_id="acme", change=Change.ESCALATED, revision=2), AT)
    outbox.add(2, notification(account_id="globex", alert_id="00112233445566ab"), AT)
    assert await run() == [Verdict.DELIVERED, Verdict.DELIVERED]
    first, again, other = slack.channel
    assert len({first.ts, again.ts, other.ts}) == 3
    assert slack.thread(first) == []
    assert again.buttons


async def test_a_message_that_may_not_be_changed_any_more_has_its_thread_all_the_same(
    bot: BotChannel, slack: Workspace
) -> None:
    first = await told(bot, OPENED)
    slack.moods["chat.update"] = [says("edit_window_closed")]
    assert await told(bot, ESCALATED, first) == first
    assert [each.text for each in slack.thread(slack.channel[0])] == [ESCALATED.reply.text]


async def test_the_message_of_another_channel_is_left_where_it_is(bot: BotChannel, slack: Workspace) -> None:
    receipt = await told(bot, ESCALATED, Receipt("C0000000002", "1700000000.000001"))
    assert receipt == Receipt(CHANNEL, slack.channel[0].ts)
    assert not slack.called("chat.update")


async def test_a_message_whose_answer_was_lost_is_found_and_not_posted_again(
    slack: Workspace, session: ClientSession
) -> None:
    bot = bot_of(slack, session, timeout_ms=TIMEOUT_MS)
    slack.moods["chat.postMessage"] = [does_and_hangs("chat.postMessage")]
    assert judge(await bot.send_letter(OPENED, None, doubtful=False)) is Verdict.TIMEOUT
    first = await told(bot, OPENED, doubtful=True)
    assert [each.ts for each in slack.messages] == [first.ts]
    slack.moods["chat.postMessage"] = [does_and_hangs("chat.postMessage")]
    assert judge(await bot.send_letter(ESCALATED, first, doubtful=False)) is Verdict.TIMEOUT
    assert await told(bot, ESCALATED, first, doubtful=True) == first
    assert len(slack.messages) == 2
    assert await told(bot, RESOLVED, first, doubtful=True) == first
    assert len(slack.messages) == 3, "what is not found is posted"


async def test_who_may_not_read_the_channel_posts_again_rather_than_not_at_all(
    bot: BotChannel, slack: Workspace
) -> None:
    slack.may_read = False
    first = await told(bot, OPENED)
    second = await told(bot, OPENED, doubtful=True)
    assert [each.ts for each in slack.channel] == [first.ts, second.ts]


async def test_a_reply_that_fails_makes_all_of_it_be_tried_again(bot: BotChannel, slack: Workspace) -> None:
    first = await told(bot, OPENED)
    slack.moods["chat.postMessage"] = [says("ratelimited", 429, Retry_After="7")]
    answer = await bot.send_letter(ESCALATED, first, doubtful=False)
    assert (judge(answer), answer.retry_after) == (Verdict.RATE_LIMITED, 7.0)
    assert await told(bot, ESCALATED, first, doubtful=True) == first
    assert len(slack.thread(slack.channel[0])) == 1


MOODS: list[tuple[Mood, Answer, Verdict]] = [
    (says("ratelimited", 429, Retry_After="30"), Answer(429, "ratelimited", 30.0), Verdict.RATE_LIMITED),
    (says("ratelimited"), Answer(200, "ratelimited"), Verdict.RATE_LIMITED),
    (text("slow down", 429), Answer(429), Verdict.RATE_LIMITED),
    (says("invalid_blocks"), Answer(200, "invalid_blocks"), Verdict.REJECTED),
    (says("msg_too_long"), Answer(200, "msg_too_long"), Verdict.REJECTED),
    (says("invalid_auth"), Answer(200, "invalid_auth"), Verdict.ROUTE_BROKEN),
    (says("token_revoked"), Answer(200, "token_revoked"), Verdict.ROUTE_BROKEN),
    (says("channel_not_found"), Answer(200, "channel_not_found"), Verdict.ROUTE_BROKEN),
    (says("is_archived"), Answer(200, "is_archived"), Verdict.ROUTE_BROKEN),
    (says("not_in_channel"), Answer(200, "not_in_channel"), Verdict.ROUTE_BROKEN),
    (says("something_new"), Answer(200, "something_new"), Verdict.ROUTE_BROKEN),
    (says("No such thing: xoxb-1-SecretOfTheBot"), Answer(200), Verdict.ROUTE_BROKEN),
    (says("metadata_too_large"), Answer(200, "metadata_too_large"), Verdict.REJECTED),
    (says("attachment_payload_limit_exceeded"), Answer(200, "attachment_payload_limit_exceeded"), Verdict.REJECTED),
    (says("update_failed"), Answer(200, "update_failed"), Verdict.SERVER_ERROR),
    (says("external_channel_migrating"), Answer(200, "external_channel_migrating"), Verdict.SERVER_ERROR),
    (says("internal_error"), Answer(200, "internal_error"), Verdict.SERVER_ERROR),
    (says("fatal_error", 500), Answer(500, "fatal_error"), Verdict.SERVER_ERROR),
    (text("<html>Bad gateway</html>", 502), Answer(502), Verdict.SERVER_ERROR),
    (text("<html>Log in</html>", 200), Answer(200), Verdict.ROUTE_BROKEN),
    (text('["ok"]', 200), Answer(200), Verdict.ROUTE_BROKEN),
    (text('{"ok": "yes"}', 200), Answer(200), Verdict.ROUTE_BROKEN),
    (text('{"ok": true}', 201), Answer(201), Verdict.ROUTE_BROKEN),
    (hangs, Answer(failure=Failure.TIMEOUT), Verdict.TIMEOUT),
]


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
@pytest.mark.parametrize(("mood", "expected", "verdict"), MOODS)
async def test_every_answer_of_slack_is_understood_and_none_gives_the_token_away(
    mood: Mood,
    expected: Answer,
    verdict: Verdict,
    method: str,
    slack: Workspace,
    session: ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    bot = bot_of(slack, session, timeout_ms=TIMEOUT_MS if expected.failure is Failure.TIMEOUT else 10_000)
    first = await told(bot, OPENED) if method == "chat.update" else None
    slack.moods[method] = [mood]
    answer = await bot.send_letter(ESCALATED, first, doubtful=False)
    assert Answer(answer.status, answer.body_code, answer.retry_after, answer.failure) == expected
    assert judge(answer) is verdict
    assert answer.receipt is None
    assert not slack.moods[method], "one attempt is one call, whatever the answer"
    for secret in SECRETS:
        assert not any(secret in each for each in (repr(answer), repr(bot), caplog.text))


async def test_a_wrong_token_breaks_the_route_and_is_not_repeated(slack: Workspace, session: ClientSession) -> None:
    bot = bot_of(slack, session, token="xoxb-SecretOfSomebodyElse")
    answer = await bot.send_letter(OPENED, None, doubtful=False)
    assert (answer.body_code, judge(answer)) == ("invalid_auth", Verdict.ROUTE_BROKEN)
    assert "Somebody" not in repr(answer)


async def test_a_slack_that_is_away_is_a_connection_error(bot: BotChannel, slack: Workspace) -> None:
    await slack.leave()
    assert judge(await bot.send_letter(OPENED, None, doubtful=False)) is Verdict.CONNECTION_ERROR


def row_of(raw: bytes, *, plain: bool = False) -> Row:
    return Row("default", 0, "00" * 8, AT, raw, plain=plain)


async def test_an_attempt_knows_what_went_before_and_sends_plain_what_was_refused(
    bot: BotChannel, slack: Workspace
) -> None:
    opened = await attempt(row_of(notification().encode()), bot)
    acknowledged = notification(change=Change.ACKNOWLEDGED, revision=2)
    answer = await attempt(row_of(acknowledged.encode(), plain=True), bot, Earlier(opened.receipt))
    assert answer.receipt == opened.receipt
    assert [each.blocks for each in slack.messages] == [[], []], "blocks of before are taken away"


async def test_what_is_about_slackwater_itself_stands_alone(bot: BotChannel, slack: Workspace) -> None:
    answer = await attempt(row_of(notice().encode()), bot, Earlier(Receipt(CHANNEL, "1.0"), doubtful=True))
    assert judge(answer) is Verdict.DELIVERED
    assert answer.receipt is None
    assert [each.text for each in slack.channel] == [render(notice()).text]


def test_each_route_and_news_has_a_mark_of_its_own() -> None:
    marks = {each.mark for each in (OPENED, ESCALATED, letter(route="sales"), letter(alert_id="00112233445566ab"))}
    assert len(marks) == 4
    assert replace(OPENED).plain().mark == OPENED.mark
