"""Who is who: tokens, and the sessions that begin with one."""

import hmac
import secrets
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, NamedTuple

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import SecretStr

HOURS: Final = 12
"""How long a session lasts."""
_ENDED: Final = 10_000


class Session(NamedTuple):
    """A visit. `name` is who it is; empty while nobody has logged in."""

    key: str
    name: str = ""


class People:
    """Names, and the token that each logs in with."""

    def __init__(self, tokens: Iterable[tuple[str, SecretStr]]) -> None:
        # Digests are all of one length, so that comparing them takes the same time for every token.
        self._digests = [(name, _digest(token.get_secret_value())) for name, token in tokens]

    def who(self, token: str) -> str | None:
        """Whose token it is; None: nobody's. All are compared, so that the time taken tells nothing."""
        given, found = _digest(token), None
        for name, digest in self._digests:
            if hmac.compare_digest(given, digest):
                found = name
        return found


class Sessions:
    """Sessions as signed text, for a cookie. The key is made up anew by each run: a restart ends all of them."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._signer = URLSafeTimedSerializer(self._secret, salt="session", signer_kwargs={"digest_method": sha256})
        self._ended: dict[str, None] = {}

    def begin(self, name: str = "") -> Session:
        """A new session: of nobody yet, or of one who has just logged in."""
        return Session(secrets.token_urlsafe(18), name)

    def end(self, session: Session) -> None:
        """Logged out: its cookie is no longer good, even if somebody has kept it."""
        self._ended[session.key] = None
        if len(self._ended) > _ENDED:
            del self._ended[next(iter(self._ended))]

    def encode(self, session: Session) -> str:
        """The cookie's value."""
        return str(self._signer.dumps(list(session)))

    def decode(self, cookie: str) -> Session | None:
        """The session of a cookie; None: it was not signed here, is too old, or has been logged out."""
        try:
            session = Session(*self._signer.loads(cookie, max_age=HOURS * 3_600))
        except (BadSignature, UnicodeError):  # a header may have bytes that are no UTF-8
            return None
        return None if session.key in self._ended else session

    def form_token(self, session: Session) -> str:
        """What a form of this session carries, and no other site can know."""
        return hmac.new(self._secret, f"form:{session.key}".encode(), "sha256").hexdigest()

    def is_form_token(self, session: Session, given: str) -> bool:
        """Whether a form came from a page of this session."""
        return hmac.compare_digest(_bytes(given), self.form_token(session).encode())


def _digest(token: str) -> bytes:
    return sha256(_bytes(token)).digest()


def _bytes(text: str) -> bytes:
    """Of any text that a form may hold, be it of half a character."""
    return text.encode(errors="surrogatepass")
