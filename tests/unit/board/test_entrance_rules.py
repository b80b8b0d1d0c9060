"""Tokens, sessions, and how often one may try: without a server."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr

from streams.board.attempts import MOST, WITHIN, Attempts
from streams.board.sessions import People, Sessions


def test_a_token_names_its_person_and_nothing_else_does() -> None:
    people = People([("mara", SecretStr("m" * 16)), ("tom", SecretStr("t" * 16))])
    assert [people.who(token) for token in ("m" * 16, "t" * 16, "m" * 15, "", "mara")] == ["mara", "tom", *[None] * 3]
    assert "mmm" not in repr(vars(people))


def test_a_session_is_known_by_its_cookie_until_it_ends() -> None:
    sessions = Sessions()
    session = sessions.begin("mara")
    cookie = sessions.encode(session)
    assert sessions.decode(cookie) == session
    assert sessions.decode(cookie[:-1]) is None
    assert sessions.decode("") is None
    assert Sessions().decode(cookie) is None, "another run has another key"
    sessions.end(session)
    assert sessions.decode(cookie) is None


def test_a_form_is_good_for_the_session_that_it_was_made_in() -> None:
    sessions = Sessions()
    one, other = sessions.begin("mara"), sessions.begin("mara")
    assert sessions.is_form_token(one, sessions.form_token(one))
    assert not sessions.is_form_token(other, sessions.form_token(one))
    assert not sessions.is_form_token(one, "é")


@given(some.lists(some.floats(0, 200), min_size=1, max_size=40).map(sorted))
def test_in_no_minute_more_than_five_logins_fail(times: list[float]) -> None:
    attempts, failed = Attempts(), []
    for now in times:
        if not attempts.wait("a", now):
            attempts.fail("a", now)
            failed.append(now)
    assert all(later - first >= WITHIN for first, later in zip(failed, failed[MOST:], strict=False))


def test_who_has_to_wait_may_try_when_the_wait_is_over_and_others_meanwhile() -> None:
    attempts = Attempts()
    for now in range(MOST):
        assert attempts.wait("a", now) == 0.0
        attempts.fail("a", now)
    assert attempts.wait("a", 10.0) == WITHIN - 10.0
    assert attempts.wait("b", 10.0) == 0.0
    assert attempts.wait("a", WITHIN) == 0.0
    attempts.succeed("a")
    assert attempts.wait("a", 10.0) == 0.0


def test_addresses_do_not_fill_the_memory() -> None:
    attempts = Attempts()
    for number in range(10_001):
        for _ in range(MOST):
            attempts.fail(str(number), 0.0)
    assert attempts.wait("0", 1.0) == 0.0
    assert attempts.wait("10000", 1.0) > 0.0
