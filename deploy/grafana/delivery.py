"""Delivery: whether people are told, how fast, and what is in the way."""

from grafana_foundation_sdk.builders import dashboard as build

from deploy.grafana.parts import (
    bars,
    board,
    highest,
    in_range,
    lines,
    now,
    number,
    panel_link,
    per_second,
    quantile,
    query,
    row,
    total,
    with_variables,
)


def delivery() -> build.Dashboard:
    """The dashboard."""
    text = "Whether messages arrive, by route: what waits, how long it takes, what the channel answers."
    made = with_variables(board("delivery", "delivery", text, since="now-24h"))
    for part in (_glance, _answers, _alerts):
        part(made)
    return made


def _glance(made: build.Dashboard) -> None:
    delivered = in_range("notifications_total", "route", 'result="delivered"')
    tries = in_range("notifications_total", "route", 'result!="past"')
    made.with_row(row("At a glance"))
    made.with_panel(
        number(
            "Messages that wait",
            "Routed, and not answered yet. A webhook takes one a second.",
            "short",
            now(total("notifications_pending", "route"), "{{route}}"),
            steps=((None, "green"), (100, "orange")),
        )
    )
    made.with_panel(
        number(
            "The oldest of them",
            "How long it has waited. After 24 hours it is given up.",
            "s",
            now(highest("notification_oldest_seconds", "route"), "{{route}}"),
            steps=((None, "green"), (900, "orange"), (14_400, "red")),
        ).links([panel_link("Runbook", "runbook")])
    )
    made.with_panel(
        number(
            "Routes that are broken",
            "1: nothing arrives until a person mends the webhook or the channel.",
            "short",
            now(highest("notification_route_broken", "route"), "{{route}}"),
            steps=((None, "green"), (1, "red")),
        ).links([panel_link("Runbook", "runbook")])
    )
    made.with_panel(
        number(
            "Delivered",
            "In the time shown.",
            "short",
            now(delivered, "{{route}}"),
        )
    )
    made.with_panel(
        number(
            "Nobody got",
            "Messages that were given up in the time shown. Each is on the topic of undelivered ones.",
            "short",
            now(in_range("notifications_undelivered_total", "route"), "{{route}}"),
            steps=((None, "green"), (1, "red")),
        ).links([panel_link("Runbook", "runbook")])
    )
    made.with_panel(
        number(
            "Answers that were a delivery",
            "Share of the tries, in the time shown. The rest was tried again.",
            "percentunit",
            now(f"{delivered} / {tries}", "{{route}}"),
            steps=((None, "red"), (0.5, "orange"), (0.9, "green")),
        )
    )


def _answers(made: build.Dashboard) -> None:
    made.with_row(row("Over time"))
    made.with_panel(
        lines(
            "Messages that wait",
            "A hill is a storm or an outage of the channel; a plateau is a route that is stuck.",
            "short",
            query(total("notifications_pending", "route"), "{{route}}"),
        )
    )
    made.with_panel(
        lines(
            "Alerts that are held back",
            "For the rest of their account's message, until the route opens, or for the next digest.",
            "short",
            query(total("notifications_held", "route"), "{{route}}"),
        )
    )
    made.with_panel(
        lines(
            "Age of the oldest",
            "Rises in step with time while nothing goes out.",
            "s",
            query(highest("notification_oldest_seconds", "route"), "{{route}}"),
        )
    )
    made.with_panel(
        lines(
            "Answers",
            "delivered; rate_limited: too fast; server_error, timeout, connection_error: tried again; rejected: tried "
            "as plain text; route_broken: somebody has to mend it; past: recorded, and told to nobody one by one.",
            "ops",
            query(per_second("notifications_total", "route, result"), "{{route}}, {{result}}"),
        )
    )
    made.with_panel(
        lines(
            "Time of a message",
            "From sending to the answer.",
            "s",
            query(quantile(0.5, "notification_seconds", "route"), "median, {{route}}"),
            query(quantile(0.95, "notification_seconds", "route"), "95%, {{route}}"),
        )
    )
    made.with_panel(
        bars(
            "Given up, by reason",
            "In the time shown. rejected: the channel refuses the message; given_up: the route failed for 24 hours; "
            "no_route: none is configured any more.",
            "short",
            now(in_range("notifications_undelivered_total", "route, reason"), "{{route}}, {{reason}}"),
            steps=((None, "green"), (1, "red")),
        )
    )
    made.with_panel(
        bars(
            "Answers, by result",
            "In the time shown.",
            "short",
            now(in_range("notifications_total", "result"), "{{result}}"),
            steps=((None, "blue"),),
        )
    )


def _alerts(made: build.Dashboard) -> None:
    made.with_row(row("What there is to tell"))
    made.with_panel(
        bars(
            "Buttons pressed in Slack",
            "In the time shown, by button and by what came of it.",
            "short",
            now(in_range("button_presses_total", "button, result") + " or on () vector(0)", "{{button}}, {{result}}"),
        )
    )
    made.with_panel(
        number(
            "Connections to Slack",
            "Over which workers hear of buttons; 0 without an app token.",
            "short",
            now(total("slack_connections")),
        )
    )
    made.with_panel(
        lines(
            "Changes of alerts",
            "All that is written to `churn-alerts`, watches left out. What is told of it is the routes' to say.",
            "ops",
            query(per_second("alerts_total", "change", 'severity!="watch"'), "{{change}}"),
        )
        .span(12)
        .links([panel_link("Who is at risk", "risk")])
    )
    made.with_panel(
        lines(
            "Flush of notify and deliver",
            "A message is committed before the next of its route goes out.",
            "s",
            query(quantile(0.95, "flush_seconds", "stage", 'stage=~"notify|deliver"'), "95%, {{stage}}"),
        )
        .span(12)
        .links([panel_link("How the workers do", "pipeline")])
    )
