"""The kinds of value that settings have, each with a message that says what is allowed."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from alerting.delivery.addresses import is_host, is_web_address
from alerting.playbook import Play
from schemas.alerts import Kind
from schemas.events import InputTopic
from schemas.formats.options import Format
from schemas.formats.reader import FORMATS
from streams.detection.config import HEALTH_WEIGHTS
from streams.detection.reasons import ReasonClass
from streams.runtime.settings_sources import repeated

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)", re.ASCII)
_BROKER = re.compile(r"(?:([^\s:/@\[\],]+)|\[([0-9a-fA-F:]+)\]):(\d{1,5})", re.ASCII)
_TOPIC = re.compile(r"[a-zA-Z0-9._-]*", re.ASCII)
_TOPIC_LENGTH = 249
_HASH_KEY_BYTES = 64
NO_KEY = "none"
"""The word for it, where the key before is asked for."""
_NAME_LENGTH = 256
_PERSON = r"[^\x00-\x1f\x7f-\x9f=,]{1,256}"
_TOKEN_LENGTH = 16
_CLASSES = tuple(each.value for each in ReasonClass)


def parse_duration(text: str) -> int:
    """A duration in milliseconds.

    >>> parse_duration("10m"), parse_duration("250ms")
    (600000, 250)
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError("should be a whole number and a unit: 250ms, 1s, 10m, 48h or 7d")
    return int(found[1]) * _UNITS[found[2]]


def as_text(value: object) -> object:
    """What a file gives as a number or a truth, as the environment has it: so a duration needs its unit, and `true` is
    no number."""
    return str(value) if isinstance(value, int | float) else value


def _duration(value: object) -> int:
    # An int is what a test or the program itself gives; from a file or the environment only text comes: see `as_text`.
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return parse_duration(str(value))


def brokers(value: str) -> str:
    """Addresses of brokers. Raises `ValueError` for what is none."""
    addresses = [address.strip() for address in value.split(",")]
    if not all(map(_is_broker, addresses)):
        raise ValueError("should be host:port, several separated by commas")
    return ",".join(addresses)


def _is_broker(address: str) -> bool:
    found = _BROKER.fullmatch(address)
    if found is None or not 0 < int(found[3]) < 65_536:
        return False
    return is_host(found[1]) if found[1] else _is_ipv6(found[2])


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _host(value: str) -> str:
    if not is_host(value):
        raise ValueError("should be the name or the IP address of a host")
    return value


def _topic_part(value: str) -> str:
    if not _TOPIC.fullmatch(value) or len(value) > _TOPIC_LENGTH:
        raise ValueError(f"should have only letters, digits, '.', '_' and '-', and at most {_TOPIC_LENGTH} of them")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("should be a time zone of the IANA database, like UTC or Europe/Berlin") from error
    return value


def _replication(value: int) -> int:
    if value != -1 and not 1 <= value <= 32:
        raise ValueError("should be 1 to 32, or -1 for the broker's own default")
    return value


def slack_webhook(value: SecretStr) -> SecretStr:
    """The address of an incoming webhook. Raises `ValueError`, without it, for what is none; so do those below."""
    if not is_web_address(value.get_secret_value()):
        raise ValueError("should be an https:// address, as Slack shows it for an incoming webhook")
    return value


def bot_token(value: SecretStr) -> SecretStr:
    """The token of a bot, which may be one that is renewed again and again."""
    if not re.fullmatch(r"xox(b|e\.xoxb)-\S+", value.get_secret_value()):
        raise ValueError("should be a bot's token, which begins with xoxb-: in the app's settings, OAuth & Permissions")
    return value


def app_token(value: SecretStr) -> SecretStr:
    """The token of an app, with which it hears of buttons."""
    if not re.fullmatch(r"xapp-\S+", value.get_secret_value()):
        raise ValueError(
            "should be an app-level token, which begins with xapp-: in the app's settings, Basic Information"
        )
    return value


def slack_channel(value: str) -> str:
    """The id of a channel."""
    if not re.fullmatch(r"[CGD][A-Z0-9]{2,30}", value):
        raise ValueError("should be a channel's id, like C0123456789: at the end of what Slack shows about the channel")
    return value


def web_address(value: str) -> str:
    """An address on the web."""
    if not is_web_address(value):
        raise ValueError("should be an http(s) address")
    return value


def _listed(value: object) -> object:
    # The environment has no lists; a settings file may have either.
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _names(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(1 <= len(name) <= _NAME_LENGTH for name in value):
        raise ValueError(f"should be names of 1 to {_NAME_LENGTH} characters, several separated by commas")
    return value


def _pairs(value: object) -> object:
    """A table in a settings file; `key=value`, separated by commas, elsewhere."""
    if isinstance(value, str):
        parts = [part.rpartition("=") for part in value.split(",") if part.strip()]
        pairs = tuple((key.strip(), each.strip()) for key, _, each in parts)
        keys = [key for key, _ in pairs]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"{repeated(key)} is given {keys.count(key)} times: should be given once")
        return pairs
    return tuple((key, as_text(each)) for key, each in value.items()) if isinstance(value, dict) else value


def _of_classes(value: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    for text, name in value:
        if not any(each.isalnum() for each in text) or name not in _CLASSES:
            given = f"{repeated(text)} is given the class {repeated(name)}"
            raise ValueError(f"{given}: should be a text and one of {', '.join(_CLASSES)}")
    return value


def _kinds(value: object) -> object:
    names = _listed(value)
    if not isinstance(names, list):
        return names
    for name in names:
        if not isinstance(name, str) or name not in set(Kind):
            raise ValueError(f"{repeated(name)} is no kind of alert; there are {', '.join(Kind)}")
    return tuple(Kind(name) for name in names)


def _class_and_tier(value: tuple[str, ...]) -> tuple[str, ...]:
    for rule in value:
        name, colon, tier = rule.partition(":")
        if colon and not tier.strip():
            raise ValueError(f"should be a class, or class:tier; {repeated(rule)} names no tier")
        if name not in _CLASSES:
            raise ValueError(f"should be a class, or class:tier; {repeated(name)} is none of {', '.join(_CLASSES)}")
    return value


class PlaySetting(BaseModel):
    """A row of the playbook, as a settings file has it: `[[playbooks]]` and the keys below."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    step: Annotated[str, Field(min_length=1, max_length=1_000)]
    kind: Annotated[Kind, Field(strict=False)] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    tier: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    owner: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    due_days: Annotated[int, Field(ge=0, le=365)] | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.play()
        return self

    def play(self) -> Play:
        """As the engine has it."""
        return Play(self.step, self.kind, self.reason, self.tier, self.owner, self.due_days)


def _of_health(value: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    for name, weight in value:
        if name not in HEALTH_WEIGHTS or not 0 <= weight <= 100:
            raise ValueError(
                f"{repeated(name)} is given the weight {weight:g}: should be one of {', '.join(HEALTH_WEIGHTS)}, "
                "and a weight from 0 to 100"
            )
    return value


def _plays(value: object) -> object:
    if isinstance(value, str):
        raise ValueError("should be tables of a settings file: [[playbooks]]")
    return tuple(value) if isinstance(value, list) else value


def _paths(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or not all(all(path.split(".")) and len(path) <= _NAME_LENGTH for path in value):
        raise ValueError("should be paths like context.groupId or properties.company.id, several separated by commas")
    return value


def _format_of(topic: InputTopic) -> BeforeValidator:
    """Takes a format that says something on the topic."""
    allowed = FORMATS[topic]

    def check(value: object) -> Format:
        if value not in allowed:
            raise ValueError(f"should be one of {', '.join(allowed)}")
        return Format(str(value))

    return BeforeValidator(check)


def _hash_key(value: SecretStr) -> SecretStr:
    if not 16 <= len(value.get_secret_value().encode()) <= _HASH_KEY_BYTES:
        raise ValueError(f"should have 16 to {_HASH_KEY_BYTES} bytes")
    return value


def _previous_hash_key(value: SecretStr) -> SecretStr:
    if value.get_secret_value() == NO_KEY:
        return value
    try:
        return _hash_key(value)
    except ValueError as error:
        raise ValueError(f"{error}, or be the word {NO_KEY}: ids were not keyed before") from None


def _board_tokens(value: object) -> object:
    """`name=token`, one a line or separated by commas. No message repeats a token."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str):
        return value
    parts = [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]
    pairs = [part.partition("=")[::2] for part in parts]
    return tuple((name.strip(), SecretStr(token.strip())) for name, token in pairs)


def _of_people(value: tuple[tuple[str, SecretStr], ...]) -> tuple[tuple[str, SecretStr], ...]:
    names = [name for name, _ in value]
    tokens = [token.get_secret_value() for _, token in value]
    if not all(re.fullmatch(_PERSON, name) for name in names):
        raise ValueError("should be name=token, several separated by commas; a name has 1 to 256 characters")
    # By its number: of an entry that is written wrongly, what looks like the name may be the token.
    for number, token in enumerate(tokens, start=1):
        if len(token) < _TOKEN_LENGTH or not token.isprintable() or " " in token:
            raise ValueError(
                f"entry {number} should be name=token, with a token of {_TOKEN_LENGTH} or more characters, none a blank"
            )
    if len(set(names)) < len(names) or len(set(tokens)) < len(tokens):
        raise ValueError("each name should be there once, with a token that no other has")
    return value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


Duration = Annotated[int, BeforeValidator(_duration), Field(ge=0)]
PositiveDuration = Annotated[int, BeforeValidator(_duration), Field(gt=0)]
Brokers = Annotated[str, AfterValidator(brokers)]
Host = Annotated[str, AfterValidator(_host)]
TopicName = Annotated[str, Field(min_length=1), AfterValidator(_topic_part)]
TopicPrefix = Annotated[str, AfterValidator(_topic_part)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
ReplicationFactor = Annotated[int, AfterValidator(_replication)]
Webhook = Annotated[SecretStr, AfterValidator(slack_webhook)]
BotToken = Annotated[SecretStr, AfterValidator(bot_token)]
AppToken = Annotated[SecretStr, AfterValidator(app_token)]
SlackChannelId = Annotated[str, AfterValidator(slack_channel)]
WebAddress = Annotated[str, AfterValidator(web_address)]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_names)]
Paths = Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_paths)]
"""Where something may stand in a JSON object: names with dots between them."""
UsageFormat = Annotated[Format, _format_of(InputTopic.USAGE)]
BillingFormat = Annotated[Format, _format_of(InputTopic.BILLING)]
AccountsFormat = Annotated[Format, _format_of(InputTopic.ACCOUNTS)]
FeedbackFormat = Annotated[Format, _format_of(InputTopic.FEEDBACK)]
MetadataKey = Annotated[str, Field(min_length=1, max_length=40)]
"""Stripe's own bound."""
Keywords = Annotated[tuple[tuple[str, str], ...], BeforeValidator(_pairs), AfterValidator(_of_classes)]
"""Texts, and the class of reasons for leaving that each speaks for."""
ClassesAndTiers = Annotated[Names, AfterValidator(_class_and_tier)]
HealthWeights = Annotated[tuple[tuple[str, float], ...], BeforeValidator(_pairs), AfterValidator(_of_health)]
Plays = Annotated[tuple[PlaySetting, ...], BeforeValidator(_plays)]
Kinds = Annotated[tuple[Kind, ...], BeforeValidator(_kinds)]
PreviousHashKey = Annotated[SecretStr, AfterValidator(_previous_hash_key)]
HashKey = Annotated[SecretStr, AfterValidator(_hash_key)]
BoardTokens = Annotated[tuple[tuple[str, SecretStr], ...], BeforeValidator(_board_tokens), AfterValidator(_of_people)]
"""Who may use the board, and the token that each logs in with."""
UpperCase = BeforeValidator(_upper)
