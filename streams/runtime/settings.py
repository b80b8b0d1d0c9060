"""All settings, in one frozen object built in one place.

Every field `x` is the environment variable `SLACKWATER_X` and the key `x` of slackwater.toml. Durations are written
with a unit (`250ms`, `10m`, `48h`) and held as milliseconds.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from alerting.routing import CONSOLE
from schemas.errors import SettingsError
from schemas.events import InputTopic
from schemas.formats.options import Format, Lookup
from streams.runtime.settings_channels import ChannelSetting
from streams.runtime.settings_routes import RouteSetting
from streams.runtime.settings_sources import PREFIX, Environment, Setting, read_sources, shown
from streams.runtime.settings_tables import read_tables
from streams.runtime.settings_values import (
    NO_KEY,
    AccountsFormat,
    AppToken,
    BillingFormat,
    BoardTokens,
    BotToken,
    Brokers,
    ClassesAndTiers,
    Duration,
    FeedbackFormat,
    HashKey,
    HealthWeights,
    Host,
    Keywords,
    Kinds,
    MetadataKey,
    Names,
    Paths,
    Plays,
    PositiveDuration,
    PreviousHashKey,
    ReplicationFactor,
    SlackChannelId,
    TimeZone,
    TopicName,
    TopicPrefix,
    UpperCase,
    UsageFormat,
    WebAddress,
    Webhook,
    as_text,
)

if TYPE_CHECKING:
    from streams.detection.config import DetectionConfig
    from streams.detection.usage_rule import UsageRule

SECRETS = (
    "slack_webhook_url",
    "slack_bot_token",
    "slack_app_token",
    "user_hash_key",
    "user_hash_key_previous",
    "sasl_plain_password",
    "board_tokens",
)
_TOPICS = ("usage", "billing", "accounts", "feedback", "commands", "alerts", "health", "dead_letters")
TABLES = ("engagement", "deliveries")
"""What a worker keeps, each with a changelog."""


class Settings(BaseModel):
    """What one application runs with. Built by `load_settings`; in tests also directly: `Settings(partitions=2)`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    # Kafka: names follow aiokafka's.
    brokers: Brokers = "127.0.0.1:9092"
    security_protocol: Annotated[Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], UpperCase] = "PLAINTEXT"
    sasl_mechanism: Annotated[Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None, UpperCase] = None
    sasl_plain_username: str | None = None
    sasl_plain_password: SecretStr | None = None
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    session_timeout: PositiveDuration = 10_000
    heartbeat_interval: PositiveDuration = 3_000
    rebalance_timeout: PositiveDuration = 30_000

    # The application and its topics.
    app_id: TopicName = "slackwater"
    partitions: Annotated[int, Field(ge=1, le=10_000)] = 4
    replication_factor: ReplicationFactor = -1
    topic_prefix: TopicPrefix = ""
    topic_usage: TopicName = "product-usage"
    topic_billing: TopicName = "billing"
    topic_accounts: TopicName = "accounts"
    topic_feedback: TopicName = "feedback"
    topic_commands: TopicName = "alert-commands"
    topic_alerts: TopicName = "churn-alerts"
    topic_health: TopicName = "account-health"
    topic_dead_letters: TopicName = "dead-letters"

    # Input and its time.
    clock: Literal["wall", "events"] = "wall"
    out_of_order: Duration = 600_000
    grace: Duration = 3_600_000
    future_tolerance: Duration = 600_000
    dedup_window: Duration = 172_800_000
    fleet_wait: Annotated[Duration, Field(ge=1_000)] = 900_000
    max_record_bytes: Annotated[int, Field(ge=1_024, le=1 << 30)] = 1 << 20
    max_waiting_events: Annotated[int, Field(ge=1_000)] = 200_000
    max_partition_accounts: Annotated[int, Field(ge=1, le=1 << 31)] = 250_000
    user_hash_key: HashKey | None = None
    user_hash_key_previous: PreviousHashKey | None = None
    keep_comments: bool = True

    # Ids that are no accounts by themselves: what comes under them waits for an account that names them.
    park_ids: Names = ("stripe:*",)
    park_for: PositiveDuration = 30 * 86_400_000
    max_parked_records: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000

    # How the input topics are written, and where foreign records name the account.
    format_usage: UsageFormat = Format.NATIVE
    format_billing: BillingFormat = Format.NATIVE
    format_accounts: AccountsFormat = Format.NATIVE
    format_feedback: FeedbackFormat = Format.NATIVE
    segment_account: Paths = ("context.groupId",)
    stripe_account: MetadataKey = "account_id"

    # What counts as usage: in names * stands for any text.
    include_events: Names = ()
    exclude_events: Names = ()
    exclude_users: Names = ()
    intent_events: Names = ()

    # Why accounts leave: classes of reasons by keyword, and which accounts may go (class, or class:tier).
    reason_keywords: Keywords = ()
    let_go: ClassesAndTiers = ()

    # What to do about alerts: tables [[playbooks]] of a settings file, before those that come along.
    playbooks: Plays = ()

    # Detection.
    key_actions: Names = ()
    timezone: TimeZone = "UTC"
    false_alarms_per_account_year: Annotated[float, Field(ge=0.001, le=100)] = 0.2
    health_weights: HealthWeights = ()
    watch_false_alarms_per_account_year: Annotated[float, Field(ge=0.001, le=100)] = 1.0
    shadow: bool = False

    # Of kinds of alerts, which are sent besides those that are anyway, and which of those only recorded.
    tell_kinds: Kinds = ()
    shadow_kinds: Kinds = ()

    # Where alerts go, and how quietly.
    group_wait: Duration = 30_000
    group_interval: Duration = 300_000
    limit_per_hour: Annotated[int, Field(ge=0, le=10_000)] = 30
    reminder: Duration = 0
    slack_webhook_url: Webhook | None = None
    slack_bot_token: BotToken | None = None
    slack_channel: SlackChannelId | None = None
    slack_app_token: AppToken | None = None
    slack_users: Literal["known", "any"] = "known"
    slack_api_url: WebAddress = "https://slack.com/api/"
    console: bool = False
    slack_timeout: PositiveDuration = 10_000
    give_up: PositiveDuration = 86_400_000

    # Who is told what: tables of a settings file, [channels.NAME], [[routes]], [people], [teams]. By name, without
    # regard to case, people and teams have the Slack id that a message calls them by.
    channels: tuple[ChannelSetting, ...] = ()
    routes: tuple[RouteSetting, ...] = ()
    people: Mapping[str, str] = Field(default_factory=dict)
    teams: Mapping[str, str] = Field(default_factory=dict)

    # State and flushing.
    store: Literal["memory", "rocksdb"] = "memory"
    state_dir: Path = Path(".slackwater")
    flush: PositiveDuration = 1_000
    lagging_flush: PositiveDuration = 10_000
    lagging_flush_events: Annotated[int, Field(ge=1)] = 50_000

    # The worker's own pages and log.
    web_host: Host = "127.0.0.1"
    web_port: Annotated[int, Field(ge=0, le=65_535)] = 6_066
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], UpperCase] = "INFO"

    # The board, which is a command of its own: where it listens, and who logs in with which token.
    board_host: Host = "127.0.0.1"
    board_port: Annotated[int, Field(ge=0, le=65_535)] = 6_067
    board_tokens: BoardTokens = ()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        # Every impossible combination at once; each names its keys, so that load_settings can say where they were set.
        if problems := list(_impossible(self)):
            raise ValueError("\n".join(problems))
        return self

    def topic(self, name: str) -> str:
        """The full name of a topic: `usage`, `billing`, `accounts`, `feedback`, `commands`, `alerts`, `health`,
        `dead_letters`.

        Raises KeyError for any other.

        >>> Settings(topic_prefix="eu.").topic("usage")
        'eu.product-usage'
        """
        if name not in _TOPICS:
            raise KeyError(f"no topic is called {name!r}; there are {', '.join(_TOPICS)}")
        return self.topic_prefix + str(getattr(self, f"topic_{name}"))

    def format_of(self, topic: InputTopic) -> Format:
        """How the records of an input topic are written. Commands are native."""
        form: Format = getattr(self, f"format_{topic.value}", Format.NATIVE)
        return form

    @property
    def lookup(self) -> Lookup:
        """Where foreign records name the account."""
        return Lookup(self.segment_account, self.stripe_account)

    @property
    def shuffle_topic(self) -> str:
        """Internal: events on their way from the ingest tasks to their home partition."""
        return f"{self.app_id}-shuffle"

    @property
    def notifications_topic(self) -> str:
        """Internal: what is to be told, keyed by route."""
        return f"{self.app_id}-notifications"

    @property
    def undelivered_topic(self) -> str:
        """Internal: notifications given up, with the reason."""
        return f"{self.app_id}-undelivered"

    @property
    def fleet_topic(self) -> str:
        """Internal: what the home partitions tell each other of a day, in one order for all of them."""
        return f"{self.app_id}-fleet"

    @property
    def alias_topic(self) -> str:
        """Internal: which ids stand for which account, for all who read the input topics."""
        return f"{self.app_id}-aliases"

    @property
    def parked_topic(self) -> str:
        """Internal: records that wait until it can be told whose they are."""
        return f"{self.app_id}-parked"

    @property
    def replayed_topic(self) -> str:
        """Internal: which dead letters were sent again."""
        return f"{self.app_id}-replayed"

    def changelog(self, table: str) -> str:
        """Internal: what a table has, as Faust calls the topic."""
        return f"{self.app_id}-{table}-changelog"

    @property
    def internal_topics(self) -> frozenset[str]:
        """All of them: no other topic may have such a name."""
        return frozenset(
            {
                self.shuffle_topic,
                self.notifications_topic,
                self.undelivered_topic,
                self.fleet_topic,
                self.alias_topic,
                self.parked_topic,
                self.replayed_topic,
                *map(self.changelog, TABLES),
            }
        )

    def detection(self) -> DetectionConfig:
        """The part of the settings that the pure engine takes."""
        from streams.detection.config import DetectionConfig  # noqa: PLC0415 - the command line's help needs no engine

        return DetectionConfig(
            timezone=self.timezone,
            alert_false_alarms=self.false_alarms_per_account_year,
            watch_false_alarms=self.watch_false_alarms_per_account_year,
            grace_ms=self.grace,
            dedup_window_ms=self.dedup_window,
            reason_keywords=self.reason_keywords,
            let_go=self.let_go,
            health_weights=self.health_weights,
            plays=tuple(each.play() for each in self.playbooks),
            intent_events=self.intent_events,
            keep_comments=self.keep_comments,
            user_key=self.user_key,
            key_actions=self.key_actions,
        )

    @property
    def app_tokens(self) -> tuple[SecretStr, ...]:
        """Of the Slack apps whose buttons are listened to, each once."""
        tokens = (self.slack_app_token, *(each.app_token for each in self.channels))
        return tuple({each.get_secret_value(): each for each in tokens if each is not None}.values())

    @property
    def user_key(self) -> bytes:
        """What keys the hash of user ids; empty without `user_hash_key`."""
        return self.user_hash_key.get_secret_value().encode() if self.user_hash_key else b""

    @property
    def previous_user_key(self) -> bytes | None:
        """What keyed it before: empty for none, None where nothing is to be known by it any more."""
        key = self.user_hash_key_previous
        if key is None:
            return None
        return b"" if key.get_secret_value() == NO_KEY else key.get_secret_value().encode()

    def usage_rule(self) -> UsageRule:
        """What counts as usage."""
        from streams.detection.usage_rule import UsageRule  # noqa: PLC0415 - as above

        return UsageRule(
            include=self.include_events,
            exclude=self.exclude_events,
            users=self.exclude_users,
            intent=self.intent_events,
        )

    def kafka(self) -> dict[str, Any]:
        """Connection arguments of any aiokafka client. They hold the password in the clear: never log them.

        Raises SettingsError when a certificate or key file cannot be used.
        """
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.brokers,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            arguments["ssl_context"] = self._ssl_context()
        if self.security_protocol.startswith("SASL"):
            assert self.sasl_plain_password is not None
            arguments["sasl_mechanism"] = self.sasl_mechanism
            arguments["sasl_plain_username"] = self.sasl_plain_username
            arguments["sasl_plain_password"] = self.sasl_plain_password.get_secret_value()
        return arguments

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ssl_cafile)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"ssl_cafile={str(self.ssl_cafile)!r} cannot be used: {error}") from error
        if self.ssl_certfile is not None:
            try:
                context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile, password=_no_password)
            except (OSError, ssl.SSLError, ValueError) as error:
                files = f"ssl_certfile={str(self.ssl_certfile)!r}, ssl_keyfile={str(self.ssl_keyfile)!r}"
                raise SettingsError(f"{files} cannot be used: {error}") from error
        return context


def _no_password() -> str:
    """OpenSSL would ask at the terminal."""
    raise ValueError("the key is encrypted, and has to be one that is not: openssl pkey -in KEY -out PLAIN")


def load_settings(environ: Mapping[str, str], toml_path: Path | None = None) -> Settings:
    """Settings from the environment over a TOML file (`read_sources` says which).

    Raises SettingsError, one line for each problem: where it was set, the value (never a secret's), what is allowed.
    """
    environ = Environment(environ)
    settings, problems = _load(environ, toml_path)
    if settings is None or problems:
        raise SettingsError("\n".join(problems))  # here, where no local variable has a secret
    return settings


def _load(environ: Environment, toml_path: Path | None) -> tuple[Settings | None, list[str]]:
    sources, problems = read_sources(environ, toml_path, keys=Settings.model_fields, secrets=SECRETS)
    tables, wrong = read_tables(sources, environ)
    values = {key: as_text(setting.value) for key, setting in sources.items()} | tables
    settings = None
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        wrong += _problems(error, sources)
    return settings, problems + wrong


def _problems(error: ValidationError, sources: Mapping[str, Setting]) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=False):
        text = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
        if not problem["loc"]:
            yield from (_with_places(line, sources) for line in text.splitlines())
            continue
        key = str(problem["loc"][0])
        setting, inside = sources[key], problem["loc"][1:]
        if inside and isinstance(setting.value, list):  # of a table of several rows: which, and what of it
            place = setting.place(*inside)
        else:
            place = setting.place(shown="" if key in SECRETS else shown(setting.value))
        yield f"{place}: {text}"


def _with_places(line: str, sources: Mapping[str, Setting]) -> str:
    """Add where the keys that begin a line of `_impossible` were set."""
    keys = line.partition(":")[0].split(", ")
    places = [sources[key].place() if key in sources else f"{PREFIX}{key.upper()} (not set)" for key in keys]
    return f"{', '.join(places)}:{line.partition(':')[2]}"


def _impossible(settings: Settings) -> Iterator[str]:
    """What no single value forbids, a line each, beginning with the keys concerned."""
    if settings.store == "rocksdb" and find_spec("rocksdict") is None:
        yield "store: rocksdb needs the package rocksdict: pip install 'slackwater[rocksdb]'"
    if settings.heartbeat_interval >= settings.session_timeout:
        yield "heartbeat_interval, session_timeout: the heartbeat must be the shorter, usually a third of the session"
    if settings.watch_false_alarms_per_account_year < settings.false_alarms_per_account_year:
        yield (
            "watch_false_alarms_per_account_year, false_alarms_per_account_year: "
            "watches come at lower scores than alerts, so their rate cannot be the smaller one"
        )
    if twice := sorted(set(settings.tell_kinds) & set(settings.shadow_kinds)):
        yield f"tell_kinds, shadow_kinds: {twice[0].value!r} is in both; a kind is sent or recorded only"
    yield from _impossible_routes(settings)
    yield from _impossible_usage(settings)
    yield from _impossible_slack(settings)
    taken: dict[str, str] = {}
    for name in _TOPICS:
        full = settings.topic(name)
        if full in taken:
            yield f"topic_{taken[full]}, topic_{name}: both are {full!r}; every topic needs a name of its own"
        taken[full] = name
        if full in settings.internal_topics:
            yield f"topic_{name}, app_id: {full!r} is a topic of slackwater's own; this one needs another name"
    yield from _impossible_security(settings)


def _impossible_routes(settings: Settings) -> Iterator[str]:
    for each in settings.routes:
        for kind in sorted(each.named_kinds & set(settings.shadow_kinds)):
            yield f"routes, shadow_kinds: route {each.name} names {kind.value!r}, which is to be recorded only"
        if each.name == CONSOLE and settings.console:
            yield f"routes, console: the terminal's own route is named {CONSOLE!r}; give the other one another name"


def _impossible_usage(settings: Settings) -> Iterator[str]:
    if both := sorted(set(settings.include_events) & set(settings.exclude_events)):
        yield f"include_events, exclude_events: {both[0]!r} is in both; a name can be in one of them"
    if both := sorted(set(settings.intent_events) & set(settings.exclude_events)):
        yield f"intent_events, exclude_events: {both[0]!r} is in both; what tells of leaving has to count"
    rule = settings.usage_rule()
    for name in settings.key_actions:
        if "*" not in name and (by := rule.excludes(name, None)) is not None:
            yield f"key_actions, {by}: {name!r} is no usage by {by}; a core action has to be usage"


def _impossible_slack(settings: Settings) -> Iterator[str]:
    if settings.slack_webhook_url is not None and settings.slack_bot_token is not None:
        yield "slack_webhook_url, slack_bot_token: both say where the default route goes; set one of them"
    if settings.slack_bot_token is not None and settings.slack_channel is None:
        yield "slack_channel, slack_bot_token: a bot has to be told its channel, by its id"
    for key in ("slack_channel", "slack_app_token"):
        if settings.slack_bot_token is None and getattr(settings, key) is not None:
            yield f"{key}, slack_bot_token: has no effect without the bot's token"


def _impossible_security(settings: Settings) -> Iterator[str]:
    if settings.user_hash_key_previous is not None and settings.user_hash_key is None:
        yield "user_hash_key_previous, user_hash_key: a key that was used before needs one that is used now"
    elif settings.user_hash_key_previous == settings.user_hash_key is not None:
        yield "user_hash_key_previous, user_hash_key: both are the same; the key before is another one, or none"
    credentials = ("sasl_mechanism", "sasl_plain_username", "sasl_plain_password")
    sasl = settings.security_protocol.startswith("SASL")
    for key in credentials:
        if sasl and getattr(settings, key) is None:
            yield f"{key}, security_protocol: {settings.security_protocol} needs {', '.join(credentials)}"
        if not sasl and getattr(settings, key) is not None:
            yield f"{key}, security_protocol: has no effect with {settings.security_protocol}; use SASL_SSL"
    for key in ("ssl_cafile", "ssl_certfile", "ssl_keyfile"):
        if getattr(settings, key) is not None and not settings.security_protocol.endswith("SSL"):
            yield f"{key}, security_protocol: has no effect with {settings.security_protocol}; use SSL or SASL_SSL"
    if settings.ssl_keyfile is not None and settings.ssl_certfile is None:
        yield "ssl_keyfile, ssl_certfile: a key needs its certificate"
