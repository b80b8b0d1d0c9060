"""The four files of the result."""

from pathlib import Path

import orjson

from streams.backtest.accounts import write_accounts
from streams.backtest.evaluate import Fleet
from streams.backtest.ledger import write_alerts
from streams.backtest.report.page import page_of
from streams.backtest.result import Backtest
from streams.backtest.summary import summary_of


def write_result(out: Path, found: Backtest, fleet: Fleet) -> None:
    """Write alerts.jsonl, accounts.csv, summary.json and report.html into a directory that there is."""
    write_alerts(out / "alerts.jsonl", fleet.told)
    write_accounts(out / "accounts.csv", (each.row for each in fleet.endings.values()), found.judged.losses)
    (out / "summary.json").write_bytes(orjson.dumps(summary_of(found), option=orjson.OPT_INDENT_2) + b"\n")
    (out / "report.html").write_text(page_of(found), encoding="utf-8")
