"""HTTP requests as bytes: good ones, damaged ones, slow ones, and what is none."""

import gzip
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final
from urllib.parse import quote, urlencode

from tests.fuzz.mutation import ODD, Mutator

CARRIED: Final = "carried-by-a-request-0123456789"
"""Stands for what a visitor must not find in anybody's log: requests have it where tokens may be."""
_METHODS: Final = (
    "GET",
    "GET",
    "GET",
    "HEAD",
    "POST",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PATCH",
    "X",
)
_CHARSETS: Final = (
    "utf-8",
    "utf-7",
    "utf-16",
    "utf-32",
    "latin-1",
    "ascii",
    "idna",
    "punycode",
    "unicode_escape",
    "raw_unicode_escape",
    "undefined",
    "rot13",
    "hex",
    "zlib",
    "mbcs",
    "cp037",
    "x" * 500,
    "a\x7fb",
    "",
)
_ACCEPTS: Final = (
    "*/*",
    "text/html",
    "application/openmetrics-text",
    "application/openmetrics-text; version=1.0.0; escaping=allow-utf-8",
    "application/openmetrics-text; version=abc",
    "application/openmetrics-text;version=1.0.0;escaping=dots",
    "application/openmetrics-text;version=9.9.9",
    "application/openmetrics-text;version=" + "9" * 5_000,
    "text/plain; version=",
    "text/plain;version=1.0.0;escaping=values",
    "text/plain;version=-1;version=x",
    "application/openmetrics-text;version=1.0.0\xff",
    ",;=,;=",
)
_BOMB: Final = gzip.compress(bytes(5_000_000), mtime=0)
"""Little that becomes much."""


_BROKEN_EXPECT: Final = re.compile(rb"(?i)\nexpect:[^\r\n]*[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Request:
    """Pieces of a request, with so many seconds between them. `half`: the client leaves after the last one."""

    pieces: tuple[bytes, ...]
    pause: float = 0.0
    half: bool = False

    @property
    def breaks_aiohttp(self) -> bool:
        """Whether aiohttp itself answers it with 500, before any code of ours: it repeats an `Expect` that it does not
        know, and cannot where that is no UTF-8 (3.14)."""
        return _BROKEN_EXPECT.search(b"".join(self.pieces)) is not None


class Requests:
    """Makes requests, one after the other, as a seed says. `cookie` and `form_token` are a visitor's who has logged in;
    `accounts` may be asked for."""

    def __init__(self, pages: Sequence[str], number: int) -> None:
        self._random = Random(number)
        self._mutator = Mutator(self._random)
        self._pages = pages
        self.cookie = ""
        self.form_token = ""
        self.accounts: Sequence[str] = ("acme",)

    def any(self) -> Request:
        """Whatever it is."""
        random = self._random
        kinds: tuple[Callable[[], Request], ...] = (
            self._good,
            self._good,
            self._good,
            self._form,
            self._form,
            self._damaged,
            self._damaged,
            self._chunked,
            self._half,
            self._slow,
            self._many,
            self._large,
            self._no_http,
        )
        while (request := random.choice(kinds)()).breaks_aiohttp:
            pass
        return request

    def _good(self) -> Request:
        return Request((self._written(),))

    def _damaged(self) -> Request:
        return Request((self._mutator.damaged(self._random.choice((self._written, self._written_form))()),))

    def _half(self) -> Request:
        raw = self._written_form()
        return Request((raw[: self._random.randrange(len(raw))],), half=True)

    def _slow(self) -> Request:
        raw = self._written_form()
        size = max(1, len(raw) // 6)
        return Request(tuple(raw[at : at + size] for at in range(0, len(raw), size)), pause=0.2)

    def _many(self) -> Request:
        """Several at once on a connection."""
        return Request((b"".join(self._written(close=False) for _ in range(self._random.randint(2, 12))),))

    def _large(self) -> Request:
        random = self._random
        match random.randrange(4):
            case 0:
                more = ["X-Long: " + "a" * random.choice((7_000, 9_000, 200_000))]
            case 1:
                more = [f"X-{each}: {each}" for each in range(random.choice((90, 2_000)))]
            case 2:
                more = ["Cookie: " + "; ".join(f"c{each}={each}" for each in range(500))]
            case _:
                return Request((self._written_form({"note": "n" * random.choice((5_000, 70_000, 900_000))}),))
        return Request((self._written(more=more),))

    def _no_http(self) -> Request:
        random = self._random
        return Request(
            (
                random.choice(
                    (
                        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + random.randbytes(80),
                        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                        f"GET /?token={CARRIED} HTTP/9.9\r\n\r\n".encode(),
                        f"{CARRIED} / HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
                        f"GET / HTTP/1.1\r\nAuthorization {CARRIED}\r\n\r\n".encode(),
                        f"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {CARRIED}\r\n\r\n".encode(),
                        b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
                        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n",
                        b"\r\n" * 2_000,
                        b"GET http://[ HTTP/1.1\r\n\r\n",
                        b"GET //evil.example/%0d%0aX:y HTTP/1.1\r\nHost: \xff\r\n\r\n",
                        b"CONNECT a:b HTTP/1.1\r\n\r\n",
                        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
                        random.randbytes(random.choice((1, 50, 9_000))),
                    )
                ),
            )
        )

    def _chunked(self) -> Request:
        random = self._random
        body = random.choice(
            (
                b"5\r\nnote=\r\n0\r\n\r\n",
                b"5\r\nnote=\r\n",
                b"zz\r\nnote=\r\n0\r\n\r\n",
                b"ffffffffffffffffff\r\nnote\r\n",
                b"-1\r\n\r\n",
                b"5;ext=" + b"x" * 9_000 + b"\r\nnote=\r\n0\r\nTrailer: x\r\n\r\n",
                b"1\r\na\r\n" * 500 + b"0\r\n\r\n",
            )
        )
        if random.random() < 0.3:
            body = self._mutator.damaged(body)
        head = self._head("POST", more=["Transfer-Encoding: chunked", self._content_type()])
        return Request((head, body))

    def _form(self) -> Request:
        return Request((self._written_form(),))

    def _written_form(self, more: dict[str, str] | None = None) -> bytes:
        """A form of the board's, as a browser or as nobody writes it."""
        random = self._random
        fields = {
            "form_token": random.choice((self.form_token, self.form_token, "", "0" * 64, "\ud800", "ü")),
            "command": random.choice(("acknowledge", "snooze", "unsnooze", "record_action", "record_outcome", "", "x")),
            "command_id": random.choice(("c-1", "", "x" * 300, "\x00")),
            "alert": random.choice(("", "0" * 16, "*", "\udcff")),
            "days": random.choice(("1", "7", "-1", "", "9" * 5_000)),
            "action": random.choice(("discount", "", "x" * 1_000)),
            "result": random.choice(("offered", "accepted", "")),
            "cost": random.choice(("200", "1e400", "NaN", "-0", "1e-999999999", "9" * 5_000, "٣", "sNaN")),
            "outcome": random.choice(("saved", "lost", "false_alarm", "")),
            "note": random.choice(("", "called", "\x00", "<b>", "x" * 2_000)),
            "token": random.choice((CARRIED, "", "\x00", "é")),
            "next": random.choice(("/", "//evil.example", "/\\evil", "\r\nX: y", "http://[", "/?q=%00")),
        } | (more or {})
        for _ in range(random.randrange(3)):
            fields[random.choice(list(fields))] = str(random.choice(ODD))[:9_000]
        kind, body = self._content_type(), urlencode(fields, errors="surrogatepass").encode()
        match random.randrange(12):
            case 0:
                body = json.dumps(fields).encode()
            case 1:
                body = self._mutator.damaged(body)
            case 2:
                body = b"form_token=" + random.choice((rb"\ud800", b"+2AA-", b"\xff", b"%ud800", b"%", b"a;b"))
            case 3:
                parts = (f'--b\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n' for key in fields)
                body = b"".join(each.encode("utf-8", "replace") + b"\xff\r\n" for each in parts) + b"--b--\r\n"
        encoding = []
        if random.random() < 0.08:
            encoding = [f"Content-Encoding: {random.choice(('gzip', 'deflate', 'br', 'zstd', 'x'))}"]
            body = random.choice((body, gzip.compress(body, mtime=0), _BOMB))
        return self._head("POST", more=[kind, f"Content-Length: {len(body)}", *encoding]) + body

    def _content_type(self) -> str:
        random = self._random
        return "Content-Type: " + random.choice(
            (
                "application/x-www-form-urlencoded",
                "application/x-www-form-urlencoded",
                "application/x-www-form-urlencoded; charset=" + random.choice(_CHARSETS),
                "multipart/form-data; boundary=b",
                "multipart/form-data",
                "multipart/form-data; boundary=" + "b" * 500,
                "multipart/mixed; boundary=b; charset=" + random.choice(_CHARSETS),
                "application/json",
                "",
                ";;;=",
                "\xff/\xff",
            )
        )

    def _written(self, *, close: bool = True, more: Sequence[str] = ()) -> bytes:
        return self._head(self._random.choice(_METHODS), more=more, close=close)

    def _head(self, method: str, *, more: Sequence[str] = (), close: bool = True) -> bytes:
        random = self._random
        lines = [
            f"{method} {self._target()} HTTP/{random.choice(('1.1', '1.1', '1.1', '1.0'))}",
            f"Host: {random.choice(('127.0.0.1', 'localhost:1', '', 'evil.example', '[::1', 'a b'))}",
            f"Connection: {'close' if close else 'keep-alive'}",
        ]
        odd = (
            f"Accept: {random.choice(_ACCEPTS)}",
            f"Authorization: Bearer {CARRIED}",
            "Expect: 100-continue",
            "Expect: the worst",
            "Upgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13",
            "X-Forwarded-Proto: https",
            "If-Modified-Since: yesterday",
            "If-None-Match: \xff",
            "Range: bytes=99999999999999999999-",
            "Accept-Encoding: gzip;q=x, br",
            "Content-Length: 0",
        )
        lines += random.sample(odd, random.randrange(3))
        if cookie := self._cookie():
            lines.append(f"Cookie: {cookie}")
        return ("\r\n".join([*lines, *more]) + "\r\n\r\n").encode("latin-1", "replace")

    def _cookie(self) -> str:
        random = self._random
        known = f"slackwater_board={self.cookie}"
        return random.choice(
            (
                known,
                known,
                known,
                "",
                "slackwater_board=\xff",
                "slackwater_board=" + self._mutator.damaged(self.cookie.encode() or b"x").decode("latin-1"),
                'slackwater_board="\\377\\999"; $Version=1',
                "slackwater_board=" + CARRIED,
                "=;=;;" + known,
                "slackwater_board=" + "a.b.c" * 200,
            )
        ).translate({10: None, 13: None})

    def _target(self) -> str:
        random = self._random
        page = random.choice(self._pages)
        match random.randrange(8):
            case 0:
                return random.choice(
                    ("/\xff", "/%ff%00", "//", "/../../etc/passwd", "*", "http://a/", "/" + "a" * 9_000, "/;a=b")
                )
            case 1:
                return page + random.choice(("/", "?", "?\xff=\xff", "#x", "%00", "?a=b&a=b" * 300, "/x", "\x80"))
            case 2 | 3:
                return f"{page}?id={quote(random.choice(self.accounts), safe='')}"
            case 4 | 5:
                key = random.choice(("q", "team", "owner", "kind", "severity", "phase", "show", "page", "id", "next"))
                value = str(random.choice((*ODD, "usage_drop", "critical", "all", "2", "99999999")))[:9_000]
                return f"{page}?{key}={quote(value, safe='', errors='surrogatepass')}"
        return page


def statuses(answer: bytes) -> list[int]:
    """The statuses of the answers that stand in what a server sent, as far as it has come. Raises ValueError for what
    is no HTTP."""
    found: list[int] = []
    while answer:
        head, end, rest = answer.partition(b"\r\n\r\n")
        if not end:
            return found
        first, *lines = head.split(b"\r\n")
        version, _, after = first.partition(b" ")
        if not version.startswith(b"HTTP/"):  # a request without a version is answered in HTTP/0.9
            raise ValueError(f"no HTTP: {answer[:200]!r}")
        found.append(int(after[:3]))
        headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(b":") for line in lines)}
        if headers.get(b"transfer-encoding") == b"chunked":
            _, _, answer = rest.partition(b"0\r\n\r\n")
        else:
            answer = rest[int(headers.get(b"content-length", b"0")) :]
            if not answer.startswith(b"HTTP/"):  # the body was left out: it answers a HEAD
                answer = rest if rest.startswith(b"HTTP/") else answer
    return found
