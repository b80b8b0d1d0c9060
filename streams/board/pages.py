"""The pages: the list, an account, the score; and what is done on them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode
from uuid import uuid4

from aiohttp import web

from alerting import words
from schemas.alerts import Kind, Severity
from schemas.errors import BrokerError
from schemas.picture import AccountPicture, Phase
from streams.board import orders
from streams.board.accounts import by_risk
from streams.board.context import BOARD, SESSION, Board, page
from streams.board.feed import Stage
from streams.board.plot import plot_of
from streams.board.query import PAGE, Query, QueryError
from streams.board.score import OF_ACTIONS, OUTCOMES, Score
from streams.board.show import reasons, title
from streams.detection.outcomes import ANY
from streams.produce.commands import send_command

_SOON: Final = 2
"""Seconds after which a page that waits for something asks again."""
_SUGGESTED: Final = 500
_AT_ONCE: Final = 5_000
_ASKED: Final = 20

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def when_read(handler: Handler) -> Handler:
    """Until the topic has been read, a page that says how far that is stands for this one: part of the accounts would
    look like all of them."""

    async def answer(request: web.Request) -> web.StreamResponse:
        board = request.app[BOARD]
        if board.feed.stage is Stage.LIVE and board.accounts:
            return await handler(request)
        status = 503 if board.feed.trouble else 200
        topic = board.settings.topic("health")
        return page(request, "waiting.html", status=status, refresh=_SOON, feed=board.feed, topic=topic)

    return answer


async def listed(request: web.Request) -> web.StreamResponse:
    """Accounts at risk, by priority."""
    board = request.app[BOARD]
    try:
        query = Query.read(request.query)
    except QueryError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    found = sorted(query.select(board.accounts.all() if query.everyone else board.accounts.at_risk()), key=by_risk)
    start = (query.page - 1) * PAGE
    shown = found[start : start + PAGE]
    return page(
        request,
        "list.html",
        query=query,
        found=len(found),
        total=len(board.accounts),
        start=start,
        more=start + PAGE < len(found),
        rows=[(each, each.picture()) for each in shown],
        title=title,
        worst=_worst,
        teams=sorted(board.accounts.teams, key=str.casefold)[:_SUGGESTED],
        owners=sorted(board.accounts.owners, key=str.casefold)[:_SUGGESTED],
        kinds=list(Kind),
        severities=list(Severity),
        phases=list(Phase),
    )


def _worst(picture: AccountPicture) -> str:
    """The headline of the most severe open alert, the newest of several."""
    alerts = sorted(picture.alerts, key=lambda alert: (alert.severity.rank, alert.at))
    return alerts[-1].headline if alerts else ""


async def account(request: web.Request) -> web.StreamResponse:
    """All about one account."""
    return _account(request, _picture(request))


async def act(request: web.Request) -> web.StreamResponse:
    """Send what somebody does about an account, or about one of its alerts, as a command."""
    board, picture = request.app[BOARD], _picture(request)
    form = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    try:
        command = orders.command_of(
            form, picture.account_id, picture.billing.currency, request[SESSION].name, orders.now_ms()
        )
    except orders.OrderError as error:
        return _account(request, picture, status=400, problem=f"Nothing was sent. {error}")
    try:
        await send_command(command, board.settings)
    except BrokerError as error:
        return _account(request, picture, status=502, problem=f"It could not be sent: {error}")
    board.unanswered.add(command)
    raise web.HTTPSeeOther(f"/account?{urlencode({'id': picture.account_id})}")


def _picture(request: web.Request) -> AccountPicture:
    found = request.app[BOARD].accounts.get(request.query.get("id", ""))
    if found is None:
        raise web.HTTPNotFound(text="There is no account of this id.")
    return found.picture()


def _account(request: web.Request, picture: AccountPicture, *, status: int = 200, problem: str = "") -> web.Response:
    board, now = request.app[BOARD], orders.now_ms()
    unanswered = board.unanswered.of(picture, now)
    waits = status == 200 and any(not each.late for each in unanswered)
    return page(
        request,
        "account.html",
        status=status,
        refresh=_SOON if waits else 0,
        picture=picture,
        title=title(picture),
        plot=plot_of(picture, words.zone(board.settings.timezone)),
        alerts=sorted(picture.alerts, key=lambda alert: (-alert.severity.rank, alert.at)),
        reasons=reasons,
        unanswered=unanswered,
        problem=problem,
        snoozes=orders.SNOOZES,
        command_id=lambda: uuid4().hex,
        address=f"/account?{urlencode({'id': picture.account_id})}",
    )


async def score(request: web.Request) -> web.StreamResponse:
    """What alerts were worth."""
    found = await _score(request.app[BOARD])
    asked = [who for _, who in sorted(found.to_ask, reverse=True)]
    return page(
        request,
        "score.html",
        score=found,
        any=ANY,
        outcomes=OUTCOMES,
        of_actions=OF_ACTIONS,
        asked=asked[:_ASKED],
        unasked=len(asked) - _ASKED,
    )


async def _score(board: Board) -> Score:
    found = Score()
    for number, each in enumerate(list(board.accounts.all())):
        found.add(each)
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)  # other pages have their turn
    return found


async def healthz(request: web.Request) -> web.StreamResponse:
    """Alive, be the broker away or not."""
    if request.app[BOARD].feed.failed:
        return web.Response(text="reading failed, see the log\n", status=503)
    return web.Response(text="ok\n")
