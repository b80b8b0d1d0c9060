"""What is said of state that cannot be read, in one line: where it stands, what is wrong with it, what to do."""

from typing import Final

from schemas.errors import StateError, VersionError

_OF_ANOTHER_VERSION: Final = (
    'run the version of slackwater that wrote it, or a newer one; the way back is "Roll back" in deploy/README.md'
)
_DAMAGED: Final = (
    "stop all workers, then write it again as it was, from a copy of the topic, or run slackwater reset, which builds "
    "the state anew"
)


def unreadable(place: str, error: StateError) -> StateError:
    """The error with its place, `engagement of shuffle/3`, say, and what to do."""
    remedy = _OF_ANOTHER_VERSION if isinstance(error, VersionError) else _DAMAGED
    return type(error)(f"{place}: {error}; {remedy}")
