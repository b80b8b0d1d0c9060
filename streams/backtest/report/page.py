"""The whole report."""

from html import escape
from importlib.resources import files
from pathlib import PurePath

from alerting.words import count
from streams.backtest.report import sections
from streams.backtest.result import Backtest


def page_of(found: Backtest) -> str:
    """One HTML document without a link or a script."""
    style = files("streams.backtest.report").joinpath("style.css").read_text(encoding="utf-8")
    day, reading = found.calendar.day_text, found.reading
    assert reading.first_at is not None
    about = (
        f"{count(reading.total, 'row')} of {count(found.accounts, 'account')}, {day(reading.first_at)} to "
        f"{day(found.end)}, days of {found.timezone}. Asked for: {found.asked:g} false alarms per account-year."
    )
    parts = (
        sections.headline(found),
        sections.notes(found),
        sections.alerts(found),
        sections.worth(found),
        sections.knob(found),
        sections.at_risk(found),
        sections.losses(found),
        sections.examples(found),
        sections.events(found),
        sections.ages(found),
        sections.checking(found),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>slackwater backtest</title><style>{style}</style></head><body><main>"
        f"<h1>What slackwater would have said</h1>"
        f'<p class="muted">{escape(", ".join(PurePath(each).name for each in found.files))}<br>{escape(about)}</p>'
        f"{''.join(parts)}</main></body></html>\n"
    )
