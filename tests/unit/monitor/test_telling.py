"""Metrics, Events, probes and configuration of the monitor."""

from datetime import date

import pytest
from tests.unit.monitoring.inservice.watched import plan, reference

from headgate.config import ConfigError, read_settings
from headgate.monitor.app import Health
from headgate.monitor.metrics import MonitorMetrics
from headgate.monitor.models import ModelKey, ServingModel
from headgate.monitoring.inservice.assessment import Assessment, Kind
from headgate.monitoring.result import LimitVerdict, Result, not_assessed

KEY = ModelKey("lending", "credit-scorer")
MODEL = ServingModel(KEY, "uid-1", 1, "11111111", date(2026, 2, 1), plan(reference()))


def figure(value: float, verdict: LimitVerdict) -> tuple[str, Result]:
    return "income", Result("psi", verdict, "measured", (100, 100), value, (value, value))


def test_one_verdict_of_each_kind_and_the_worst_figure() -> None:
    metrics = MonitorMetrics()
    drifting = (figure(0.05, LimitVerdict.WITHIN_LIMITS), figure(0.15, LimitVerdict.DRIFTING), ("age", not_assessed("drift", "?")))
    metrics.assessed(KEY, Assessment({Kind.DRIFT: drifting, Kind.VALUE: (("", not_assessed("valuePerYear", "?")),)}))
    page = metrics.page().decode()
    assert 'verdict{kind="drift",model="credit-scorer",namespace="lending",verdict="Drifting"} 1.0' in page
    assert 'value{kind="drift",model="credit-scorer",namespace="lending"} 0.15' in page
    assert 'verdict{kind="value",model="credit-scorer",namespace="lending",verdict="NotAssessed"} 1.0' in page
    assert 'value{kind="value"' not in page, "what was not measured has no value"
    metrics.assessed(KEY, Assessment({Kind.DRIFT: (figure(0.01, LimitVerdict.WITHIN_LIMITS),)}))
    page = metrics.page().decode()
    assert 'verdict="Drifting"' not in page
    assert 'kind="value"' not in page
    metrics.forget(KEY)
    metrics.forget(KEY)
    assert "credit-scorer" not in metrics.page().decode()


def test_a_part_of_the_scorecard_that_is_not_wholly_measured_has_no_series() -> None:
    metrics = MonitorMetrics()
    risk = Result("Risk", LimitVerdict.VIOLATED, "low", (1, 1), 0.4, (0.4, 0.4))
    metrics.assessed(KEY, Assessment({}, scores=(risk, not_assessed("Business", "?"), not_assessed("overall", "?"))))
    page = metrics.page().decode()
    assert 'headgate_monitor_scorecard{model="credit-scorer",namespace="lending",part="risk"} 0.4' in page
    assert 'part="business"' not in page
    assert 'part="overall"' not in page
    metrics.assessed(KEY, Assessment({}, scores=(not_assessed("Risk", "?"),)))
    assert "part=" not in metrics.page().decode()
    metrics.assessed(KEY, Assessment({}, scores=(risk,)))
    metrics.forget(KEY)
    assert "part=" not in metrics.page().decode()


def test_a_p_value_is_no_worst_figure() -> None:
    metrics = MonitorMetrics()
    read = ("income", Result("pValue", LimitVerdict.DRIFTING, "small", (), 0.01))
    metrics.assessed(KEY, Assessment({Kind.DRIFT: (figure(0.05, LimitVerdict.WITHIN_LIMITS), read)}))
    page = metrics.page().decode()
    assert 'verdict{kind="drift",model="credit-scorer",namespace="lending",verdict="Drifting"} 1.0' in page
    assert 'value{kind="drift",model="credit-scorer",namespace="lending"} 0.05' in page


def test_probes_tell_a_stuck_loop_and_rounds_that_fail() -> None:
    now = 100.0
    health = Health(300.0, lambda: now, beat=100.0)
    assert not health.faults()
    assert not health.missing(), "a standby is ready: another process watches"
    health.done, health.problem = 100.0, "no connection"
    now = 1100.0
    assert health.faults() == ["the event loop has been stuck for 1000 s"]
    assert health.missing() == ["no round went through for 1000 s: no connection"]


@pytest.mark.parametrize(("text", "seconds"), [("", 300), ("5", 5), ("3600", 3600), ("4", None), ("1d", None)])
def test_the_period_is_configured(text: str, seconds: int | None) -> None:
    environment = {"HEADGATE_NAMESPACE": "h", "HEADGATE_PROMETHEUS_URL": "http://p", "HEADGATE_ENVIRONMENT": "test"}
    environment["HEADGATE_MONITOR_INTERVAL"] = text
    if seconds is None:
        with pytest.raises(ConfigError, match="HEADGATE_MONITOR_INTERVAL must be 5 to 3600 seconds"):
            read_settings(environment)
    else:
        assert read_settings(environment).monitor_interval == seconds
