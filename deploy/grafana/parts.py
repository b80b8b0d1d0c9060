"""What the dashboards have in common: queries that keep to the chosen job and instances, panels, variables, links."""

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any, Final

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

TAG: Final = "slackwater"
SOURCE: Final = DataSourceRef("prometheus", "$datasource")
CHOSEN: Final = 'job=~"$job", instance=~"$instance"'
Step = tuple[float | None, str]
"""From this value on, this colour; None: from the lowest."""
GOOD: Final[Sequence[Step]] = ((None, "green"),)
RED_FROM_ONE: Final[Sequence[Step]] = ((None, "green"), (1, "red"))
PANEL_HEIGHT: Final = 8
STAT_HEIGHT: Final = 4


def of(metric: str, matchers: str = "", over: str = "") -> str:
    """A selector that keeps to the chosen job and instances.

    >>> of("events_total", 'type="usage"', "$__rate_interval")
    'slackwater_events_total{job=~"$job", instance=~"$instance", type="usage"}[$__rate_interval]'
    """
    name = metric if metric.startswith("process_") else f"slackwater_{metric}"
    chosen = f"{CHOSEN}, {matchers}" if matchers else CHOSEN
    return f"{name}{{{chosen}}}" + (f"[{over}]" if over else "")


def total(metric: str, by: str = "", matchers: str = "") -> str:
    """A gauge over all workers, added up by labels; none: altogether."""
    return f"sum by ({by}) ({of(metric, matchers)})" if by else f"sum({of(metric, matchers)})"


def highest(metric: str, by: str) -> str:
    """The highest value of a gauge, by labels."""
    return f"max by ({by}) ({of(metric)})"


def per_second(metric: str, by: str, matchers: str = "") -> str:
    """How fast a counter grows, added up by labels."""
    return f"sum by ({by}) (rate({of(metric, matchers, '$__rate_interval')}))"


def in_range(metric: str, by: str, matchers: str = "") -> str:
    """By how much a counter has grown over the time that is shown, added up by labels."""
    return f"sum by ({by}) (increase({of(metric, matchers, '$__range')}))"


def quantile(share: float, metric: str, by: str = "", matchers: str = "") -> str:
    """A quantile of a histogram, by labels; none: of all."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, {per_second(f'{metric}_bucket', labels, matchers)})"


def mean(metric: str, by: str) -> str:
    """The mean of a histogram, by labels."""
    return f"{per_second(f'{metric}_sum', by)} / {per_second(f'{metric}_count', by)}"


def query(expression: str, legend: str) -> prometheus.Dataquery:
    """A query over the time that is shown; labels in the legend are written as {{label}}."""
    return prometheus.Dataquery().expr(expression).legend_format(legend).range().datasource(SOURCE)


def now(expression: str, legend: str = "") -> prometheus.Dataquery:
    """A query for the last value alone."""
    return prometheus.Dataquery().expr(expression).legend_format(legend or "__auto").instant().datasource(SOURCE)


def lines(title: str, text: str, unit: str, *queries: prometheus.Dataquery, stacked: bool = False) -> timeseries.Panel:
    """Values over time. The text says what is seen, and what to think of it."""
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    tooltip = common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)
    panel = timeseries.Panel().legend(legend.show_legend(True)).tooltip(tooltip).min(0).fill_opacity(10)
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A")).fill_opacity(60)
    return _finished(panel, title, text, unit, queries).height(PANEL_HEIGHT).span(8)


def number(
    title: str, text: str, unit: str, *queries: prometheus.Dataquery, steps: Sequence[Step] = GOOD
) -> stat.Panel:
    """One value each, large, in the colour of its threshold."""
    panel = stat.Panel().graph_mode(BigValueGraphMode.NONE).color_mode(BigValueColorMode.VALUE).wide_layout(False)
    panel.text_mode(BigValueTextMode.AUTO).thresholds(_thresholds(steps)).reduce_options(_last()).no_value("none")
    if unit == "short":
        panel.decimals(0)
    return _finished(panel, title, text, unit, queries).height(STAT_HEIGHT).span(4)


def bars(
    title: str, text: str, unit: str, *queries: prometheus.Dataquery, steps: Sequence[Step] = GOOD
) -> bargauge.Panel:
    """One bar for each series, by its last value."""
    panel = bargauge.Panel().display_mode(BarGaugeDisplayMode.BASIC).orientation(VizOrientation.HORIZONTAL).min(0)
    panel.thresholds(_thresholds(steps)).reduce_options(_last()).no_value("none")
    if unit == "short":  # what a counter has grown by is estimated between scrapes, and no whole number
        panel.decimals(0)
    return _finished(panel, title, text, unit, queries).height(PANEL_HEIGHT).span(8)


def row(title: str) -> build.Row:
    """A heading for the panels that follow."""
    return build.Row(title)


def board(uid: str, title: str, text: str, *, since: str) -> build.Dashboard:
    """An empty dashboard with its variables and links; `since` is the time that is shown at first (`now-6h`)."""
    made = build.Dashboard(f"slackwater: {title}").uid(f"slackwater-{uid}").description(text).tags([TAG])
    made.time(since, "now").refresh("1m").timezone("browser").readonly().tooltip(DashboardCursorSync.CROSSHAIR)
    others = build.DashboardLink("slackwater").type(DashboardLinkType.DASHBOARDS).tags([TAG]).icon("external link")
    return made.link(others.include_vars(True).keep_time(True).as_dropdown(False).tooltip("The other dashboards"))


def with_variables(made: build.Dashboard) -> build.Dashboard:
    """Let it choose a data source, a job, and instances."""
    source = build.DatasourceVariable("datasource").label("Data source").type("prometheus")
    made.with_variable(source.current(VariableOption(text="Prometheus", value="prometheus")))
    made.with_variable(_labels("job", "Job", "slackwater_build_info"))
    return made.with_variable(_labels("instance", "Instance", 'slackwater_build_info{job=~"$job"}'))


def panel_link(title: str, uid: str) -> build.DashboardLink:
    """From a panel to another dashboard, with the same choice and time."""
    url = f"/d/slackwater-{uid}?${{job:queryparam}}&${{instance:queryparam}}&${{__url_time_range}}"
    return build.DashboardLink(title).type(DashboardLinkType.LINK).url(url)


def _labels(label: str, shown: str, series: str) -> build.QueryVariable:
    question = f"label_values({series}, {label})"
    chosen = build.QueryVariable(label).label(shown).query(question).datasource(SOURCE).multi(True).include_all(True)
    chosen.all_value(".+").current(VariableOption(text="All", value="$__all", selected=True))
    return chosen.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)


def _finished(panel: Any, title: str, text: str, unit: str, queries: Sequence[prometheus.Dataquery]) -> Any:
    for letter, each in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(each.ref_id(letter))
    return panel.title(title).description(text).unit(unit).datasource(SOURCE)


def _thresholds(steps: Sequence[Step]) -> build.ThresholdsConfig:
    made = [Threshold(value, colour) for value, colour in steps]
    return build.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields("")
