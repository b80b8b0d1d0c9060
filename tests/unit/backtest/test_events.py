"""What is told apart as perhaps no usage."""

from random import Random

from streams.backtest.events import BUSIEST, NAMES, OTHERS, OWN, EventShare, EventTally, suggestions
from streams.backtest.rhythm import Rhythm
from streams.detection.usage_rule import UsageRule

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def tally(*streams: list[tuple[int, str, str, str | None]]) -> dict[str, EventShare]:
    found = EventTally()
    for at, name, account, user in sorted(each for stream in streams for each in stream):
        found.add(name, account, user or None, at)
    return {each.name: each for each in found.shares()}


def people(name: str, user: str = "u", count: int = 2_000) -> list[tuple[int, str, str, str]]:
    random, at, events = Random(name), 0, []
    for number in range(count):
        at += int(random.expovariate(1 / HOUR_MS))
        at += 8 * HOUR_MS if at % DAY_MS >= 16 * HOUR_MS else 0  # people sleep
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
    assert "at regular times (100% of the gaps" in str(found["heartbeat"].suggestion)
    assert "put it into exclude_events" in str(found["heartbeat"].suggestion)
    assert "names no user" in str(found["heartbeat"].suggestion)
    assert "timer or a heartbeat" in str(found["poll"].suggestion)
    assert len(suggestions(found.values())) == 2


def test_an_event_without_users_is_suspected_only_where_others_have_them() -> None:
    named = tally(people("login"), people("synced", user=""))  # type: ignore[arg-type]
    assert "server" in str(named["synced"].suggestion)
    assert tally(people("login", user=""), people("synced", user=""))["synced"].suggestion is None  # type: ignore[arg-type]


def test_an_event_that_makes_up_most_is_named_unless_it_is_the_only_one() -> None:
    assert "makes up 67%" in str(tally(people("view", count=4_000), people("login"))["view"].suggestion)  # type: ignore[arg-type]
    assert tally(people("view"))["view"].suggestion is None  # type: ignore[arg-type]


def test_names_without_end_take_no_memory_without_end() -> None:
    found = EventTally()
    for number in range(NAMES + 500):
        found.add(f"event {number}", "a", None, number * HOUR_MS)
    shares = {each.name: each for each in found.shares(most=NAMES + 1)}
    assert len(shares) == NAMES + 1
    assert shares[OTHERS].count == 500


def around_the_clock(name: str, user: str, count: int = 1_000) -> list[tuple[int, str, str, str]]:
    random = Random(name)
    return [(random.randrange(30 * DAY_MS), name, "a", user) for _ in range(count)]


def test_what_never_sleeps_is_told_without_a_timers_regularity() -> None:
    found = tally(people("login"), people("report"), around_the_clock("sync", "robot"))  # type: ignore[arg-type]
    assert found["login"].night == 0
    assert found["sync"].regularity is not None
    assert found["sync"].regularity < 0.1
    assert found["sync"].night is not None
    assert 0.25 < found["sync"].night < 1 / 3
    assert "around the clock" in str(found["sync"].suggestion)
    assert "exclude_events" in str(found["sync"].suggestion)


def test_a_user_who_never_sleeps_is_perhaps_a_program() -> None:
    both = sorted(people("view", "anna") + around_the_clock("view", "robot") + around_the_clock("other", "known"))
    found = EventTally(UsageRule(users=["known"]))
    for at, name, account, user in both:
        found.add(name, account, user, at)
    (program,) = found.programs()
    assert (program.user, program.count, program.share) == ("robot", 1_000, 0.25)
    assert "exclude_users" in program.suggestion
    assert "'robot'" in suggestions([], [program])[0]


def heartbeats_of_people_and_a_robot() -> list[tuple[int, str, str, str]]:
    """Five people whose clients send heartbeats day and night, and a robot that works as well."""
    beats = [(number * HOUR_MS + who, "beat", "a1", f"anna{who}") for who in range(5) for number in range(1_500)]
    return sorted(
        people("view", "anna") + beats + around_the_clock("view", "robot") + around_the_clock("beat", "robot")
    )


def test_a_user_whose_client_sends_heartbeats_is_no_program_and_the_heartbeat_is_named() -> None:
    found = EventTally()
    for event in heartbeats_of_people_and_a_robot():
        found.add(event[1], event[2], event[3], event[0])
    assert [each.name for each in found.shares() if each.suggestion is not None] == ["beat"]
    (program,) = found.programs()
    assert (program.user, program.count) == ("robot", 1_000)
    assert "of 1,000 other events in its quietest" in program.suggestion


def test_what_one_user_alone_does_around_the_clock_may_be_the_users_doing_or_the_events() -> None:
    found = EventTally()
    for at, name, account, user in sorted(people("view", "anna", count=90) + around_the_clock("view", "robot")):
        found.add(name, account, user, at)
    assert "around the clock" in str(found.shares()[0].suggestion)
    assert [each.user for each in found.programs()] == ["robot"]


def test_users_are_judged_without_the_events_that_are_left_out_already() -> None:
    found, parts = EventTally(UsageRule(exclude=["beat"])), [EventTally(), EventTally()]
    for number, event in enumerate(heartbeats_of_people_and_a_robot()):
        for each in (found, parts[number % 2]):
            each.add(event[1], event[2], event[3], event[0])
    assert [each.user for each in found.programs()] == ["robot"]
    parts[0] += parts[1]  # as those of two homes
    assert parts[0].programs() == found.programs()


def test_who_does_many_things_is_known_by_some_of_them_and_the_rest() -> None:
    found = EventTally()
    for number in range(200 * OWN):
        found.add(f"event {number % (20 * OWN)}", "a", "robot", number * HOUR_MS)
    assert OWN < len(found._users["robot"].rhythms) <= 2 * OWN
    assert [each.count for each in found.programs()] == [200 * OWN]


def test_heartbeats_that_begin_when_much_else_was_done_make_nobody_a_program() -> None:
    random = Random(1)
    events = []
    for who in range(5):
        for day in range(60):
            for number in range(20):
                at = day * 24 * HOUR_MS + 9 * HOUR_MS + random.randrange(8 * HOUR_MS)
                events.append((at, f"page {random.randrange(80)}", f"a{number % 2}", f"anna{who}"))
        beats = range(240, 60 * 240)  # from the second day on, in both accounts
        events += [(number * HOUR_MS // 10 + who, "beat", f"a{number % 2}", f"anna{who}") for number in beats]
    whole, homes = EventTally(), {"a0": EventTally(), "a1": EventTally()}
    for at, name, account, user in sorted(events):
        whole.add(name, account, user, at)
        homes[account].add(name, account, user, at)
    homes["a0"] += homes["a1"]
    for found in (whole, homes["a0"]):
        assert [each.name for each in found.shares() if each.suggestion is not None] == ["beat"]
        assert found.programs() == []


def test_what_is_excluded_is_shown_and_not_suggested_again() -> None:
    found = EventTally(UsageRule(exclude=["heartbeat"]))
    for at, name, account, _ in timer("heartbeat"):
        found.add(name, account, None, at)
    (share,) = found.shares()
    assert (share.excluded, share.suggestion, share.count) == ("exclude_events", None, 2_100)


def test_users_without_end_take_no_memory_without_end_and_the_busiest_stay_known() -> None:
    found = EventTally()
    for number in range(10 * BUSIEST):
        found.add("view", "a", f"once {number}", number * HOUR_MS // 10)
        found.add("view", "a", "robot", number * HOUR_MS // 10)
    assert len(found._users) <= 2 * BUSIEST
    assert [each.user for each in found.programs()] == ["robot"]
    assert found.programs()[0].count == 10 * BUSIEST


def test_a_rhythm_says_nothing_before_there_is_enough_of_it() -> None:
    few, short, enough = Rhythm(), Rhythm(), Rhythm()
    for number in range(200):
        short.add(number * HOUR_MS // 4)
        enough.add(number * HOUR_MS * 2)
        if number % 4 == 0:
            few.add(number * HOUR_MS)
    assert (few.night, short.night, short.weekend) == (None, None, None)
    assert enough.night is not None
    assert enough.weekend is not None
    assert 0.3 < enough.night < 0.36
    assert 0.22 < enough.weekend < 0.3
