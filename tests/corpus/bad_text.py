"""Bytes that hold no event, whatever the topic; they go to each topic in turn."""

import struct
import zlib
from collections.abc import Iterator
from itertools import cycle
from typing import Final

from schemas.codec import MAX_BYTES, MAX_DEPTH, InputTopic
from schemas.errors import Reason
from tests.corpus.records import SOUND, USAGE, BadRecord, spliced, text

_SOUND: Final = text(USAGE)
_CONFLUENT: Final = b"\0" + struct.pack(">I", 42) + _SOUND


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


_NO_JSON: Final[tuple[tuple[str, bytes], ...]] = (
    ("plain words", b"hello"),
    ("one space", b" "),
    ("a sound event cut off", _SOUND[:-10]),
    ("a sound event without its first brace", _SOUND[1:]),
    ("a sound event and a brace", _SOUND + b"}"),
    ("two events in a record", _SOUND + _SOUND),
    ("two events as lines", _SOUND + b"\n" + _SOUND),
    ("a sound event and a zero byte", _SOUND + b"\0"),
    ("a byte order mark", b"\xef\xbb\xbf" + _SOUND),
    ("UTF-16 without a mark", _SOUND.decode().encode("utf-16-le")),
    ("single quotes", _SOUND.replace(b'"', b"'")),
    ("a comma at the end", _SOUND[:-1] + b",}"),
    ("a comma at the start", b"{," + _SOUND[1:]),
    ("no comma", _SOUND.replace(b",", b" ")),
    ("no colon", _SOUND.replace(b'":', b'" ', 1)),
    ("a comment", _SOUND[:-1] + b"/* so */}"),
    ("a name without quotes", spliced(USAGE, "quantity:1")),
    ("a number as a name", spliced(USAGE, "1:1")),
    ("a leading zero", spliced(USAGE, '"quantity":01')),
    ("a leading plus", spliced(USAGE, '"quantity":+1')),
    ("a bare decimal point", spliced(USAGE, '"quantity":1.')),
    ("a hexadecimal number", spliced(USAGE, '"quantity":0x1f')),
    ("an exponent without digits", spliced(USAGE, '"quantity":1e')),
    ("a lone minus", spliced(USAGE, '"quantity":-')),
    ("Python's True", spliced(USAGE, '"trial":True')),
    ("undefined", spliced(USAGE, '"user_id":undefined')),
    ("a raw line feed in a string", spliced(USAGE, '"user_id":"a\nb"')),
    ("a raw zero byte in a string", spliced(USAGE, '"user_id":"a\0b"')),
    ("an unknown escape", spliced(USAGE, '"user_id":"\\x41"')),
    ("a short unicode escape", spliced(USAGE, '"user_id":"\\u00e"')),
    ("a lone high surrogate", spliced(USAGE, '"user_id":"\\ud83d"')),
    ("a lone low surrogate", spliced(USAGE, '"user_id":"\\ude00"')),
    ("surrogates the wrong way round", spliced(USAGE, '"user_id":"\\ude00\\ud83d"')),
    ("an unclosed string", _SOUND[:-2]),
    ("an unclosed array", spliced(USAGE, '"properties":[1')),
    ("brackets that do not match", spliced(USAGE, '"properties":[1}')),
    ("XML", b'<event account_id="acct-1"/>'),
    ("a line of CSV", b"acct-1,report.exported,2025-03-01T12:00:00Z,1"),
    ("a form", b"account_id=acct-1&event=login"),
    ("YAML", b"account_id: acct-1\nevent: login\n"),
)
_NO_UTF8: Final[tuple[tuple[str, bytes], ...]] = (
    ("Latin-1", '{"account_id":"Käse"}'.encode("latin-1")),
    ("UTF-16 with a mark", _SOUND.decode().encode("utf-16")),
    ("a continuation byte alone", b'{"account_id":"\x80"}'),
    ("a sequence cut off", b'{"account_id":"\xe2\x82"}'),
    ("an overlong slash", b'{"account_id":"\xc0\xaf"}'),
    ("a surrogate in UTF-8", b'{"account_id":"\xed\xa0\x80"}'),
    ("a code point above Unicode", b'{"account_id":"\xf4\x90\x80\x80"}'),
    ("a byte that UTF-8 never has", b'{"account_id":"\xff"}'),
    ("gzip", b"\x1f\x8b\x08" + bytes(7) + zlib.compress(_SOUND)),
    ("zlib", zlib.compress(_SOUND)),
    ("a Java object", b"\xac\xed\x00\x05t\x00\x05hello"),
    ("MessagePack", b"\x83\xaaaccount_id\xa6acct-1"),
)
_NOT_FINITE: Final[tuple[tuple[str, str], ...]] = (
    ("NaN", '"quantity":NaN'),
    ("Infinity", '"quantity":Infinity'),
    ("minus Infinity", '"quantity":-Infinity'),
    ("NaN in the properties", '"properties":{"load":[0.5,NaN]}'),
    ("a number too large for a double", '"quantity":1e999'),
    ("a negative number too large", '"properties":{"x":-1e400}'),
)
_NO_OBJECT: Final[tuple[tuple[str, bytes], ...]] = (
    ("an array of events", b"[" + _SOUND + b"]"),
    ("an empty array", b"[]"),
    ("null as JSON", b"null"),
    ("true", b"true"),
    ("a number", b"42"),
    ("a string", b'"acct-1"'),
    ("an event as JSON inside a string", b'"' + _SOUND.replace(b'"', b'\\"') + b'"'),
)
_DEEP: Final[tuple[tuple[str, bytes], ...]] = (
    ("an array one level too deep", spliced(USAGE, f'"properties":{_nested(MAX_DEPTH)}')),
    ("an object one level too deep", spliced(USAGE, '"p":' + '{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH)),
    ("ten thousand levels", spliced(USAGE, f'"properties":{_nested(10_000)}')),
    ("a hundred thousand open brackets", b"[" * 100_000),
    ("deep in a list beside shallow things", spliced(USAGE, f'"p":[1,{{"q":[{_nested(40)},2]}}]')),
    ("deep and no object", _nested(MAX_DEPTH + 1).encode()),
)
_TWICE: Final[tuple[tuple[str, bytes, str | None], ...]] = (
    ("the account named twice", spliced(USAGE, '"account_id":"acct-2"'), "account_id"),
    ("the same value twice", spliced(USAGE, '"event":"report.exported"'), "event"),
    ("three quantities", spliced(USAGE, '"quantity":1,"quantity":2,"quantity":3'), "quantity"),
    ("a key twice in the properties", spliced(USAGE, '"properties":{"a":1,"a":2}'), "a"),
    ("a key twice in an object of a list", spliced(USAGE, '"properties":[[{"b":1,"b":1}]]'), "b"),
    ("a key written once with an escape", spliced(USAGE, '"\\u0065vent":"login"'), "event"),
    ("a key twice beside escaped quotes", spliced(USAGE, '"event":"\\"\\\\","x":"\\\\\\""'), "event"),
    ("an empty key twice", spliced(USAGE, '"":1,"":2'), None),
    ("somebody's address twice", spliced(USAGE, '"p":{"kim@example.com":1,"kim@example.com":2}'), None),
    ("an ignored field twice", spliced(USAGE, '"colour":"red","colour":"blue"'), "colour"),
    ("twice, the hidden one deep", spliced(USAGE, f'"p":{_nested(30)},"p":1'), "p"),
)


def bad_text() -> Iterator[BadRecord]:
    """All of them."""
    topics = cycle(InputTopic)
    for topic in InputTopic:
        yield BadRecord(f"null in {topic}", topic, None, Reason.EMPTY, None)
        yield BadRecord(f"no bytes in {topic}", topic, b"", Reason.EMPTY, None)
    for name, raw in (("a schema-registry header", _CONFLUENT), ("one zero byte", b"\0"), ("zeros", bytes(64))):
        yield BadRecord(name, next(topics), raw, Reason.SCHEMA_REGISTRY, None)
    huge = {"properties": "x" * MAX_BYTES}
    for topic, event in SOUND.items():
        yield BadRecord(f"more than is read in {topic}", topic, text(event | huge), Reason.TOO_LARGE, None)
    groups = (
        (Reason.NOT_JSON, _NO_JSON),
        (Reason.NOT_UTF8, _NO_UTF8),
        (Reason.NOT_FINITE, [(name, spliced(USAGE, more)) for name, more in _NOT_FINITE]),
        (Reason.NOT_AN_OBJECT, _NO_OBJECT),
        (Reason.TOO_DEEP, _DEEP),
    )
    for reason, cases in groups:
        for name, raw in cases:
            yield BadRecord(name, next(topics), raw, reason, None)
    for name, raw, field in _TWICE:
        yield BadRecord(name, next(topics), raw, Reason.DUPLICATE_KEY, field)
