"""Tables and numbers as HTML. Pure."""

from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import NamedTuple

DASH = "\N{EN DASH}"


class Column(NamedTuple):
    """A column's name and how its cells look: `number`, `when`, `name`, `words`, `said`, or nothing special."""

    name: str
    style: str = ""


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], marked: Collection[int] = ()) -> str:
    """A table that can be moved sideways where it is too wide, by keys as well. The cells are text. Rows with the
    numbers `marked` stand out."""
    head = "".join(f'<th class="{each.style}" scope="col">{escape(each.name)}</th>' for each in columns)
    body = "".join(
        ('<tr class="marked">' if number in marked else "<tr>")
        + "".join(f'<td class="{each.style}">{escape(cell)}</td>' for each, cell in zip(columns, row, strict=True))
        + "</tr>"
        for number, row in enumerate(rows)
    )
    return f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def section(title: str, *parts: str) -> str:
    """A part of the report."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def paragraph(text: str, style: str = "") -> str:
    """Plain text."""
    return f'<p class="{style}">{escape(text)}</p>' if style else f"<p>{escape(text)}</p>"


def tile(value: str, text: str) -> str:
    """One figure, large, and what it is."""
    return f'<div class="tile"><b>{escape(value)}</b><span>{escape(text)}</span></div>'


def percent(share: float | None) -> str:
    """A share for people; a dash for none."""
    return DASH if share is None else f"{share * 100:.0f}%"


def figure(value: float | None) -> str:
    """A number with two or three digits that say something; a dash for none.

    >>> figure(0.3071), figure(17.59), figure(2.0), figure(1234.5)
    ('0.31', '18', '2', '1,234')
    """
    if value is None:
        return DASH
    if abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.2g}"
