"""Who gets in, over HTTP."""

from __future__ import annotations

import asyncio
import logging

import pytest

from streams.board.guard import COOKIE
from streams.board.orders import now_ms
from tests.unit.board.kit import OTHER, TOKEN, at_risk, form_token, visiting

PRIVATE = ("/", "/account?id=acme", "/score", "/?q=acme", "/nothing")


async def test_without_a_login_nothing_is_shown_and_nothing_is_done() -> None:
    async with visiting([at_risk("acme", 500.0)]) as visitor:
        for path in PRIVATE:
            page = await visitor.get(path)
            assert "Your token" in page
            assert "Acme" not in page
        form = form_token(await visitor.get("/login"))
        assert (await visitor.post("/account?id=acme", form, command="acknowledge", command_id="1")).status == 403
        assert (await visitor.client.get("/healthz")).status == 200


async def test_a_token_lets_in_and_logging_out_ends_it_for_good() -> None:
    async with visiting([at_risk("acme", 500.0)]) as visitor:
        before = form_token(await visitor.get("/login"))
        entered = await visitor.log_in(onward="/score")
        assert (entered.status, entered.headers["Location"]) == (303, "/score")
        cookie = entered.cookies[COOKIE]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
        assert TOKEN not in cookie.value
        page = await visitor.get("/")
        assert "Acme Ltd" in page
        assert form_token(page) != before, "a session from before the login is of no use"
        left = await visitor.post("/logout", form_token(page))
        assert (left.status, left.headers["Location"]) == (303, "/login")
        visitor.client.session.cookie_jar.update_cookies({COOKIE: cookie.value})
        assert "Acme Ltd" not in await visitor.get("/"), "also not with the cookie that somebody kept"


@pytest.mark.parametrize("tampered", ["", "x", "WyJrZXkiLCJtYXJhIl0.aaaa.bbbb", "é"])
async def test_a_cookie_that_was_not_signed_here_is_none(tampered: str) -> None:
    async with visiting([at_risk("acme", 500.0)]) as visitor:
        response = await visitor.client.get("/", headers={"Cookie": f"{COOKIE}={tampered}"})
        assert "Acme" not in await response.text()


async def test_a_wrong_token_is_refused_and_after_five_nobody_gets_in_from_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with visiting([at_risk("acme", 500.0)]) as visitor:
            for _ in range(5):
                refused = await visitor.log_in("not-a-token-of-anyone")
                assert refused.status == 403
                assert "This is nobody&#39;s token" in await refused.text()
            locked = await visitor.log_in()
            assert locked.status == 429
            assert 0 < int(locked.headers["Retry-After"]) <= 60
            assert "Acme" not in await visitor.get("/")
    assert "a login from 127.0.0.1 failed" in caplog.text
    assert not any(secret in caplog.text for secret in (TOKEN, OTHER, "not-a-token-of-anyone"))


@pytest.mark.parametrize("path", ["/account?id=acme", "/logout", "/login"])
async def test_a_form_from_elsewhere_is_refused(path: str) -> None:
    async with visiting([at_risk("acme", 500.0)]) as visitor, visiting() as elsewhere:
        foreign = form_token(await elsewhere.get("/login"))
        if path != "/login":
            await visitor.log_in()
        for token in ("", foreign):
            assert (await visitor.post(path, token, command="acknowledge", token=TOKEN)).status == 403


@pytest.mark.parametrize(
    "onward", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/\r\nX: y", ""]
)
async def test_a_login_leads_to_no_other_site(onward: str) -> None:
    async with visiting() as visitor:
        assert (await visitor.log_in(onward=onward)).headers["Location"] == "/"


async def test_who_asked_for_a_page_is_led_back_to_it() -> None:
    async with visiting([at_risk("a/b ü", 500.0)]) as visitor:
        address = "/account?id=a%2Fb%20%C3%BC"
        async with visitor.client.get(address) as response:
            onward = response.url.query["next"]
        entered = await visitor.log_in(onward=onward)
        assert "A/B Ü Ltd" in await visitor.get(entered.headers["Location"])


async def test_every_answer_tells_the_browser_what_it_may_do() -> None:
    async with visiting([at_risk("acme", 500.0)]) as visitor:
        await visitor.log_in()
        for path in ("/", "/account?id=acme", "/account?id=nobody", "/?page=x", "/nothing", "/board.css", "/login"):
            async with visitor.client.get(path, allow_redirects=False) as response:
                policy = response.headers["Content-Security-Policy"]
                assert policy.startswith("default-src 'none';")
                assert "unsafe" not in policy
                assert response.headers["X-Frame-Options"] == "DENY"
                assert response.headers["Cache-Control"] == "no-store"
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                page = await response.text()
                assert "<script" not in page
                assert " style=" not in page
                assert not any(secret in page for secret in (TOKEN, OTHER))


async def test_a_cookie_is_for_https_alone_where_that_is_spoken() -> None:
    async with visiting() as visitor:
        response = await visitor.client.get("/login", headers={"X-Forwarded-Proto": "https"})
        assert response.cookies[COOKIE]["secure"]


async def test_a_session_ends_by_itself() -> None:
    from itsdangerous import TimestampSigner

    later = now_ms() // 1000 + 12 * 3_600 + 2
    async with visiting([at_risk("acme", 500.0)]) as visitor:
        await visitor.log_in()
        assert "Acme" in await visitor.get("/")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TimestampSigner, "get_timestamp", lambda _: later)
            assert "Acme" not in await visitor.get("/")


COOKIE_OF_BYTES = b"Cookie: " + COOKIE.encode() + b"=\xff\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded; charset="


@pytest.mark.parametrize(
    ("first", "headers", "body"),
    [
        (b"GET / HTTP/1.1", COOKIE_OF_BYTES, b""),
        (b"GET /login HTTP/1.1", COOKIE_OF_BYTES, b""),
        (b"GET /?q=%ff HTTP/1.1", b"", b""),
        (b"POST /login HTTP/1.1", FORM + b"unicode_escape\r\n", rb"form_token=\ud800"),
        (b"POST /login HTTP/1.1", FORM + b"utf-7\r\n", b"form_token=+2AA-&token=+2AA-"),
        (b"POST /login HTTP/1.1", b"Content-Type: multipart/form-data\r\n", b"x"),
        (b"POST /login HTTP/1.1", b"Content-Type: multipart/form-data; boundary=b\r\n", b"x" * 20_000),
        (b"POST /login HTTP/1.1", b"Content-Encoding: gzip\r\n" + FORM + b"utf-8\r\n", b"form_token=x"),
    ],
)
async def test_bytes_that_no_browser_sends_are_refused_and_are_no_fault_of_ours(
    first: bytes, headers: bytes, body: bytes
) -> None:
    async with visiting([at_risk("acme", 500.0)]) as visitor:
        reader, writer = await asyncio.open_connection(visitor.client.host, visitor.client.port)
        writer.write(
            b"%b\r\nHost: a\r\nConnection: close\r\n%bContent-Length: %d\r\n\r\n%b" % (first, headers, len(body), body)
        )
        answer = await reader.read()
        writer.close()
        assert answer[9:10] in b"234", answer[:200]
        assert b"Acme" not in answer
