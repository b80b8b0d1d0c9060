"""Which stage works which topic."""

from streams.runtime.deliver import Deliver
from streams.runtime.engagement import Engagement
from streams.runtime.ingest import Ingest
from streams.runtime.notify import Notify
from streams.runtime.settings import Settings
from streams.runtime.task import Task
from streams.runtime.topics import input_names


def stages_of(settings: Settings) -> dict[str, type[Task]]:
    """The stages by the full names of the topics that they read."""
    return {
        **dict.fromkeys(input_names(settings), Ingest),
        settings.shuffle_topic: Engagement,
        settings.topic("alerts"): Notify,
        settings.notifications_topic: Deliver,
    }
