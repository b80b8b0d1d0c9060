"""`slackwater accounts`."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import complain, emit_json, progress_on_stderr, run, settings_of, tell
from streams.cli.files import ZoneOption, instant_of, zone_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from streams.produce.account_tables import AccountRow
    from streams.produce.errors import BadRow
    from streams.runtime.settings import Settings

_SHOWN = 20
group = typer.Typer(help="What your own systems know of accounts: names, owners, other ids.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.add_typer(group, name="accounts")


@group.command("import", epilog="Example: slackwater accounts import accounts.csv --dry-run")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header line; .gz is unpacked.")],
    clear_empty: Annotated[
        bool, typer.Option("--clear-empty", help="An empty cell clears its field. Without it, it changes nothing.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="From when on it holds, where no column updated_at says so. Default: now."),
    ] = None,
    timezone: ZoneOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, send nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write a summary as JSON.")] = False,
) -> None:
    """Send the accounts of a CSV file to the accounts topic, each as an account update.

    A column is called like a field of an account update, as `slackwater schema json accounts` has them: account_id, and
    any of name, owner, team, tier, mrr_minor, currency, renewal_at, aliases, ... Lists are separated by |, links are
    label=address. Without a column updated_at it holds from --since on, or from now: before the first worker starts,
    give a time before the history that it will read, so that its alerts have names and owners.

    Everything is read and checked before anything is sent. A row that is not usable ends it with exit status 1 and is
    told by line and column.
    """
    settings = settings_of(context)
    zone = zone_of(timezone or settings.timezone)
    at = int(time.time() * 1000) if since is None else instant_of(since, zone, "--since")
    rows, bad = _checked(file, at, zone, clear=clear_empty)
    if bad:
        for each in bad[:_SHOWN]:
            complain(str(each))
        if len(bad) > _SHOWN:
            complain(f"... and {len(bad) - _SHOWN:,} more")
        complain(f"{len(bad):,} rows are not usable: nothing was sent")
        raise typer.Exit(1)
    if not dry_run:
        run(_send(settings, rows))
    aliases = sum(len(each.update.aliases or ()) for each in rows)
    if as_json:
        emit_json({"accounts": len(rows), "aliases": aliases, "sent": not dry_run})
    else:
        tell(f"{'would send' if dry_run else 'sent'} {len(rows):,} accounts with {aliases:,} aliases")


def _checked(file: Path, at: int, zone: "ZoneInfo", *, clear: bool) -> "tuple[list[AccountRow], list[BadRow]]":
    """The rows of the file, of the time `at` (ms) where it has none, and those that are not usable."""
    from streams.produce.account_tables import AccountRow, read_accounts
    from streams.produce.errors import BadRow
    from streams.produce.identities import contradictions

    found = list(read_accounts(file, at, zone, clear=clear))
    rows = [each for each in found if isinstance(each, AccountRow)]
    bad = [each for each in found if isinstance(each, BadRow)]
    return rows, bad or list(contradictions(file, rows))


async def _send(settings: "Settings", rows: "list[AccountRow]") -> None:
    from schemas.codec import encode
    from schemas.events import InputTopic
    from streams.produce import InputRecord, Sent, send

    updates = sorted((row.update for row in rows), key=lambda update: update.updated_at)
    records = [InputRecord(each.updated_at, InputTopic.ACCOUNTS, each.account_id, encode(each)) for each in updates]
    with progress_on_stderr() as progress:
        task = progress.add_task("sending", total=len(records), status="")

        def show(sent: Sent) -> None:
            progress.update(task, completed=sent.total, status=f"{sent.total:,} accounts")

        await send(records, settings, topics=(InputTopic.ACCOUNTS,), markers=False, progress=show)
