"""The plot of an account's days: counts, what is normal, and when its alerts opened. Places only; a template draws.

Pure. The drawing is 600 units wide and 220 high; colours are classes of the style sheet.
"""

from collections.abc import Iterable
from datetime import tzinfo
from typing import Final, NamedTuple

from alerting.words import DAY, count, day, number
from schemas.alerts import Severity
from schemas.picture import AccountPicture

WIDTH: Final = 600
_TOP: Final = 30.0
"""Above it is room for the label."""
_BASE: Final = 196.0
_EXPECTED_DAYS: Final = 28


class Bar(NamedTuple):
    """One day."""

    x: float
    y: float
    width: float
    height: float
    about: str


class Mark(NamedTuple):
    """When an open alert opened."""

    x: float
    severity: Severity
    about: str


class Plot(NamedTuple):
    """All of it; `expected` is the line of what is normal: from x, to x, y."""

    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    expected: tuple[float, float, float] | None
    top: str
    first: str
    last: str
    about: str
    rows: tuple[tuple[str, int], ...]
    """The same as a table, newest first."""


def plot_of(picture: AccountPicture, where: tzinfo) -> Plot | None:
    """The days of a picture; None where there has been nothing."""
    daily = picture.engagement.daily
    normal = picture.engagement.expected_28d
    a_day = normal / _EXPECTED_DAYS if normal is not None else None
    highest = max([*daily, a_day or 0.0])
    if not daily or highest <= 0:
        return None
    step = WIDTH / len(daily)
    dates = [day(picture.at - (len(daily) - 1 - index) * DAY, where) for index in range(len(daily))]

    def height(value: float) -> float:
        return round((_BASE - _TOP) * value / highest, 1)

    bars = tuple(
        Bar(
            round(index * step, 1),
            round(_BASE - height(events), 1),
            round(step * 0.8, 1),
            height(events),
            f"{dates[index]}: {count(events, 'event')}",
        )
        for index, events in enumerate(daily)
        if events
    )
    line = None
    if a_day is not None:
        first = max(len(daily) - _EXPECTED_DAYS, 0)
        line = (round(first * step, 1), float(WIDTH), round(_BASE - height(a_day), 1))
    told = f", about {number(a_day)} a day are normal" if a_day is not None else ""
    return Plot(
        bars=bars,
        marks=tuple(_marks(picture, where, step)),
        expected=line,
        top=number(highest),
        first=dates[0],
        last=dates[-1],
        about=f"Events a day, {dates[0]} to {dates[-1]}: at most {max(daily):,}{told}",
        rows=tuple(zip(reversed(dates), reversed(daily), strict=True)),
    )


def _marks(picture: AccountPicture, where: tzinfo, step: float) -> Iterable[Mark]:
    for alert in picture.alerts:
        ago = (picture.at - alert.opened_at) / DAY
        x = round(WIDTH - (ago + 0.5) * step, 1)
        if x >= 0:
            about = f"{alert.kind.value.replace('_', ' ')} opened on {day(alert.opened_at, where)}"
            yield Mark(x, alert.severity, about)
