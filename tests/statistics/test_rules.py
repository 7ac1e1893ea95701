"""The rules that the judge is compared with do what those do who wrote them."""

import numpy as np
import pytest
from tests.statistics import rules
from tests.statistics.rules import Floats, Rule

ALL: dict[str, Rule] = {
    "naive": rules.naive,
    "argo": rules.argo(0.05),
    "flagger": rules.flagger,
    "kayenta": rules.mann_whitney,
    "obf": rules.obrien_fleming_half,
    "pocock": rules.pocock_half,
    "exact": rules.exact_half,
    "asymptotic": rules.asymptotic,
}


def _counts(*failing: float, blocks: int = 240) -> Floats:
    """1000 requests per arm and block; the stable version fails about 1 %, the candidate as given, the last for all that follow."""
    rates = np.array([*failing, *[failing[-1]] * (blocks - len(failing))])
    wobble = np.arange(blocks) % 3
    return np.stack((np.full(blocks, 1000.0), 9.0 + wobble, np.full(blocks, 1000.0), np.round(1000.0 * rates)), axis=-1)[None]


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_rolled_back_for_looking_the_same_and_a_disaster_always_is(name: str) -> None:
    same = _counts(0.009, 0.008, 0.009)
    assert np.isinf(ALL[name](same, 1)).all()
    assert np.isfinite(ALL[name](_counts(0.6), 1)).all()


@pytest.mark.parametrize("name", ALL)
def test_nobody_sees_the_future(name: str) -> None:
    """A decision is the same whatever comes after it. Planned looks are part of a rule, so both streams have as many."""
    one, other = _counts(0.06), _counts(0.06)
    found = ALL[name](one, 1)
    other[:, int(found[0]) :, 3] = 0.0
    assert ALL[name](other, 1) == found


@pytest.mark.parametrize("name", ALL)
def test_decisions_fall_on_looks(name: str) -> None:
    assert ALL[name](_counts(0.06), 20)[0] % 20 == 0


def test_argo_fails_on_the_fourth_bad_measurement_in_all_not_in_a_row() -> None:
    late = _counts(0.06, *[0.01] * 30, 0.9, 0.0, blocks=60)
    assert rules.argo(0.05)(_counts(0.06), 1) == 4
    assert rules.argo(0.05)(late, 1) == 34


def test_flagger_counts_failed_checks_and_forgets_none() -> None:
    assert rules.flagger(_counts(0.02), 1) == 20
    every_other = np.where(np.arange(240) // 4 % 2 == 0, 0.02, 0.005)
    assert rules.flagger(_counts(*every_other), 1) == 36


def test_kayenta_cannot_decide_before_ten_minutes() -> None:
    assert rules.mann_whitney(_counts(0.9), 1) == 40
