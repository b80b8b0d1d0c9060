"""Something good, damaged: its bytes, or the JSON that it is."""

import copy
import json
from random import Random
from typing import Any, Final

DEEP: Final = "\x01deep\x01"
"""Stands for a value that is nested too deeply for a writer of JSON."""
ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    3.0,
    0.1,
    2**31,
    2**53 + 1,
    2**63,
    -(2**63) - 1,
    2**64,
    10**40,
    10**400,
    -(10**400),
    1e308,
    5e-324,
    -0.0,
    float("nan"),
    float("inf"),
    float("-inf"),
    "",
    " ",
    "0",
    "-1",
    "9" * 19,
    "9" * 5_000,
    "٣",
    "NaN",
    "*",
    "null",
    "\x00",
    "a\nb",
    "\ud800",
    "\udfff\ud800",
    "\u202egnp.exe",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s%n%(x)s{0}",
    "../../etc/passwd",
    "http://[::1",
    "x" * 300,
    "ß" * 70_000,
    "0001-01-01T00:00:00Z",
    "1989-12-31T23:59:59.999Z",
    "1990-01-01T00:00:00Z",
    "2024-02-30T00:00:00Z",
    "2099-12-31T23:59:59.999Z",
    "9999-12-31T23:59:60.999999999999Z",
    "2025-03-01T12:00:00",
    "2025-03-01T12:00:00-23:59",
    [],
    {},
    [[]],
    [None, 1, "a"],
    {"": ""},
    {"__proto__": {"a": 1}},
    [{}] * 1_000,
    DEEP,
)
"""Values that some code, somewhere, does not expect."""
TOKENS: Final = (
    b"\0",
    b"\r\n",
    b"\n\n",
    b"\xff",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xc1",
    b'"',
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[[",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"%00",
    b"%ff",
    b"%",
    b";",
    b"=",
    b"9" * 30,
    b"-1",
    b"\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",  # the largest integer of MessagePack
    b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00",  # the least
    b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",  # no number
    b"\xdf\xff\xff\xff\xff",  # a map of four thousand million
)


class Mutator:
    """Damages as its random numbers say."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def damaged(self, raw: bytes) -> bytes:
        """The bytes after one to four accidents."""
        value = bytearray(raw)
        for _ in range(self.random.randint(1, 4)):
            self._accident(value)
        return bytes(value)

    def _accident(self, value: bytearray) -> None:
        random = self.random
        at = random.randrange(len(value) + 1)
        end = min(len(value), at + random.choice((1, 2, 8, 64, 1_000)))
        match random.randrange(6):
            case 0 if at < len(value):
                value[at] ^= 1 << random.randrange(8)
            case 1:
                value[at:at] = random.choice(TOKENS)
            case 2:
                del value[at:end]
            case 3:
                value[at:at] = value[at:end] * random.choice((1, 2, 50))
            case 4:
                value[at:end] = random.choice(TOKENS)
            case _:
                value[at:at] = random.randbytes(random.choice((1, 4, 30)))

    def changed(self, value: Any) -> bytes:
        """JSON text of the value after one to three changes of its parts; sometimes with a key that comes twice."""
        value = copy.deepcopy(value)
        for _ in range(self.random.randint(1, 3)):
            value = self._change(value)
        text = json.dumps(value, ensure_ascii=self.random.random() < 0.5)
        if DEEP[1:-1] in text:
            depth = self.random.choice((33, 200, 5_000))
            nest = "[" * depth + "]" * depth if self.random.random() < 0.5 else '{"a":' * depth + "1" + "}" * depth
            text = text.replace(json.dumps(DEEP), nest)
        if text.startswith("{") and len(text) > 2 and isinstance(value, dict) and self.random.random() < 0.1:
            key, twice = self.random.choice(list(value)), self.random.choice(("1", "null", "{}", '"a"'))
            text = f"{{{json.dumps(key)}:{twice},{text[1:]}"
        return text.encode("utf-8", "surrogatepass")

    def _change(self, value: Any) -> Any:
        places = list(_places(value))
        if not places:
            return copy.deepcopy(self.random.choice(ODD))
        parent, key = self.random.choice(places)
        match self.random.randrange(5):
            case 0:
                del parent[key]
            case 1 if isinstance(parent, dict):
                name = self.random.choice(("", "type", "__class__", "é", "a" * 300, "account_id", "at"))
                parent[name] = copy.deepcopy(parent[key])
            case 2:
                other, name = self.random.choice(places)
                parent[key] = copy.deepcopy(other[name])
            case _:
                parent[key] = copy.deepcopy(self.random.choice(ODD))
        return value


def _places(value: Any) -> Any:
    """Where something stands in a value: each with what it stands in."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in list(children):
        yield value, key
        yield from _places(child)
