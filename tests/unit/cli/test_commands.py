"""What every command promises: help with an example, quick, and an exit status that programs can go by."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from streams.cli import app

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
COMMANDS = [
    ("demo",),
    ("worker",),
    ("check",),
    ("board",),
    ("bootstrap",),
    ("topics", "create"),
    ("topics", "acls"),
    ("produce",),
    ("accounts", "import"),
    ("backtest",),
    ("simulate",),
    ("alerts", "list"),
    ("alerts", "show"),
    ("alerts", "ack"),
    ("alerts", "snooze"),
    ("alerts", "unsnooze"),
    ("alerts", "action"),
    ("alerts", "outcome"),
    ("score",),
    ("signals",),
    ("reset",),
    ("dead-letters", "list"),
    ("dead-letters", "explain"),
    ("dead-letters", "replay"),
    ("formats",),
    ("schema", "json"),
    ("schema", "asyncapi"),
]
NOWHERE = {"SLACKWATER_BROKERS": "127.0.0.1:1"}


def slackwater(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the real thing, away from the user's own settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SLACKWATER_")}
    return subprocess.run(
        [sys.executable, "-m", "streams", *arguments],
        cwd=ROOT,
        env={**inherited, "NO_COLOR": "1", "COLUMNS": "300", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    for name in [name for name in os.environ if name.startswith("SLACKWATER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "300")
    return CliRunner()


def every_command(group: typer.Typer, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for info in group.registered_commands:
        assert info.callback is not None
        yield (*path, info.name or info.callback.__name__)
    for sub in group.registered_groups:
        assert sub.typer_instance is not None
        yield from every_command(sub.typer_instance, (*path, str(sub.name)))


def test_the_list_of_commands_here_is_complete() -> None:
    assert sorted(every_command(app)) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(runner: CliRunner, command: tuple[str, ...]) -> None:
    result = runner.invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "Example:" in result.output
    assert f"slackwater {' '.join(command)}" in " ".join(result.output.split())


def test_help_loads_nothing_that_is_slow() -> None:
    program = "import sys, streams.cli; print(*sorted(name for name in sys.modules if '.' not in name))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    slow = {"aiokafka", "aiohttp", "faust", "mode", "numpy", "orjson", "pyarrow", "pydantic", "slack_sdk", "asyncpg"}
    assert slow.isdisjoint(loaded)


def test_wrong_use_ends_with_2() -> None:
    assert slackwater("no-such-command").returncode == 2
    assert slackwater("produce").returncode == 2
    assert slackwater("produce", "a.csv", "--speed", "fast").returncode == 2
    assert slackwater("simulate").returncode == 2


def test_wrong_settings_end_with_2_and_name_the_setting() -> None:
    result = slackwater("check", environment={"SLACKWATER_PARTITIONS": "many"})
    assert result.returncode == 2
    assert "SLACKWATER_PARTITIONS" in result.stderr
    assert "Traceback" not in result.stderr


def test_settings_come_from_the_file_that_is_named_before_the_command(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('clock = "sundial"\n')
    result = slackwater("--config", str(tmp_path / "own.toml"), "check")
    assert result.returncode == 2
    assert "own.toml:clock" in result.stderr


ROUTES = """
[[routes]]
name = "enterprise"
channel = "console"
tiers = ["gold"]
currency = "EUR"
mrr_minor_from = 100_000
[[routes]]
name = "leaving"
channel = "console"
kinds = ["cancel_scheduled", "paused"]
influenceable = true
"""


def test_check_shows_which_route_takes_an_example_and_what_the_others_have_against_it(
    runner: CliRunner, tmp_path: Path
) -> None:
    (tmp_path / "own.toml").write_text(ROUTES)
    asked = ["--config", str(tmp_path / "own.toml"), "check", "--routes"]

    shown = runner.invoke(app, [*asked, "--kind", "cancel_scheduled", "--reason", "price", "--tier", "gold"])
    assert shown.exit_code == 0, shown.output
    assert [line.strip() for line in shown.output.splitlines()[:4]] == [
        "An alert cancel_scheduled, warning, is told by: leaving",
        "enterprise (to console): no",
        "MRR is not known, asked for is EUR",
        "leaving (to console): takes it",
    ]
    assert "note: there is no route named default" in shown.output

    owned = ["--tier", "gold", "--mrr-minor", "100000", "--currency", "eur", "--severity", "critical", "--json"]
    found = json.loads(runner.invoke(app, [*asked, *owned]).stdout)
    assert found["told_by"] == ["enterprise"]
    assert found["routes"][1] == {
        "name": "leaving",
        "channel": "console",
        "continue": False,
        "takes": False,
        "why_not": [
            "kind is usage_drop, asked for is cancel_scheduled or paused",
            "influenceable is not known, asked for is true",
            "route enterprise takes it, and does not continue",
        ],
    }
    nobody = runner.invoke(app, [*asked, "--kind", "paused"])
    assert nobody.exit_code == 1
    assert "told by: nobody" in nobody.output


@pytest.mark.parametrize("option", ["--kind", "--severity", "--reason"])
def test_an_example_that_there_cannot_be_ends_with_2(runner: CliRunner, option: str) -> None:
    wrong = runner.invoke(app, ["check", "--routes", option, "leopard"])
    assert wrong.exit_code == 2
    assert "'leopard' is none of " in wrong.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--mrr-minor", "250000"], ["--mrr-minor", "needs --currency"]),
        (["--currency", "EUR"], ["--currency", "needs --mrr-minor"]),
        (["--mrr-minor", "1", "--currency", "euro"], ["--currency", "'euro'"]),
        (["--mrr-minor", "9" * 30, "--currency", "EUR"], ["--mrr-minor", "less than"]),
    ],
)
def test_an_example_that_no_route_could_be_shown_for_says_which_option_is_wrong(
    runner: CliRunner, options: list[str], said: list[str]
) -> None:
    wrong = runner.invoke(app, ["check", "--routes", *options])
    assert wrong.exit_code == 2
    assert all(each in " ".join(wrong.output.split()) for each in said), wrong.output


def test_unusable_input_ends_with_1_and_names_the_place(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("account_id,occurred_at\na,2025-03-01\nb,soon\n")
    result = slackwater("produce", str(tmp_path / "history.csv"), "--dry-run")
    assert result.returncode == 1
    assert "history.csv, line 3, column 'occurred_at'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["topics", "create"],
        ["check"],
        *(pytest.param(each, marks=pytest.mark.thorough) for each in (["alerts", "list"], ["reset"])),
    ],
    ids=" ".join,
)
def test_a_missing_broker_ends_with_1_and_its_address(command: list[str]) -> None:
    result = slackwater(*command, environment=NOWHERE)
    assert result.returncode == 1
    assert "127.0.0.1:1" in result.stderr + result.stdout
    assert "is the broker up?" in result.stderr + result.stdout
    assert "Traceback" not in result.stderr


def test_schemas_are_written_one_or_all(runner: CliRunner, tmp_path: Path) -> None:
    one = json.loads(runner.invoke(app, ["schema", "json", "billing"]).stdout)
    every = json.loads(runner.invoke(app, ["schema", "json"]).stdout)
    assert every["billing"] == one
    assert set(every) >= {"product-usage", "billing", "accounts", "alert-commands", "churn-alerts", "account-health"}
    assert runner.invoke(app, ["schema", "json", "--out", str(tmp_path / "schemas")]).exit_code == 0
    assert json.loads((tmp_path / "schemas" / "billing.schema.json").read_text()) == one
    wrong = runner.invoke(app, ["schema", "json", "nothing"])
    assert wrong.exit_code == 2
    assert "product-usage" in wrong.output


def test_what_simulate_writes_produce_can_read(runner: CliRunner, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet"
    made = runner.invoke(app, ["simulate", "--accounts", "20", "--days", "30", "--seed", "3", "--out", str(fleet)])
    assert made.exit_code == 0, made.output
    lines = {file.stem: len(file.read_text().splitlines()) for file in fleet.iterdir()}
    assert lines["truth"] == 20
    arguments = ["produce", str(fleet / "product-usage.jsonl"), "--billing", str(fleet / "billing.jsonl")]
    arguments += ["--accounts", str(fleet / "accounts.jsonl"), "--dry-run", "--json"]
    read = json.loads(runner.invoke(app, arguments).stdout)
    assert read["records"] == {
        "usage": lines["product-usage"],
        "billing": lines["billing"],
        "accounts": lines["accounts"],
    }
    assert read["sent"] is False
    assert read["first"] >= "2025-01-06"
    assert read["last"] < "2025-02-05"


def test_columns_zone_and_ids_are_taken_from_the_options(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "visits.txt").write_text("who,when,visit\n7,2025-07-01 12:00:00,a\n7,2025-07-01 12:05:00,a\n")
    arguments = ["produce", str(tmp_path / "visits.txt"), "--format", "csv", "--account", "who", "--time", "when"]
    arguments += ["--id", "visit", "--timezone", "Europe/Berlin", "--dry-run", "--json"]
    read = json.loads(runner.invoke(app, arguments).stdout)
    assert read["records"] == {"usage": 1}
    assert read["first"] == "2025-07-01T10:00:00Z"
    assert runner.invoke(app, [*arguments, "--timezone", "Atlantis"]).exit_code == 2
    assert runner.invoke(app, [*arguments, "--topic", "nothing"]).exit_code == 2


def test_a_directory_that_cannot_be_made_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = slackwater("simulate", "--accounts", "1", "--days", "1", "--out", str(tmp_path / "file" / "fleet"))
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert str(tmp_path / "file" / "fleet") in result.stderr
    assert "Not a directory" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("backtest", "a.csv", "--out", "o", "--false-alarms-per-account-year", "nan"),
        ("alerts", "snooze", "3fa1", "--days", "nan"),
        ("alerts", "snooze", "3fa1", "--days", "1e12"),
        ("produce", "a.csv", "--settle", "nan"),
        ("produce", "a.csv", "--settle", "inf"),
        ("simulate", "--out", "o", "--rate", "nan"),
        ("simulate", "--out", "o", "--start", "2099-12-01"),
        ("simulate", "--out", "o", "--start", "1960-01-01"),
        ("simulate", "--out", "o", "--days", "99999999"),
        ("demo", "--seconds", "nan"),
        ("demo", "--broker", "host:abc"),
        ("demo", "--broker", "a..b:9"),
    ],
)
def test_a_number_that_nothing_can_be_done_with_is_wrong_use(runner: CliRunner, arguments: tuple[str, ...]) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2
    assert f"Invalid value for '{arguments[-2]}'" in result.output or "--start" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("demo", "--days", "30000"), "--days: 30,000 days from the first one on do not lie from 1990 to 2099"),
        (("alerts", "ack", "3fa1", "--kind", "usage_drop"), "--kind: goes with --account: an alert has its kind"),
    ],
)
def test_what_does_not_go_together_is_wrong_use(runner: CliRunner, arguments: tuple[str, ...], said: str) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2
    assert f"Invalid value for {said}" in result.output


def test_who_has_no_name_is_asked_for_one(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nobody)
    result = runner.invoke(app, ["alerts", "ack", "--account", "acme"])
    assert result.exit_code == 2
    assert "the user of this process has no name; say who it is" in result.output
    assert "--by" in result.output


def test_paragraphs_of_help_break_where_the_terminal_ends(runner: CliRunner) -> None:
    said = runner.invoke(app, ["backtest", "--help"]).output
    assert (
        "and has every loss of the last year with the day on which it was flagged, or why not, and what other" in said
    )
