"""The story of a loss: what was seen of it before it was decided, who could be told, what was done; or why there was
nothing to be seen."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from alerting.lifecycle import Alert
from alerting.words import count, span
from schemas.alerts import Kind, Resolution, Severity
from schemas.picture import PostMortem, Sign, TimelineEntry
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.loss import DECISION, Loss
from streams.detection.rules import Rules
from streams.detection.standing import in_words, standing_of
from streams.detection.state import Account

WINDOW_MS: Final = 90 * DAY_MS
"""What was over so long before a loss was none of its signs."""
INTERNAL: Final = "The account is marked as internal, and internal accounts are not judged."
_DONE: Final = ("action", "outcome", "alert.acknowledged", "alert.snoozed")


class Seen(NamedTuple):
    """An alert that opened, or grew."""

    kind: Kind
    severity: Severity
    at: int


def not_known(active_days: int, over_days: int, config: DetectionConfig) -> str:
    """Why an account was not judged that was active on so many days, over so many from the first to the last one."""
    seen = f"{count(active_days, 'active day')} over {count(over_days, 'day')}" if active_days else "no event"
    return (
        f"Not known well enough to be judged: {seen}. It takes {config.monitored_active_days} within "
        f"{config.monitored_window_days} days, and an age of {config.monitored_age_days} days."
    )


def seen_besides(opened: Iterable[Seen], day_text: Callable[[int], str], *, watches: bool = True) -> Iterator[str]:
    """What there was that foresaw nothing; `opened` in order of time. `watches`: tell of the first one, too."""
    opened = list(opened)
    cancelled = next((each for each in opened if each.kind is Kind.CANCEL_SCHEDULED), None)
    if cancelled is not None:
        yield f"It cancelled on {day_text(cancelled.at)}; usage is not judged after that."
    for kind in (Kind.PAYMENT_FAILED, Kind.CARD_EXPIRING):
        first = next((each for each in opened if each.kind is kind), None)
        if first is not None:
            yield f"There was a {kind.value} alert on {day_text(first.at)}."
    watch = next((each for each in opened if each.severity is Severity.WATCH), None)
    if watch is not None and watches:
        yield f"Only a watch was opened, on {day_text(watch.at)} ({watch.kind.value})."


def no_sign(last_active: str) -> str:
    """Usage went on as ever, until that day."""
    return f"Its usage gave no sign: it was last active on {last_active}."


def post_mortem(account: Account, loss: Loss, rules: Rules) -> PostMortem:
    """Of an account that is lost, from what is kept of it."""
    alerts = [alert for alert in account.alerts.values() if _is_of(alert, loss)]
    alerts.sort(key=lambda alert: (alert.opened_at, alert.kind))
    signs = tuple(_sign(alert, loss) for alert in alerts if alert.kind not in DECISION)
    since = min([loss.decided_at - WINDOW_MS, *(alert.opened_at for alert in alerts)])
    done = tuple(
        TimelineEntry(**entry._asdict())
        for entry in account.timeline.entries
        if entry.code in _DONE and since <= entry.at <= loss.at
    )
    if loss.foreseen_by is None or loss.foreseen_at is None:
        return PostMortem(text=" ".join(_why_not(account, loss, alerts, rules)), signs=signs, done=done)
    text = " ".join([*_foreseen(account, loss, signs, rules), _what_was_done(done, rules)])
    days = round((loss.decided_at - loss.foreseen_at) / DAY_MS, 1)
    return PostMortem(text=text, signs=signs, warning_days=days, done=done)


def _is_of(alert: Alert, loss: Loss) -> bool:
    stood = alert.is_open or alert.at >= loss.decided_at - WINDOW_MS
    return stood and (alert.opened_at < loss.decided_at or (alert.kind in DECISION and alert.opened_at <= loss.at))


def _sign(alert: Alert, loss: Loss) -> Sign:
    told = alert.warned_at is not None and alert.warned_at < loss.decided_at
    over = not alert.is_open and alert.resolution is not Resolution.LOST
    return Sign(
        kind=alert.kind,
        severity=alert.severity,
        opened_at=alert.opened_at,
        told_at=alert.warned_at if told else None,
        resolved_at=alert.at if over else None,
        acted=alert.acted,
    )


def _foreseen(account: Account, loss: Loss, signs: tuple[Sign, ...], rules: Rules) -> Iterator[str]:
    day_text, profile = rules.calendar.day_text, account.profile
    assert loss.foreseen_at is not None
    if signs:
        yield f"The first sign was {_named(signs[0].kind)}, on {day_text(signs[0].opened_at)}."
    people = [each for each in (profile.text("owner"), profile.text("team")) if each is not None]
    to = f" {' and '.join(people)}" if people else ""
    decided = "it was decided" if loss.voluntary else "the end"
    yield (
        f"From {day_text(loss.foreseen_at)} on, {span(loss.decided_at - loss.foreseen_at)} before {decided}, there was "
        f"something to tell{to}: {_named(loss.foreseen_by)}."  # type: ignore[arg-type]  # it was foreseen
    )


def _what_was_done(done: tuple[TimelineEntry, ...], rules: Rules) -> str:
    if not done:
        return "Nobody acknowledged it or recorded an action."
    last = done[-1]
    by = f" by {last.by}" if last.by is not None else ""
    more = f"; {len(done) - 1} more before that" if len(done) > 1 else ""
    return f"The last thing done was on {rules.calendar.day_text(last.at)}{by} ({last.text.rstrip('.')}){more}."


def _why_not(account: Account, loss: Loss, alerts: list[Alert], rules: Rules) -> Iterator[str]:
    if account.profile.internal:
        yield INTERNAL
        return
    day_text = rules.calendar.day_text
    said = list(seen_besides([Seen(each.kind, each.severity, each.opened_at) for each in alerts], day_text))
    yield from said
    days = sorted(account.daily)
    if account.last_event_at < 0:
        yield "No usage of it was ever seen."
    elif not account.monitored:
        yield not_known(len(days), days[-1] - days[0] + 1 if days else 0, rules.config)
    else:
        if not said:
            yield no_sign(day_text(min(account.last_event_at, loss.at)))
        yield in_words(standing_of(account, rules))


def _named(kind: Kind) -> str:
    return kind.value.replace("_", " ")
