"""Any JSON is read in any format without an exception, and what is read of it is sound."""

from typing import Any, Final

import orjson
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode, encode
from schemas.errors import Rejected
from schemas.events import InputTopic, moment
from schemas.formats.options import Format
from schemas.formats.outcome import Ignored
from schemas.formats.reader import FORMATS, read
from schemas.formats.stripe.event import ACCOUNTS, BILLING
from tests.corpus.strategies import JSON
from tests.unit.formats.making import card, customer, invoice, old_subscription, segment, stripe, subscription

_OBJECTS: Final = (subscription(), old_subscription(), invoice(), card(), customer())
_PLACES: Final = [(topic, form) for topic, forms in FORMATS.items() for form in forms]
_HEADERS: Final = st.lists(
    st.tuples(
        st.sampled_from(["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type"]), st.binary()
    )
)
_ODD: Final = JSON | st.sampled_from([1_740_830_400, -1, 2**70, 1e300, "x", "1e99", [], {}, [{}], {"a": {}}])


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a value, the value itself left out."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, each in children for found in ((*path, key), *_paths(each, (*path, key)))]


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A Segment message, a Stripe event or a CloudEvent around one, of which something is changed."""
    if draw(st.booleans()):
        value = segment(draw(st.sampled_from(["track", "page", "group", "identify"])), event="x", groupId="a")
    else:
        kind = draw(st.sampled_from(sorted(BILLING | ACCOUNTS)))
        before = draw(st.none() | st.sampled_from(_OBJECTS))
        value = stripe(kind, draw(st.sampled_from(_OBJECTS)), before)
    if draw(st.booleans()):
        value = {"specversion": "1.0", "id": "e", "source": "s", "type": "t", "data": value}
    value = orjson.loads(orjson.dumps(value))
    for _ in range(draw(st.integers(0, 3))):
        *parents, last = draw(st.sampled_from(_paths(value) or [("x",)]))
        at = value
        for parent in parents:
            at = at[parent]
        at[last] = draw(_ODD)
    return value


def _raw(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer of more than 64 bits
        return b"{}"


@given(place=st.sampled_from(_PLACES), value=damaged() | JSON, headers=_HEADERS)
def test_any_json_gets_an_answer(
    place: tuple[InputTopic, Format], value: Any, headers: list[tuple[str, bytes]]
) -> None:
    topic, form = place
    found = read(topic, form, _raw(value), headers)
    if isinstance(found, Rejected):
        assert found.detail
    elif not isinstance(found, Ignored):
        assert found
        assert len({(moment(each), each.account_id) for each in found}) == 1
        for event in found:
            assert decode(topic, encode(event)) == event
