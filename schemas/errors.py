"""The project's errors, and the reasons for turning a record away.

A program that stops for a reason raises::

    SlackwaterError
    ├── SettingsError   a setting is unknown, impossible, or contradicts another
    ├── StartError      the worker may not start: a topic is missing or of the wrong kind, say
    ├── BrokerError     a broker cannot be reached, or refuses
    ├── StateError      stored state cannot be read: it is damaged
    │   └── VersionError    ... or another version wrote it
    └── StoreError      the state's files on disk cannot be read or written

A record that is at fault never raises: `schemas.codec.decode` returns a `Rejected`, which ends in a dead letter.
"""

from dataclasses import dataclass
from enum import StrEnum


class SlackwaterError(Exception):
    """The root of every error that slackwater raises on purpose. Its text is for a person and holds no secret."""


class SettingsError(SlackwaterError):
    """A setting is unknown, has an impossible value, or contradicts another one."""


class StartError(SlackwaterError):
    """The worker may not start as things stand, and says what to change."""


class BrokerError(SlackwaterError):
    """A broker did not come up, cannot be reached, or refuses what was asked."""


class StateError(SlackwaterError):
    """Stored state cannot be read: it is damaged."""


class VersionError(StateError):
    """Another version wrote it, most likely a newer one, which can read it."""


class StoreError(SlackwaterError):
    """The state's files on disk cannot be read or written. Kafka has what they hold."""


class Reason(StrEnum):
    """Why a record was turned away. The value is the metric label and the `reason` of the dead letter."""

    EMPTY = "empty"
    """No value at all (null), or one of no bytes."""
    TOO_LARGE = "too_large"
    """More bytes than the limit (a setting, 1 MiB by default)."""
    SCHEMA_REGISTRY = "schema_registry"
    """The value starts with a zero byte, the header that schema-registry serialisers write."""
    NOT_UTF8 = "not_utf8"
    """The bytes are no UTF-8 text."""
    NOT_JSON = "not_json"
    """The text is no JSON (RFC 8259)."""
    NOT_FINITE = "not_finite"
    """`NaN` or an infinity, or a number too large to be finite, stands where JSON has a number."""
    TOO_DEEP = "too_deep"
    """Objects and arrays are nested deeper than the limit."""
    NOT_AN_OBJECT = "not_an_object"
    """The JSON is an array, a string, a number, true, false or null."""
    DUPLICATE_KEY = "duplicate_key"
    """An object names the same key twice, at whatever level: it cannot be told which value is meant."""
    MISSING_FIELD = "missing_field"
    """A field that the event needs is absent or null."""
    INVALID_FIELD = "invalid_field"
    """A field has the wrong type, or a value that is not allowed."""
    UNKNOWN_TYPE = "unknown_type"
    """`type` (billing, feedback) or `command` (commands) names none that is known."""
    UNKNOWN_VERSION = "unknown_version"
    """`schema_version` is there and is not 1."""
    TIME_OUT_OF_RANGE = "time_out_of_range"
    """A time lies before 1990 or after 2099."""
    TIME_IN_FUTURE = "time_in_future"
    """The event's time is later than its record's own timestamp, by more than the tolerance. Found by the worker."""
    IMPOSSIBLE_COMMAND = "impossible_command"
    """The command is well formed and cannot be carried out: no such alert, already resolved. Found by the engine."""
    IMPOSSIBLE_ALIAS = "impossible_alias"
    """An account update names an account's id as an alias. Found by the engine."""
    TOO_MANY_ACCOUNTS = "too_many_accounts"
    """The event's account is not known yet, and its home partition has as many as it may have. Found by the engine."""
    UNKNOWN_ACCOUNT = "unknown_account"
    """No account has named the event's id as an alias in time, and it is no account's own. Found by the worker."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was turned away: `reason`, the `field` at fault (`champions[2]`; None: the whole record), and a
    `detail` that says what was wrong and what is allowed. The detail never repeats what a record's text fields hold."""

    reason: Reason
    field: str | None
    detail: str
