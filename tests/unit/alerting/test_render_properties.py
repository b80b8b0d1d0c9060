"""Whatever a valid notification holds, there is a message, Slack takes it, and nothing in it acts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.delivery.console import as_slack_shows_it
from alerting.markup import clean, cut, escape, escaped_units, mrkdwn
from alerting.notification import Notification, Over, Went, decode_note
from alerting.render import render
from alerting.sparkline import LEVELS, NOTHING, sparkline
from schemas.alerts import AlertReason, Change, Kind, OpenAlert, Resolution, Severity
from schemas.instants import EARLIEST, LATEST
from tests.examples import examples
from tests.unit.alerting.samples import STATES, group, letter_to, reminder, summary, transition
from tests.unit.alerting.slack_limits import assert_inert, assert_slack_accepts, units

pytestmark = pytest.mark.slow

NASTY = [
    "<!channel>",
    "<@U123456>",
    "<https://evil.example|Acme>",
    "&lt;!here&gt;",
    ":fire:",
    "*_~`",
    "```",
    "[bold red]x[/]",
    "\x1b]8;;http://evil.example\x07",
    "\u202egnp.exe",
    "\u2028\u2029\x85",
    "👩‍👩‍👧‍👦",
    "🏴" * 90,
    "é" * 200,
    "Z̸̢̛͍̟͉͚a̴l̶g̵o̷",
    "&" * 700,
    "https://x.example/" + "<" * 50,
    "https://" * 40,
    " ",
    "\u00a0\u3000",
]
anything = st.text(max_size=60) | st.text(max_size=5_000) | st.text("&<>*_`~|:@!#\n\x00 a", max_size=900)
hostile = anything | st.sampled_from(NASTY) | st.lists(st.sampled_from(NASTY), max_size=30).map("".join)
moments = st.integers(EARLIEST, LATEST)
numbers = (
    st.integers(-(10**30), 10**30)
    | st.sampled_from([10**400, -(10**400), 5e-324])
    | st.floats(allow_nan=False, allow_infinity=False)
    | moments
)
EVIDENCE = [
    *("observed", "expected", "window_days", "score", "false_alarms_per_account_year", "attempt", "amount_minor"),
    *("invoices", "next_attempt_at", "card_end", "next_charge_at", "cancel_at", "days_left", "mrr_minor", "daily"),
]
daily_counts = st.lists(st.integers(0, 10**15), max_size=60).map(tuple)
account_ids = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=256)
reasons = st.builds(
    AlertReason,
    code=st.just("x"),
    text=hostile,
    values=st.dictionaries(
        st.sampled_from(["comment", "currency", "amount_minor", "x"]), hostile | numbers | st.booleans(), max_size=4
    ),
)


@st.composite
def notifications(draw: st.DrawFn) -> Notification:
    change = draw(st.sampled_from(Change))
    fields: dict[str, Any] = {
        "change": change,
        "state": STATES[change],
        "kind": draw(st.sampled_from(Kind)),
        "severity": draw(st.sampled_from(Severity)),
        "revision": draw(st.integers(1, 10**12)),
        "account_id": draw(account_ids),
        "headline": draw(hostile),
        "reasons": tuple(draw(st.lists(reasons, max_size=8))),
        "evidence": draw(st.dictionaries(st.sampled_from(EVIDENCE), numbers | daily_counts)),
        "health": draw(st.integers(0, 100)),
        "mrr_minor": draw(st.none() | st.integers(0, 10**15)),
        "currency": draw(st.none() | st.sampled_from(["EUR", "JPY", "KWD", "XXX"])),
        "resolution": draw(st.none() | st.sampled_from(Resolution)) if change is Change.RESOLVED else None,
    }
    fields |= {name: draw(st.none() | hostile) for name in ("account_name", "owner", "team", "playbook", "by")}
    fields |= {name: draw(moments) for name in ("at", "opened_at", "since")}
    other = st.builds(OpenAlert, kind=st.sampled_from(Kind), severity=st.sampled_from(Severity))
    fields |= {"also_open": tuple(draw(st.lists(other, max_size=20))), "renewal_at": draw(st.none() | moments)}
    return Notification(
        route="default",
        transition=transition(**fields),
        owner_slack_id=draw(st.none() | st.from_regex(r"\A[UW][A-Z0-9]{2,30}\Z")),
        team_slack_id=draw(st.none() | st.from_regex(r"\AS[A-Z0-9]{2,30}\Z")),
        timezone=draw(st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "nowhere"]) | hostile),
        rerouted_from=draw(st.none() | st.just("sales")),
    )


@settings(max_examples=examples(150))
@given(notifications())
def test_slack_accepts_the_message_of_any_notification(made: Notification) -> None:
    message = render(made)
    assert_slack_accepts(message)
    assert render(made) == message
    as_slack_shows_it(message)


@settings(max_examples=examples(100))
@given(st.lists(notifications(), min_size=1, max_size=16), account_ids, st.booleans(), st.none() | st.just("sales"))
def test_slack_accepts_the_message_of_any_group_and_any_reminder(
    alerts: list[Notification], account: str, new: bool, rerouted: str | None
) -> None:
    ids = tuple(each.transition.alert_id for each in alerts) if new else ()
    went = tuple(Went(kind=kind, severity=Severity.WARNING) for kind in Kind) if new else ()
    made = group(*alerts, account_id=account, new=ids, went=went, rerouted_from=rerouted)
    for each in (made, reminder(*alerts, account_id=account, rerouted_from=rerouted)):
        message = render(each)
        assert_slack_accepts(letter_to(each).first)
        assert render(decode_note(each.encode())) == message
        as_slack_shows_it(message)


@settings(max_examples=examples(100))
@given(hostile, account_ids, st.integers(0, 20), st.sampled_from(["digest", "limit", "over"]))
def test_slack_accepts_any_digest_and_any_summary(name: str, account: str, named: int, why: str) -> None:
    worst = {"account_id": account, "account_name": name, "owner": name, "mrr_minor": 10**15, "currency": "XXX"}
    risk = summary(1).accounts[0].model_copy(update=worst | {"kinds": tuple((kind, Severity.WATCH) for kind in Kind)})
    over = (Over(account_id=account, account_name=name, kind=Kind.PAUSED, lost=True),) * (named // 2)
    money = {f"A{chr(65 + number)}X": 10**15 for number in range(26)}
    kinds = dict.fromkeys(Kind, 10**6)
    made = summary(named, over=over, why=why, at_risk_minor=money, kinds=kinds)
    made = made.model_copy(update={"accounts": (risk,) * named})
    message = render(made)
    assert_slack_accepts(message)
    assert decode_note(made.encode()) == made
    as_slack_shows_it(message)


@settings(max_examples=examples(40))
@given(notifications())
def test_slack_accepts_the_message_that_an_alert_has_of_its_own(made: Notification) -> None:
    assert_slack_accepts(letter_to(made).first)


@given(notifications())
def test_a_notification_comes_back_from_its_bytes_and_says_the_same(made: Notification) -> None:
    back = Notification.decode(made.encode())
    assert back == made
    assert render(back) == render(made)


@given(hostile, st.integers(20, 400))
def test_a_cut_text_fits_keeps_its_beginning_and_counts_what_is_missing(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert units(short) <= limit
    if short != text:
        kept, _, missing = short.rpartition("… (+")
        assert text.startswith(kept)
        left_out = int(missing.removesuffix(")").replace(",", ""))
        # White space before the ellipsis is dropped and not counted.
        assert left_out == len(text) - len(kept) - (len(text[: len(text) - left_out]) - len(kept))
        assert text[len(kept) : len(text) - left_out].strip() == ""
        assert units(text) > limit


@given(hostile, st.integers(20, 400))
def test_escaped_text_fits_is_inert_and_no_escape_is_cut_in_two(text: str, limit: int) -> None:
    safe = mrkdwn(text, limit)
    assert units(safe) <= limit
    assert_inert(safe)
    assert units(escape(text)) == escaped_units(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("a\u200bb\ufeff", "ab"),
        ("\u2067a\u2069", "a"),
        ("a\r\n\tb", "a b"),
        ("a\u00adb", "a\u00adb"),
    ],
)
def test_what_cannot_be_seen_or_sent_is_taken_out(text: str, line: str) -> None:
    assert clean(text) == line


@given(hostile)
def test_a_clean_text_is_one_line_and_stays_as_it_is_when_cleaned_again(text: str) -> None:
    line = clean(text)
    assert line == line.strip()
    assert "\n" not in line
    assert "  " not in line
    assert clean(line) == line


@given(st.lists(st.integers(0, 10**20)))
def test_a_sparkline_has_a_level_for_every_day_and_the_lowest_only_for_nothing(counts: list[int]) -> None:
    line = sparkline(counts)
    assert len(line) == len(counts)
    for count, level in zip(counts, line, strict=True):
        assert (level == NOTHING) == (count == 0)
        assert (level == LEVELS[-1]) >= (count == max(counts) > 0)
    ranked = sorted(zip(counts, line, strict=True))
    assert [level for _, level in ranked] == sorted(line)
