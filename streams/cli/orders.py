"""`slackwater alerts ack`, `snooze`, `unsnooze`, `action`, `outcome`: what people do about alerts, as commands."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once
# ruff: noqa: PLR0913, PLR0917 - each option is an argument

import time
from typing import Annotated, Any, Literal, NamedTuple
from uuid import uuid4

import typer

from streams.cli.common import emit_json, own_name, run, settings_of, tell

_Alert = Annotated[
    str | None, typer.Argument(metavar="[ALERT]", help="The alert's id, or the beginning of it.", show_default=False)
]
_Account = Annotated[str | None, typer.Option(help="Instead of an alert: this account's alerts.", show_default=False)]
_Kind = Annotated[str | None, typer.Option(help="With --account: only the alert of this kind.", show_default=False)]
_By = Annotated[str | None, typer.Option(help="Who says so; your user name by default.", show_default=False)]
_Note = Annotated[str | None, typer.Option(help="A word about it, for the timeline.", show_default=False)]
_Id = Annotated[
    str | None, typer.Option("--id", help="The command's id: sent again it does nothing more.", show_default=False)
]
_Json = Annotated[bool, typer.Option("--json", help="Write the command that was sent as JSON.")]


def register(group: typer.Typer) -> None:
    """Put the commands into the group `alerts`."""
    for name, command, example in (
        ("ack", ack, "slackwater alerts ack 3fa1b2c4 --note 'called them'"),
        ("snooze", snooze, "slackwater alerts snooze --account acme --kind usage_drop --days 14"),
        ("unsnooze", unsnooze, "slackwater alerts unsnooze 3fa1b2c4"),
        ("action", action, "slackwater alerts action 3fa1b2c4 training --result accepted --cost-minor 20000"),
        ("outcome", outcome, "slackwater alerts outcome 3fa1b2c4 saved"),
    ):
        group.command(name=name, epilog=f"Example: {example}")(command)


def ack(
    context: typer.Context,
    alert: _Alert = None,
    account: _Account = None,
    kind: _Kind = None,
    by: _By = None,
    note: _Note = None,
    command_id: _Id = None,
    as_json: _Json = False,
) -> None:
    """Take an alert on: it is told no more unless it grows."""
    _give(context, {"command": "acknowledge"}, _Order(alert, account, kind, by, note, command_id), as_json=as_json)


def snooze(
    context: typer.Context,
    alert: _Alert = None,
    days: Annotated[float | None, typer.Option(min=0.001, max=3_650, help="For so long.", show_default=False)] = None,
    until: Annotated[str | None, typer.Option(help="Until then: a day or an instant.", show_default=False)] = None,
    account: _Account = None,
    kind: _Kind = None,
    by: _By = None,
    note: _Note = None,
    command_id: _Id = None,
    as_json: _Json = False,
) -> None:
    """Quiet for a time; an alert that turns critical wakes by itself."""
    from schemas.instants import format_instant
    from streams.produce.times import parse_time

    if (days is None) == (until is None):
        raise typer.BadParameter("say either for how many days, or until when", param_hint="--days or --until")
    if until is not None:
        from zoneinfo import ZoneInfo

        try:
            at = parse_time(until, ZoneInfo(settings_of(context).timezone))
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--until") from error
    else:
        at = _now() + round((days or 0) * 86_400_000)
    if at <= _now():
        raise typer.BadParameter(f"{format_instant(at)} is past", param_hint="--until")
    fields = {"command": "snooze", "until": format_instant(at)}
    _give(context, fields, _Order(alert, account, kind, by, note, command_id), as_json=as_json)


def unsnooze(
    context: typer.Context,
    alert: _Alert = None,
    account: _Account = None,
    kind: _Kind = None,
    by: _By = None,
    note: _Note = None,
    command_id: _Id = None,
    as_json: _Json = False,
) -> None:
    """Wake a snoozed alert."""
    _give(context, {"command": "unsnooze"}, _Order(alert, account, kind, by, note, command_id), as_json=as_json)


def action(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id, its beginning, or - with --account.")],
    name: Annotated[str, typer.Argument(metavar="ACTION", help="What was done: call, training, discount ...")],
    result: Annotated[Literal["offered", "accepted", "declined"], typer.Option(help="What came of it.")] = "offered",
    cost_minor: Annotated[int | None, typer.Option(min=0, help="What it cost, in minor units.")] = None,
    account: _Account = None,
    kind: _Kind = None,
    by: _By = None,
    note: _Note = None,
    command_id: _Id = None,
    as_json: _Json = False,
) -> None:
    """Record what was done about an alert, so that it can be said which action saves which kind of account."""
    fields: dict[str, Any] = {"command": "record_action", "action": name, "result": result}
    if cost_minor is not None:
        fields["cost_minor"] = cost_minor
    _give(context, fields, _Order(_named(alert), account, kind, by, note, command_id), as_json=as_json)


def outcome(
    context: typer.Context,
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id, its beginning, or - with --account.")],
    came_to: Annotated[Literal["saved", "lost", "false_alarm"], typer.Argument(metavar="OUTCOME")],
    account: _Account = None,
    kind: _Kind = None,
    by: _By = None,
    note: _Note = None,
    command_id: _Id = None,
    as_json: _Json = False,
) -> None:
    """Say how an alert ended: saved, lost or false_alarm. It counts more than what slackwater finds out by itself."""
    fields = {"command": "record_outcome", "outcome": came_to}
    _give(context, fields, _Order(_named(alert), account, kind, by, note, command_id), as_json=as_json)


def _named(alert: str) -> str | None:
    return None if alert == "-" else alert


class _Order(NamedTuple):
    """Whom a command is for, who gives it, and what it is known by."""

    alert: str | None
    account: str | None
    kind: str | None
    by: str | None
    note: str | None
    command_id: str | None


def _give(context: typer.Context, fields: dict[str, Any], order: _Order, *, as_json: bool) -> None:
    """Send the command, to one alert or to an account's."""
    from pydantic import ValidationError

    from schemas.commands import COMMAND
    from schemas.instants import format_instant
    from streams.cli.alerts import history_of
    from streams.produce.commands import send_command

    if (order.alert is None) == (order.account is None):
        raise typer.BadParameter("name either an alert, or an account with --account", param_hint="ALERT")
    if order.alert is not None and order.kind is not None:
        raise typer.BadParameter("goes with --account: an alert has its kind", param_hint="--kind")
    settings = settings_of(context)
    by = order.by or own_name()
    if by is None:
        raise typer.BadParameter("the user of this process has no name; say who it is", param_hint="--by")
    given = {"command_id": order.command_id or uuid4().hex, "by": by, **fields}
    given["at"] = format_instant(_now())
    if order.note is not None:
        given["note"] = order.note
    if order.alert is not None:
        known = history_of(settings, order.alert)[-1]
        given |= {"account_id": known.account_id, "alert_id": known.alert_id}
        about = f"alert {known.alert_id}"
    else:
        given |= {"account_id": order.account, "kind": order.kind or "*"}
        about = f"account {order.account}, " + (order.kind or "all its alerts")
    try:
        command = COMMAND.validate_python(given)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise typer.BadParameter(f"{'.'.join(map(str, problem['loc'][1:]))}: {problem['msg']}") from None
    run(send_command(command, settings))
    if as_json:
        emit_json(given)
    else:
        tell(f"sent {given['command']} for {about}, as command {given['command_id']}; a refusal is a dead letter")


def _now() -> int:
    return int(time.time() * 1000)
