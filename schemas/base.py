"""What every model here has in common, and the field types that several share."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

TEXT_KEPT = 1_000
"""Characters of a comment or note that are kept; the rest is cut off."""

MONEY_LIMIT = 10**15
"""Largest amount in minor units: exact also for readers whose numbers are doubles."""


class Model(BaseModel):
    """A frozen value of a topic. Unknown fields are ignored; types are strict (`"1"` and `true` are no integers)."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


def _whole(value: Any) -> Any:
    """JSON Schema calls 1.0 an integer, and so do writers whose only number is the double."""
    return int(value) if type(value) is float and value.is_integer() else value


def _cut(text: str) -> str:
    return text[:TEXT_KEPT]


NO_CONTROL = r"^[^\u0000-\u001f\u007f-\u009f]*$"

SchemaVersion = Annotated[Literal[1], Field(description="Version of this format; absent means 1.")]
Whole = Annotated[int, BeforeValidator(_whole, json_schema_input_type=int)]
"""An integer; a float without fraction is one too."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""An id or a name: 1 to 256 characters."""
AccountId = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=NO_CONTROL)]
"""The account's id: 1 to 256 characters, none of them a control character."""
Comment = Annotated[str, AfterValidator(_cut)]
"""Free text, of which the first 1,000 characters are kept."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$", to_upper=True)]
"""ISO 4217 code; lower case is accepted and becomes upper case."""
Money = Annotated[Whole, Field(ge=0, le=MONEY_LIMIT)]
"""An amount in minor units (cents), not negative."""
Seats = Annotated[Whole, Field(ge=0, le=1_000_000_000)]
Number = int | float
Scalar = bool | int | float | str


def rejection(reason: str, field: str, detail: str) -> PydanticCustomError:
    """An error for a validator of a whole model, that the codec turns into a `Rejected` naming `field`."""
    return PydanticCustomError("slackwater", "{detail}", {"reason": reason, "field": field, "detail": detail})
