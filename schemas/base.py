"""What every model here has in common, and the field types that several share."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

TEXT_KEPT = 1_000
"""Characters of a comment or note that are kept; the rest is cut off."""

MONEY_LIMIT = 10**15
"""Largest amount in minor units: exact also for readers whose numbers are doubles."""


SEATS_LIMIT = 1_000_000_000


class Model(BaseModel):
    """A frozen value of a topic. Unknown fields are ignored; types are strict (`"1"` and `true` are no integers)."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


def _cut(text: str) -> str:
    return text[:TEXT_KEPT]


NO_CONTROL = r"^[^\u0000-\u001f\u007f-\u009f]*$"

SchemaVersion = Annotated[int, Field(ge=1, le=1), WithJsonSchema({"const": 1})]
"""Version of this format. An `int` and no `Literal`, which would take `true` for 1."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""An id or a name: 1 to 256 characters."""
AccountId = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=NO_CONTROL)]
"""The account's id: 1 to 256 characters, none of them a control character."""
Comment = Annotated[str, AfterValidator(_cut)]
"""Free text, of which the first 1,000 characters are kept."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$", to_upper=True)]
"""ISO 4217 code; lower case is accepted and becomes upper case."""
Money = Annotated[int, Field(ge=0, le=MONEY_LIMIT)]
"""An amount in minor units (cents), not negative."""
Seats = Annotated[int, Field(ge=0, le=SEATS_LIMIT)]
Number = int | float
Scalar = bool | int | float | str


def rejection(reason: str, field: str, detail: str) -> PydanticCustomError:
    """An error for a validator of a whole model, that the codec turns into a `Rejected` naming `field`."""
    return PydanticCustomError("slackwater", "{detail}", {"reason": reason, "field": field, "detail": detail})
