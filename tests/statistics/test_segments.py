"""What is promised about segments of users: how rarely a version at the limit in all of them is taken back, and how soon harm is found."""

import numpy as np
import pytest
from tests.unit.evidence.gateway import exposure

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.check import Check, Question, SegmentsQuestion
from headgate.evidence.counting.series import Arm, RawSeries, TargetSamples, What
from headgate.evidence.segments.judge import Split, fold, read

BLOCKS = 80
ALPHA = 0.2
"""Larger than anybody's, so that few runs are enough to see it broken."""
EACH = Question((Check(Metric.ERRORS, Margin(1, Unit.POINTS)),), (), ALPHA / 4, 0.05, 1.0, 2.0, (BLOCKS,))
ASKED = SegmentsQuestion("group", 4, 100, ALPHA, EACH)
TOLD = exposure()
SHARES = {"A": 60, "B": 30, "C": 8, "D": 4}
"""Requests of each version per block."""


def counted(rng: np.random.Generator, arm: Arm, name: str, rate: float, burst: float) -> list[RawSeries]:
    """`burst`: the share of blocks in which every request of the segment fails half of the time."""
    requests = rng.poisson(SHARES[name], BLOCKS)
    failed = rng.binomial(requests, np.where(rng.random(BLOCKS) < burst, 0.5, rate))
    totals = {"200": np.cumsum(requests - failed), "500": np.cumsum(failed)}
    return [
        RawSeries(arm, What.ANSWERED, code, str(arm), "", tuple((float(at), float(value)) for at, value in enumerate(values)), name)
        for code, values in totals.items()
    ]


def verdict(rng: np.random.Generator, excess: dict[str, float], burst: float = 0.0) -> tuple[Verdict, str]:
    series = [
        one
        for name in SHARES
        for arm, rate in ((Arm.STABLE, 0.02), (Arm.CANDIDATE, 0.02 + excess.get(name, 0.0)))
        for one in counted(rng, arm, name, rate, burst)
    ]
    reading = read(fold(Split(), ASKED, TOLD, TargetSamples(float(BLOCKS), tuple(series)), float(BLOCKS)), ASKED, TOLD)
    return reading.verdict, reading.worst


@pytest.mark.parametrize("burst", [0.0, 0.05])
def test_a_version_at_the_limit_in_every_segment_is_taken_back_in_at_most_alpha_of_runs(burst: float) -> None:
    """Also where failures come in bursts of one segment, of either version. Of 40 runs more than 15 fail with a chance of 1 % if the
    promise just holds."""
    rng = np.random.default_rng(7)
    found = [verdict(rng, dict.fromkeys(SHARES, 0.01), burst)[0] for _ in range(40)]
    assert found.count(Verdict.FAIL) <= 15


def test_harm_to_a_twelfth_of_the_users_is_found_and_blamed_on_their_segment() -> None:
    """+15 points for 8 of 102 requests: less than 1.2 points over all users together, close to the limit."""
    rng = np.random.default_rng(8)
    found = [verdict(rng, {"C": 0.15}) for _ in range(25)]
    assert sum(one == (Verdict.FAIL, "C") for one in found) >= 21
    assert {worst for said, worst in found if said is Verdict.FAIL} == {"C"}
