"""What a usage event looks like that is read without a model. It is by itself as mypyc does not compile msgspec's
classes."""

from typing import Annotated

from msgspec import Meta, Struct

_Text = Annotated[str, Meta(min_length=1, max_length=256)]


class PlainForm(Struct, gc=False):
    """The fields as they stand in the record."""

    account_id: _Text
    event: _Text
    occurred_at: str
    event_id: _Text | None = None
    user_id: _Text | None = None
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    source: _Text | None = None
