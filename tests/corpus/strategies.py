"""Hypothesis strategies for every model, drawn from the models' own field types, and for JSON at large."""

import types
import typing
from collections.abc import Iterable
from enum import Enum
from typing import Any, Final, get_args, get_origin

from annotated_types import Ge, Le
from hypothesis import strategies as st
from pydantic import BaseModel, PlainSerializer, StringConstraints
from pydantic.fields import FieldInfo

from schemas.accounts import AccountUpdate
from schemas.alerts import Transition
from schemas.base import NO_CONTROL
from schemas.billing import BILLING_CLASSES, PaymentMethodUpdated
from schemas.codec import InputTopic
from schemas.commands import COMMAND_CLASSES, Snooze
from schemas.dead_letter import DeadLetter
from schemas.feedback import FEEDBACK_CLASSES
from schemas.instants import EARLIEST, LATEST, format_instant
from schemas.picture import AccountPicture
from schemas.usage import UsageEvent

CLASSES: Final[dict[InputTopic, tuple[type[BaseModel], ...]]] = {
    InputTopic.USAGE: (UsageEvent,),
    InputTopic.BILLING: BILLING_CLASSES,
    InputTopic.ACCOUNTS: (AccountUpdate,),
    InputTopic.FEEDBACK: FEEDBACK_CLASSES,
    InputTopic.COMMANDS: COMMAND_CLASSES,
}
OUTPUTS: Final[tuple[type[BaseModel], ...]] = (Transition, AccountPicture, DeadLetter)

Fields = dict[str, st.SearchStrategy[Any]]
ALERT_ID: Final = r"^[0-9a-f]{16}$"
_SIMPLE: Final[dict[Any, st.SearchStrategy[Any]]] = {
    bool: st.booleans(),
    bytes: st.binary(max_size=40),
    types.NoneType: st.none(),
}
_BY_PATTERN: Final[dict[str, st.SearchStrategy[str]]] = {
    r"^[A-Za-z]{3}$": st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3),
    ALERT_ID: st.text("0123456789abcdef", min_size=16, max_size=16),
    r"^https?://[^\s\u0000-\u001f\u007f-\u009f]+$": st.sampled_from(("https://example.com/a?b=ü", "http://x")),
}


def models(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Any value of the model; every optional field is given or not."""
    required: Fields = {}
    optional: Fields = {}
    for name, field in model.model_fields.items():
        strategy = _of_type(field.annotation, field.metadata)
        (required if field.is_required() else optional)[name] = strategy
    if model in COMMAND_CLASSES:
        required["alert_id"] = _BY_PATTERN[ALERT_ID]
        del optional["alert_id"]
    if model is Snooze:
        middle = (EARLIEST + LATEST) // 2
        required |= {"at": st.integers(EARLIEST, middle), "until": st.integers(middle + 1, LATEST)}
    fields = st.fixed_dictionaries(required, optional=optional)
    if model is PaymentMethodUpdated:
        fields = fields.map(_month_and_year_together)
    return fields.map(lambda given: model(**given))


def events(topic: InputTopic) -> st.SearchStrategy[Any]:
    """Any event of the topic."""
    return st.one_of([models(model) for model in CLASSES[topic]])


def _month_and_year_together(fields: dict[str, Any]) -> dict[str, Any]:
    if fields.get("exp_month") is None or fields.get("exp_year") is None:
        return {name: value for name, value in fields.items() if name not in ("exp_month", "exp_year")}
    return fields


def _of_type(kind: Any, notes: Iterable[Any]) -> st.SearchStrategy[Any]:
    notes = [part for note in notes for part in (note.metadata if isinstance(note, FieldInfo) else [note])]
    if any(isinstance(note, PlainSerializer) and note.func is format_instant for note in notes):
        return st.integers(EARLIEST, LATEST) | st.integers(EARLIEST // 1000, LATEST // 1000).map(lambda s: s * 1000)
    arguments = get_args(kind)
    match get_origin(kind):
        case typing.Annotated:
            return _of_type(arguments[0], [*notes, *arguments[1:]])
        case typing.Union | types.UnionType:
            return st.one_of([_of_type(part, []) for part in arguments])
        case typing.Literal:
            return st.sampled_from(arguments)
    return _of_container(kind, arguments) if arguments else _of_class(kind, notes)


def _of_container(kind: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    parts = [_of_type(part, []) for part in arguments if part is not ...]
    if get_origin(kind) is dict:
        return st.dictionaries(parts[0], parts[1], max_size=3)
    return st.lists(parts[0], max_size=3).map(tuple)


def _of_class(kind: Any, notes: list[Any]) -> st.SearchStrategy[Any]:
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if issubclass(kind, BaseModel):
        return models(kind)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    limits = {type(note): note for note in notes}
    if kind is str:
        return _texts(limits.get(StringConstraints, StringConstraints()))
    low = limits[Ge].ge if Ge in limits else None
    high = limits[Le].le if Le in limits else None
    if kind is int:
        return st.integers(-(2**53) if low is None else low, 2**53 if high is None else high)
    assert kind is float, kind
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


def _texts(limits: StringConstraints) -> st.SearchStrategy[str]:
    if isinstance(limits.pattern, str) and limits.pattern != NO_CONTROL:
        return _BY_PATTERN[limits.pattern]
    characters = st.characters(exclude_categories=("Cs", "Cc")) if limits.pattern else st.characters(codec="utf-8")
    longest = limits.max_length or 1_000
    return st.text(characters, min_size=limits.min_length or 0, max_size=12) | st.just("ß" * longest)


JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.text('"\\/{}[]:,u0022', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\', max_size=2), inner, max_size=4),
    max_leaves=20,
)
"""Any JSON value, with a taste for quotes, backslashes and keys that are alike."""
