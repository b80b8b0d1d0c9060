"""What readers of committed records have in the end, held against the pure engine."""

from __future__ import annotations

from collections import Counter, defaultdict

from aiokafka.errors import KafkaTimeoutError, ProducerFenced
from faust.types import TP

from alerting.notification import Notification, decode_note
from alerting.render import render
from alerting.routing import route as routed
from schemas.alerts import Transition
from schemas.dead_letter import DeadLetter
from schemas.picture import AccountPicture
from schemas.shuffle import decode_shuffle
from streams.detection.merge import Progress
from streams.detection.state import Account
from streams.runtime.channels import routes_of
from streams.runtime.engagement import FLEET, PROGRESS, is_account
from streams.runtime.hand_over import moved_by
from streams.runtime.topics import ENGAGEMENT, changelog
from tests.model.cluster import Cluster
from tests.model.inputs import Expected, Inputs, expected
from tests.model.kafka import Kafka
from tests.plain import newest, settled


class Outcome:
    """Of a cluster that has come to rest. `reset`: partitions of which the group's offset was set back: what is said at
    their reading alone is said again."""

    def __init__(self, kafka: Kafka, inputs: Inputs, cluster: Cluster, reset: set[TP]) -> None:
        self._kafka = kafka
        self._inputs = inputs
        self._settings = inputs.settings
        self._cluster = cluster
        self._reset = {f"{tp.topic}/{tp.partition}" for tp in reset}
        self._retold = any(tp.topic == self._settings.topic("alerts") for tp in reset)
        self._wanted: Expected = expected(kafka, inputs)

    def check(self) -> None:
        """All of it."""
        self._errors()
        self._transitions()
        self._progress()
        self._shuffle()
        self._states()
        self._dead_letters()
        self._notifications()

    def _errors(self) -> None:
        known = (KafkaTimeoutError, ProducerFenced)
        odd = [error for worker in self._cluster.workers for error in worker.errors if not isinstance(error, known)]
        if odd:
            raise odd[0]

    def _transitions(self) -> None:
        told: defaultdict[str, list[Transition]] = defaultdict(list)
        for _, each in self._kafka.committed(self._settings.topic("alerts")):
            transition = Transition.model_validate_json(each.value or b"")
            told[transition.account_id].append(transition)
        for name in {*told, *self._wanted.told}:
            assert told[name] == self._wanted.told.get(name, []), name

    def _states(self) -> None:
        config, log = self._settings.detection(), changelog(self._settings, ENGAGEMENT)
        rows = {each.key: each.value for _, each in self._kafka.committed(log) if is_account(each.key)}
        fleets = {tp: each.value for tp, each in self._kafka.committed(log) if each.key == FLEET}
        fleet = newest(filter(None, fleets.values()), config)
        stored = {(key or b"").decode(): value or b"" for key, value in rows.items()}
        assert sorted(stored) == sorted(self._wanted.accounts)
        pictures = {each.key: each.value for _, each in self._kafka.committed(self._settings.topic("health"))}
        for name, account in settled(stored, config, self._inputs.at, fleet).items():
            wanted = self._wanted.accounts[name]
            picture = AccountPicture.model_validate_json(pictures[name.encode()] or b"")
            assert picture.engagement.events_total == account.events_total, "its last change is not on the picture"
            assert picture.timeline == account.timeline.shown()
            assert account.encode() == wanted.encode()

    def _dead_letters(self) -> None:
        letters = self._letters()
        assert letters.keys() == self._wanted.dead.keys()
        twice = {key for key, count in letters.items() if count > self._wanted.dead[key]}
        assert not {key for key in twice if f"{key[0]}/{key[1]}" not in self._reset}

    def _letters(self) -> Counter[tuple[str, int, int, str]]:
        """Place and reason of each dead letter."""
        letters: Counter[tuple[str, int, int, str]] = Counter()
        for _, each in self._kafka.committed(self._settings.topic("dead_letters")):
            letter = DeadLetter.model_validate_json(each.value or b"")
            place = letter.origin
            letters[place.topic, place.partition, place.offset, letter.reason.value] += 1
        return letters

    def _progress(self) -> None:
        last: dict[TP, Progress] = {}
        for tp, each in self._kafka.committed(changelog(self._settings, ENGAGEMENT)):
            if each.key == PROGRESS:
                now = Progress.decode(each.value or b"")
                if (before := last.get(tp)) is not None:
                    assert now.low >= before.low
                    assert now.read >= before.read
                    assert (now.clock or 0) >= (before.clock or 0)
                last[tp] = now

    def _shuffle(self) -> None:
        had: defaultdict[str, Counter[tuple[int, str]]] = defaultdict(Counter)
        last: dict[tuple[TP, str], int] = {}
        for tp, each in self._kafka.committed(self._settings.shuffle_topic):
            record = decode_shuffle(each.value or b"")
            numbers = [event.offset for event in record.events]
            had[record.origin].update((event.offset, event.account) for event in record.events)
            before = last.get((tp, record.origin), -1)
            if record.origin not in self._reset:
                assert numbers == sorted(numbers)
                assert all(before < number for number in numbers)
                assert record.last >= max([before, *numbers[-1:]])
            last[tp, record.origin] = record.last
        for origin, events in self._wanted.events.items():
            assert sorted(had[origin]) == events
            assert origin in self._reset or set(had[origin].values()) <= {1}
        for origin, accounts in self._wanted.sent.items():
            assert [account for _, account in sorted(had[origin])] == accounts
            assert set(had[origin].values()) <= {1}

    def _notifications(self) -> None:
        """Each transition that somebody is told of is told once for each route; a message that was in flight when its
        task was lost may be heard again."""
        written = self._kafka.committed(self._settings.notifications_topic)
        said = [decode_note(each.value or b"") for _, each in written if moved_by(each) is None]
        notes = [note for note in said if isinstance(note, Notification)]
        assert notes == said, "a loss is told where nothing was lost"
        wanted = Counter(
            (route, each.model_dump_json())
            for told in self._wanted.told.values()
            for each in told
            for route in routed(each, routes_of(self._settings))
        )
        counted = Counter((note.route, note.transition.model_dump_json()) for note in notes)
        assert counted.keys() == wanted.keys()
        assert self._retold or counted == wanted
        heard = self._cluster.heard
        assert list(dict.fromkeys(heard)) == list(dict.fromkeys(render(note).text for note in notes))
        assert len(heard) - sum(wanted.values()) <= self._cluster.rebalances

    def check_that_nothing_is_lost(self) -> None:
        """What holds without transactions, too."""
        self._errors()
        log = changelog(self._settings, ENGAGEMENT)
        rows = {each.key: each.value for _, each in self._kafka.committed(log) if is_account(each.key)}
        for name, wanted in self._wanted.accounts.items():
            assert Account.decode(name, rows[name.encode()] or b"").events_total >= wanted.events_total
        assert not self._wanted.dead.keys() - self._letters().keys()
