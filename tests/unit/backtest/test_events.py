"""What is told apart as perhaps no usage."""

from random import Random

from streams.backtest.events import NAMES, OTHERS, EventShare, EventTally, suggestions

HOUR_MS = 3_600_000


def tally(*streams: list[tuple[int, str, str, str | None]]) -> dict[str, EventShare]:
    found = EventTally()
    for at, name, account, user in sorted(each for stream in streams for each in stream):
        found.add(name, account, user or None, at)
    return {each.name: each for each in found.shares()}


def people(name: str, user: str = "u", count: int = 2_000) -> list[tuple[int, str, str, str]]:
    random, at, events = Random(name), 0, []
    for number in range(count):
        at += int(random.expovariate(1 / HOUR_MS))
        events.append((at, name, f"a{number % 7}", user and f"{user}{number % 5}"))
    return events


def timer(name: str, user: str = "", every: int = HOUR_MS) -> list[tuple[int, str, str, str]]:
    return [(each * every + account, name, f"a{account}", user) for account in range(7) for each in range(300)]


def test_what_people_do_is_not_suspected() -> None:
    found = tally(people("login"), people("report"))  # type: ignore[arg-type]
    assert [each.suggestion for each in found.values()] == [None, None]
    assert found["login"].regularity is not None
    assert found["login"].regularity < 0.1
    assert (found["login"].users, found["login"].accounts, found["login"].share) == (5, 7, 0.5)


def test_a_timer_is_told_by_its_regular_times_whether_it_names_a_user_or_not() -> None:
    found = tally(people("login"), people("report"), timer("heartbeat"), timer("poll", user="u"))  # type: ignore[arg-type]
    assert found["heartbeat"].regularity == 1
    assert "leave it out" in str(found["heartbeat"].suggestion)
    assert "names no user" in str(found["heartbeat"].suggestion)
    assert "timer or a heartbeat" in str(found["poll"].suggestion)
    assert len(suggestions(found.values())) == 2


def test_an_event_without_users_is_suspected_only_where_others_have_them() -> None:
    named = tally(people("login"), people("synced", user=""))  # type: ignore[arg-type]
    assert "server" in str(named["synced"].suggestion)
    assert tally(people("login", user=""), people("synced", user=""))["synced"].suggestion is None  # type: ignore[arg-type]


def test_an_event_that_makes_up_most_is_named_unless_it_is_the_only_one() -> None:
    assert "makes up most" in str(tally(people("view", count=4_000), people("login"))["view"].suggestion)  # type: ignore[arg-type]
    assert tally(people("view"))["view"].suggestion is None  # type: ignore[arg-type]


def test_names_without_end_take_no_memory_without_end() -> None:
    found = EventTally()
    for number in range(NAMES + 500):
        found.add(f"event {number}", "a", None, number * HOUR_MS)
    shares = {each.name: each for each in found.shares(most=NAMES + 1)}
    assert len(shares) == NAMES + 1
    assert shares[OTHERS].count == 500
