"""Records for tests of whatever reads a topic: `BAD_RECORDS` must all be turned away, `GOOD_RECORDS` must all be read.

The names are unique. `too_large` records, and the good ones of just the limit, pass a broker only when its limits (and
the producer's) are above 1 MiB.
"""

from typing import Final

from tests.corpus.bad_events import bad_events
from tests.corpus.bad_text import bad_text
from tests.corpus.good import good
from tests.corpus.records import BadRecord, GoodRecord

__all__ = ["BAD_RECORDS", "GOOD_RECORDS", "BadRecord", "GoodRecord"]

BAD_RECORDS: Final[tuple[BadRecord, ...]] = (*bad_text(), *bad_events())
GOOD_RECORDS: Final[tuple[GoodRecord, ...]] = tuple(good())
