"""What stands before every page: who asks, whether a form came from here, and what a browser may do with the answer."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.http import HttpProcessingError

from streams.board.context import BOARD, SESSION, page
from streams.board.sessions import HOURS, Session

COOKIE: Final = "slackwater_board"
FORM_TOKEN: Final = "form_token"  # noqa: S105 - a field's name
LOGIN: Final = "/login"
OPEN: Final = frozenset({LOGIN, "/healthz", "/board.css"})
"""Pages that anybody may have; none holds data."""
HEADERS: Final = {
    # No script runs, wherever it comes from: the pages have none.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_UNREADABLE: Final = (LookupError, ValueError, web.RequestPayloadError, HttpProcessingError)
"""What a form raises that has no parts where it says so, or is in an encoding that is unknown or not its own."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers with the headers above, whatever the page; lets nobody in who is not logged in, and no foreign form."""
    board = request.app[BOARD]
    known = board.sessions.decode(request.cookies.get(COOKIE, ""))
    request[SESSION] = known or board.sessions.begin()
    try:
        response = await _answer(request, handler)
    except web.HTTPRedirection as elsewhere:
        response = web.Response(status=elsewhere.status, headers={"Location": elsewhere.headers["Location"]})
    except web.HTTPException as error:
        response = page(request, "error.html", status=error.status, what=error.text or error.reason)
        response.headers.update({key: value for key, value in error.headers.items() if key in {"Allow", "Retry-After"}})
    response.headers.update(HEADERS)
    if known is None and request.path == LOGIN and COOKIE not in response.cookies:
        remember(request, response, request[SESSION])
    return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    session, sessions = request[SESSION], request.app[BOARD].sessions
    if request.path not in OPEN and not session.name:
        if request.method == "GET":
            raise web.HTTPSeeOther(f"{LOGIN}?{urlencode({'next': request.raw_path}, errors='replace')}")
        raise web.HTTPForbidden(text="You are not logged in any more. Log in, and do it again.")
    if request.method == "POST":
        try:
            form = await request.post()
        except _UNREADABLE:
            raise web.HTTPBadRequest(text="The form cannot be read.") from None
        except ConnectionError:  # the visitor has left in the middle of it, and nobody sees the answer
            raise web.HTTPBadRequest from None
        if not sessions.is_form_token(session, str(form.get(FORM_TOKEN, ""))):
            raise web.HTTPForbidden(text="This form is not from this session. Load the page again, and repeat it.")
    return await handler(request)


def remember(request: web.Request, response: web.StreamResponse, session: Session) -> None:
    """Give the browser the session's cookie."""
    secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
    response.set_cookie(
        COOKIE,
        request.app[BOARD].sessions.encode(session),
        max_age=HOURS * 3_600,
        httponly=True,
        samesite="Strict",
        secure=secure,
    )
