"""JSON Schema 2020-12 of every topic's values, by the topic's default name."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import TypeAdapter

from schemas.accounts import AccountUpdate
from schemas.alerts import Transition
from schemas.billing import BILLING_EVENT
from schemas.commands import COMMAND
from schemas.dead_letter import DeadLetter
from schemas.feedback import FEEDBACK_EVENT
from schemas.picture import AccountPicture
from schemas.usage import UsageEvent

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_INPUT: Final[Mapping[str, tuple[str, TypeAdapter[Any]]]] = MappingProxyType(
    {
        "product-usage": ("Usage event", TypeAdapter(UsageEvent)),
        "billing": ("Billing event", BILLING_EVENT),
        "accounts": ("Account update", TypeAdapter(AccountUpdate)),
        "feedback": ("Feedback event", FEEDBACK_EVENT),
        "alert-commands": ("Command", COMMAND),
    }
)
_OUTPUT: Final[Mapping[str, tuple[str, TypeAdapter[Any]]]] = MappingProxyType(
    {
        "churn-alerts": ("Alert transition", TypeAdapter(Transition)),
        "account-health": ("Account picture", TypeAdapter(AccountPicture)),
        "dead-letters": ("Dead letter", TypeAdapter(DeadLetter)),
    }
)
TOPICS: Final = (*_INPUT, *_OUTPUT)
"""The names that `json_schema` knows."""


def json_schema(name: str) -> dict[str, Any]:
    """The schema of the values of the topic that is called `name` by default. Raises `KeyError` for any other name.

    It says of an input what the codec takes, except what no schema can say (the range of times, duplicate keys), and of
    an output what is always there and what may be missing.
    """
    title, adapter = _INPUT[name] if name in _INPUT else _OUTPUT[name]
    schema = adapter.json_schema(mode="validation" if name in _INPUT else "serialization")
    for part in _objects(schema):
        if name in _INPUT:
            _as_read(part)
        else:
            _as_written(part)
    if name == "accounts":  # The other name that it is read by, which pydantic does not show.
        schema["properties"]["mrr"] = schema["properties"]["mrr_minor"] | {"description": "The same as mrr_minor."}
    return {"$schema": _DIALECT, "$id": f"urn:slackwater:{name}:1", **schema, "title": title}


def _objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in (schema, *schema.get("$defs", {}).values()):
        if "properties" in part:
            for field in part["properties"].values():
                field.pop("title", None)  # Made of the field's name, which says the same and is the true one.
            yield part


def _as_read(part: dict[str, Any]) -> None:
    """Of what is optional, null is allowed as well; the field that tells the classes apart is not optional."""
    properties = part["properties"]
    for name, field in properties.items():
        if name in ("type", "command") and "const" in field:
            del field["default"]
            part["required"] = [*part["required"], name]
        elif name not in part["required"] and field.get("default") is not None:
            about = {word: field.pop(word) for word in ("default", "description") if word in field}
            properties[name] = {"anyOf": [field.copy(), {"type": "null"}], **about}


def _as_written(part: dict[str, Any]) -> None:
    """What is None is left out, so nothing is null, and all that is not None by default is there."""
    required = []
    for name, field in part["properties"].items():
        if "default" in field and field.pop("default") is None:
            choices = [choice for choice in field.pop("anyOf") if choice != {"type": "null"}]
            field.update(choices[0] if len(choices) == 1 else {"anyOf": choices})
        else:
            required.append(name)
    part["required"] = required
