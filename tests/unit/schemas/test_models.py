"""What the models promise beyond their fields."""

from base64 import b64decode

import orjson
import pytest
from pydantic import ValidationError

from schemas.accounts import AccountUpdate
from schemas.alerts import AlertState, Change, Kind, Severity, Transition, transition_headers
from schemas.billing import BILLING_CLASSES, CancelScheduled, PaymentFailed, SubscriptionStarted
from schemas.codec import InputTopic, decode, encode
from schemas.commands import COMMAND_CLASSES, Snooze
from schemas.dead_letter import DeadLetter, RecordPlace, dead_letter_headers
from schemas.errors import Reason, Rejected
from schemas.events import identity, moment
from schemas.feedback import FEEDBACK_CLASSES, ExitSurvey, NpsGiven
from schemas.usage import UsageEvent
from tests.corpus.records import ACCOUNT, BILLING, COMMAND, FAILED, NPS, SNOOZE, SURVEY, TERMS, USAGE, spliced, text

NOON = 1_740_830_400_000  # 2025-03-01T12:00:00Z


def test_a_usage_event_has_the_defaults_that_are_promised() -> None:
    event = decode(InputTopic.USAGE, text(USAGE))
    assert event == UsageEvent(account_id="acct-1", event="report.exported", occurred_at=NOON)
    assert isinstance(event, UsageEvent)
    assert (event.quantity, event.source, event.event_id, event.user_id) == (1, "product", None, None)


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        UsageEvent(account_id="a", event="e", occurred_at=NOON).quantity = 2  # type: ignore[misc]


def test_every_type_that_is_promised_has_its_class() -> None:
    assert [model.model_fields["type"].default for model in BILLING_CLASSES] == [
        "subscription.started",
        "subscription.updated",
        "subscription.renewed",
        "subscription.cancel_scheduled",
        "subscription.cancel_reverted",
        "subscription.ended",
        "subscription.paused",
        "subscription.resumed",
        "payment.failed",
        "payment.succeeded",
        "invoice.voided",
        "payment_method.updated",
        "payment_method.removed",
    ]
    assert [model.model_fields["type"].default for model in FEEDBACK_CLASSES] == [
        "nps",
        "csat",
        "ticket",
        "exit_survey",
    ]
    assert [model.model_fields["command"].default for model in COMMAND_CLASSES] == [
        "acknowledge",
        "snooze",
        "unsnooze",
        "record_action",
        "record_outcome",
    ]


def test_a_subscription_is_the_default_one_unless_it_is_named() -> None:
    event = decode(InputTopic.BILLING, text(TERMS | {"type": "subscription.started", "currency": "eur"}))
    assert isinstance(event, SubscriptionStarted)
    assert (event.subscription_id, event.currency, event.mrr_minor) == ("default", "EUR", 49_900)


def test_a_long_comment_is_kept_to_a_thousand_characters() -> None:
    cancel = BILLING | {"type": "subscription.cancel_scheduled", "effective_at": "2025-04-01T00:00:00Z"}
    event = decode(InputTopic.BILLING, text(cancel | {"comment": "ü" * 5_000}))
    assert isinstance(event, CancelScheduled)
    assert event.comment == "ü" * 1_000
    survey = decode(InputTopic.FEEDBACK, text(SURVEY | {"comment": "ü" * 5_000}))
    assert isinstance(survey, ExitSurvey)
    assert survey.comment == "ü" * 1_000


def test_what_people_write_beside_a_score_is_not_even_read() -> None:
    event = decode(InputTopic.FEEDBACK, text(NPS | {"comment": "the new editor is slow"}))
    assert isinstance(event, NpsGiven)
    assert b"slow" not in encode(event)


def test_every_event_has_a_time_and_all_but_account_updates_an_id() -> None:
    expected = {
        InputTopic.USAGE: (USAGE | {"event_id": "e-1"}, "e-1"),
        InputTopic.BILLING: (FAILED, "evt-1"),
        InputTopic.ACCOUNTS: (ACCOUNT, None),
        InputTopic.FEEDBACK: (NPS, "fb-1"),
        InputTopic.COMMANDS: (COMMAND, "cmd-1"),
    }
    for topic, (fields, name) in expected.items():
        event = decode(topic, text(fields))
        assert not isinstance(event, Rejected)
        assert (moment(event), identity(event)) == (NOON, name)


def test_an_account_update_says_what_changed_and_what_was_cleared() -> None:
    update = decode(InputTopic.ACCOUNTS, text(ACCOUNT | {"owner": None, "mrr": 500, "champions": ["kim"]}))
    assert isinstance(update, AccountUpdate)
    assert update.changes() == {"owner": None, "mrr_minor": 500, "champions": ("kim",)}
    assert orjson.loads(encode(update)) == ACCOUNT | {"owner": None, "mrr_minor": 500, "champions": ["kim"]}


def test_what_an_account_update_clears_stays_cleared_when_another_field_is_spelt_oddly() -> None:
    update = decode(InputTopic.ACCOUNTS, text(ACCOUNT | {"owner": None, "seats": 5.0, "schema_version": None}))
    assert isinstance(update, AccountUpdate)
    assert update.changes() == {"owner": None, "seats": 5}


def test_a_snooze_ends_after_it_begins() -> None:
    event = decode(InputTopic.COMMANDS, text(SNOOZE))
    assert isinstance(event, Snooze)
    assert event.until == NOON + 7 * 86_400_000


def test_a_wrong_field_is_told_in_words_that_repeat_none_of_the_data() -> None:
    secret = "kim@example.com" * 30
    for topic, fields in (
        (InputTopic.USAGE, USAGE | {"account_id": secret}),
        (InputTopic.USAGE, USAGE | {"occurred_at": secret}),
        (InputTopic.USAGE, USAGE | {"quantity": secret}),
        (InputTopic.BILLING, TERMS | {"type": secret}),
        (InputTopic.BILLING, TERMS | {"currency": secret}),
        (InputTopic.ACCOUNTS, ACCOUNT | {"links": {secret: secret}}),
        (InputTopic.FEEDBACK, NPS | {"score": secret}),
        (InputTopic.COMMANDS, COMMAND | {"kind": secret}),
        (InputTopic.COMMANDS, COMMAND | {"command": secret}),
    ):
        result = decode(topic, text(fields))
        assert isinstance(result, Rejected)
        assert "kim" not in repr(result)


def test_the_details_say_what_is_allowed() -> None:
    def detail(topic: InputTopic, fields: dict[str, object]) -> str:
        result = decode(topic, text(fields))
        assert isinstance(result, Rejected)
        return result.detail

    assert detail(InputTopic.USAGE, USAGE | {"quantity": 0}) == "must be greater than or equal to 1"
    assert detail(InputTopic.USAGE, USAGE | {"account_id": "a\n"}) == "must not hold control characters"
    assert detail(InputTopic.USAGE, USAGE | {"schema_version": 2}) == "must be 1, or absent"
    assert detail(InputTopic.BILLING, TERMS | {"interval": "never"}).startswith("must be 'day', 'week',")
    assert detail(InputTopic.BILLING, TERMS | {"type": "x"}).startswith("must be one of 'subscription.started', ")
    assert detail(InputTopic.FEEDBACK, NPS | {"score": 11}) == "must be less than or equal to 10"
    assert detail(InputTopic.ACCOUNTS, ACCOUNT | {"links": {"": "https://x"}}).startswith("one of its keys must have")
    assert detail(InputTopic.ACCOUNTS, ACCOUNT | {"champions": ["u"] * 101}) == "must have at most 100 items"


def test_the_limits_of_the_codec_are_arguments() -> None:
    raw = text(USAGE | {"properties": {"a": [1]}})
    assert not isinstance(decode(InputTopic.USAGE, raw, max_bytes=len(raw), max_depth=3), Rejected)
    small = decode(InputTopic.USAGE, raw, max_bytes=len(raw) - 1)
    shallow = decode(InputTopic.USAGE, raw, max_depth=2)
    assert isinstance(small, Rejected)
    assert isinstance(shallow, Rejected)
    assert (small.reason, shallow.reason) == (Reason.TOO_LARGE, Reason.TOO_DEEP)


def test_a_key_given_twice_is_found_even_when_the_value_that_it_hides_is_deep() -> None:
    result = decode(InputTopic.USAGE, spliced(USAGE, f'"p":{"[" * 1_000}{"]" * 1_000},"p":1'))
    assert isinstance(result, Rejected)
    assert result.reason is Reason.DUPLICATE_KEY


def test_severities_rise_by_rank() -> None:
    assert sorted(Severity, key=lambda severity: severity.rank) == [Severity.WATCH, Severity.WARNING, Severity.CRITICAL]


TRANSITION = Transition(
    alert_id="0123456789abcdef",
    revision=1,
    account_id="acct-1",
    kind=Kind.USAGE_DROP,
    change=Change.OPENED,
    state=AlertState.FIRING,
    severity=Severity.WARNING,
    at=NOON,
    opened_at=NOON,
    since=NOON,
    headline="Activity fell by half.",
    health=40,
)


def test_a_transition_carries_the_headers_that_readers_pick_by() -> None:
    assert dict(transition_headers(TRANSITION)) == {
        "content-type": b"application/json",
        "slackwater-alert-id": b"0123456789abcdef",
        "slackwater-kind": b"usage_drop",
        "slackwater-change": b"opened",
    }


@pytest.mark.parametrize(
    ("daily", "taken"), [([3, 0], True), ([0] * 60, True), ([0] * 61, False), ([-1], False), ([0.5], False)]
)
def test_evidence_is_numbers_and_counts_by_day_for_60_days_at_most(daily: list[float], taken: bool) -> None:
    raw = orjson.dumps(orjson.loads(encode(TRANSITION)) | {"evidence": {"observed": 3, "score": 1.5, "daily": daily}})
    if taken:
        read = Transition.model_validate_json(raw)
        assert read.evidence == {"observed": 3, "score": 1.5, "daily": tuple(daily)}
        assert encode(read) == raw
    else:
        with pytest.raises(ValidationError):
            Transition.model_validate_json(raw)


def test_a_dead_letter_holds_the_record_byte_by_byte_and_its_place() -> None:
    raw = bytes(range(256))
    place = RecordPlace(topic="product-usage", partition=3, offset=17)
    letter = DeadLetter(reason=Reason.NOT_UTF8, detail="no", origin=place, at=NOON, raw=raw, key=None)
    written = orjson.loads(encode(letter))
    assert b64decode(written["raw"], validate=True) == raw
    assert written["origin"] == {"topic": "product-usage", "partition": 3, "offset": 17}
    assert "key" not in written
    assert dict(dead_letter_headers(letter))["slackwater-offset"] == b"17"
    with pytest.raises(ValidationError, match="base64"):
        DeadLetter.model_validate_json(encode(letter).replace(b'"raw":"', b'"raw":"*'))


def test_a_last_failed_payment_has_no_next_attempt() -> None:
    event = decode(InputTopic.BILLING, text(FAILED | {"attempt": 4.0, "hard": True}))
    assert isinstance(event, PaymentFailed)
    assert (event.attempt, event.next_attempt_at, event.hard) == (4, None, True)
