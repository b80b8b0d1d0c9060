"""The dead letters that there are, and those that are meant."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from schemas.dead_letter import DeadLetter
from streams.cli.common import tell
from streams.cli.reading import read_all
from streams.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant. Times in ms; None: any."""

    topic: str | None = None
    """Full name of the topic that the record came from."""
    reason: str | None = None
    since: int | None = None
    until: int | None = None
    places: frozenset[str] = frozenset()
    """As `place_of` has them; none: any."""

    def __contains__(self, letter: DeadLetter) -> bool:
        return (
            (self.topic is None or letter.origin.topic == self.topic)
            and (self.reason is None or letter.reason == self.reason)
            and (self.since is None or letter.at >= self.since)
            and (self.until is None or letter.at < self.until)
            and (not self.places or place_of(letter) in self.places)
        )


def place_of(letter: DeadLetter) -> str:
    """Where the record stood: `billing/0/17`, its topic, partition and offset. A letter is called by it."""
    origin = letter.origin
    return f"{origin.topic}/{origin.partition}/{origin.offset}"


async def read_letters(settings: Settings) -> list[DeadLetter]:
    """Every committed dead letter, by time; the last of those of one record, which a broker without transactions may
    have had twice. Of a record that is none is told. Raises BrokerError."""
    topic = settings.topic("dead_letters")
    found: dict[str, DeadLetter] = {}
    async for record in read_all(settings, topic):
        try:
            letter = DeadLetter.model_validate_json(record.value or b"")
        except ValidationError as error:
            place = f"{topic}, partition {record.partition}, offset {record.offset}"
            tell(f"{place}: is no dead letter ({error.error_count()} faults), and is left out")
        else:
            found[place_of(letter)] = letter
    return sorted(
        found.values(), key=lambda each: (each.at, each.origin.topic, each.origin.partition, each.origin.offset)
    )


def wanted_of(letters: Iterable[DeadLetter], wanted: Wanted) -> list[DeadLetter]:
    """Those that are meant, in their order."""
    return [each for each in letters if each in wanted]
