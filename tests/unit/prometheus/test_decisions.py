"""The counters of decisions: one selector for all models that ask, whatever each of them calls its counter and labels."""

import re

import pytest

from headgate.evidence.check import DecisionCounters
from headgate.evidence.counting.series import Arm, What
from headgate.prometheus.decisions import Decisions
from headgate.prometheus.profiles import Target
from headgate.prometheus.sampler import parse

CREDIT = Target("lending", "credit-scorer", "r1", "r2", decisions=DecisionCounters())
LOANS = DecisionCounters("loans_total", "cohort", "code", ("ok", "maybe"))
FRAUD = Target("pay", "fraud", "r7", "r8", shadow=True, decisions=LOANS)
DECISIONS = Decisions()
OF_CREDIT = {"__name__": "headgate_decisions_total", "namespace": "lending", "headgate_model": "credit-scorer", "headgate_revision": "r2"}
OF_FRAUD = {"__name__": "loans_total", "namespace": "pay", "headgate_model": "fraud", "headgate_revision": "r8"}


def meaning(labels):
    return DECISIONS.meaning(labels, DECISIONS.index([CREDIT, FRAUD]))


def test_one_selector_for_all_models_that_ask():
    selector = DECISIONS.selector([CREDIT, FRAUD])
    patterns = dict(re.findall(r'(\w+)=~"([^"]*)"', selector))
    assert re.fullmatch(patterns["__name__"], "headgate_decisions_total")
    assert re.fullmatch(patterns["__name__"], "loans_total")
    assert re.fullmatch(patterns["headgate_model"], "credit-scorer")
    assert re.fullmatch(patterns["headgate_revision"], "r8")
    assert not re.fullmatch(patterns["headgate_revision"], "r1"), "the stable version's decisions are not asked for"
    assert re.fullmatch(patterns["namespace"], "pay")


@pytest.mark.parametrize(
    ("labels", "part"),
    [
        (OF_CREDIT | {"group": "B", "outcome": "favourable"}, "+B"),
        (OF_CREDIT | {"group": "B", "outcome": "unfavourable"}, "-B"),
        (OF_FRAUD | {"cohort": "x|y", "code": "maybe"}, "+x|y"),
        (OF_FRAUD | {"cohort": "B", "code": "no"}, "-B"),
    ],
)
def test_a_series_is_a_group_and_whether_it_is_favourable(labels, part):
    found = meaning(labels)
    assert (found.arm, found.what, found.part) == (Arm.CANDIDATE, What.DECIDED, part)


@pytest.mark.parametrize(
    "labels",
    [
        OF_CREDIT | {"group": "B"},
        OF_CREDIT | {"outcome": "favourable"},
        OF_CREDIT | {"group": "B", "outcome": "favourable", "headgate_revision": "r1"},
        OF_CREDIT | {"group": "B", "outcome": "favourable", "__name__": "loans_total"},
        OF_CREDIT | {"group": "B", "outcome": "favourable", "headgate_model": "other"},
    ],
)
def test_what_does_not_say_whom_it_is_about_counts_nothing(labels):
    assert meaning(labels) is None


def test_outcomes_of_the_same_kind_are_summed_and_copies_are_not():
    def row(code, replica, value):
        labels = OF_FRAUD | {"cohort": "B", "code": code, "job": "pods", "instance": "10.0.0.1", "prometheus_replica": replica}
        pairs = ",".join(f'"{name}":"{label}"' for name, label in labels.items())
        return f'{{"metric":{{{pairs}}},"values":[[1,"{value}"]]}}'

    rows = ",".join(row(code, replica, value) for code, value in (("ok", 3), ("maybe", 4)) for replica in ("a", "b"))
    body = f'{{"status":"success","data":{{"resultType":"matrix","result":[{rows}]}}}}'.encode()
    series = parse(body, DECISIONS, [FRAUD])[FRAUD]
    assert sorted(one.points[0][1] for one in series) == [3.0, 4.0]
    assert len({one.key for one in series}) == 2
