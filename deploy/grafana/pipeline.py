"""The pipeline, for operations: what comes in, how far the workers are, and how they do."""

from grafana_foundation_sdk.builders import dashboard as build

from deploy.grafana.machinery import losses, work, workers
from deploy.grafana.parts import (
    RED_FROM_ONE,
    board,
    highest,
    lines,
    now,
    number,
    of,
    panel_link,
    per_second,
    quantile,
    query,
    row,
    total,
    with_variables,
)


def pipeline() -> build.Dashboard:
    """The dashboard."""
    text = "Whether events come in, whether the workers keep up with them, and what they need for it."
    made = with_variables(board("pipeline", "pipeline", text, since="now-6h"))
    for part in (_glance, _input, _progress, work, workers, losses):
        part(made)
    return made


def _glance(made: build.Dashboard) -> None:
    made.with_row(row("At a glance"))
    made.with_panel(
        number(
            "Workers ready",
            "Workers that have all of their partitions recovered.",
            "short",
            now(total("ready")),
            steps=((None, "red"), (1, "green")),
        )
    )
    made.with_panel(
        number(
            "Alerts of Prometheus",
            "Firing or pending, by name; what to do is on the dashboard of the runbook.",
            "short",
            now(
                'count by (alertname, alertstate) (ALERTS{job=~"$job|", alertname=~"Slackwater.+"})',
                "{{alertname}} {{alertstate}}",
            ),
            steps=RED_FROM_ONE,
        ).links([panel_link("Runbook", "runbook")])
    )
    made.with_panel(
        number(
            "Records that wait",
            "Over all topics, the workers' own among them.",
            "short",
            now(total("consumer_lag_records")),
            steps=((None, "green"), (10_000, "orange"), (100_000, "red")),
        )
    )
    made.with_panel(
        number(
            "Behind",
            "How far the slowest home partition is behind the wall clock. While a history is read by its own clock, "
            "that is the age of the history.",
            "s",
            now(f"time() - min({of('home_clock_seconds')})"),
            steps=((None, "green"), (300, "orange"), (1_800, "red")),
        )
    )
    made.with_panel(
        number(
            "Fleet is quiet",
            "1: hardly anything comes in, and nobody who lives on it is judged.",
            "short",
            now(f"max({of('telemetry_stalled')})"),
            steps=RED_FROM_ONE,
        )
    )
    made.with_panel(
        number(
            "Exactly once",
            "1: the broker has transactions. 0: a crash may repeat what was flushed last.",
            "short",
            now(f"min({of('exactly_once')})"),
            steps=((None, "orange"), (1, "green")),
        )
    )


def _input(made: build.Dashboard) -> None:
    made.with_row(row("What comes in"))
    made.with_panel(
        lines("Events, by topic", "Valid events read.", "eps", query(per_second("events_total", "topic"), "{{topic}}"))
    )
    made.with_panel(
        lines(
            "Events, by type",
            "Usage is most of it; a type that vanishes is a producer that changed.",
            "eps",
            query(per_second("events_total", "type"), "{{type}}"),
        )
    )
    made.with_panel(
        lines(
            "Age of records as they are read",
            "From a record's own time. High while a backlog or a history is read.",
            "s",
            query(quantile(0.5, "event_age_seconds"), "median"),
            query(quantile(0.95, "event_age_seconds"), "95%"),
        )
    )
    made.with_panel(
        lines(
            "Dead letters, by topic",
            "Records that could not be read, or commands that could not be carried out.",
            "eps",
            query(per_second("dead_letters_total", "topic"), "{{topic}}"),
        )
    )
    made.with_panel(
        lines(
            "Dead letters, by reason",
            "Each is on the topic of dead letters, with the field at fault.",
            "eps",
            query(f"{per_second('dead_letters_total', 'reason')} > 0", "{{reason}}"),
        )
    )
    made.with_panel(
        lines(
            "Events that count otherwise",
            "duplicate: the id was seen before. late: the day had been judged. rekeyed: moved to its account's home, "
            "which is usual. known: of before what was loaded as history. under an alias: counted for its account. "
            "parked: its account is not known yet; released: it is by now.",
            "eps",
            query(per_second("events_duplicate_total", "job"), "duplicate, {{job}}"),
            query(per_second("events_late_total", "job"), "late, {{job}}"),
            query(per_second("events_rekeyed_total", "job"), "rekeyed, {{job}}"),
            query(per_second("events_known_total", "job"), "known, {{job}}"),
            query(per_second("events_aliased_total", "job") + " or on () vector(0)", "under an alias, {{job}}"),
            query(per_second("events_parked_total", "job") + " or on () vector(0)", "parked, {{job}}"),
            query(per_second("events_released_total", "job") + " or on () vector(0)", "released, {{job}}"),
        )
    )
    made.with_panel(
        lines(
            "Aliases, and what waits for one",
            "Ids that stand for an account, by the `accounts` topic. Every worker knows all of them. Waiting: records "
            "under ids that have to be an account's alias, and are none yet (`PARK_IDS`).",
            "short",
            query(highest("aliases", "job"), "aliases, {{job}}"),
            query(total("parked_records", "job, topic"), "waiting, {{topic}}, {{job}}"),
        )
    )
    made.with_panel(
        lines(
            "Events left out, by setting",
            "Read, and not counted as usage: `EXCLUDE_EVENTS`, `EXCLUDE_USERS`, `INCLUDE_EVENTS`; or of a foreign "
            "format, and nothing that slackwater asks for.",
            "eps",
            query(per_second("events_excluded_total", "setting"), "{{setting}}"),
            query(
                per_second("events_ignored_total", "reason") + " or on () vector(0)", "says nothing here: {{reason}}"
            ),
        )
    )
    made.with_panel(
        lines(
            "Activity of the fleet, by source",
            "Of the last closed day, 1 is normal. Below 30% alerts on usage are held.",
            "percentunit",
            query(highest("fleet_factor", "source"), "{{source}}"),
        ).links([panel_link("Who is at risk", "risk")])
    )
    made.with_panel(
        lines(
            "Payments, by result",
            "Charges that succeeded, and failed attempts.",
            "eps",
            query(per_second("payments_total", "result"), "{{result}}"),
        )
    )


def _progress(made: build.Dashboard) -> None:
    made.with_row(row("How far it is"))
    made.with_panel(
        lines(
            "Lag, by topic",
            "Records that are not worked yet. Input topics first; the internal ones follow.",
            "short",
            query(total("consumer_lag_records", "topic"), "{{topic}}"),
        )
    )
    made.with_panel(
        lines(
            "Behind, by home partition",
            "How far each has applied events, against the wall clock. A day closes for nobody before the slowest has "
            "come to its end; on the wall clock, after `FLEET_WAIT` it closes without that one.",
            "s",
            query(f"time() - max by (partition) ({of('home_clock_seconds')})", "{{partition}}"),
        )
    )
    made.with_panel(
        lines(
            "Events that wait for their turn",
            "Held back until all inputs have come as far. Beyond `MAX_WAITING_EVENTS` they are applied out of turn.",
            "short",
            query(total("events_waiting", "partition"), "{{partition}}"),
        )
    )
    made.with_panel(
        lines(
            "Pictures that wait",
            "Accounts that changed, and are not on `account-health` as they are now. After midnight many.",
            "short",
            query(total("pictures_waiting", "partition"), "{{partition}}"),
        )
    )
    made.with_panel(
        lines(
            "Accounts with a moment to come",
            "In the due queue: those that will be looked at by themselves.",
            "short",
            query(total("due_queue_accounts", "partition"), "{{partition}}"),
        )
    )
    made.with_panel(
        lines(
            "Room for accounts that is taken",
            "At 100% a home partition takes no new accounts (`MAX_PARTITION_ACCOUNTS`); those that are known go on.",
            "percentunit",
            query(highest("accounts_room_used_ratio", "partition"), "{{partition}}"),
        )
    )
    made.with_panel(
        lines(
            "Thresholds that are learnt",
            "Share that is no longer a cold start's. A young fleet begins at 0, with more false alarms than asked.",
            "percentunit",
            query(highest("thresholds_learnt", "job"), "{{job}}"),
        )
    )
