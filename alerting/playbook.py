"""What to do next about an alert: a table of steps by kind, reason and tier; users may put their own in front."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Final

from schemas.alerts import Kind

VARIABLES: Final[Mapping[str, str]] = {
    "account": "the account",
    "contact": "the contact",
    "mrr": "what the account pays",
    "owner": "the owner",
    "plan": "the plan",
    "renewal": "the renewal",
    "since": "some days ago",
    "team": "the team",
    "tier": "the tier",
}
"""What a step may name in braces, each with what stands there when it is not known of the account."""
_WORKS = re.compile(r"[*`~:]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""What Slack makes links and markup of; an underscore within a word, as in an address, is none."""
_LIKE: Final[Mapping[str, str]] = {"*": "\u2217", "`": "\u02cb", "~": "\u223c", ":": "\u2236", "_": "\u02cd"}


@dataclass(frozen=True, slots=True)
class Play:
    """One row of the table. Raises `ValueError` for a step that is empty or names a variable that there is not.

    `kind`, `reason`, `tier`: what it is for, None for any. A reason is the code of one of the alert's reasons
    (`hard_decline`), or the class of a reason for leaving (`price`). `owner`: who does it. `due_days`: within how many
    days.

    >>> Play("Ask {contact} of {account} what changed", kind=Kind.USAGE_DROP, owner="success", due_days=2).says({})
    'Ask the contact of the account what changed (success, within 2 days).'
    """

    step: str
    kind: Kind | None = None
    reason: str | None = None
    tier: str | None = None
    owner: str | None = None
    due_days: int | None = None

    def __post_init__(self) -> None:
        if not self.step.strip():
            raise ValueError("step must not be empty")
        try:
            parts = [part[1:] for part in Formatter().parse(self.step) if part[1] is not None]
        except ValueError as error:
            raise ValueError(f"step: {error}; a brace that stands for itself is written twice") from error
        for name, form, conversion in parts:
            if name not in VARIABLES or form or conversion:
                raise ValueError(f"step: there is no variable {{{name}}}; there are {', '.join(VARIABLES)}")

    def fits(self, kind: Kind, reasons: Iterable[str], tier: str | None) -> bool:
        """Whether it is for such an alert."""
        return (
            self.kind in (None, kind)
            and (self.reason is None or self.reason in reasons)
            and (self.tier is None or self.tier == tier)
        )

    def says(self, values: Mapping[str, str]) -> str:
        """The step with the account's facts in it. Others wrote these, and a step may have links and markup: what would
        make either in a fact is replaced by what looks like it."""
        facts = {name: _WORKS.sub(lambda found: _LIKE[found.group()], value) for name, value in values.items()}
        said = self.step.strip().format(**{**VARIABLES, **facts})
        within = f"within {self.due_days} day{'' if self.due_days == 1 else 's'}" if self.due_days is not None else None
        who = ", ".join(part for part in (self.owner, within) if part)
        return said.rstrip(".") + (f" ({who})." if who else ".")


class Playbook:
    """The first play that fits, the user's own before those that come along."""

    def __init__(self, own: Iterable[Play] = ()) -> None:
        self._plays = (*own, *DEFAULTS)

    def play(self, kind: Kind, reasons: Iterable[str], tier: str | None) -> Play | None:
        """What to do about an alert of this kind, for these reasons, of an account of this tier."""
        named = frozenset(reasons)
        for each in self._plays:
            if each.fits(kind, named, tier):
                return each
        return None


_SUCCESS: Final = "customer success"
_BILLING: Final = "billing"
_STEPS: Final[Mapping[tuple[Kind, str | None], tuple[str, str, int | None]]] = {
    (Kind.PAYMENT_FAILED, "hard_decline"): (
        "Ask {contact} for another card, as this one will never be charged",
        _BILLING,
        1,
    ),
    (Kind.PAYMENT_FAILED, None): ("Send {contact} the link to update the card, and check that it is read", _BILLING, 2),
    (Kind.CARD_EXPIRING, None): ("Send {contact} the link to update the card", _BILLING, 7),
    (Kind.CANCEL_SCHEDULED, "price"): (
        "Talk to {contact} about a smaller plan, or a discount for a longer contract",
        _SUCCESS,
        2,
    ),
    (Kind.CANCEL_SCHEDULED, "missing_feature"): (
        "Show {contact} what is there, or say when it comes; offer a pause until then",
        _SUCCESS,
        2,
    ),
    (Kind.CANCEL_SCHEDULED, "quality"): (
        "Have somebody who can mend it call {contact}; say what is done and by when",
        _SUCCESS,
        1,
    ),
    (Kind.CANCEL_SCHEDULED, "switched"): (
        "Ask {contact} what the other one does better; offer help to move back",
        _SUCCESS,
        2,
    ),
    (Kind.CANCEL_SCHEDULED, "not_used_enough"): (
        "Offer {contact} a pause, or fewer seats, and a session on what would be worth it",
        _SUCCESS,
        2,
    ),
    (Kind.CANCEL_SCHEDULED, "too_complex"): ("Offer {contact} a session with the people who find it hard", _SUCCESS, 2),
    (Kind.CANCEL_SCHEDULED, "bad_onboarding"): (
        "Offer {contact} the onboarding again, with somebody beside them",
        _SUCCESS,
        2,
    ),
    (Kind.CANCEL_SCHEDULED, "over_promised"): (
        "Have the manager call {contact}, and say what was promised and what is true",
        _SUCCESS,
        1,
    ),
    (Kind.CANCEL_SCHEDULED, "service"): ("Have the manager of support call {contact}", _SUCCESS, 1),
    (Kind.CANCEL_SCHEDULED, "sponsor_left"): (
        "Find who has taken over at {account}, and show them what it is used for",
        _SUCCESS,
        2,
    ),
    (Kind.CANCEL_SCHEDULED, "project_ended"): (
        "Thank {contact}, offer to keep the data, and ask whom to come back to",
        _SUCCESS,
        14,
    ),
    (Kind.CANCEL_SCHEDULED, "merged"): ("Find who decides at the merged company", _SUCCESS, 7),
    (Kind.CANCEL_SCHEDULED, "business_closed"): (
        "Close the account well: data, last invoice, a word of thanks",
        _SUCCESS,
        14,
    ),
    (Kind.CANCEL_SCHEDULED, None): ("Ask {contact} for the reason before anything else", _SUCCESS, 2),
    (Kind.DOWNGRADE, "ended"): ("Ask {contact} why it ended, and what keeps the other subscriptions", _SUCCESS, 2),
    (Kind.DOWNGRADE, None): ("Ask {contact} what {plan} lacks for what it costs", _SUCCESS, 7),
    (Kind.SEATS_REDUCED, None): ("Ask {contact} who no longer needs a seat, and why", _SUCCESS, 7),
    (Kind.PAUSED, None): (
        "Agree with {contact} on a date to begin again, and on what has to be different by then",
        _SUCCESS,
        7,
    ),
    (Kind.RENEWAL_AT_RISK, None): (
        "Go through what {account} got for its money with {contact}, well before {renewal}",
        _SUCCESS,
        5,
    ),
    (Kind.USAGE_DROP, None): ("Ask {contact} what changed; offer a session on what people do less of", _SUCCESS, 3),
    (Kind.USAGE_SILENCE, None): ("Call {contact}: is anybody in the way of using it?", _SUCCESS, 2),
    (Kind.KEY_ACTION_STOPPED, None): ("Ask {contact} how the work is done now", _SUCCESS, 5),
    (Kind.BREADTH_DECLINE, None): ("Ask {contact} who has left, and offer to train those who came", _SUCCESS, 7),
    (Kind.CHAMPION_GONE, None): ("Find out who takes over, and introduce yourself", _SUCCESS, 3),
    (Kind.ONBOARDING_STALLED, None): ("Do the next step of the onboarding together with {contact}", _SUCCESS, 3),
    (Kind.CANCEL_INTENT, None): ("Call {contact} before they decide", _SUCCESS, 1),
    (Kind.NEGATIVE_FEEDBACK, None): (
        "Answer {contact} in person: what was bad, and what is done about it",
        _SUCCESS,
        2,
    ),
    (Kind.TELEMETRY_STALLED, None): (
        "See whether the producers of these events still run, and what was deployed last",
        "operations",
        None,
    ),
}
DEFAULTS: Final = tuple(
    Play(step, kind, reason, None, owner, due) for (kind, reason), (step, owner, due) in _STEPS.items()
)
"""Of several of one kind that for a reason comes before that for any."""
