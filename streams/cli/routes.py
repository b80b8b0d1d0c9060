"""`slackwater check --routes`: which route takes an example alert, and what the others have against it."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import typer

from streams.cli.common import emit_json

if TYPE_CHECKING:
    from alerting.routing import Judged
    from schemas.alerts import AlertReason, Transition
    from streams.runtime.settings import Settings

_AT: Final = 1_740_000_000_000
"""Any time will do: no route looks at it."""


@dataclass(frozen=True, slots=True)
class Example:
    """An alert as the options describe it; raises `typer.BadParameter` for one that there cannot be."""

    kind: str = "usage_drop"
    severity: str = "warning"
    team: str | None = None
    owner: str | None = None
    tier: str | None = None
    tags: Sequence[str] = ()
    mrr_minor: int | None = None
    currency: str | None = None
    reason: str | None = None

    def transition(self) -> "Transition":
        """Its opening."""
        from pydantic import ValidationError

        from schemas.alerts import AlertState, Change, Kind, Severity, Transition

        if (self.mrr_minor is None) != (self.currency is None):
            given, missing = ("--currency", "--mrr-minor") if self.mrr_minor is None else ("--mrr-minor", "--currency")
            raise typer.BadParameter(f"needs {missing}: routes compare MRR in one currency only", param_hint=given)
        try:
            return Transition(
                alert_id="0" * 16,
                revision=1,
                account_id="example",
                kind=Kind(_one_of(self.kind, list(Kind), "--kind")),
                change=Change.OPENED,
                state=AlertState.FIRING,
                severity=Severity(_one_of(self.severity, list(Severity), "--severity")),
                at=_AT,
                opened_at=_AT,
                since=_AT,
                headline="an example",
                health=50,
                reasons=self._reasons(),
                mrr_minor=self.mrr_minor,
                currency=self.currency,
                team=self.team,
                owner=self.owner,
                tier=self.tier,
                tags=tuple(self.tags),
            )
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            option = f"--{problem['loc'][0]}".replace("_", "-")
            raise typer.BadParameter(f"{problem['input']!r}: {problem['msg']}", param_hint=option) from None

    def _reasons(self) -> "tuple[AlertReason, ...]":
        from schemas.alerts import AlertReason
        from streams.detection.reasons import ReasonClass

        if self.reason is None:
            return ()
        found = ReasonClass(_one_of(self.reason, list(ReasonClass), "--reason"))
        values: dict[str, bool | int | float | str] = {
            "reason_class": found.value,
            "influenceable": found.influenceable,
        }
        return (AlertReason(code="cancelled", text="an example", values=values),)


def show_routes(settings: "Settings", example: Example, *, as_json: bool) -> bool:
    """Say what becomes of the example. Returns whether anybody is told."""
    from alerting.routing import judge
    from streams.runtime.channels import doubts_of, routes_of

    transition = example.transition()
    judged = judge(transition, routes_of(settings.model_copy(update={"shadow": False})))
    told = [each.route.name for each in judged if each.takes]
    doubts = list(doubts_of(settings))
    if settings.shadow:
        doubts.insert(0, "shadow is on: whatever the routes say, nothing is sent")
    if as_json:
        emit_json({"told_by": told, "routes": [_as_json(each) for each in judged], "doubts": doubts})
    else:
        typer.echo(f"An alert {transition.kind.value}, {transition.severity.value}, is told by: {_listed(told)}")
        for each in judged:
            typer.echo(f"  {each.route.name} (to {each.route.channel}): {'takes it' if each.takes else 'no'}")
            for why in each.why_not:
                typer.echo(f"    {why}")
        show_doubts(doubts)
    return bool(told)


def show_doubts(doubts: Iterable[str]) -> None:
    """What of the routes is hardly meant."""
    for doubt in doubts:
        typer.echo(f"  note: {doubt}")


def _as_json(judged: "Judged") -> dict[str, Any]:
    route = judged.route
    return {
        "name": route.name,
        "channel": route.channel,
        "continue": route.continues,
        "takes": judged.takes,
        "why_not": list(judged.why_not),
    }


def _one_of(value: str, allowed: Sequence[str], option: str) -> str:
    if value not in allowed:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(allowed)}", param_hint=option)
    return value


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nobody"
