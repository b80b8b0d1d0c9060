"""`slackwater score`: what alerts and actions were worth, and what was lost, read from the accounts' pictures."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import emit_json, run, settings_of, tell

if TYPE_CHECKING:
    from streams.board.score import Score
    from streams.runtime.settings import Settings


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: slackwater score --json")(score)


def score(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Write it as JSON.")] = False,
) -> None:
    """What alerts were worth, by kind; what was done about them, what it cost and saved; what was lost, by month and
    reason; and who left without saying why."""
    found = run(read_score(settings_of(context)))
    if as_json:
        emit_json(found.as_dict())
    else:
        from streams.cli.score.show import show

        show(found)


async def read_score(settings: "Settings") -> "Score":
    """The score of all accounts on the health topic. Raises BrokerError."""
    from pydantic import ValidationError

    from schemas.picture import AccountPicture
    from streams.board.score import Score
    from streams.cli.reading import read_all

    last: dict[bytes, bytes | None] = {}
    topic = settings.topic("health")
    async for record in read_all(settings, topic):
        last[record.key or b""] = record.value
    found = Score()
    unreadable = 0
    for value in last.values():
        if value is None:  # the account is taken away
            continue
        try:
            found.add(AccountPicture.model_validate_json(value))
        except ValidationError:
            unreadable += 1
    if unreadable:
        tell(f"{topic}: {unreadable} records are no picture of an account, and are left out")
    return found
