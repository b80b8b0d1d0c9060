"""Logging in and out."""

import logging
import time
from urllib.parse import urlsplit

from aiohttp import web

from streams.board.context import BOARD, SESSION, page
from streams.board.guard import COOKIE, LOGIN, remember

log = logging.getLogger(__name__)


async def ask(request: web.Request) -> web.StreamResponse:
    """The page to log in on."""
    if request[SESSION].name:
        raise web.HTTPSeeOther(_next(request.query.get("next", "")))
    return page(request, "login.html", next=request.query.get("next", ""), problem="")


async def enter(request: web.Request) -> web.StreamResponse:
    """Log in by a token."""
    board, address, now = request.app[BOARD], request.remote or "", time.monotonic()
    form = await request.post()
    onward = str(form.get("next", ""))
    if wait := board.attempts.wait(address, now):
        seconds = int(wait) + 1
        problem = f"Too many logins have failed. Try again in {seconds} seconds."
        response = page(request, "login.html", status=429, next=onward, problem=problem)
        response.headers["Retry-After"] = str(seconds)
        return response
    name = board.people.who(str(form.get("token", "")).strip())
    if name is None:
        board.attempts.fail(address, now)
        log.warning("a login from %s failed", address)
        return page(request, "login.html", status=403, next=onward, problem="This is nobody's token.")
    board.attempts.succeed(address)
    # A new session, so that one that was known before the login is of no use.
    board.sessions.end(request[SESSION])
    response = web.Response(status=303, headers={"Location": _next(onward)})
    remember(request, response, board.sessions.begin(name))
    log.info("%r logged in", name)
    return response


async def leave(request: web.Request) -> web.StreamResponse:
    """Log out."""
    request.app[BOARD].sessions.end(request[SESSION])
    response = web.Response(status=303, headers={"Location": LOGIN})
    response.del_cookie(COOKIE)
    return response


def _next(address: str) -> str:
    """A page of the board to go on with; the list, where another site is named."""
    parts = urlsplit(address)
    here = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address if here and not parts.netloc and not parts.scheme and address.isprintable() else "/"
