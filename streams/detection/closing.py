"""The one sentence with which an alert ends."""

from typing import Final

from schemas.alerts import Kind, Resolution

_WORDS: Final = {
    (Kind.USAGE_SILENCE, Resolution.RECOVERED): "Active again: the silence is over.",
    (Kind.USAGE_DROP, Resolution.RECOVERED): "Activity is back to normal.",
    (Kind.USAGE_DROP, Resolution.REBASELINED): "The lower activity has lasted so long that it is the new normal.",
    (Kind.KEY_ACTION_STOPPED, Resolution.RECOVERED): "There are core actions again.",
    (Kind.KEY_ACTION_STOPPED, Resolution.EXPIRED): "No core actions are configured any more.",
    (Kind.BREADTH_DECLINE, Resolution.RECOVERED): "As many people use it as before.",
    (Kind.BREADTH_DECLINE, Resolution.REBASELINED): "Fewer people have used it for so long that it is the new normal.",
    (Kind.PAYMENT_FAILED, Resolution.PAID): "What was owed has been paid.",
    (Kind.PAYMENT_FAILED, Resolution.EXPIRED): "The invoice was voided: nothing is owed any more.",
    (Kind.CARD_EXPIRING, Resolution.REPLACED): "The card has been replaced.",
    (Kind.CARD_EXPIRING, Resolution.EXPIRED): "No charge to this card is due any more.",
    (Kind.NEGATIVE_FEEDBACK, Resolution.RECOVERED): "What was complained about is settled.",
    (Kind.NEGATIVE_FEEDBACK, Resolution.EXPIRED): "Nobody has complained for some time.",
    (Kind.CANCEL_INTENT, Resolution.EXPIRED): "Nobody has done again what precedes leaving.",
    (Kind.CHAMPION_GONE, Resolution.RECOVERED): "The champion is back.",
    (Kind.CHAMPION_GONE, Resolution.REPLACED): "Another champion is named.",
    (Kind.CHAMPION_GONE, Resolution.EXPIRED): "The account has long gone on without its champion.",
    (
        Kind.ONBOARDING_STALLED,
        Resolution.RECOVERED,
    ): "The account is under way: it had its first core action, or has caught up.",
    (Kind.ONBOARDING_STALLED, Resolution.EXPIRED): "The account is new no more.",
    (Kind.CANCEL_SCHEDULED, Resolution.REVERTED): "The cancellation was taken back.",
    (Kind.CANCEL_SCHEDULED, Resolution.EXPIRED): "The cancelled subscription has ended, and the account has others.",
    (Kind.DOWNGRADE, Resolution.REVERTED): "The lower price no longer stands.",
    (Kind.DOWNGRADE, Resolution.EXPIRED): "The lower plan is what the account has now.",
    (Kind.SEATS_REDUCED, Resolution.RECOVERED): "The seats are back, or in use.",
    (Kind.SEATS_REDUCED, Resolution.EXPIRED): "The lower number of seats is what the account has now.",
    (Kind.PAUSED, Resolution.RECOVERED): "The pause is over.",
    (Kind.PAUSED, Resolution.EXPIRED): "The paused subscription has ended, and the account has others.",
    (Kind.RENEWAL_AT_RISK, Resolution.RENEWED): "The contract was renewed.",
    (Kind.RENEWAL_AT_RISK, Resolution.RECOVERED): "The account is well again before its renewal.",
    (Kind.RENEWAL_AT_RISK, Resolution.EXPIRED): "The renewal has passed, or there will be none.",
}
_GENERAL: Final = {
    Resolution.LOST: "The account is lost: its last paid subscription has ended.",
    Resolution.EXPIRED: "This no longer needs attention.",
}


def closing_line(kind: Kind, resolution: Resolution, *, lost: bool, internal: bool, alias_of: str | None = None) -> str:
    """What the headline says when an alert of this kind is resolved so. `lost`, `internal`, `alias_of`: what the
    account is by now.

    >>> closing_line(Kind.PAYMENT_FAILED, Resolution.PAID, lost=False, internal=False)
    'What was owed has been paid.'
    """
    if lost:
        return _GENERAL[Resolution.LOST]
    if internal:
        return "This is one of the company's own accounts, which have no alerts."
    if alias_of is not None:
        return f"The id is an alias of {alias_of} by now."
    return _WORDS.get((kind, resolution)) or _GENERAL.get(resolution) or "This is over."
