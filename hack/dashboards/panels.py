"""What the dashboards are put together from: one look for all of them."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, StackingMode
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableHide,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH = 24
"""Columns of Grafana's grid."""
_HEIGHT = 8
_LOW = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One query of a panel, and what its series are called."""

    query: str
    legend: str = ""


def page(uid: str, title: str, told: str, *, since: str) -> dashboard.Dashboard:
    """A dashboard without panels. `since`: the time it shows at first."""
    source = dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(told)
        .tags(["headgate"])
        .readonly()
        .refresh("30s")
        .time(since, "now")
        .timezone("browser")
        .with_variable(source)
        .link(dashboard.DashboardLink("Headgate").type("dashboards").tags(["headgate"]).as_dropdown(True).include_vars(True))
    )


def choice(name: str, label: str, query: str, *, several: bool) -> dashboard.QueryVariable:
    """A variable whose values are those of a label."""
    made = (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .hide(VariableHide.DONT_HIDE)
    )
    return made.multi(True).include_all(True).all_value(".*") if several else made


def curve(title: str, told: str, *lines: Line, unit: str = "short", wide: int = 12, stacked: bool = False) -> timeseries.Panel:
    """Over time."""
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True)
    panel = timeseries.Panel().title(title).description(told).datasource(SOURCE).unit(unit).span(wide).height(_HEIGHT).min(0).legend(legend)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(40)
    for line in lines:
        panel = panel.with_target(prometheus.Dataquery().datasource(SOURCE).expr(line.query).legend_format(line.legend or "__auto"))
    return panel


def figure(title: str, told: str, query: str, *, unit: str = "short", wide: int = 4, bad_from: float | None = None) -> stat.Panel:
    """One number, now: red from `bad_from` on."""
    steps = [Threshold(value=None, color="green"), *([] if bad_from is None else [Threshold(value=bad_from, color="red")])]
    limits = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
    asked = prometheus.Dataquery().datasource(SOURCE).expr(query).instant()
    return (
        stat.Panel()
        .title(title)
        .description(told)
        .datasource(SOURCE)
        .unit(unit)
        .span(wide)
        .height(_LOW)
        .thresholds(limits)
        .no_value("0")
        .with_target(asked)
    )


def rows(title: str, told: str, query: str, *, unit: str = "short", wide: int = 12) -> table.Panel:
    """One row for each series, now, with its labels as columns."""
    asked = prometheus.Dataquery().datasource(SOURCE).expr(query).instant().format(PromQueryFormat.TABLE)
    panel = table.Panel().title(title).description(told).datasource(SOURCE).span(wide).height(_HEIGHT).with_target(asked)
    return panel.override_by_name("Time", [DynamicConfigValue(id_val="custom.hidden", value=True)]).override_by_name(
        "Value", [DynamicConfigValue(id_val="unit", value=unit)]
    )
