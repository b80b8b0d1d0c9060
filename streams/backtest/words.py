"""The result in a few sentences, in the units of those who get the messages. Pure."""

from alerting.words import count
from streams.backtest.outcomes import Basis
from streams.backtest.report.html import figure
from streams.backtest.result import Backtest
from streams.backtest.verdicts import Judged


def headline(found: Backtest) -> list[str]:
    """For the terminal and the top of the report."""
    load, judged, day = found.load, found.judged, found.calendar.day_text
    people = "one person" if load.team == 1 else f"a team of {load.team}"
    messages = figure(load.per_person_and_week)
    said = f"About {messages} {'message' if messages == '1' else 'messages'} per person and week, for {people} "
    said += f"(--team-size) with {count(found.accounts, 'account')}, {day(load.since)} to {day(load.until)}."
    sentences = [said]
    rate = judged.false_alarms_per_account_year
    if judged.judged_losses:
        losses = len(judged.judged_losses)
        said = f"Of {losses:,} {'loss' if losses == 1 else 'losses'} that could be judged, "
        said += f"{len(judged.days):,} {'was' if len(judged.days) == 1 else 'were'} found"
        sentences.append(said + (f", half of them {_median(judged)}." if judged.median_days is not None else "."))
    if rate is not None:
        sentences.append(f"{figure(rate)} false alarms per account-year, where {found.asked:g} were asked for.")
    return sentences


def _median(judged: Judged) -> str:
    days = judged.median_days
    assert days is not None
    if judged.basis is Basis.SILENCE:
        return f"within {figure(days)} days of their last activity" if days > 0 else "before their last activity"
    return f"{figure(days)} days or more before they left"
