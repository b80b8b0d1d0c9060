"""The report's plots. Pure."""

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

from alerting.words import number
from schemas.alerts import Severity
from streams.backtest.examples import Example
from streams.backtest.load import Load
from streams.backtest.outcomes import Basis
from streams.backtest.report.svg import WIDTH, Frame, bar, legend, nice_ticks, path, text
from streams.backtest.result import Backtest
from streams.backtest.silence_rule import telling
from streams.backtest.verdicts import Judged
from streams.detection.calendar import Calendar

_COLOURS = {
    "usage_silence": "k1",
    "usage_drop": "k2",
    "payment_failed": "k3",
    "card_expiring": "k4",
    "cancel_scheduled": "k5",
}
_STEP = 0.72
_WIDEST = 60.0
"""A bar of one week alone would fill the plot."""
_LETTER = 8.0
_LINE = 14.0
"""About as large as letters and lines of the labels are, in the drawing's units."""


def kind_name(kind: str) -> str:
    """`usage_drop` as people read it."""
    return kind.replace("_", " ")


def weeks_plot(load: Load, calendar: Calendar) -> str:
    """Alerts opened in each week, by kind."""
    if not load.by_week:
        return ""
    first, last = min(load.by_week), max(load.by_week)
    kinds = [kind for kind in _COLOURS if any(week[kind] for week in load.by_week.values())]
    kinds += sorted({kind for week in load.by_week.values() for kind in week} - set(kinds))
    top = max(week.total() for week in load.by_week.values())
    ticks = nice_ticks(top, whole=True)
    frame = Frame(first - 1, last + 8, ticks[-1])
    base = frame.height - frame.bottom
    width = min(max((frame.x(7) - frame.x(0)) * 0.8, 1.0), _WIDEST)
    parts = [frame.y_axis("alerts opened a week", ticks=ticks), frame.day_axis(calendar)]
    for monday in range(first, last + 1, 7):
        week = load.by_week.get(monday)
        below = 0.0
        for kind in kinds if week else ():
            assert week is not None
            count = week[kind]
            tip = f"week of {calendar.day_text(calendar.start_of(monday))}: {count} {kind_name(kind)}"
            style = _COLOURS.get(kind, "k6")
            parts.append(bar(frame.x(monday), width, frame.y(below + count), frame.y(below), style, tip))
            below += count
    parts.append(f'<line class="axis" x1="{frame.left}" x2="{WIDTH - frame.right}" y1="{base}" y2="{base}"/>')
    others = [kind_name(kind) for kind in kinds if kind not in _COLOURS]
    keys = [(_COLOURS[kind], kind_name(kind)) for kind in kinds if kind in _COLOURS]
    if others:  # of one colour, and so of one key
        keys.append(("k6", ", ".join(others)))
    return legend(keys) + frame.draw("Alerts opened in each week, by kind", parts)


def days_plot(found: Backtest) -> str:
    """How soon, or how early, losses were found: the engine beside the best silence rule."""
    runs = [("ours", "slackwater", found.judged)]
    if found.rule is not None:
        runs.append(("other", f"{found.rule.days} days of silence", found.rule.judged))
    if found.judged.basis is Basis.SILENCE:
        longest = float(found.silence_days)
        frame = Frame(0, longest, 1.0)
        label = "days after the last activity"
    else:
        longest = max(30.0, min(120.0, max((days for *_, run in runs for days in run.days), default=30.0)))
        frame = Frame(longest, 0, 1.0)
        label = "days before the account left (or decided to)"
    ticks = [tick for tick in nice_ticks(longest, 6) if tick <= longest]
    parts = [
        frame.y_axis("share of losses found by then", percent=True, ticks=[0, 0.25, 0.5, 0.75, 1.0]),
        frame.x_axis(label, ticks),
    ]
    for style, _, run in reversed(runs):
        parts.append(path(_steps(run, frame, longest), f"line {style}"))
    return legend((style, name) for style, name, _ in runs) + frame.draw("Share of losses found over time", parts)


def _steps(run: Judged, frame: Frame, longest: float) -> list[tuple[float, float]]:
    count = 240
    days = [longest * number / count for number in range(count + 1)]
    if run.basis is not Basis.SILENCE:
        days.reverse()
    points = [(frame.x(day), frame.y(run.within(day) or 0.0)) for day in days]
    steps = [corner for before, point in pairwise(points) if point[1] != before[1] for corner in _corner(before, point)]
    return [points[0], *steps, points[-1]]


def _corner(before: tuple[float, float], point: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    return (point[0], before[1]), point


def knob_plot(found: Backtest) -> str:
    """Found losses over realised false alarms: the engine's settings, and the silence rule's."""
    ours = _points((f"{each.asked:g}", each.judged.false_alarms_per_account_year, each.judged) for each in found.curve)
    rules = _points(
        (f"{each.days} d", each.judged.false_alarms_per_account_year, each.judged) for each in telling(found.rules)
    )
    if not ours:
        return ""
    ticks = nice_ticks(max(*(point.x * 1.1 for point in ours), 1.0), 6)
    rules = sorted(each for each in rules if each.x <= ticks[-1])
    keys = [("ours", "slackwater, by the setting of the knob"), ("other", "silence rule, by its days")]
    return legend(keys) + _found_over("false alarms per account-year", ticks, ours, rules, found)


def messages_plot(found: Backtest) -> str:
    """Found losses over what the messages cost people."""
    ours = _points((f"{each.asked:g}", each.load.per_person_and_week, each.judged) for each in found.curve)
    if not ours:
        return ""
    load = found.load
    rules = _points(
        (f"{each.days} d", (each.messages + found.other_messages) / load.weeks / load.team, each.judged)
        for each in telling(found.rules)
    )
    ticks = nice_ticks(max(point.x for point in ours) * 1.05, 6)
    rules = sorted(each for each in rules if each.x <= ticks[-1])
    return _found_over(f"messages per person and week, all kinds, team of {load.team}", ticks, ours, rules, found)


SOON = 30
"""With silence as the outcome, losses count that are found within so many days: in the end every silence is one."""


def _points(runs: Iterable[tuple[str, float | None, Judged]]) -> list["_Point"]:
    found = []
    for name, x, judged in runs:
        share = judged.within(SOON) if judged.basis is Basis.SILENCE else judged.recall
        if x is not None and share is not None:
            found.append(_Point(x, share, name))
    return found


class _Point(NamedTuple):
    x: float
    share: float
    name: str


def _found_over(
    label: str, ticks: Sequence[float], ours: Sequence[_Point], rules: Sequence[_Point], found: Backtest
) -> str:
    now = f"{found.asked:g}"
    share = "share of losses found"
    if found.judged.basis is Basis.SILENCE:
        share += f" within {SOON} days of the last activity"
    frame = Frame(0, ticks[-1], 1.0, height=300, right=24)
    parts = [
        frame.y_axis(share, percent=True, ticks=[0, 0.25, 0.5, 0.75, 1.0]),
        frame.x_axis(label, ticks),
        path([(frame.x(point.x), frame.y(point.share)) for point in rules], "line other"),
        path([(frame.x(point.x), frame.y(point.share)) for point in ours], "line ours"),
    ]
    labels = _Labels((frame.x(point.x), frame.y(point.share)) for point in (*ours, *rules))
    names: list[str] = []
    for point in sorted(ours, key=lambda each: each.name != now):  # the present one first: it always has its name
        x, y, present = frame.x(point.x), frame.y(point.share), point.name == now
        name = f"{point.name} asked" if present else point.name
        place = labels.free(x, (y + 22, y - 10) if present else (y - 10,), name)
        if place is None and present:
            place = y + 22
        if place is not None:
            names.append(text(x, place, name, "tick strong" if present else "tick", "middle"))
        tip = f"{point.name} asked: {point.share * 100:.0f}% found at {number(point.x)} {label}"
        shape = f'class="ours{" now" if present else ""}" cx="{x}" cy="{y}" r="{6 if present else 4}"'
        parts.append(f"<circle {shape}><title>{escape(tip)}</title></circle>")
    for point in rules:
        x, y = frame.x(point.x), frame.y(point.share)
        parts.append(f'<circle class="other" cx="{x}" cy="{y}" r="3"/>')
        place = labels.free(x, (y + 18,) if y + 36 < frame.height - frame.bottom else (y - 10,), point.name)
        if place is not None:
            names.append(text(x, place, point.name, "tick", "middle"))
    return frame.draw(f"{share.capitalize()} over {label}", [*parts, *names])


class _Labels:
    """Which places of a plot have words, or a point, already."""

    def __init__(self, points: Iterable[tuple[float, float]]) -> None:
        self._taken = [(x, y + _LINE / 3, 0.0) for x, y in points]

    def free(self, x: float, places: Iterable[float], words: str) -> float | None:
        """The first of these heights at which words around `x` meet no others; they are taken there. None: nowhere."""
        half = len(words) * _LETTER / 2
        for y in places:
            if all(
                abs(x - other) > half + width or abs(y - height) >= (_LINE if width else 10)
                for other, height, width in self._taken
            ):
                self._taken.append((x, y, half))
                return y
        return None


def account_plot(example: Example, calendar: Calendar) -> str:
    """One account: events a day, what is usual, alarms."""
    top = max([*example.counts, *(each.high for each in example.usual if each is not None), 1.0])
    top = min(top, 1.5 * max([*example.counts, 1]))
    ticks = nice_ticks(top, 4, whole=True)
    last = example.first + len(example.counts)
    frame = Frame(example.first, last, ticks[-1], height=250, top=44)
    parts = [frame.y_axis("events a day", ticks=ticks), frame.day_axis(calendar)]
    parts += _bands(example, frame)
    width = max((frame.x(1) - frame.x(0)) * _STEP, 1.0)
    base = frame.height - frame.bottom
    for offset, events in enumerate(example.counts):
        day = example.first + offset
        tip = f"{calendar.day_text(calendar.start_of(day))}: {events} events{_tip(example, offset)}"
        parts.append(bar(frame.x(day), width, frame.y(events), base, "bar", tip))
    parts += _marks(example, frame, calendar)
    return frame.draw(f"Events a day of {example.account}, with alarms", parts)


def _tip(example: Example, offset: int) -> str:
    usual = example.usual[offset]
    return "" if usual is None else f", usually {number(usual.low)} to {number(usual.high)}"


def _bands(example: Example, frame: Frame) -> list[str]:
    """The range as steps, one area for each run of days on which it is known."""
    drawn: list[str] = []
    run: list[tuple[int, float, float, float]] = []
    for offset, usual in enumerate([*example.usual, None]):
        if usual is not None:
            run.append((example.first + offset, usual.low, usual.middle, usual.high))
            continue
        if run:
            upper = [(frame.x(day + end), frame.y(high)) for day, _, _, high in run for end in (0, 1)]
            lower = [(frame.x(day + end), frame.y(low)) for day, low, _, _ in reversed(run) for end in (1, 0)]
            middle = [(frame.x(day + end), frame.y(mid)) for day, _, mid, _ in run for end in (0, 1)]
            drawn += [path([*upper, *lower], "band"), path(middle, "usual")]
        run = []
    return drawn


def _marks(example: Example, frame: Frame, calendar: Calendar) -> list[str]:
    base, parts = frame.height - frame.bottom, []
    for mark in example.marks:
        x = frame.x(mark.day + 0.5)
        style = mark.severity.value if mark.severity is not None else "resolved"
        tip = f"{calendar.day_text(calendar.start_of(mark.day))}: {mark.label}"
        line = f'<line class="mark {style}" x1="{x}" x2="{x}" y1="{frame.top}" y2="{base}"/>'
        shape = "M-6 -11 L6 -11 L0 0 Z" if mark.severity is not None else "M-5 -5 a5 5 0 1 0 10 0 a5 5 0 1 0 -10 0"
        faint = " faint" if mark.severity is Severity.WATCH else ""
        parts.append(
            f"<g><title>{tip}</title>{line if not faint else ''}"
            f'<path class="flag {style}{faint}" transform="translate({x} {frame.top})" d="{shape}"/></g>'
        )
    if example.lost_day is not None and example.first <= example.lost_day < example.first + len(example.counts):
        x = frame.x(example.lost_day + 1)
        parts.append(f'<line class="mark lost" x1="{x}" x2="{x}" y1="{frame.top - 8}" y2="{base}"/>')
        parts.append(text(x - 4, frame.top - 12, "lost", "tick strong", "end"))
    return parts


MARKS: Sequence[tuple[str, str]] = (
    ("bar", "events a day"),
    ("band", "usual: nine days in ten"),
    ("watch", "watch"),
    ("warning", "warning"),
    ("critical", "critical"),
    ("resolved", "resolved"),
    ("lost", "lost"),
)
