"""The lower half of the pipeline's dashboard: what the work takes, the workers, and what must not be."""

from grafana_foundation_sdk.builders import dashboard as build

from deploy.grafana.parts import (
    RED_FROM_ONE,
    highest,
    in_range,
    lines,
    mean,
    now,
    number,
    of,
    per_second,
    quantile,
    query,
    row,
    total,
)


def work(made: build.Dashboard) -> None:
    """Flushes, batches, state."""
    made.with_row(row("What it takes"))
    made.with_panel(
        lines(
            "Flush, in the mean",
            "A transaction of the stage, from beginning to committed.",
            "s",
            query(mean("flush_seconds", "stage"), "{{stage}}"),
        )
    )
    made.with_panel(
        lines(
            "Flush, 95%",
            "The buckets end at five seconds: where this stands at 5, see the mean.",
            "s",
            query(quantile(0.95, "flush_seconds", "stage"), "{{stage}}"),
        )
    )
    made.with_panel(
        lines(
            "Flushes",
            "One a second and partition when it is quiet, ten for what is urgent, one in ten seconds while it lags.",
            "ops",
            query(per_second("flush_seconds_count", "stage"), "{{stage}}"),
        )
    )
    made.with_panel(
        lines(
            "Batches: time",
            "To work what one fetch brought, in the mean.",
            "s",
            query(mean("batch_seconds", "stage"), "{{stage}}"),
        )
    )
    made.with_panel(
        lines(
            "Batches: records",
            "In one fetch, in the mean. A record of the stage `engagement` holds many events.",
            "short",
            query(mean("batch_records", "stage"), "{{stage}}"),
        )
    )
    made.with_panel(
        lines(
            "State",
            "What the tables take, in memory or on disk: 1 to 2 KB an account.",
            "bytes",
            query(total("state_bytes", "instance"), "{{instance}}"),
        )
    )


def workers(made: build.Dashboard) -> None:
    """Each worker's process."""
    made.with_row(row("Workers"))
    made.with_panel(
        lines(
            "Ready",
            "1: all partitions recovered. Steps down at each rebalance.",
            "short",
            query(highest("ready", "instance"), "{{instance}}"),
        )
    )
    made.with_panel(
        lines(
            "Recovery",
            "From the assignment to the first record, the last time.",
            "s",
            query(highest("recovery_seconds", "instance"), "{{instance}}"),
        )
    )
    made.with_panel(
        lines(
            "Since the assignment",
            "Falls to 0 whenever partitions are dealt out. A saw-tooth is a group that finds no rest.",
            "s",
            query(f"time() - max by (instance) ({of('assignment_timestamp_seconds')})", "{{instance}}"),
        )
    )
    made.with_panel(
        lines(
            "CPU",
            "Of one core. A worker uses one core and little more.",
            "percentunit",
            query(per_second("process_cpu_seconds_total", "instance"), "{{instance}}"),
        )
    )
    made.with_panel(
        lines(
            "Memory",
            "Resident: 3.4 KB an account with the memory store, and up to 1.2 GB for what is decoded and waits.",
            "bytes",
            query(total("process_resident_memory_bytes", "instance"), "{{instance}}"),
        )
    )
    made.with_panel(
        lines(
            "Versions",
            "Workers by version. Two for long: an update that stopped half-way.",
            "short",
            query(f"count by (version) ({of('build_info')})", "{{version}}"),
            stacked=True,
        )
    )


def losses(made: build.Dashboard) -> None:
    """Counts that stay at 0 where all is well."""
    made.with_row(row("What must not be, in the time shown"))
    for title, text, expression, legend in (
        (
            "Records lost",
            "Removed from a topic before they were read.",
            in_range("records_lost_total", "job"),
            "{{job}}",
        ),
        (
            "Topics created anew",
            "Deleted and created again while they were read.",
            in_range("topic_incarnations_total", "job"),
            "{{job}}",
        ),
        (
            "Events out of turn",
            "Applied before the slowest input had come as far.",
            in_range("events_disordered_total", "job"),
            "{{job}}",
        ),
        (
            "Ids forgotten early",
            "Their repetitions would be counted twice.",
            in_range("dedup_overflow_total", "job"),
            "{{job}}",
        ),
        ("Tasks failed", "Ended by an error, and began anew.", in_range("task_failures_total", "job"), "{{job}}"),
        (
            "Events late",
            "Of a day that had been judged: counted, and not judged.",
            in_range("events_late_total", "job"),
            "{{job}}",
        ),
    ):
        made.with_panel(number(title, text, "short", now(expression, legend), steps=RED_FROM_ONE))
