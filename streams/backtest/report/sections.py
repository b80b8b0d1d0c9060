"""The report's sections, in words and tables. Pure."""

from html import escape

from alerting.words import count, money, number
from schemas.instants import parse_instant
from streams.backtest import words
from streams.backtest.accounts import HEADER
from streams.backtest.events import USERS, suggestions
from streams.backtest.examples import Example
from streams.backtest.outcomes import Basis
from streams.backtest.report import plots
from streams.backtest.report.html import DASH, Column, figure, paragraph, percent, section, table, tile
from streams.backtest.report.svg import legend
from streams.backtest.result import Backtest
from streams.backtest.summary import WITHIN
from streams.backtest.verdicts import Verdict

_LOSSES_SHOWN = 300


def headline(found: Backtest) -> str:
    """What it would have meant to the people who get the messages."""
    load, judged = found.load, found.judged
    tiles = [
        tile(figure(load.per_person_and_week), f"messages per person and week, {figure(load.per_week)} a week in all"),
        tile(percent(judged.recall), f"of losses found: {len(judged.days):,} of {len(judged.judged_losses):,}"),
        tile(percent(judged.precision), "of alarms came before a loss (of those that are decided)"),
        tile(
            figure(judged.false_alarms_per_account_year),
            f"false alarms per account-year, where {found.asked:g} were asked for",
        ),
    ]
    return paragraph(" ".join(words.headline(found)), "headline") + f'<div class="tiles">{"".join(tiles)}</div>'


def notes(found: Backtest) -> str:
    """What a reader ought to know first."""
    said = list(found.notes)
    if found.reading.bad:
        said.append(f"{found.reading.bad:,} rows were not usable and are left out.")
    parts = [f'<p class="note">{escape(each)}</p>' for each in said]
    if found.reading.bad:
        rows = "".join(f"<li><code>{escape(each)}</code></li>" for each in found.reading.examples)
        parts.append(f"<details><summary>The first of them</summary><ul>{rows}</ul></details>")
    return "".join(parts)


def alerts(found: Backtest) -> str:
    """Alerts by kind and week."""
    load = found.load
    columns = [Column("kind of alert"), Column("opened", "number"), Column("a week", "number")]
    rows = [
        [plots.kind_name(kind), f"{opened:,}", figure(opened / load.weeks)]
        for kind, opened in load.opened.most_common()
    ]
    earlier = sum(week.total() for week in load.by_week.values()) > load.opened.total()
    span = f"From {found.calendar.day_text(load.since)} to {found.calendar.day_text(load.until)}"
    return section(
        "Alerts by kind and week",
        paragraph(
            f"{span}: {count(load.messages, 'message')} in {figure(load.weeks)} weeks. Counted are alerts of severity "
            f"warning or critical. A message is sent when an alert opens, escalates or is resolved; what changes on an "
            f"account at one moment is one message. "
            f"{load.watches:,} {'watch was' if load.watches == 1 else 'watches were'} recorded as well, and never sent."
            + (" The plot has what was opened before, too." if earlier else "")
        ),
        plots.weeks_plot(load, found.calendar),
        table(columns, rows) if rows else paragraph("No alert was opened in that time."),
    )


def worth(found: Backtest) -> str:
    """Precision, recall and delay, beside the best silence rule."""
    judged, rule = found.judged, found.rule
    if not judged.losses:
        return section("Were they right?", paragraph(_no_losses(found)))
    parts = [paragraph(_basis(found))]
    runs = [("slackwater", judged)]
    if rule is not None:
        runs.append((f"{rule.days} days of silence", rule.judged))
    silence = judged.basis is Basis.SILENCE
    names = [f"found within {days} days" if silence else f"found {days} days before" for days in WITHIN]
    columns = [Column("")] + [Column(name, "number") for name, _ in runs]
    lines = [
        ("losses that could be judged", [f"{len(run.judged_losses):,}" for _, run in runs]),
        ("losses found", [f"{len(run.days):,} ({percent(run.recall)})" for _, run in runs]),
        ("as many alarms at random times would find", [percent(run.by_chance) for _, run in runs]),
        *((name, [percent(run.within(days)) for _, run in runs]) for name, days in zip(names, WITHIN, strict=True)),
        ("median delay, days" if silence else "median lead, days", [figure(run.median_days) for _, run in runs]),
        ("alarms", [f"{run.raised:,}" for _, run in runs]),
        *((_VERDICTS[verdict], [f"{run.count(verdict):,}" for _, run in runs]) for verdict in Verdict),
        ("precision", [percent(run.precision) for _, run in runs]),
        ("false alarms per account-year", [figure(run.false_alarms_per_account_year) for _, run in runs]),
    ]
    parts.append(plots.days_plot(found))
    parts.append(table(columns, [[name, *cells] for name, cells in lines]))
    if silence:
        parts.append(
            paragraph(
                f"In the end every rule of fewer than {found.silence_days} days finds every such loss, because silence "
                "is what makes it one: what tells methods apart is how soon, and at how many false alarms.",
                "muted",
            )
        )
    if rule is not None:
        parts.append(
            paragraph(
                f"The rule of {count(rule.days, 'day')} is the best fixed silence rule that could have been chosen: "
                "the shortest with no more false alarms than slackwater had (but for those so short that they alarm "
                "all the time), picked in the knowledge of every outcome. "
                "slackwater knew none.",
                "muted",
            )
        )
    return section("Were they right?", *parts)


_VERDICTS = {
    Verdict.RIGHT: "of them right",
    Verdict.FALSE: "false",
    Verdict.UNDECIDED: "not decided yet",
    Verdict.LATE: "too late",
}


def _no_losses(found: Backtest) -> str:
    how = {
        Basis.FILE: "The outcomes file names no loss of an account in the data",
        Basis.BILLING: "Billing shows no loss",
        Basis.SILENCE: f"No account was silent for the last {found.silence_days} days",
    }[found.judged.basis]
    return f"{how}: there is nothing to hold the alarms against."


def _basis(found: Backtest) -> str:
    if found.judged.basis is Basis.SILENCE:
        return (
            f"No outcomes were given, so silence tells: an account is lost when there are at least "
            f"{found.silence_days} days of data after its last event. An alarm is right that opened from 60 days "
            f"before that event until {found.silence_days} days after it, or sooner and was open still; in a shorter "
            "silence at the end of the data it is not decided."
        )
    source = "the outcomes file" if found.judged.basis is Basis.FILE else "billing (the last subscription ended)"
    return (
        f"Losses are those of {source}. An alarm is right when it was open, or opened, in the 60 days before the "
        f"account left, or scheduled its cancellation."
    )


def knob(found: Backtest) -> str:
    """Every setting of the knob, in the units of those who set it and of those who get the messages."""
    silence = found.judged.basis is Basis.SILENCE
    columns = [
        Column("asked: false alarms per account-year", "when"),
        Column("realised", "number"),
        Column("alarms", "number"),
        Column("messages per person and week", "number"),
    ]
    known = bool(found.judged.losses)
    if known:
        columns += [
            Column("losses found", "number"),
            *(Column(f"within {days} days" if silence else f"{days} days before", "number") for days in (14, 30)),
            Column("median delay, days" if silence else "median lead, days", "number"),
            Column("precision", "number"),
        ]
    rows, marked = [], []
    for place, point in enumerate(found.curve):
        judged = point.judged
        if point.asked == found.asked:
            marked.append(place)
        row = [
            f"{point.asked:g}" + (" (this report)" if point.asked == found.asked else ""),
            figure(judged.false_alarms_per_account_year),
            f"{judged.raised:,}",
            figure(point.load.per_person_and_week),
        ]
        if known:
            row += [
                percent(judged.recall),
                percent(judged.within(14)),
                percent(judged.within(30)),
                figure(judged.median_days),
                percent(judged.precision),
            ]
        rows.append(row)
    return section(
        "What another setting would give",
        paragraph(
            "Nothing was run again for this: after each day the engine's scores were held against the thresholds that "
            "each setting had on that day. For the present setting the line is the engine's own."
        ),
        plots.knob_plot(found) if known else "",
        paragraph(
            "Alarms of an account that follow one another within 28 days count as one above. What they ask of people "
            "is told by the messages: one when an alarm is raised, one when it is over.",
            "muted",
        )
        if known
        else "",
        plots.messages_plot(found) if known else "",
        table(columns, rows, marked),
    )


def ages(found: Backtest) -> str:
    """False alarms by the account's age."""
    columns = [
        Column("days since the first event"),
        Column("account-years", "number"),
        Column("false alarms", "number"),
        Column("per account-year", "number"),
    ]
    rows = []
    for place, band in enumerate(found.ages):
        following = found.ages[place + 1].from_days if place + 1 < len(found.ages) else None
        name = f"{band.from_days} to {following}" if following is not None else f"{band.from_days} and more"
        rate = band.false_alarms / band.account_years if band.account_years >= 0.5 else None
        rows.append([name, figure(band.account_years), f"{band.false_alarms:,}", figure(rate)])
    never = found.accounts - found.judged_accounts
    return section(
        "False alarms by account age",
        table(columns, rows),
        paragraph(f"{count(never, 'account')} never had enough activity to be judged.", "muted"),
    )


def at_risk(found: Backtest) -> str:
    """Accounts with an open alert at the end."""
    if not found.at_risk:
        return section("At risk at the end", paragraph("No account has an open alert."))
    columns = [
        Column("account", "name"),
        Column("open alerts"),
        Column("health", "number"),
        Column("last active", "when"),
        Column("MRR", "number"),
        Column("at risk", "number"),
        Column("owner"),
    ]
    rich = any(row[HEADER.index("currency")] or row[HEADER.index("owner")] for row in found.at_risk)
    shown = len(columns) if rich else 4
    rows = []
    for row in found.at_risk:
        values = dict(zip(HEADER, row, strict=False))  # what became of it is not asked for
        currency = values["currency"]
        mrr = money(values["mrr_minor"], currency) if currency and values["mrr_minor"] != "" else DASH
        risk = money(round(values["priority"]), currency) if currency else DASH
        name = values["account_name"]
        rows.append(
            [
                f"{name} ({values['account_id']})" if name else values["account_id"],
                ", ".join(each.replace(":", " (").replace("_", " ") + ")" for each in values["open_alerts"].split()),
                f"{values['health']}",
                found.calendar.day_text(parse_instant(at)) if (at := values["last_event_at"]) else DASH,
                mrr,
                risk,
                values["owner"] or DASH,
            ][:shown]
        )
    return section(
        "At risk at the end",
        paragraph(
            "Of accounts.csv, the first that have an open alert of severity warning or critical.",
            "muted",
        ),
        table(columns[:shown], rows),
    )


def losses(found: Backtest) -> str:
    """Each loss of the last year."""
    if not found.losses:
        return ""
    columns = [
        Column("account", "name"),
        Column("last event" if found.judged.basis is Basis.SILENCE else "left", "when"),
        Column("events, 28 days before", "number"),
        Column("28 days before those", "number"),
        Column("flagged, or why not", "words"),
    ]
    rows = [
        [
            f"{each.name} ({each.found.account})" if each.name else each.found.account,
            found.calendar.day_text(each.found.at),
            f"{each.before:,}",
            f"{each.earlier:,}",
            each.told,
        ]
        for each in found.losses[:_LOSSES_SHOWN]
    ]
    more = len(found.losses) - len(rows)
    rest = paragraph(f"{more:,} more are in summary.json.", "muted") if more > 0 else ""
    return section("The losses of the last year, one by one", table(columns, rows), rest)


def examples(found: Backtest) -> str:
    """Plots of accounts."""
    if not found.examples:
        return ""
    parts = [
        paragraph(
            "The usual range is drawn from the eight weeks before each day (before the decline, during an alert); the "
            "engine itself judges by its own channels. Below each plot stands what its alerts said: the events "
            "observed and expected in the days from the decline's beginning to the alert, and how often an account "
            "that then carries on as before gets to such a score.",
            "muted",
        ),
        legend(plots.MARKS),
    ]
    for example in found.examples:
        parts.append(f"<h3>{escape(example.title)}: {escape(example.account)}</h3>")
        parts.append(plots.account_plot(example, found.calendar))
        if example.alerts:
            parts.append(_explained(example, found))
    return section("Accounts as examples", *parts)


def _explained(example: Example, found: Backtest) -> str:
    columns = [
        Column("on", "when"),
        Column("alert"),
        Column("since", "when"),
        Column("observed", "number"),
        Column("expected", "number"),
        Column("days", "number"),
        Column("so high by chance"),
        Column("in words", "said"),
    ]
    calendar = found.calendar

    def day(which: int) -> str:
        return calendar.day_text(calendar.start_of(which))

    rows = [
        [
            day(each.day),
            each.label,
            day(each.since_day),
            _number(each.observed),
            _number(each.expected),
            DASH if each.window_days is None else f"{each.window_days:,}",
            _rarity(each.rarity),
            each.headline,
        ]
        for each in example.alerts
    ]
    return table(columns, rows)


def _number(value: float | None) -> str:
    return DASH if value is None else number(value)


def _rarity(rate: float | None) -> str:
    """How rare a score is, as people say it."""
    if rate is None:
        return DASH
    if rate >= 1:
        return f"{figure(rate)} times in an account-year"
    return f"once in {figure(1 / rate)} account-years" if rate > 0 else "never yet"


def events(found: Backtest) -> str:
    """What is counted as usage, and what perhaps should not be."""
    columns = [
        Column("event", "name"),
        Column("events", "number"),
        Column("share", "number"),
        Column("users", "number"),
        Column("accounts", "number"),
        Column("regular", "number"),
        Column("at night", "number"),
        Column("is it usage?", "words"),
    ]
    rows = [
        [
            each.name,
            f"{each.count:,}",
            f"{each.share * 100:.1f}%",
            _upto(each.users),
            _upto(each.accounts),
            percent(each.regularity),
            percent(each.night),
            f"Left out by {each.excluded}." if each.excluded else f"It {each.suggestion}." if each.suggestion else "",
        ]
        for each in found.events
    ]
    programs = "".join(f"<li>{escape(each)}</li>" for each in suggestions((), found.programs))
    return section(
        "What was counted",
        table(columns, rows),
        paragraph(
            "Regular: how often the time between two such events of a user (or account, where none is named) is as "
            "long as the one before, within 5%. A timer comes near 100%, people stay below 10%. At night: share in a "
            "user's quietest eight hours of the day. A program has a third there, a person next to nothing.",
            "muted",
        ),
        f"<p>Users who are perhaps programs:</p><ul>{programs}</ul>" if programs else "",
    )


def _upto(many: int) -> str:
    return f"{many:,}+" if many >= USERS else f"{many:,}"


def checking(found: Backtest) -> str:
    """Where each figure comes from."""
    since = found.calendar.day_text(found.load.since)
    items = (
        f"Messages: lines of alerts.jsonl at or after {since}, of severity warning or critical and a kind that is "
        "sent, whose change is opened, escalated, woken or resolved; those of an account at one moment are one.\n"
        "Alerts opened: of those the ones with change opened, and those escalated from a watch.\n"
        "Alarms: the engagement alerts (usage_drop, usage_silence) of an account from warning on; two that overlap, "
        "or follow within 28 days, are one alarm.\n"
        "Account-years: from the day an account is judged (see its age and its active days) to its last event or its "
        "loss.\n"
        "The dates of losses and alarms, with the alerts' ids, are in summary.json under losses."
    )
    listed = "".join(f"<li>{escape(each)}</li>" for each in items.splitlines())
    return section("How to check these figures", f"<ul>{listed}</ul>")
