"""Routes as a settings file has them: `[[routes]]`, `[people]` and `[teams]`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from alerting.matchers import Matchers, like
from alerting.quiet import EVERY_DAY, MINUTES, Quiet
from alerting.routing import DEFAULT, Mention, Route
from schemas.alerts import Kind, Severity
from schemas.base import Currency, Money
from streams.detection.reasons import ReasonClass
from streams.runtime.settings_sources import Setting, hint, repeated, shown, why
from streams.runtime.settings_values import TimeZone, parse_duration

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_USER: Final = re.compile(r"[UW][A-Z0-9]{2,30}", re.ASCII)
_GROUP: Final = re.compile(r"S[A-Z0-9]{2,30}", re.ASCII)
_ASKED_OF_DEFAULT: Final = frozenset({"kinds", "minimum_severity"})


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, str) else value


def _of_kinds(value: tuple[str, ...]) -> tuple[str, ...]:
    for name in value:
        if not any(like(name, kind) for kind in Kind):
            raise ValueError(f"{repeated(name)} is no kind of alert; there are {', '.join(Kind)}, and * for any text")
    return value


def _duration(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError('should be a text with a unit: "30s", "5m" or "4h"; "0s" switches it off')
    return parse_duration(value)


def _minute(value: object) -> int:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None or (minute := int(found[1]) * 60 + int(found[2])) > MINUTES:
        raise ValueError('should be a time of the day, like "09:00"')
    return minute


def _of_the_day(value: object) -> int:
    if (minute := _minute(value)) == MINUTES:
        raise ValueError('should be a time of the day, from "00:00" to "23:59"')
    return minute


def _hours(value: object) -> tuple[int, int]:
    start, _, end = value.partition("-") if isinstance(value, str) else ("", "", "")
    try:
        hours = (_minute(start.strip()), _minute(end.strip()))
    except ValueError:
        raise ValueError('should be two times of the day, like "08:00-18:00"') from None
    if hours[0] >= hours[1]:
        raise ValueError('should end after it begins, on the same day, like "08:00-18:00"')
    return hours


def _days(value: object) -> frozenset[int]:
    names = _listed(value)
    if not isinstance(names, tuple) or not names or any(name not in DAYS for name in names):
        raise ValueError(f"should be a list of {', '.join(DAYS)}")
    return frozenset(map(DAYS.index, names))


def _holidays(value: object) -> object:
    """The days in a file: a date a line, comments behind `#`."""
    if not isinstance(value, str):
        return value
    try:
        lines = Path(value).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file cannot be read: {why(error)}") from None
    days: set[date] = set()
    wrong: list[str] = []
    for number, line in enumerate(lines, 1):
        if text := line.partition("#")[0].strip():
            try:
                days.add(date.fromisoformat(text))
            except ValueError:
                wrong.append(f"line {number} of {value} is no date like 2027-01-01: {repeated(text[:40])}")
    if wrong:
        raise ValueError("; ".join(wrong))
    return frozenset(days)


Listed = BeforeValidator(_listed)
Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Texts = Annotated[tuple[Text, ...], Listed]
Duration = Annotated[int, BeforeValidator(_duration)]
Days = Annotated[frozenset[int], BeforeValidator(_days)]


class RouteSetting(BaseModel):
    """A row of `[[routes]]`: where messages go, which (matchers), and when. `deploy/guide/messages.md` has the keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    channel: Text
    continues: Annotated[bool, Field(alias="continue")] = False
    mention: Annotated[tuple[Annotated[Mention, Field(strict=False)], ...], Listed] = (Mention.OWNER,)

    # Matchers: without any of them a route takes all kinds that are told.
    kinds: Annotated[tuple[str, ...], Listed, AfterValidator(_of_kinds)] = ()
    minimum_severity: Literal["watch", "warning", "critical"] = "warning"
    reason_classes: Annotated[tuple[Annotated[ReasonClass, Field(strict=False)], ...], Listed] = ()
    influenceable: bool | None = None
    teams: Texts = ()
    owners: Texts = ()
    tiers: Texts = ()
    tags: Texts = ()
    currency: Currency | None = None
    mrr_minor_from: Money | None = None
    mrr_minor_below: Money | None = None

    # When and how much: `Quiet` says what each is.
    group_wait: Duration | None = None
    group_interval: Duration | None = None
    digest_at: Annotated[int, BeforeValidator(_of_the_day)] | None = None
    digest_days: Days = EVERY_DAY
    hours: Annotated[tuple[int, int], BeforeValidator(_hours)] | None = None
    days: Days = EVERY_DAY
    holidays: Annotated[frozenset[date], BeforeValidator(_holidays), Field(alias="holidays_file")] = frozenset()
    critical_passes: bool = True
    reminder: Duration = 0
    limit_per_hour: Annotated[int, Field(ge=0, le=10_000)] = 0
    timezone: TimeZone | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if "digest_days" in self.model_fields_set and self.digest_at is None:
            raise ValueError("digest_days has no effect without digest_at")
        if self.digest_at is not None and self.hours and not self.hours[0] <= self.digest_at < self.hours[1]:
            raise ValueError("digest_at lies outside hours")
        if self.minimum_severity == "watch" and self.digest_at is None:
            raise ValueError("minimum_severity is warning or critical, but for a digest (digest_at)")
        self.matchers()
        self.quiet(Quiet())
        return self

    def matchers(self) -> Matchers:
        """What it asks of an alert besides kind and severity."""
        return Matchers(
            reason_classes=tuple(each.value for each in self.reason_classes),
            influenceable=self.influenceable,
            teams=self.teams,
            owners=self.owners,
            tiers=self.tiers,
            tags=self.tags,
            currency=self.currency,
            mrr_minor_from=self.mrr_minor_from,
            mrr_minor_below=self.mrr_minor_below,
        )

    def quiet(self, usual: Quiet) -> Quiet:
        """Its times and limits; what it does not say is as usual."""
        return Quiet(
            group_wait=usual.group_wait if self.group_wait is None else self.group_wait,
            group_interval=usual.group_interval if self.group_interval is None else self.group_interval,
            digest_at=self.digest_at,
            digest_days=self.digest_days,
            hours=self.hours,
            days=self.days,
            holidays=self.holidays,
            critical_passes=self.critical_passes,
            reminder=self.reminder,
            limit_per_hour=self.limit_per_hour,
            timezone=self.timezone or usual.timezone,
        )

    @property
    def named_kinds(self) -> frozenset[Kind]:
        """Kinds that it names in full: it tells them also where they are not told by themselves."""
        return frozenset(Kind(name) for name in self.kinds if name in set(Kind))

    def route(self, told: Collection[Kind], usual: Quiet) -> Route:
        """As the runtime has it. `told`: the kinds that are told by themselves, of which a pattern picks some. `usual`:
        times for one that names none."""
        picked = [kind for kind in told if not self.kinds or any(like(name, kind) for name in self.kinds)]
        return Route(
            name=self.name,
            channel=self.channel,
            minimum_severity=Severity(self.minimum_severity),
            kinds=self.named_kinds.union(picked),
            continues=self.continues,
            matchers=self.matchers(),
            mentions=frozenset(self.mention),
            quiet=self.quiet(usual),
        )


def read_routes(setting: Setting, channels: Collection[str]) -> tuple[tuple[RouteSetting, ...], list[str]]:
    """The routes of a settings file, and what is wrong with them, a line each. `channels`: those that there are."""
    rows = setting.value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return (), [f"{setting.place()}: should be tables of a settings file: [[routes]]"]
    found: list[RouteSetting] = []
    problems: list[str] = []
    for number, row in enumerate(rows):
        try:
            found.append(RouteSetting.model_validate(row))
        except ValidationError as error:
            # Without the error itself: it has the row, and there may be a secret in it.
            wrong = error.errors(include_url=False, include_context=False)
            problems += [_problem(setting, number, row, each) for each in wrong]
        problems += _wrong_channel(setting, number, row, channels)
    problems += _wrong_names(setting, rows)
    return tuple(found), problems


def read_ids(setting: Setting, *, groups: bool) -> tuple[dict[str, str], list[str]]:
    """The Slack ids by name of people, or of teams (`groups`), and what is wrong with them, a line each."""
    what, shape = ("a user group", "S012AB3CD") if groups else ("a user", "U012AB3CD")
    if not isinstance(setting.value, dict):
        return {}, [f"{setting.place()}: should be a table of a settings file: name = Slack id, like {shape}"]
    found: dict[str, str] = {}
    problems: list[str] = []
    for name, value in setting.value.items():
        place = setting.place(name, shown=shown(value))
        if not isinstance(value, str) or not (_GROUP if groups else _USER).fullmatch(value):
            problems.append(f"{place}: should be the Slack id of {what}, like {shape}")
        elif found.setdefault(name.casefold(), value) != value:
            problems.append(f"{place}: the name is there twice, as upper and lower case make no difference")
    return found, problems


def _problem(setting: Setting, number: int, row: dict[str, Any], error: ErrorDetails) -> str:
    if not error["loc"]:
        return f"{setting.place(number)}: {_words(error)}"
    key = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in RouteSetting.model_fields.items()]
        return f"{setting.place(number, key)}: a route has no such key{hint(key, known) or _there_are(known)}"
    if error["type"] == "missing":
        return f"{setting.place(number)}: a route needs {key}"
    return f"{setting.place(number, key, shown=shown(row[key]))}: {_words(error)}"


def _words(error: ErrorDetails) -> str:
    return error["msg"].removeprefix("Value error, ").removeprefix("Input ")


def _there_are(names: Iterable[str]) -> str:
    return f"; there are {', '.join(names)}"


def _wrong_channel(setting: Setting, number: int, row: dict[str, Any], channels: Collection[str]) -> Iterator[str]:
    channel = row.get("channel")
    if isinstance(channel, str) and channel and channel not in channels:
        place = setting.place(number, "channel", shown=shown(channel))
        yield f"{place}: there is no such channel{hint(channel, channels) or _there_are(sorted(channels))}"


def _wrong_names(setting: Setting, rows: list[dict[str, Any]]) -> Iterator[str]:
    seen: dict[object, int] = {}
    for number, row in enumerate(rows):
        name = row.get("name")
        if not isinstance(name, str):
            continue
        if seen.setdefault(name, number) != number:
            place = setting.place(number, "name", shown=shown(name))
            yield f"{place}: routes[{seen[name] + 1}] has that name already; each needs its own"
        if name != DEFAULT:
            continue
        if number != len(rows) - 1:
            yield f"{setting.place(number)}: the route {DEFAULT} takes what no other does: it has to be the last one"
        if row.get("continue"):
            yield f"{setting.place(number, 'continue')}: there is nothing after the route {DEFAULT}"
        for key in Matchers.__dataclass_fields__:
            if key in row and key not in _ASKED_OF_DEFAULT:
                yield (
                    f"{setting.place(number, key)}: the route {DEFAULT} takes what no other does; it may have "
                    f"{' and '.join(sorted(_ASKED_OF_DEFAULT))}, and no other matcher"
                )
