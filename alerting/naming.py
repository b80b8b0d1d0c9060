"""Which alerts a message names that is not made for them: so that their ends are told by name, too."""

from collections.abc import Iterator
from typing import NamedTuple

from alerting.notification import AnyNote, CatchUp, Reminder, Summary
from schemas.alerts import Severity


class Named(NamedTuple):
    """An alert, as far as it is told of."""

    account_id: str
    alert_id: str
    revision: int
    severity: Severity


def named_in(note: AnyNote) -> Iterator[Named]:
    """Those of a message about the past, and of a summary or a reminder that a broken route passes on."""
    if isinstance(note, CatchUp | Summary):
        for each in note.accounts:
            for (_, severity), (alert_id, revision) in zip(each.kinds, each.alerts, strict=False):
                yield Named(each.account_id, alert_id, revision, severity)
    elif isinstance(note, Reminder):
        for told in note.unanswered:
            alert = told.transition
            yield Named(alert.account_id, alert.alert_id, alert.revision, alert.severity)
