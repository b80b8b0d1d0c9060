"""An account's current picture: what the board reads."""

from schemas.base import MONEY_LIMIT, SEATS_LIMIT
from schemas.instants import LATEST
from schemas.picture import AccountPicture, ActionCount, Billing, Engagement, Loss, OutcomeCount, PaymentState
from streams.detection.forecast import silent_on
from streams.detection.health import expected, health
from streams.detection.postmortem import post_mortem
from streams.detection.priority import money_at_risk, renewal_of
from streams.detection.rules import Rules
from streams.detection.state import Account
from streams.detection.transition import transition_of
from streams.detection.window import spread, total


def picture_of(account: Account, rules: Rules, now: int) -> AccountPicture:
    """The account as it stands at `now`."""
    profile = account.profile
    standing = health(account, rules, now)
    alerts = [alert for alert in account.alerts.values() if alert.is_open]
    mrr_minor, _ = account.mrr
    at_risk = 0.0
    if account.loss is None:
        of_alerts = [(alert.kind, alert.severity) for alert in alerts]
        at_risk = money_at_risk(mrr_minor, of_alerts, rules.lessons(account.closed).odds, profile.text("tier"))
    return AccountPicture(
        account_id=account.id,
        account_name=profile.text("name"),
        at=now,
        alias_of=profile.alias_of,
        phase=account.phase,
        health=standing.value,
        factors=standing.factors,
        missing=standing.missing,
        engagement=_engagement(account, rules, now),
        billing=_billing(account, rules, now),
        loss=_loss(account, rules),
        outcomes=_outcomes(account),
        actions=_actions(account),
        silent_at=_silent_at(account, rules),
        alerts=tuple(transition_of(account, alert, rules) for alert in alerts),
        timeline=account.timeline.shown(),
        priority=at_risk,
        owner=profile.text("owner"),
        team=profile.text("team"),
    )


def _engagement(account: Account, rules: Rules, now: int) -> Engagement:
    today = rules.calendar.day_of(now)
    first = today - rules.config.kept_days + 1
    known = account.begun
    return Engagement(
        events_total=account.events_total,
        events_7d=total(account.daily, today - 6, today),
        events_28d=total(account.daily, today - 27, today),
        expected_28d=round(expected(account, rules, today - 27, today), 2) if known else None,
        active_users_28d=account.people.active_since(today - 27),
        last_event_at=account.last_event_at if account.last_event_at >= 0 else None,
        daily=spread(account.daily, first, today),
    )


def _billing(account: Account, rules: Rules, now: int) -> Billing:
    payments, profile = account.payments, account.profile
    live = list(account.subscriptions.live())
    paid = [each for each in live if each.paid] or live
    mrr_minor, currency = account.mrr
    ends_on = payments.card.ends_on if payments.card is not None else None
    seats = [each.seats for each in paid if each.seats is not None]
    cancels = [each.cancel_at for each in live if each.cancel_at is not None]
    plans = [each.plan for each in paid if each.plan is not None]
    state = PaymentState.FAILED if payments.invoices else PaymentState.OK if payments.settled else None
    return Billing(
        plan=", ".join(plans) or profile.text("plan"),
        seats=min(sum(seats), SEATS_LIMIT) if seats else profile.number("seats"),
        mrr_minor=mrr_minor,
        currency=currency,
        card_end=None if ends_on is None else min(rules.calendar.start_of(ends_on), LATEST),
        renewal_at=renewal_of(account, now),
        cancel_at=min(cancels, default=None),
        payment_state=state,
    )


def _outcomes(account: Account) -> tuple[OutcomeCount, ...]:
    return tuple(
        OutcomeCount(
            kind=each.kind,
            outcome=each.outcome.value,
            times=each.times,
            mrr_minor=min(each.mrr_minor, MONEY_LIMIT),
            currency=each.currency or None,
            lead_hours=each.lead_hours,
            leads=each.leads,
        )
        for each in account.outcomes.counted()
    )


def _actions(account: Account) -> tuple[ActionCount, ...]:
    return tuple(
        ActionCount(
            kind=row.kind,
            action=row.action,
            result=row.result or None,
            reason_class=row.reason or None,
            outcome=row.outcome or None,
            times=sums.times,
            cost_minor=min(sums.cost_minor, MONEY_LIMIT),
            saved_minor=min(sums.saved_minor, MONEY_LIMIT),
            currency=row.currency or None,
        )
        for row, sums in account.outcomes.actions.counted()
    )


def _silent_at(account: Account, rules: Rules) -> int | None:
    day = silent_on(account, rules)
    return rules.calendar.close_of(day) if day is not None else None


def _loss(account: Account, rules: Rules) -> Loss | None:
    loss = account.loss
    if loss is None:
        return None
    of_class = rules.reasons.class_of(loss.reason, loss.comment)
    return Loss(
        at=loss.at,
        voluntary=loss.voluntary,
        reason=loss.reason,
        reason_class=of_class.value if of_class is not None else None,
        influenceable=of_class.influenceable if of_class is not None else None,
        comment=loss.comment,
        decided_at=loss.decided_at,
        foreseen_by=loss.foreseen_by,
        foreseen_at=loss.foreseen_at,
        mrr_minor=loss.mrr_minor,
        currency=loss.currency,
        post_mortem=post_mortem(account, loss, rules),
    )
