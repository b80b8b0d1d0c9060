"""Notify: one partition of the alerts topic. Routes each transition to those who are to be told."""

import logging
from time import time
from typing import TYPE_CHECKING, ClassVar, Final

from aiokafka import OffsetAndMetadata
from faust.types import TP
from pydantic import ValidationError

from alerting.notification import Notification
from alerting.routing import Mention, Route, followers, listeners, route
from schemas.alerts import PAST_HEADER, Transition
from schemas.versions import refuse_newer
from streams.runtime.foreign import foreign
from streams.runtime.past import PAST_MS
from streams.runtime.placing import notification_record
from streams.runtime.resume import Log
from streams.runtime.task import Task
from streams.runtime.told import Told
from streams.runtime.transport import Batch
from streams.runtime.writer import Record

if TYPE_CHECKING:
    from streams.runtime.tasks import Tasks

log = logging.getLogger(__name__)

AWAY_MS: Final = 2 * PAST_MS
"""In wall mode a transition that is older than this when it is read is told to nobody, though it is not marked as one
of the past: whoever was to tell it was away for so long."""


class Notify(Task):
    """A partition of the alerts topic."""

    stage: ClassVar[str] = "notify"

    def __init__(self, tp: TP, tasks: "Tasks") -> None:
        super().__init__(tp, tasks)
        self._out: list[Record] = []
        self._past = 0
        self._told: Told | None = None

    async def resume(self, commit: OffsetAndMetadata | None, log: Log) -> int:
        """See `Task`. What was told before a reset is not told again."""
        start = await super().resume(commit, log)
        if commit is not None and start >= commit.offset:  # in another topic the offset says nothing
            self._told = Told.decode(commit.metadata)
        return start

    @property
    def metadata(self) -> str:
        """See `Task`."""
        return (self._told.encode() if self._told else "") + super().metadata

    async def accept(self, batch: Batch) -> None:
        """Route the transitions of a batch. Raises `VersionError`."""
        oldest = int(time() * 1000) - AWAY_MS if self.settings.clock == "wall" else 0
        for record in batch.records:
            try:
                transition = Transition.model_validate_json(record.value or b"")
            except ValidationError as error:
                refuse_newer(record.value or b"", f"at offset {record.offset}: a transition")
                place = error.errors(include_url=False, include_input=False)[0]["loc"]
                # What is further inside may be a key, which is whatever somebody wrote.
                self._out.append(foreign(self, record, "alert transition", str(place[0]) if place else None))
                continue
            names = route(transition, self.tasks.routes)
            past = transition.at < oldest or any(name == PAST_HEADER for name, _ in record.headers)
            if past or (self._told is not None and self._told.holds(record.offset, transition.at)):
                self._past += bool(names)
                for name in names:
                    self.metrics.notifications_total.labels(name, "past").inc()
                continue
            source = f"{self.tp.partition}{super().metadata}/{record.offset}"
            self._tell(transition, source, names)
        self.pending += len(batch.records)

    def _tell(self, transition: Transition, source: str, names: list[str]) -> None:
        routes = self.tasks.routes
        also = (*followers(transition, routes, names), *listeners(transition, routes))
        by_name = {each.name: each for each in routes}
        for name in (*names, *also):
            note = Notification(
                route=name,
                transition=transition,
                source=source,
                timezone=self.settings.timezone,
                owner_slack_id=self._slack_id(by_name[name], Mention.OWNER, transition.owner),
                team_slack_id=self._slack_id(by_name[name], Mention.TEAM, transition.team),
                follows=name in also or None,
            )
            self._out.append(notification_record(note, self.settings))

    def _slack_id(self, route: Route, mention: Mention, name: str | None) -> str | None:
        """The Slack id of whom the route mentions, where it is known."""
        if name is None or mention not in route.mentions:
            return None
        known = self.settings.people if mention is Mention.OWNER else self.settings.teams
        return known.get(name.casefold())

    @property
    def urgent(self) -> bool:
        """There is somebody to be told."""
        return bool(self._out)

    def take(self) -> list[Record]:
        """The notifications."""
        if self._past:
            log.warning(
                "%d transitions are of the past: on the alerts topic, and told to nobody one by one", self._past
            )
            self._past = 0
        out, self._out = self._out, []
        return out
