"""When money is next asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detection.charges import charges_around


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def text(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at / 1000, tz=UTC).date().isoformat()


@pytest.mark.parametrize(
    ("first", "interval", "moment", "before", "after"),
    [
        ("2025-06-15", "month", "2025-07-01", "2025-06-15", "2025-07-15"),
        ("2025-06-15", "month", "2025-06-01", None, "2025-06-15"),
        ("2025-06-15", "month", "2025-06-15", None, "2025-06-15"),
        ("2025-06-15", None, "2025-07-01", "2025-06-15", None),
        ("2024-12-31", "month", "2025-03-01", "2025-02-28", "2025-03-31"),
        ("2024-02-29", "year", "2027-01-01", "2026-02-28", "2027-02-28"),
        ("2024-11-30", "quarter", "2025-06-01", "2025-05-30", "2025-08-30"),
        ("2025-06-02", "week", "2025-06-20", "2025-06-16", "2025-06-23"),
        ("2025-06-02", "day", "2050-06-20", "2050-06-19", "2050-06-20"),
    ],
)
def test_the_charges_before_and_after_a_moment(
    first: str, interval: str | None, moment: str, before: str | None, after: str | None
) -> None:
    found = charges_around(ms(first), interval, ms(moment))
    assert (text(found.before), text(found.after)) == (before, after)


@given(
    st.integers(631_152_000_000, 4_000_000_000_000),
    st.sampled_from(["day", "week", "month", "quarter", "year"]),
    st.integers(1, 100_000_000_000),
)
def test_a_moment_lies_between_its_charges(first: int, interval: str, later: int) -> None:
    before, after = charges_around(first, interval, first + later)
    assert before is not None
    assert after is not None
    assert first <= before < first + later <= after
    assert charges_around(first, interval, before + 1) == (before, after)
