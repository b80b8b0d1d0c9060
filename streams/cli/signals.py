"""`slackwater signals`: what there is to be alerted of, when, by which settings, and what to do next; from the code."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

import inspect
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from streams.cli.common import emit_json

if TYPE_CHECKING:
    from schemas.alerts import Kind

_NEEDS: Final = {
    "usage_drop": "usage",
    "usage_silence": "usage",
    "key_action_stopped": "usage, and `KEY_ACTIONS`",
    "breadth_decline": "usage with `user_id`",
    "champion_gone": "usage with `user_id`; better with `champions` in the account's record",
    "onboarding_stalled": "usage, and when the account began; better with `KEY_ACTIONS`",
    "payment_failed": "billing",
    "card_expiring": "billing",
    "cancel_scheduled": "billing",
    "downgrade": "billing",
    "seats_reduced": "billing; for unused seats also usage with `user_id`, and a renewal date",
    "paused": "billing",
    "renewal_at_risk": "a renewal date, from billing or the account's record, and usage",
    "cancel_intent": "usage, and `INTENT_EVENTS`",
    "negative_feedback": "feedback",
    "telemetry_stalled": "usage",
}
_ENGAGEMENT: Final = ("FALSE_ALARMS_PER_ACCOUNT_YEAR", "WATCH_FALSE_ALARMS_PER_ACCOUNT_YEAR", "EXCLUDE_EVENTS")
_SETTINGS: Final[dict[str, tuple[str, ...]]] = {
    "usage_drop": _ENGAGEMENT,
    "usage_silence": _ENGAGEMENT,
    "key_action_stopped": ("KEY_ACTIONS", *_ENGAGEMENT),
    "breadth_decline": _ENGAGEMENT,
    "champion_gone": ("EXCLUDE_USERS", "USER_HASH_KEY"),
    "onboarding_stalled": ("KEY_ACTIONS",),
    "cancel_scheduled": ("REASON_KEYWORDS", "LET_GO"),
    "cancel_intent": ("INTENT_EVENTS",),
    "negative_feedback": ("KEEP_COMMENTS",),
}
_FLEET: Final = (
    "Fires when hardly anything comes in, of all accounts together or from one source: within the hour where enough "
    "accounts are active, else as a day closes below 30% of normal. Resolved above 60%. A source that 5 to 49 accounts "
    "use fires when nothing comes from any of them for longer than chance explains. Fires too when all accounts "
    "together have been low for 14 days, which is no holiday. While it is open no alert on usage opens, grows or ends "
    "for accounts that live on what is quiet."
)


class SignalPage(NamedTuple):
    """One kind."""

    kind: str
    title: str
    text: str
    """When it fires, how it grows, and when it is over; paragraphs."""
    needs: str
    told: bool
    """Sent unless `SHADOW_KINDS` names it."""
    settings: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]
    """For which reason (empty: any), and what to do next."""


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: slackwater signals usage_drop")(signals)


def signals(
    kind: Annotated[str | None, typer.Argument(help="Only this one.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write them as JSON.")] = False,
) -> None:
    """Every kind of alert: when it fires and is over, what it needs, its settings, and what to do next."""
    found = pages()
    if kind is not None:
        found = [page for page in found if page.kind == kind]
        if not found:
            known = ", ".join(page.kind for page in pages())
            raise typer.BadParameter(f"{kind!r} is no kind; there are {known}", param_hint="KIND")
    if as_json:
        emit_json([page._asdict() for page in found])
    else:
        typer.echo(markdown(found), nl=False)


def pages() -> list[SignalPage]:
    """Every kind, in the catalogue's order."""
    from alerting.playbook import DEFAULTS
    from alerting.routing import TOLD_KINDS
    from alerting.story import kind_title
    from schemas.alerts import Kind

    texts = _texts()
    return [
        SignalPage(
            kind.value,
            kind_title(kind),
            texts[kind],
            _NEEDS[kind.value],
            kind in TOLD_KINDS,
            _SETTINGS.get(kind.value, ()),
            tuple((play.reason or "", play.says({})) for play in DEFAULTS if play.kind is kind),
        )
        for kind in Kind
    ]


def _texts() -> "dict[Kind, str]":
    from schemas.alerts import Kind
    from streams.detection.config import DetectionConfig
    from streams.detection.rules import Rules
    from streams.detection.signals import daily_signals, dated_signals

    rules = Rules.of(DetectionConfig())
    texts = {Kind.TELEMETRY_STALLED: _FLEET}
    for signal in (*daily_signals(rules), *dated_signals(rules)):
        paragraphs = (inspect.getdoc(type(signal)) or "").split("\n\n")
        texts[signal.kind] = "\n\n".join(" ".join(each.split()) for each in paragraphs)
    return texts


def markdown(found: list[SignalPage]) -> str:
    """As a page: SIGNALS.md is this of all of them."""
    lines = ["# Signals", "", "What slackwater tells of, from its code (`slackwater signals`).", ""]
    lines += ["| kind | needs | sent by default |", "|---|---|---|"]
    lines += [f"| [`{page.kind}`](#{page.kind}) | {page.needs} | {'yes' if page.told else 'no'} |" for page in found]
    for page in found:
        lines += ["", f"## {page.kind}", "", page.text, ""]
        if page.settings:
            lines += [f"Settings: {', '.join(f'`{name}`' for name in page.settings)}.", ""]
        lines += ["| reason | next step |", "|---|---|"]
        lines += [f"| {f'`{reason}`' if reason else 'any other'} | {step} |" for reason, step in page.steps]
    return "\n".join(lines) + "\n"
