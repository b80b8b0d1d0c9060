"""The codec on the corpus: what is said of every kind of bad record, and that odd ones are read."""

from collections import Counter
from operator import attrgetter

import pytest

from schemas.codec import decode
from schemas.errors import Reason, Rejected
from tests.corpus import BAD_RECORDS, GOOD_RECORDS, BadRecord, GoodRecord


@pytest.mark.parametrize("record", BAD_RECORDS, ids=attrgetter("name"))
def test_a_bad_record_is_turned_away_with_its_reason_and_field(record: BadRecord) -> None:
    result = decode(record.topic, record.raw)
    assert isinstance(result, Rejected)
    assert (result.reason, result.field) == (record.reason, record.field)
    assert 0 < len(result.detail) <= 400


@pytest.mark.parametrize("record", GOOD_RECORDS, ids=attrgetter("name"))
def test_an_odd_record_that_is_sound_is_read(record: GoodRecord) -> None:
    result = decode(record.topic, record.raw)
    assert not isinstance(result, Rejected), result


def test_the_corpus_has_hundreds_of_kinds_and_every_reason_that_the_codec_gives() -> None:
    names = Counter([record.name for record in BAD_RECORDS] + [record.name for record in GOOD_RECORDS])
    assert [name for name, times in names.items() if times > 1] == []
    assert len(BAD_RECORDS) >= 300
    found_later = {
        Reason.TIME_IN_FUTURE,
        Reason.IMPOSSIBLE_COMMAND,
        Reason.IMPOSSIBLE_ALIAS,
        Reason.UNKNOWN_ACCOUNT,
        Reason.TOO_MANY_ACCOUNTS,
    }
    assert {record.reason for record in BAD_RECORDS} == set(Reason) - found_later
