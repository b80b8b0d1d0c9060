"""One file for each kind of alert. See `base` for what a signal is."""

from streams.detection.rules import Rules
from streams.detection.signals.base import DailySignal, DatedSignal
from streams.detection.signals.breadth_decline import BreadthDeclineSignal
from streams.detection.signals.cancel_intent import CancelIntentSignal
from streams.detection.signals.cancel_scheduled import CancelScheduledSignal
from streams.detection.signals.card_expiring import CardExpiringSignal
from streams.detection.signals.champion_gone import ChampionGoneSignal
from streams.detection.signals.downgrade import DowngradeSignal
from streams.detection.signals.key_action_stopped import KeyActionStoppedSignal
from streams.detection.signals.negative_feedback import NegativeFeedbackSignal
from streams.detection.signals.onboarding_stalled import OnboardingStalledSignal
from streams.detection.signals.paused import PausedSignal
from streams.detection.signals.payment_failed import PaymentFailedSignal
from streams.detection.signals.renewal_at_risk import RenewalAtRiskSignal
from streams.detection.signals.seats_reduced import SeatsReducedSignal
from streams.detection.signals.usage_drop import UsageDropSignal
from streams.detection.signals.usage_silence import UsageSilenceSignal


def daily_signals(rules: Rules) -> tuple[DailySignal, ...]:
    """Judged at each day's close, in this order: a drop leaves to silence what silence says, and a part of activity to
    both what is said of the whole."""
    return (
        UsageSilenceSignal(rules),
        UsageDropSignal(rules),
        KeyActionStoppedSignal(rules),
        BreadthDeclineSignal(rules),
    )


def dated_signals(rules: Rules) -> tuple[DatedSignal, ...]:
    """Judged when a fact comes, and at the moments that they name. The renewal comes last: it stands on the others."""
    return (
        PaymentFailedSignal(rules),
        CardExpiringSignal(rules),
        CancelScheduledSignal(rules),
        PausedSignal(rules),
        DowngradeSignal(rules),
        SeatsReducedSignal(rules),
        NegativeFeedbackSignal(rules),
        CancelIntentSignal(rules),
        ChampionGoneSignal(rules),
        OnboardingStalledSignal(rules),
        RenewalAtRiskSignal(rules),
    )
