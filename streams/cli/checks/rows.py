"""Rows of the application's own tables, read as a worker reads them that starts."""

from alerting.gathering import is_gathered
from alerting.gathering_rows import AccountRow, RouteRow, parts
from alerting.outbox_rows import RouteState, Row
from alerting.threads import First, is_first
from alerting.told_alerts import PREFIX as TOLD
from alerting.told_alerts import ToldOf
from schemas.errors import StateError
from streams.detection.fleet_log import FleetLog
from streams.detection.merge import Progress
from streams.detection.state import head_of
from streams.runtime.engagement import BOOTSTRAP, FLEET, PROGRESS, is_account
from streams.runtime.placing import PLACING, Placing
from streams.runtime.settings import Settings


def read_engagement(settings: Settings, key: bytes, value: bytes) -> None:
    """Read a row of the accounts' state, as a worker does that starts. Raises `StateError`."""
    if key == PROGRESS:
        Progress.decode(value)
    elif key == FLEET:
        FleetLog(settings.detection(), settings.partitions, value)
    elif key == BOOTSTRAP:
        raise StateError("a bootstrap was begun and is not done")
    elif is_account(key):
        head_of(value)


def read_delivery(key: bytes, value: bytes) -> None:
    """Read a row of the table of messages that wait, as a worker does that starts. Raises `StateError`."""
    name = key.decode(errors="replace")
    if key.startswith(TOLD):
        ToldOf.decode(key, value)
    elif key == PLACING:
        Placing.decode(value)
    elif key.startswith(b"\0"):
        return
    elif is_gathered(name):
        account_id = parts(name)[1]
        (RouteRow if account_id is None else AccountRow).decode(name, value)
    elif is_first(name):
        First.decode(name, value)
    elif name.endswith("/"):
        RouteState.decode(name, value)
    else:
        Row.decode(name, value)
