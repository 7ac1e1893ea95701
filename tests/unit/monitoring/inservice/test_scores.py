"""Scorecards of live models: the figures that were measured, what people stated for a quarter, and nothing for what is missing."""

from datetime import date, timedelta
from typing import Any

import pytest
from tests.unit.monitoring.inservice.watched import MODEL, NOON, spec

from headgate.api.monitoring import Monitoring
from headgate.api.scorecard import Dimension, Scorecard
from headgate.monitoring.inservice.assessing import assess
from headgate.monitoring.inservice.assessment import Kind, Named
from headgate.monitoring.inservice.memory import Memory
from headgate.monitoring.inservice.plan import plan_of
from headgate.monitoring.inservice.scores import scores
from headgate.monitoring.response import Responses
from headgate.monitoring.result import LimitVerdict, Result, not_assessed
from headgate.monitoring.scorecard import Indicator, scorecard

TODAY = date(2026, 3, 10)
MEASURED: dict[Kind, tuple[Named, ...]] = {
    Kind.VENDOR: (("", Result("accuracy", LimitVerdict.WITHIN_LIMITS, "fine", (1000,), 0.93, (0.92, 0.94))),),
    Kind.VALUE: (("", Result("valuePerYear", LimitVerdict.NOT_ASSESSED, "no plan", (28,), 200_000.0, (150_000.0, 250_000.0))),),
    Kind.FAIRNESS: (
        ("f", Result("disparateImpact", LimitVerdict.WITHIN_LIMITS, "fine", (500, 500), 0.95, (0.9, 1.0))),
        ("g", Result("disparateImpact", LimitVerdict.WITHIN_LIMITS, "fine", (500, 500), 0.85, (0.82, 0.9))),
    ),
    Kind.OVERSIGHT: (("", not_assessed("overrideRate", "12 reviews")),),
    Kind.DRIFT: (("income", Result("distance", LimitVerdict.NOT_ASSESSED, "it has not changed for 26 h", (), 0.01)),),
}


def indicator(dimension: str, bad: str, good: str, **source: Any) -> dict[str, Any]:
    return {"name": dimension, "dimension": dimension, "bad": bad, "good": good} | source


def figure(watch: str, statistic: str, **more: str) -> dict[str, Any]:
    return {"figure": {"watch": watch, "statistic": statistic} | more}


USUAL = (
    indicator("Technical", "0.8", "0.95", **figure("Vendor", "accuracy")),
    indicator("Business", "0", "250000", **figure("Value", "valuePerYear")),
    indicator("Risk", "0.8", "1", **figure("Fairness", "disparateImpact", of="f")),
    indicator("Adoption", "1", "5", stated={"value": "4.2", "asOf": "2026-02-01"}),
)


def scored(*indicators: dict[str, Any], today: date = TODAY) -> dict[str, Result]:
    card = Scorecard.model_validate({"indicators": list(indicators)})
    return {result.statistic: result for result in scores(card, MEASURED, today)}


def test_the_numbers_are_those_of_the_command() -> None:
    by_hand = [
        Indicator("Technical", Dimension.TECHNICAL, 0.8, 0.95, 0.93, (0.92, 0.94)),
        Indicator("Business", Dimension.BUSINESS, 0, 250_000, 200_000, (150_000, 250_000)),
        Indicator("Risk", Dimension.RISK, 0.8, 1.0, 0.95, (0.9, 1.0)),
        Indicator("Adoption", Dimension.ADOPTION, 1, 5, 4.2),
    ]
    assert tuple(scored(*USUAL).values()) == scorecard(by_hand)
    assert scored(*USUAL)["overall"].verdict is LimitVerdict.WITHIN_LIMITS


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (figure("Vendor", "uptime"), "there is no figure Vendor uptime"),
        (figure("Performance", "loss"), "there is no figure Performance loss"),
        (figure("Fairness", "disparateImpact"), "there are 2 figures Fairness disparateImpact: say of which"),
        (figure("Fairness", "disparateImpact", of="h"), "there is no figure Fairness disparateImpact of h"),
        (figure("Oversight", "overrideRate"), "12 reviews"),
        (figure("Drift", "distance"), "it has not changed for 26 h"),
    ],
)
def test_what_is_not_measured_takes_its_dimension_and_the_whole_with_it(source: dict[str, Any], why: str) -> None:
    found = scored(*USUAL[1:], indicator("Technical", "0", "1", **source))
    assert (found["Technical"].verdict, found["Technical"].value) == (LimitVerdict.NOT_ASSESSED, None)
    assert why in found["Technical"].why
    assert found["overall"].value is None
    assert found["Risk"].value is not None


@pytest.mark.parametrize(("days", "holds"), [(-1, False), (0, True), (92, True), (93, False)])
def test_what_people_state_holds_for_a_quarter(days: int, holds: bool) -> None:
    found = scored(*USUAL, today=date(2026, 2, 1) + timedelta(days=days))
    assert (found["Adoption"].value is not None) is holds
    assert holds or "stated on 2026-02-01" in found["Adoption"].why


def test_a_model_that_asks_for_a_scorecard_alone_is_looked_at() -> None:
    card = Scorecard.model_validate({"indicators": [USUAL[3]]})
    plan = plan_of(MODEL, spec(Monitoring(scorecard=card)), None)
    assert not plan.empty
    found = assess(Memory(), plan, None, "", Responses(), NOON)
    assert [result.statistic for result in found.scores] == [*Dimension, "overall"]
    assert [one["verdict"] for one in found.document()["scorecard"]] == [*["NotAssessed"] * 3, "WithinLimits", "NotAssessed"]
    assert not assess(Memory(), plan_of(MODEL, spec(Monitoring()), None), None, "", Responses(), NOON).scores
