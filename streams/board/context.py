"""What the board's pages work with."""

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from jinja2 import Environment

from streams.board.accounts import Accounts
from streams.board.attempts import Attempts
from streams.board.feed import Feed
from streams.board.orders import Unanswered
from streams.board.sessions import People, Session, Sessions
from streams.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Board:
    """One running board."""

    settings: Settings
    feed: Feed
    people: People
    templates: Environment
    sessions: Sessions = field(default_factory=Sessions)
    attempts: Attempts = field(default_factory=Attempts)
    unanswered: Unanswered = field(default_factory=Unanswered)

    @property
    def accounts(self) -> Accounts:
        """All accounts."""
        return self.feed.accounts


BOARD: web.AppKey[Board] = web.AppKey("board", Board)
SESSION: web.RequestKey[Session] = web.RequestKey("session", Session)


def page(request: web.Request, template: str, *, status: int = 200, refresh: int = 0, **values: Any) -> web.Response:
    """A page, filled in. `refresh`: it is asked for again after so many seconds."""
    board, session = request.app[BOARD], request[SESSION]
    text = board.templates.get_template(template).render(
        who=session.name,
        form_token=board.sessions.form_token(session),
        trouble=board.feed.trouble,
        unreadable=board.accounts.unreadable,
        refresh=refresh,
        **values,
    )
    return web.Response(text=text, status=status, content_type="text/html")
