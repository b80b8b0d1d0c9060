"""Churn risk, for the business: who is at risk, what it is worth, what was lost, and what alerts came to."""

from grafana_foundation_sdk.builders import dashboard as build

from deploy.grafana.money import amount
from deploy.grafana.parts import (
    bars,
    board,
    highest,
    in_range,
    lines,
    now,
    number,
    of,
    panel_link,
    query,
    row,
    total,
    with_variables,
)

UNIT_OF_MONEY = "none"
"""Grafana has no unit of money for any currency: the series say which it is."""


def risk() -> build.Dashboard:
    """The dashboard."""
    text = "Which accounts are going slack, what they are worth, what was lost, and what the alerts came to."
    made = with_variables(board("risk", "churn risk", text, since="now-7d"))
    for part in (_today, _course, _losses, _worth):
        part(made)
    return made


def _today(made: build.Dashboard) -> None:
    succeeded = in_range("payments_total", "job", 'result="succeeded"')
    made.with_row(row("Now"))
    made.with_panel(
        number(
            "Accounts",
            "Accounts that are not lost.",
            "short",
            now(total("accounts", matchers='phase!="lost"')),
        )
    )
    made.with_panel(
        number(
            "Accounts with an alert",
            "Accounts for which at least one alert is open.",
            "short",
            now(total("accounts", matchers='phase="alerting"')),
        )
    )
    made.with_panel(
        number(
            "MRR",
            "Monthly recurring revenue of all accounts that are not lost, by currency.",
            UNIT_OF_MONEY,
            now(amount("mrr_active_minor", "currency"), "{{currency}}"),
        )
    )
    made.with_panel(
        number(
            "Paying accounts",
            "Accounts that pay anything each month, by currency.",
            "short",
            now(total("accounts_paying", "currency"), "{{currency}}"),
        )
    )
    made.with_panel(
        number(
            "Critical alerts",
            "Open alerts of the highest severity.",
            "short",
            now(total("alerts_open", matchers='severity="critical"') + " or on () vector(0)"),
            steps=((None, "green"), (1, "red")),
        )
    )
    made.with_panel(
        number(
            "Payments that succeed",
            "Share of the attempts to charge, over the time shown.",
            "percentunit",
            now(f"{succeeded} / {in_range('payments_total', 'job')}", "{{job}}"),
            steps=((None, "red"), (0.9, "orange"), (0.95, "green")),
        )
    )
    made.with_panel(
        bars(
            "MRR at risk, by kind of alert",
            "Monthly recurring revenue of accounts with an open alert of the kind. An account with two kinds is under "
            "both, so that kinds do not add up.",
            UNIT_OF_MONEY,
            now(amount("mrr_at_risk_minor", "currency, kind"), "{{kind}}, {{currency}}"),
            steps=((None, "orange"),),
        ).span(12)
    )
    made.with_panel(
        bars(
            "Open alerts, by kind and severity",
            "A watch is recorded and sent to nobody by itself.",
            "short",
            now(f"{total('alerts_open', 'kind, severity')} > 0", "{{kind}}, {{severity}}"),
            steps=((None, "blue"),),
        ).span(12)
    )


def _course(made: build.Dashboard) -> None:
    made.with_row(row("Over time"))
    made.with_panel(
        lines(
            "Accounts, by phase",
            "onboarding, active, alerting (an alert is open), paused, lost.",
            "short",
            query(total("accounts", "phase"), "{{phase}}"),
            stacked=True,
        )
    )
    made.with_panel(
        lines(
            "Open alerts, by severity",
            "Warnings and critical ones are what people hear of.",
            "short",
            query(total("alerts_open", "severity"), "{{severity}}"),
            stacked=True,
        ).links([panel_link("Who was told", "delivery")])
    )
    made.with_panel(
        lines(
            "MRR at risk, at the least",
            "That of the kind which has most of it: kinds overlap, so that more may be at risk.",
            UNIT_OF_MONEY,
            query(f"max by (currency) ({amount('mrr_at_risk_minor', 'currency, kind')})", "{{currency}}"),
        )
    )
    made.with_panel(
        bars(
            "Alerts opened, by kind",
            "In the time shown, watches left out. Many of one kind at once: look at the fleet first.",
            "short",
            now(in_range("alerts_total", "kind", 'change="opened", severity!="watch"') + " > 0", "{{kind}}"),
            steps=((None, "blue"),),
        )
    )
    made.with_panel(
        bars(
            "What happened to alerts",
            "In the time shown: opened, escalated, acknowledged, snoozed, woken, resolved.",
            "short",
            now(in_range("alerts_total", "change", 'severity!="watch"'), "{{change}}"),
            steps=((None, "blue"),),
        )
    )
    made.with_panel(
        lines(
            "Activity of the fleet, by source",
            "Of the last closed day, 1 is normal. Accounts are measured against it, so that a holiday is no decline.",
            "percentunit",
            query(highest("fleet_factor", "source"), "{{source}}"),
        ).links([panel_link("How the events come in", "pipeline")])
    )


def _losses(made: build.Dashboard) -> None:
    made.with_row(row("What was lost"))
    made.with_panel(
        bars(
            "Accounts lost, by reason",
            "In the time shown. voluntary: the customer decided it. unknown: nobody said why; `slackwater score` lists "
            "whom to ask.",
            "short",
            now(in_range("accounts_lost_total", "reason, voluntary") + " > 0", "{{reason}}, voluntary {{voluntary}}"),
            steps=((None, "red"),),
        )
    )
    made.with_panel(
        bars(
            "MRR lost, by reason",
            "What the lost accounts paid a month, in the time shown. The first loss of a currency and reason since a "
            "worker began is not seen here; `slackwater score` has all.",
            UNIT_OF_MONEY,
            now(amount("mrr_lost_minor_total", "currency, reason", "$__range"), "{{reason}}, {{currency}}"),
            steps=((None, "red"),),
        )
    )
    made.with_panel(
        bars(
            "Accounts lost that could have been influenced",
            "By the class of the reason: true, false, unknown.",
            "short",
            now(in_range("accounts_lost_total", "influenceable"), "{{influenceable}}"),
            steps=((None, "red"),),
        )
    )


def _worth(made: build.Dashboard) -> None:
    made.with_row(row("What alerts were worth, since the beginning"))
    alerts = of("outcomes_total", 'kind!="any"')
    false_alarms = of("outcomes_total", 'kind!="any", outcome="false_alarm"')
    missed = of("outcomes_total", 'kind="any", outcome=~"lost|missed"')
    lost = of("outcomes_total", 'outcome="lost"')
    made.with_panel(
        bars(
            "Precision, by kind",
            "Share of the judged alerts that came to anything but a false alarm. A kind that stays low is better in "
            "shadow (`SHADOW_KINDS`).",
            "percentunit",
            now(
                f"1 - (sum by (kind) ({false_alarms}) or 0 * sum by (kind) ({alerts}))"
                f" / (sum by (kind) ({alerts}) > 0)",
                "{{kind}}",
            ),
            steps=((None, "red"), (0.3, "orange"), (0.6, "green")),
        ).max(1)
    )
    made.with_panel(
        bars(
            "Recall, by kind",
            "Share of the lost accounts that an alert of the kind came before; `any`: of whatever kind.",
            "percentunit",
            now(f"sum by (kind) ({lost}) / on () group_left () (sum({missed}) > 0)", "{{kind}}"),
            steps=((None, "red"), (0.3, "orange"), (0.6, "green")),
        ).max(1)
    )
    leads = of("alert_lead_seconds")
    made.with_panel(
        bars(
            "Lead time, by kind",
            "By how much alerts came before the decision to leave, in the mean.",
            "s",
            now(
                f"sum by (kind) ({leads} * on (job, instance, kind) {lost})"
                f" / (sum by (kind) ({lost} and on (job, instance, kind) {leads}) > 0)",
                "{{kind}}",
            ),
        )
    )
    made.with_panel(
        bars(
            "What was done",
            "Recorded actions, by what their alerts came to: saved, recovered_unaided, false_alarm, lost, or open.",
            "short",
            now(f"sum by (action, outcome) ({of('actions_total')}) or on () vector(0)", "{{action}}, {{outcome}}"),
        )
    )
    made.with_panel(
        bars(
            "What alerts came to",
            "Judged 30 days after their end: saved, recovered_unaided, false_alarm, lost.",
            "short",
            now(f"sum by (outcome) ({alerts}) > 0", "{{outcome}}"),
            steps=((None, "blue"),),
        )
    )
    made.with_panel(
        bars(
            "MRR saved, by kind",
            "Of accounts that are well again after somebody acknowledged the alert or acted.",
            UNIT_OF_MONEY,
            now(amount("mrr_saved_minor_total", "currency, kind"), "{{kind}}, {{currency}}"),
        )
    )
