"""What the fuzz is to find it does find, and the same seed sends the same."""

from pathlib import Path
from random import Random

import pytest

from streams.runtime import topics
from streams.runtime.settings import Settings
from tests.fuzz.mutation import Mutator
from tests.fuzz.records import Records
from tests.fuzz.requests import Requests, statuses
from tests.fuzz.watching import Findings, Log, failures
from tests.secrecy import Secrets

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=2)
GOOD = {"account_id": "a", "list": [1, {"b": 2}]}


def test_a_log_is_read_as_it_grows_and_tells_of_tracebacks_and_secrets(tmp_path: Path) -> None:
    file, findings = tmp_path / "worker.log", Findings()
    file.write_text("all is well\nTraceback (most")
    log = Log(file, findings, Secrets(token="NobodyIsToSeeThis"))
    assert log.look()
    with file.open("a") as more:
        more.write(" recent call last):\n  File x\nValueError: no\n")
    assert not log.look()
    with file.open("a") as more:
        more.write("it is NobodyIsToSeeThis\n")
    assert log.look()
    assert list(findings.by_words) == [
        "the log worker.log says ValueError: no",
        "the log worker.log has the secret 'token'",
    ]


def test_a_failed_task_is_seen() -> None:
    failed = 'slackwater_task_failures_total{stage="ingest"}'
    assert failures({failed: 1.0, "slackwater_ready": 1.0}.items()) == {failed: 1.0}
    assert failures({failed: 0.0}.items()) == {}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"", []),
        (b"HTTP/1.1 200 OK\r\nContent-Len", []),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nHTTP/1.1 500", [200]),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.0 500 Oh\r\nContent-Length: 0\r\n\r\n", [200, 500]),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nHTTP/1.1 404 No\r\n\r\n", [200, 404]),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 417 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            [100, 417],
        ),
    ],
)
def test_statuses_are_those_of_answers_and_not_what_stands_in_them(answer: bytes, found: list[int]) -> None:
    assert statuses(answer) == found


def test_what_is_no_http_is_told() -> None:
    with pytest.raises(ValueError, match="no HTTP"):
        statuses(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more\r\n\r\n")


def test_the_same_seed_sends_the_same() -> None:
    partitions = {each.name: each.partitions for each in topics.plan(SETTINGS)}

    def some(number: int) -> list[object]:
        records, requests = Records(SETTINGS, partitions, number, 3), Requests(("/",), number)
        sent = [records.any() for _ in range(50)]
        return [*((each.topic, each.value, each.headers) for each in sent), *(requests.any() for _ in range(50))]

    some(3)  # Hypothesis draws from the constants of what is loaded, and the first call loads
    assert some(3) == some(3)
    assert some(3) != some(4)


def test_damage_leaves_what_it_is_given_as_it_was() -> None:
    mutator = Mutator(Random(1))
    made = {mutator.changed(GOOD) for _ in range(200)} | {mutator.damaged(b"good") for _ in range(200)}
    assert len(made) > 200
    assert GOOD == {"account_id": "a", "list": [1, {"b": 2}]}
