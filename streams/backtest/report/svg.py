"""Plots as inline SVG: axes, and what lies on them. Colours are classes of the style sheet. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from streams.detection.calendar import Calendar

WIDTH = 860
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LABEL_WIDTH = 70
_YEARS_FROM = 1_500
"""Days from which on an axis has years, and no months."""


def nice_ticks(top: float, most: int = 5, *, whole: bool = False) -> list[float]:
    """Round numbers from 0 to at least `top`, about `most` of them; `whole` ones, as of what is counted.

    >>> nice_ticks(37)
    [0.0, 10.0, 20.0, 30.0, 40.0]
    >>> nice_ticks(0.7)
    [0.0, 0.2, 0.4, 0.6, 0.8]
    >>> nice_ticks(2, whole=True)
    [0.0, 1.0, 2.0]
    """
    if top <= 0:
        return [0.0, 1.0]
    rough = top / most
    if whole:
        rough = max(rough, 1.0)
    unit = 10.0 ** floor(log10(rough))
    steps = (unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough * 0.999)
    step = next(each for each in steps if not whole or each.is_integer())
    return [round(step * number, 10) for number in range(ceil(top / step - 1e-9) + 1)]


def plain(value: float) -> str:
    """A number on an axis.

    >>> plain(2000.0), plain(0.25)
    ('2,000', '0.25')
    """
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


@dataclass(frozen=True, slots=True)
class Frame:
    """A plot's area within the drawing, in its units, and the values at its edges."""

    x_from: float
    x_to: float
    y_to: float
    height: int = 260
    left: int = 62
    right: int = 16
    top: int = 26
    bottom: int = 46

    def x(self, value: float) -> float:
        """From a value to where it is drawn."""
        share = (value - self.x_from) / ((self.x_to - self.x_from) or 1.0)
        return round(self.left + share * (WIDTH - self.left - self.right), 2)

    def y(self, value: float) -> float:
        """From a value to where it is drawn; 0 is at the bottom."""
        share = min(value / (self.y_to or 1.0), 1.02)
        return round(self.height - self.bottom - share * (self.height - self.top - self.bottom), 2)

    def draw(self, title: str, parts: Iterable[str]) -> str:
        """The whole drawing; `title` is read out where pictures are not seen."""
        about = f'viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{escape(title)}"'
        return f'<div class="plot" tabindex="0"><svg {about}>{"".join(parts)}</svg></div>'

    def y_axis(self, label: str, *, percent: bool = False, ticks: Sequence[float] | None = None) -> str:
        """Lines across, their values, and what they are, with its unit."""
        right = WIDTH - self.right
        parts = [text(2, 13, label, "label")]
        for tick in ticks if ticks is not None else nice_ticks(self.y_to):
            y = self.y(tick)
            name = f"{tick * 100:.0f}%" if percent else plain(tick)
            parts.append(f'<line class="grid" x1="{self.left}" x2="{right}" y1="{y}" y2="{y}"/>')
            parts.append(text(self.left - 8, y + 4, name, "tick", "end"))
        return "".join(parts)

    def x_axis(self, label: str, ticks: Sequence[float]) -> str:
        """Values below, and what they are, with its unit."""
        base = self.height - self.bottom
        parts = [text(WIDTH - self.right, self.height - 6, label, "label", "end")]
        for tick in ticks:
            parts.append(f'<line class="axis" x1="{self.x(tick)}" x2="{self.x(tick)}" y1="{base}" y2="{base + 4}"/>')
            parts.append(text(self.x(tick), base + 18, plain(tick), "tick", "middle"))
        return "".join(parts)

    def day_axis(self, calendar: Calendar) -> str:
        """Months below, or years where there are many; the values of x are day numbers."""
        years = self.x_to - self.x_from > _YEARS_FROM
        base = self.height - self.bottom
        parts = [f'<line class="axis" x1="{self.left}" x2="{WIDTH - self.right}" y1="{base}" y2="{base}"/>']
        last = -float("inf")
        for day in range(ceil(self.x_from), floor(self.x_to) + 1):
            date, month, year = calendar.day_text(calendar.start_of(day)).split()
            if date != "1" or (years and month != "January"):
                continue
            x = self.x(day)
            parts.append(f'<line class="axis" x1="{x}" x2="{x}" y1="{base}" y2="{base + 4}"/>')
            if x - last >= _LABEL_WIDTH and x < WIDTH - 30:
                parts.append(text(x, base + 18, year if years else f"{month[:3]} {year}", "tick", "middle"))
                last = x
        return "".join(parts)


def text(x: float, y: float, words: str, style: str, anchor: str = "start") -> str:
    """Words in a plot."""
    return f'<text class="{style}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def path(points: Sequence[tuple[float, float]], style: str) -> str:
    """A line through points."""
    if not points:
        return ""
    return f'<path class="{style}" d="M{" L".join(f"{x} {y}" for x, y in points)}"/>'


def bar(x: float, width: float, y: float, base: float, style: str, tip: str) -> str:
    """A bar from `base` up to `y`, with words for the pointer."""
    height = round(base - y, 2)
    shape = f'x="{round(x, 2)}" y="{y}" width="{round(width, 2)}" height="{height}"'
    return f'<rect class="{style}" {shape}><title>{escape(tip)}</title></rect>' if height > 0 else ""


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """What the colours are: class and name. It stands above the plot, as text."""
    parts = (f'<span class="key"><i class="{style}"></i>{escape(name)}</span>' for style, name in entries)
    return f'<p class="legend">{"".join(parts)}</p>'
