"""`slackwater backtest` as a user meets it: four files from a history, and clear words about a history that is none."""

import csv
import json
import os
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streams.cli import app

pytestmark = pytest.mark.slow

ROW = '{{"account_id":"{account}","event":"login","occurred_at":"{at}","user_id":"u"}}\n'


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    for name in [name for name in os.environ if name.startswith("SLACKWATER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "300")
    return CliRunner()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    made = CliRunner().invoke(
        app, ["simulate", "--accounts", "40", "--days", "200", "--rate", "1", "--seed", "5", "--out", str(folder)]
    )
    assert made.exit_code == 0, made.output
    return folder


def backtest(runner: CliRunner, file: Path, out: Path, *options: str) -> tuple[int, str]:
    result = runner.invoke(app, ["backtest", str(file), "--out", str(out), *options])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return 1, str(result.exception)  # what `main` says before it exits with 1
    return result.exit_code, result.stderr


class Outside(HTMLParser):
    """Whatever of a page is not in the page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.tags: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.found += [(tag, str(value)) for name, value in attrs if name in {"src", "href", "data", "srcset"}]
        if tag in {"script", "link", "iframe", "object"}:
            self.found.append((tag, ""))


def test_a_fleet_gives_four_files_whose_figures_agree(runner: CliRunner, fleet: Path, tmp_path: Path) -> None:
    options = ("--billing", str(fleet / "billing.jsonl"), "--accounts", str(fleet / "accounts.jsonl"), "--team", "2")
    out = tmp_path / "made" / "out"
    assert backtest(runner, fleet / "product-usage.jsonl", out, *options)[0] == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "accounts.csv",
        "alerts.jsonl",
        "report.html",
        "summary.json",
    ]
    alerts = [json.loads(line) for line in (out / "alerts.jsonl").read_text().splitlines()]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["transitions"] == len(alerts) > 50
    since = summary["messages"]["since"]
    messages = {
        (each["account_id"], each["at"])
        for each in alerts
        if each["at"] >= since
        and each["severity"] != "watch"
        and each["change"] in {"opened", "escalated", "woken", "resolved"}
    }
    assert summary["messages"]["count"] == len(messages)
    assert summary["messages"]["per_person_and_week"] == pytest.approx(
        len(messages) / summary["messages"]["weeks"] / 2, rel=0.01
    )
    assert summary["outcomes"]["basis"] == "billing"
    ended = [json.loads(line) for line in (fleet / "billing.jsonl").read_text().splitlines()]
    lost = {each["account_id"] for each in ended if each["type"] == "subscription.ended"}
    assert summary["outcomes"]["losses"] == len(lost) == len(summary["losses"])
    ids = {each["alert_id"] for each in alerts}
    for loss in summary["losses"]:
        assert set(loss["alert_ids"]) <= ids
        assert bool(loss["alert_ids"]) == (loss["flagged_at"] is not None)
        assert loss["told"]
    with (out / "accounts.csv").open() as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == 40
    assert {row["account_id"] for row in rows if row["phase"] == "lost"} == lost
    assert sum(int(row["events_total"]) for row in rows) == summary["rows"]["usage"]


def test_the_report_is_one_page_without_anything_from_elsewhere(runner: CliRunner, fleet: Path, tmp_path: Path) -> None:
    assert backtest(runner, fleet / "product-usage.jsonl", tmp_path, "--silence-days", "21")[0] == 0
    text = (tmp_path / "report.html").read_text()
    page = Outside()
    page.feed(text)
    assert page.found == []
    assert page.tags["svg"] >= 4
    assert page.tags["table"] >= 5
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"url\(|@import|https?://", text)
    assert "21 days of data after its last event" in text


def test_the_curve_has_every_setting_and_says_what_a_run_at_it_says(
    runner: CliRunner, fleet: Path, tmp_path: Path
) -> None:
    file = fleet / "product-usage.jsonl"
    options = ("--false-alarms-per-account-year", "0.4", "--silence-days", "21")
    assert backtest(runner, file, tmp_path, *options)[0] == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    asked = [point["false_alarms_per_account_year_asked"] for point in summary["curve"]]
    assert asked == [0.05, 0.1, 0.2, 0.35, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0]
    assert [point["present"] for point in summary["curve"]].count(True) == 1
    assert summary["curve"][4]["present"]
    assert summary["curve"][4]["alarms"] == summary["outcomes"]["alarms"]
    assert summary["curve"][4]["messages"] == summary["messages"]["count"]
    alarms = [point["alarms"] for point in summary["curve"]]
    assert alarms[0] < alarms[-1]
    other = tmp_path / "other"
    assert backtest(runner, file, other, "--false-alarms-per-account-year", "1", "--silence-days", "21")[0] == 0
    alone = json.loads((other / "summary.json").read_text())
    assert {**summary["curve"][7], "present": True} == next(point for point in alone["curve"] if point["present"])
    missed = [loss for loss in summary["losses"] if loss["another_setting"] is not None]
    for loss in missed:
        assert loss["flagged_at"] is None
        assert loss["another_setting"]["false_alarms_per_account_year_asked"] > 0.4
        assert "it would have been flagged on" in loss["told"]


def test_the_headline_is_in_messages_per_person_and_week(runner: CliRunner, fleet: Path, tmp_path: Path) -> None:
    code, said = backtest(runner, fleet / "product-usage.jsonl", tmp_path, "--team-size", "3", "--silence-days", "21")
    assert code == 0
    summary = json.loads((tmp_path / "summary.json").read_text())["messages"]
    assert summary["team"] == 3
    assert summary["per_person_and_week"] == pytest.approx(summary["per_week"] / 3, abs=0.001)
    assert f"About {summary['per_person_and_week']:.2g} messages per person and week, for a team of 3" in said
    assert said.splitlines()[0].startswith("About ") or "rough" in said.splitlines()[0]
    code, said = backtest(runner, fleet / "product-usage.jsonl", tmp_path)
    assert "for a team of 8 (--team-size)" in said


def test_accounts_say_from_when_they_were_judged_how_near_an_alert_they_are_and_what_became_of_them(
    runner: CliRunner, fleet: Path, tmp_path: Path
) -> None:
    assert backtest(runner, fleet / "product-usage.jsonl", tmp_path, "--silence-days", "21")[0] == 0
    losses = {loss["account_id"]: loss for loss in json.loads((tmp_path / "summary.json").read_text())["losses"]}
    with (tmp_path / "accounts.csv").open() as text:
        rows = {row["account_id"]: row for row in csv.DictReader(text)}
    assert {name for name, row in rows.items() if row["lost_at"]} == set(losses)
    for name, loss in losses.items():
        assert (rows[name]["flagged_at"] or None) == loss["flagged_at"]
    alarming = [row for row in rows.values() if row["phase"] == "alerting"]
    assert alarming
    assert all(float(row["score"]) > 0 and float(row["alert_takes"]) > 0 for row in alarming)
    assert any(float(row["score"]) >= float(row["alert_takes"]) for row in alarming)
    assert all(row["judged_from"] for row in alarming)


@pytest.mark.parametrize("jobs", [2, pytest.param(3, marks=pytest.mark.thorough)])
def test_several_processes_write_the_same_files(runner: CliRunner, fleet: Path, tmp_path: Path, jobs: int) -> None:
    options = (fleet / "product-usage.jsonl", "--billing", str(fleet / "billing.jsonl"))
    for number in (1, jobs):
        code, said = backtest(runner, options[0], tmp_path / str(number), *options[1:], "--jobs", str(number))
        assert code == 0, said
    for name in ("alerts.jsonl", "accounts.csv", "summary.json", "report.html"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / str(jobs) / name).read_bytes()


def test_a_fault_in_a_process_is_told_as_one(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("who,occurred_at\na,2025-03-01\n")
    code, error = backtest(runner, tmp_path / "f.csv", tmp_path / "out", "--jobs", "2")
    assert (code, error) == (
        1,
        f"{tmp_path / 'f.csv'}: there is no column 'account_id' (--account); the file has 'who', 'occurred_at'",
    )


def test_outcomes_of_a_file_go_before_what_billing_says(runner: CliRunner, fleet: Path, tmp_path: Path) -> None:
    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text(
        "account_id,at,outcome\nacct-00001,2025-06-01,churned\nacct-00002,2025-06-01,renewed\nstranger,2025-06-01,Lost\n"
    )
    code, said = backtest(
        runner, fleet / "product-usage.jsonl", tmp_path, "--outcomes", str(outcomes), "--billing",
        str(fleet / "billing.jsonl"),
    )  # fmt: skip
    assert code == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["outcomes"]["basis"], summary["outcomes"]["losses"]) == ("file", 1)
    assert "1 of the accounts that were lost have no events" in said
    outcomes.write_text("account_id,at,outcome\n1,2025-06-01,churned\n2,2025-06-01,churned\n")
    code, said = backtest(runner, fleet / "product-usage.jsonl", tmp_path, "--outcomes", str(outcomes))
    assert code == 0
    assert "None of the 2 accounts that were lost has events in the data. Are ids written alike?" in said
    assert "There it is '1', here 'acct-0000" in said


def test_outcomes_that_do_not_go_with_the_events_are_told(runner: CliRunner, fleet: Path, tmp_path: Path) -> None:
    outcomes, accounts = tmp_path / "outcomes.csv", [f"acct-0000{number}" for number in range(1, 5)]

    def told(day: str) -> tuple[str, dict[str, Any]]:
        rows = [f"{account},{day},churned" for account in accounts]
        outcomes.write_text("\n".join(["account_id,at,outcome", *rows]))
        code, said = backtest(runner, fleet / "product-usage.jsonl", tmp_path, "--outcomes", str(outcomes))
        assert code == 0
        return said, json.loads((tmp_path / "summary.json").read_text())

    said, summary = told("2031-01-01")
    assert "Of the losses 4 lie after the end of the data, " in said
    assert "No loss could be judged" not in said
    assert (summary["outcomes"]["losses_judged"], summary["losses"]) == (0, [])
    said, _ = told("2020-01-01")
    assert "4 of 4 lost accounts have events more than four weeks after the outcome's time" in said
    assert "No loss could be judged: the accounts left before they were known well enough." in said


def test_ids_that_say_that_there_is_none_are_told(runner: CliRunner, tmp_path: Path) -> None:
    days = [f"2025-{month:02}-{day:02}" for month in range(1, 4) for day in range(1, 29)]
    (tmp_path / "f.csv").write_text("\n".join(["account_id,occurred_at", *(f"a,{day}\nNULL,{day}" for day in days)]))
    code, said = backtest(runner, tmp_path / "f.csv", tmp_path / "out")
    assert code == 0
    assert "'NULL', with 84 events, is counted as an account: are these rows of none?" in said
    assert "'a'" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("account_id,when,outcome\n", "there is no column 'at'; the file has 'account_id', 'when', 'outcome'"),
        ("account_id,at,outcome\na,2025-06-01,gone\n", "line 2, column 'outcome': must be one of churned, lost"),
        ("account_id, at ,outcome \na,soon,lost\n", "line 2, column 'at': a time is written like"),
        ("account_id,at,outcome\n,2025-06-01,lost\n", "line 2, column 'account_id': is missing"),
    ],
)
def test_outcomes_that_cannot_be_read_are_told(
    runner: CliRunner, fleet: Path, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "o.csv").write_text(text)
    code, error = backtest(
        runner, fleet / "product-usage.jsonl", tmp_path / "out", "--outcomes", str(tmp_path / "o.csv")
    )
    assert code == 1
    assert said in error


def test_rows_that_are_not_usable_are_told_counted_and_left_out(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "usage.jsonl"
    good = [ROW.format(account="a", at=f"2025-03-{day:02d}T12:00:00Z") for day in range(1, 29)]
    bad = ["{oops\n", ROW.format(account="", at="2025-03-01T12:00:00Z"), ROW.format(account="a", at="2025-03-01")]
    file.write_text("".join([*good[:5], *bad, *good[5:], ROW.format(account="a", at="2025-03-01T12:00:00"), "[]\n"]))
    code, said = backtest(runner, file, tmp_path / "out")
    assert code == 0
    assert "usage.jsonl, line 6: no JSON" in said
    assert "usage.jsonl, line 7, column 'account_id'" in said
    assert "line 8, column 'occurred_at': must be a time in RFC 3339 with an offset" in said
    assert "2 more rows; 15.2% of all rows are left out" in said
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["bad_rows"], summary["rows"]) == (5, {"usage": 28})
    assert "5 rows were not usable" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("f.csv", b"", "there is no column 'account_id' (--account), 'occurred_at' (--time); the"),
        ("f.csv", b"account_id,occurred_at\n", "f.csv: there are no rows"),
        (
            "f.csv",
            b"who,occurred_at\na,2025-03-01\n",
            "there is no column 'account_id' (--account); the file has 'who', 'occurred_at'",
        ),
        ("f.csv", b"account_id,occurred_at\na,yesterday\n", "f.csv: no row is usable"),
        ("f.csv", b"account_id,occurred_at\na,2025-03-01\nb,x\nc,y\n", "2 of 3 rows are not usable"),
        ("f.csv", b"\x89PNG\r\n\x1a\n\x00\x00" * 50, "there is no column"),
        ("f.jsonl", b"", "f.jsonl: there are no rows"),
        ("f.jsonl", b"\x00\xff\xfe" * 50, "no row is usable"),
        (
            "f.jsonl",
            b'oops\n{"org":1,"o":{"at":2}}',
            "a line has 'org', 'o.at': --account, --time and --event say what",
        ),
        ("f.parquet", b"PAR1 not really", "is not a readable Parquet file"),
        ("f.csv.gz", b"not gzip", "cannot be read"),
        ("f.txt", b"a", "say --format, one of native, csv, parquet, jsonl, segment"),
    ],
)
def test_a_file_that_is_none_ends_with_1_and_says_why(
    runner: CliRunner, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    code, error = backtest(runner, tmp_path / name, tmp_path / "out")
    assert code == 1
    assert said in error
    assert not (tmp_path / "out" / "report.html").exists()


def test_until_leaves_out_what_is_later_and_lets_the_time_go_on(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "usage.jsonl"
    days = [f"2025-{month:02d}-{day:02d}" for month in range(1, 7) for day in range(1, 29)]
    file.write_text("".join(ROW.format(account="a", at=f"{day}T{hour}:00:00Z") for day in days for hour in (10, 14)))
    assert backtest(runner, file, tmp_path / "short", "--until", "2025-04-01")[0] == 0
    short = json.loads((tmp_path / "short" / "summary.json").read_text())
    assert (short["rows"]["usage"], short["rows_after_until"], short["end"]) == (168, 168, "2025-04-01T00:00:00Z")
    assert short["transitions"] == 0
    assert backtest(runner, file, tmp_path / "long", "--until", "2025-09-01T00:00:00Z")[0] == 0
    kinds = {json.loads(line)["kind"] for line in (tmp_path / "long" / "alerts.jsonl").read_text().splitlines()}
    assert kinds == {"usage_silence"}
    assert backtest(runner, file, tmp_path / "none", "--until", "2024-01-01")[1].endswith(
        "all rows are later than --until"
    )
    assert backtest(runner, file, tmp_path / "none", "--until", "tomorrow")[0] == 2


def test_a_file_may_have_any_name_and_rows_that_are_yet_to_come_are_told(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode("us\xe4ge.csv".encode("latin-1"))
    newest = datetime.now(UTC) + timedelta(days=20)
    days = [(newest - timedelta(days=number)).date().isoformat() for number in range(60)]
    file.write_text("\n".join(["account_id;occurred_at", *(f"a;{day}" for day in days), "b;soon"]))
    code, said = backtest(runner, file, tmp_path / "out")
    assert code == 0
    assert f"The newest row is of {days[0]}, which is yet to come" in said
    assert f"--until {datetime.now(UTC):%Y-%m-%d}" in said
    assert "which is yet to come" in (tmp_path / "out" / "report.html").read_text()
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["files"] == [str(tmp_path / "us\N{REPLACEMENT CHARACTER}ge.csv")]
    assert summary["rows"] == {"usage": 60}


def test_rows_that_stand_twice_in_a_file_are_counted_and_told(runner: CliRunner, tmp_path: Path) -> None:
    rows = [f"a{day % 3},2025-{month:02}-{day:02} 09:10:00,{day}" for month in range(1, 4) for day in range(1, 29)]
    file = tmp_path / "usage.csv"
    file.write_text("\n".join(["account_id,occurred_at,basket", *rows, *rows[40:]]))
    code, said = backtest(runner, file, tmp_path / "out")
    assert code == 0
    assert "44 of 128 usage events (34%) are, in account, event, user, quantity and time, like another" in said
    assert "--id COLUMN (in records: event_id) lets it count once" in said
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["repeated_events"], summary["rows"]) == (44, {"usage": 128})
    assert "44 of 128 usage events" in (tmp_path / "out" / "report.html").read_text()
    assert "like another" not in backtest(runner, file, tmp_path / "ids", "--id", "basket")[1]


def test_names_from_the_data_are_text_in_the_report(runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "usage.csv"
    name = "<script>alert('x')</script>&amp;"
    lines = [f"{name},2025-{month:02d}-{day:02d}" for month in range(1, 4) for day in range(1, 29)]
    file.write_text("\n".join(["account_id,occurred_at", *lines]))
    assert backtest(runner, file, tmp_path / "out", "--until", "2025-08-01")[0] == 0
    text = (tmp_path / "out" / "report.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_what_does_not_count_as_usage_is_left_out_and_shown(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = [
        f"2025-{month:02}-{day:02}T{hour:02}:00:00Z" for month in (3, 4) for day in range(1, 31) for hour in range(24)
    ]
    beat = ROW.replace("login", "beat").replace(',"user_id":"u"', "")
    file = tmp_path / "usage.jsonl"
    file.write_text("".join(beat.format(account="a", at=at) for at in hours) + "".join(
        ROW.format(account="a", at=at) for at in hours if at[11:13] in {"09", "15"}
    ))  # fmt: skip
    code, told = backtest(runner, file, tmp_path / "all")
    assert code == 0
    assert "perhaps no usage: 'beat' comes at regular times" in told
    assert "exclude_events" in told
    monkeypatch.setenv("SLACKWATER_EXCLUDE_EVENTS", "b*t")
    code, told = backtest(runner, file, tmp_path / "some")
    assert code == 0
    assert "1,440 events do not count as usage and are left out, by setting: exclude_events 1,440" in told
    assert "perhaps no usage" not in told
    rows = [list(csv.DictReader((tmp_path / out / "accounts.csv").open())) for out in ("all", "some")]
    assert [row["events_total"] for (row,) in rows] == ["1560", "120"]
    summary = json.loads((tmp_path / "some" / "summary.json").read_text())
    assert summary["excluded_events"] == {"exclude_events": 1_440}
    assert [(each["event"], each["excluded_by"]) for each in summary["events"]] == [
        ("beat", "exclude_events"),
        ("login", None),
    ]
    assert "Left out by exclude_events." in (tmp_path / "some" / "report.html").read_text()
    monkeypatch.setenv("SLACKWATER_EXCLUDE_USERS", "u")
    code, told = backtest(runner, file, tmp_path / "none")
    assert code == 1
    assert "no event counts as usage" in told
