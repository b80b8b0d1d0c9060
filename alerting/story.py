"""What a message says, in words, before it takes the shape of any channel."""

from dataclasses import dataclass
from datetime import tzinfo

from alerting import words
from alerting.facts import Fact, facts
from alerting.markup import clean
from alerting.notification import Notification
from schemas.alerts import Change, Kind, Resolution, Severity, Transition

_ICONS = {Severity.WATCH: "🟡", Severity.WARNING: "🟠", Severity.CRITICAL: "🔴"}
_CHANGE_ICONS = {Change.ACKNOWLEDGED: "👀", Change.SNOOZED: "💤", Change.RESOLVED: "✅"}
_LOST_ICON = "⚫"
_TITLES = {Kind.CANCEL_SCHEDULED: "Cancellation scheduled"}
_USAGE_KINDS = frozenset({Kind.USAGE_DROP, Kind.USAGE_SILENCE, Kind.BREADTH_DECLINE, Kind.CHAMPION_GONE})
_SAID_BY_NUMBERS = frozenset({Kind.USAGE_DROP, Kind.USAGE_SILENCE, Kind.BREADTH_DECLINE, Kind.CARD_EXPIRING})
"""Kinds whose reasons would only repeat the sentence and the numbers."""
_RESOLUTIONS = {
    Resolution.RECOVERED: "it is back to normal",
    Resolution.PAID: "it is paid",
    Resolution.REVERTED: "the cancellation was taken back",
    Resolution.REPLACED: "the card was replaced",
    Resolution.RENEWED: "the contract was renewed",
    Resolution.REBASELINED: "this is the account's new normal",
    Resolution.EXPIRED: "it no longer applies",
}
_OF_KIND = {
    (Kind.KEY_ACTION_STOPPED, Resolution.RECOVERED): "there are core actions again",
    (Kind.DOWNGRADE, Resolution.REVERTED): "as much is paid as before",
    (Kind.CANCEL_SCHEDULED, Resolution.EXPIRED): "the subscription has ended, and the account has others",
    (Kind.PAUSED, Resolution.EXPIRED): "the subscription has ended, and the account has others",
}
"""What a resolution means for one kind, where that is something else."""
DAYS_SHOWN = 42


@dataclass(frozen=True, slots=True)
class Story:
    """The parts of a message, each one clean line. Empty ones are left out.

    `quiet`: news that asks for nothing, to be shown small. `mention`: the Slack user id of the owner, who is named in
    `owner` too; `team_mention`: that of the team's user group. `reasons`: with what the customer said, if anything.
    `daily`: counts of the last days, oldest first. `news`: what was done about it, where the rest does not say so.
    """

    quiet: bool
    icon: str
    title: str
    who: str
    sentence: str
    facts: tuple[Fact, ...]
    daily: tuple[int, ...]
    reasons: tuple[str, ...]
    playbook: str
    also_open: str
    owner: str
    mention: str
    team: str
    team_mention: str
    footer: str
    news: str = ""


def tell(notification: Notification, *, standing: bool = False) -> Story:
    """The story of a notification; or, `standing`, of the alert as it stands: that somebody acknowledged it is then no
    news to be shown small, but a line of the whole."""
    transition = notification.transition
    change = transition.change
    whole = standing and change is not Change.RESOLVED
    quiet = change in _CHANGE_ICONS and not whole
    where = words.zone(notification.timezone)
    return Story(
        quiet=quiet,
        icon=_icon(transition),
        title=_title(transition),
        who=_who(transition),
        sentence=_news(transition) if quiet else clean(transition.headline),
        facts=_few_facts(notification, where) if quiet else facts(notification, where),
        daily=() if quiet else _daily(transition),
        reasons=() if quiet else _reasons(transition),
        playbook="" if quiet else clean(transition.playbook or ""),
        also_open=_also_open(transition),
        owner=clean(transition.owner or ""),
        mention="" if quiet else notification.owner_slack_id or "",
        team=clean(transition.team or ""),
        team_mention="" if quiet else notification.team_slack_id or "",
        footer=_footer(notification),
        news=_news(transition) if whole and change in _CHANGE_ICONS else "",
    )


def kind_title(kind: Kind) -> str:
    """A kind's name for people.

    >>> kind_title(Kind.USAGE_DROP)
    'Usage drop'
    """
    return _TITLES.get(kind) or kind.value.replace("_", " ").capitalize()


def _icon(transition: Transition) -> str:
    if transition.resolution is Resolution.LOST:
        return _LOST_ICON
    return _CHANGE_ICONS.get(transition.change) or _ICONS[transition.severity]


def _title(transition: Transition) -> str:
    title = kind_title(transition.kind)
    if transition.change is Change.ESCALATED:
        return f"{title}, escalated"
    if transition.change is Change.WOKEN:
        return f"{title}, snooze over"
    if transition.change is Change.OPENED and transition.revision > 1:
        return f"{title} again"
    return title


def _who(transition: Transition) -> str:
    return clean(transition.account_name or "") or clean(transition.account_id) or "account without a name"


def _news(transition: Transition) -> str:
    """The sentence of a change that asks for nothing."""
    by = f" by {clean(transition.by)}" if transition.by and clean(transition.by) else ""
    if transition.change is not Change.RESOLVED:
        return f"{transition.change.value.capitalize()}{by}."
    open_for = words.span(max(0, transition.at - transition.opened_at))
    if transition.resolution is Resolution.LOST:
        return f"The account is lost: its last paid subscription has ended. The alert was open for {open_for}."
    why = _RESOLUTIONS.get(transition.resolution) if transition.resolution is not None else None
    if transition.resolution is Resolution.RECOVERED and transition.kind in _USAGE_KINDS:
        why = "activity is back to normal"
    if transition.resolution is not None:
        why = _OF_KIND.get((transition.kind, transition.resolution), why)
    if transition.resolution is Resolution.MANUAL:
        why = f"closed{by or ' by hand'}"
    return f"Resolved after {open_for}" + (f": {why}." if why else ".")


def _few_facts(notification: Notification, where: tzinfo) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts(notification, where) if fact.label in {"MRR", "Health"})


def _daily(transition: Transition) -> tuple[int, ...]:
    counts = transition.evidence.get("daily")
    shown = counts[-DAYS_SHOWN:] if isinstance(counts, tuple) else ()
    return shown if any(shown) else ()  # a flat line tells nothing


def _reasons(transition: Transition) -> tuple[str, ...]:
    single = transition.kind is Kind.PAYMENT_FAILED and len(transition.reasons) == 1
    if transition.kind in _SAID_BY_NUMBERS or single:
        return ()
    lines: list[str] = []
    for reason in transition.reasons:
        text = clean(reason.text)
        comment = reason.values.get("comment")
        if isinstance(comment, str) and clean(comment):
            text = f"{text} “{clean(comment)}”"
        lines.append(text)
    headline = clean(transition.headline)
    return tuple(line for line in dict.fromkeys(lines) if line and line != headline)


def _also_open(transition: Transition) -> str:
    return ", ".join(f"{kind_title(each.kind).lower()} ({each.severity.value})" for each in transition.also_open)


def _footer(notification: Notification) -> str:
    transition = notification.transition
    account = clean(transition.account_id)
    parts = [
        transition.severity.value.capitalize(),
        f"alert {transition.alert_id}",
        f"account {account}" if account and account != _who(transition) else "",
        f"meant for the route {notification.rerouted_from}, which is broken" if notification.rerouted_from else "",
    ]
    return " · ".join(part for part in parts if part)
