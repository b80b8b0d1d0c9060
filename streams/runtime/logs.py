"""What a worker logs: a line for each event, and of the Kafka client's alarms those that mean something.

aiokafka warns of what belongs to normal operation (a rebalance, the first start on a new cluster, transactions that
follow closely upon each other), and while a broker is away it repeats the same few errors hundreds of times a second.
What goes on is told all the same, with a count, and at the level DEBUG everything is, by everybody.
"""

import logging
import re
import sys
import time
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError
from aiokafka.errors import KafkaError

from schemas.errors import SlackwaterError

OWN: Final = ("alerting", "schemas", "streams")
CLIENT: Final = "aiokafka"
REQUESTS: Final = "aiokafka.conn"
"""The logger that at DEBUG writes every request."""

SERVER: Final = "aiohttp.server"
"""The logger of both web servers."""

NORMAL: Final = re.compile(
    r"Heartbeat failed for group .* because it is rebalancing"  # how a member hears that another one came or went
    # So the embedded broker says that it has no transactions; whoever asked it gets the error, too.
    r"|Unexpected error during InitProducerIdRequest: .*\.UnknownError"
)
"""Alarms of the client that tell of no fault."""

PASSING: Final = re.compile(
    r"Got error produce response .*, retrying"
    r"|Group Coordinator Request failed: .*GroupCoordinatorNotAvailableError"
    r"|Marking the coordinator dead"
)
"""What is over in an instant or serious. Brokers say NotEnoughReplicas also while the markers of the last transaction
are being written, and do not know a topic's leader, or a group's coordinator, while the topic is being made."""

PATIENCE: Final = 5.0
"""Seconds without a pause that a passing fault has to go on before it is told."""
PAUSE: Final = 0.5
"""Seconds of silence after which a passing fault is over. A client that is stuck tries again sooner."""
EVERY: Final = 30.0
"""Seconds between two lines in the same words."""
_MOST: Final = 1_000


def config(level: str, file: str | None = None) -> dict[str, Any]:
    """What `logging.config.dictConfig` takes: to stderr or to a file; `level` for slackwater's own lines.

    Libraries are heard from WARNING on; with DEBUG they say all they have to say, and nothing is held back, but for
    requests as they are: one of them holds the password of SASL PLAIN, others the records.
    """
    everything = level == "DEBUG"
    handler: dict[str, Any] = {"class": "logging.StreamHandler", "stream": sys.stderr}
    if file is not None:
        handler = {"class": "logging.FileHandler", "filename": file}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": Line}},
        "filters": {"calm": {"()": Calm}, "visitors": {"()": Visitors}},
        "handlers": {"default": {**handler, "formatter": "line", "filters": [] if everything else ["calm"]}},
        "loggers": {name: {"level": level} for name in OWN}
        | {REQUESTS: {"level": "INFO" if everything else 0}, SERVER: {"filters": ["visitors"]}},
        "root": {"level": "WARNING" if level == "INFO" else level, "handlers": ["default"]},
    }


_OF_VISITORS: Final = (HttpProcessingError, RequestPayloadError, ConnectionResetError)


class Visitors(logging.Filter):
    """Holds back what aiohttp tells, in a traceback each, of requests that are no HTTP and of visitors that leave in
    the middle. It shows the place at fault, be it in a cookie or a token, and nobody here is to do anything about it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is told."""
        return not (record.exc_info and isinstance(record.exc_info[1], _OF_VISITORS))


class Line(logging.Formatter):
    """Time (UTC, RFC 3339), level, logger, message.

    >>> Line().format(logging.makeLogRecord({"name": "streams", "levelname": "INFO", "msg": "ready", "created": 0}))
    '1970-01-01T00:00:00...Z INFO    streams: ready'
    """

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self.converter = time.gmtime

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Of an error that slackwater raises on purpose its text, which says all; of any other where it came from."""
        kind, error, _ = ei
        return f"{kind.__name__}: {error}" if isinstance(error, SlackwaterError) else super().formatException(ei)


@dataclass(slots=True)
class _Said:
    """The same words again and again. Times are those of the log records, in seconds."""

    first: float
    last: float
    told: float | None = None
    held: int = 0


class Calm(logging.Filter):
    """Holds back what tells of no fault, what passes by itself, and repetitions: those are counted.

    Only what the Kafka client says, and nothing that has a traceback; and of Faust the steps of its services.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, _Said] = {}
        self._lock = Lock()  # the client lives in two threads

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is told; one that is may get a count of those before it."""
        if record.levelno < logging.WARNING:
            return not str(record.msg).startswith("[^")  # so begins what Faust's services say of themselves
        if record.name == "asyncio" and record.exc_info and isinstance(record.exc_info[1], KafkaError):
            return False  # a future of the client's that nobody asks: the task that it failed says so itself
        if record.exc_info or not record.name.startswith(CLIENT):
            return True
        text = record.getMessage()
        if NORMAL.match(text):
            return False
        with self._lock:
            held = self._held(text, record.created, passing=PASSING.match(text) is not None)
        if held:
            record.msg, record.args = f"{text} (and {held} times more)", None
        return held is not None

    def _held(self, text: str, now: float, *, passing: bool) -> int | None:
        """How often it was held back before it is told now; None: it is held back again."""
        said = self._said.get(text)
        if said is None or now - said.last > (PAUSE if passing else EVERY):
            if len(self._said) >= _MOST:
                self._said = {each: said for each, said in self._said.items() if now - said.last <= EVERY}
            said = self._said[text] = _Said(now, now)
        said.last = now
        if now < (said.first + PATIENCE * passing if said.told is None else said.told + EVERY):
            said.held += 1
            return None
        held, said.told, said.held = said.held, now, 0
        return held
