"""Who needs training, and in what: by the newest score of each person, not by means of means."""

from datetime import date

import pytest

from headgate.governance.literacy import Assessment, StaffRole, latest, untrained
from headgate.monitoring.literacy import gaps

TODAY = date(2026, 3, 1)
MANAGER, TECHNICAL = StaffRole.MANAGER, StaffRole.TECHNICAL


def scored(person: str, score: float, competency: str = "oversight", day: date = TODAY, role: StaffRole = MANAGER) -> Assessment:
    return Assessment(person, role, competency, score, day)


def test_the_newest_score_of_each_person_and_competency_counts() -> None:
    old, new, future = (scored("ann", score, day=date(2026, month, 1)) for score, month in ((0.3, 1), (0.8, 2), (0.1, 4)))
    assert latest([new, old, future], TODAY) == (new,)
    assert latest([scored("ann", 0.9), scored("ann", 0.4)], TODAY) == latest([scored("ann", 0.4), scored("ann", 0.9)], TODAY)
    assert latest([scored("ann", 0.9), scored("ann", 0.4)], TODAY)[0].score == 0.4


def test_a_gap_is_the_mean_over_persons_and_the_worst_comes_first() -> None:
    found = gaps(
        [
            scored("ann", 0.5),
            scored("ben", 0.65),
            scored("eve", 0.95, "risk"),
            scored("tim", 0.95, role=TECHNICAL),
        ]
    )
    assert [(gap.role, gap.competency, gap.persons, gap.below, gap.priority) for gap in found] == [
        (MANAGER, "oversight", 2, 2, True),
        (MANAGER, "risk", 1, 0, False),
        (TECHNICAL, "oversight", 1, 0, False),
    ]
    assert found[0].mean == pytest.approx(0.575)


@pytest.mark.parametrize(("score", "needs"), [(0.69, True), (0.7, False)])
def test_below_0_7_needs_training(score: float, needs: bool) -> None:
    assert ("ann" in untrained([scored("ann", score)], {}, TODAY)) is needs


def test_training_is_valid_on_its_last_day_and_not_after() -> None:
    until = {"ann": TODAY, "ben": date(2026, 2, 28)}
    assert untrained([scored("ann", 0.9), scored("ben", 0.5)], until, TODAY) == {
        "ben": "oversight 0.50, training was valid until 2026-02-28"
    }


def test_whoever_was_never_assessed_is_not_said_to_lack_anything() -> None:
    assert untrained([], {}, TODAY) == {}


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_score_is_0_to_1(score: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        scored("ann", score)
