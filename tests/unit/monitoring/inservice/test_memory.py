"""What is remembered: against plain sums, through storage, and what a new version or another reference begins anew."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.monitoring.inservice.watched import NOON, RELEASED, REVISION, counted, days_of, labelled, plan, reference, traffic

from headgate.api.monitoring import PREDICTIONS, PinnedBaseline, Watched
from headgate.monitoring.inservice.assessing import assess
from headgate.monitoring.inservice.assessment import Kind
from headgate.monitoring.inservice.daily import LONGEST, MOST_NAMES, Daily
from headgate.monitoring.inservice.memory import MOST_YARDSTICKS, Memory, recalled, stored
from headgate.monitoring.inservice.reference import Distribution
from headgate.monitoring.inservice.sliding import STRETCHES, Sliding
from headgate.monitoring.response import Responses, Severity
from headgate.monitoring.result import LimitVerdict
from headgate.monitoring.vendor import Quarter, Standing

DAY = date(2026, 3, 10)


@given(st.lists(st.tuples(st.floats(1.0, 4000.0), st.integers(0, 50)), max_size=60))
def test_a_window_holds_the_last_stretches(steps: list[tuple[float, int]]) -> None:
    window, at, seen = Sliding.empty(16_000.0, 1), 1_000_000.0, list[tuple[float, int]]()
    for seconds, count in steps:
        start, at = at, at + seconds
        window.counts[window.move(start, at), 0] += count
        seen.append((at, count))
    newest = np.ceil(at / 1000.0) if seen else 0.0
    expected = sum(count for end, count in seen if np.ceil(end / 1000.0) > newest - STRETCHES)
    assert window.ordered(slice(0, 1)).sum() == expected
    assert window.covered(at) <= 16_000.0


@given(st.lists(st.tuples(st.integers(-150, 150), st.sampled_from("ab"), st.integers(0, 9), st.integers(1, 9)), max_size=40))
def test_daily_sums_are_sums_by_day(added: list[tuple[int, str, int, int]]) -> None:
    daily, expected, newest = Daily(), dict[tuple[str, date], list[int]](), None
    for ahead, name, part, whole in added:
        day = DAY + timedelta(days=ahead)
        newest = day if newest is None else max(newest, day)
        daily.add(name, day, part, whole)
        if (newest - day).days < LONGEST:
            sums = expected.setdefault((name, day), [0, 0])
            sums[0] += part
            sums[1] += whole
    assert newest is None or daily.last == newest
    for name in "ab":
        kept = {day: tuple(sums) for (of, day), sums in expected.items() if of == name and newest and (newest - day).days < LONGEST}
        assert {day: (part, whole) for day, part, whole in daily.days(name)} == kept


def test_names_are_bounded() -> None:
    daily = Daily()
    for number in range(MOST_NAMES + 10):
        daily.add(f"reviewer/{number}", DAY, 0, 1)
    assert len(daily.sums) == MOST_NAMES
    assert daily.crowded


def test_all_of_it_survives_storage() -> None:
    known = reference()
    memory, _ = counted(plan(known), known, traffic(), hours=3)
    days_of(memory, "performance", [(90.0, 100.0)] * 20, DAY)
    memory.severity = Severity.HIGH
    memory.standing = Standing(Quarter(2026, 1), 2, (Quarter(2025, 4),))
    memory.measuring(plan(known, performance=labelled()), REVISION, settled=True)
    memory.measuring(plan(known), "22222222", settled=True)
    again = recalled(stored(memory))
    assert stored(again) == stored(memory)
    assert again.yardsticks == memory.yardsticks
    assert again.inputs is not None
    assert memory.inputs is not None
    assert np.array_equal(again.inputs.sliding.counts, memory.inputs.sliding.counts)
    again.fit(plan(known), known, REVISION, RELEASED)
    assert again.inputs.sliding.counts.sum() > 0, "what fits is kept"
    assert len(stored(memory)) < 20_000


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version":2}', '{"version":1}', stored(Memory()).replace('"asOf":null', '"asOf":"x"')])
def test_what_was_not_written_so_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        recalled(text)


def test_another_reference_or_window_begins_anew() -> None:
    known, other = reference(), reference(rows=32_000)
    for changed, of in ((plan(other), other), (plan(known, window="12h"), known)):
        memory, _ = counted(plan(known), known, traffic(), hours=3)
        memory.fit(changed, of, REVISION, RELEASED)
        assert memory.inputs is not None
        assert memory.inputs.sliding.newest is None


def test_a_new_version_answers_anew_and_meets_the_same_inputs() -> None:
    known = reference(**{PREDICTIONS: Distribution(np.full((16, 3), 10.0), classes=("yes", "no"))})
    watched = plan(known, predictions=Watched(counter="headgate_prediction_total"))
    grown = traffic()
    grown.counters["headgate_prediction_total"] = [({"value": "yes"}, 5.0), ({"value": "no"}, 5.0)]
    memory, _ = counted(watched, known, grown, hours=3)
    assert memory.outputs is not None
    assert memory.outputs.sliding.counts.sum() == 360.0
    memory.fit(watched, known, "22222222", DAY)
    assert memory.outputs.sliding.newest is None
    assert memory.inputs is not None
    assert memory.inputs.sliding.counts.sum() > 0
    assert memory.releases == (RELEASED, DAY)
    memory.fit(watched, known, "33333333", DAY)
    memory.fit(watched, known, "33333333", DAY)
    assert recalled(stored(memory)).releases == (RELEASED, DAY, DAY), "two on one day: neither hides the other"


def test_a_version_that_is_live_again_is_measured_by_what_it_came_with() -> None:
    first, second = reference(), reference(rows=32_000)
    before = plan(first, performance=labelled())
    worse = labelled().model_copy(update={"baseline": PinnedBaseline(share="0.7")})
    after, memory = plan(second, performance=worse), Memory()
    assert memory.measuring(before, REVISION, settled=True) == before
    assert memory.measuring(after, REVISION, settled=False) == before, "another version is on its way"
    assert memory.measuring(after, "22222222", settled=True) == after
    assert memory.measuring(after, REVISION, settled=False) == before, "it was taken back"
    assert memory.measuring(after, REVISION, settled=True) == after, "edited without a new version"


def test_of_a_version_that_was_never_seen_settled_the_spec_is_all_that_is_known() -> None:
    asked = plan(reference())
    assert Memory().measuring(asked, REVISION, settled=False) == asked


def test_performance_that_the_next_version_is_the_first_to_promise_waits_for_it() -> None:
    known, memory = reference(), Memory()
    memory.measuring(plan(known), REVISION, settled=True)
    assert memory.measuring(plan(known, performance=labelled()), REVISION, settled=False).performance is None


def test_no_more_yardsticks_are_kept_than_versions_can_be_live_again() -> None:
    memory = Memory()
    for number in range(MOST_YARDSTICKS + 5):
        memory.measuring(plan(reference()), f"{number:08}", settled=True)
    assert list(memory.yardsticks) == [f"{number:08}" for number in range(5, MOST_YARDSTICKS + 5)]


def test_what_an_earlier_version_of_the_program_stored_is_read() -> None:
    assert recalled(stored(Memory()).replace(',"yardsticks":{}', "")) == Memory()


def test_figures_go_on_from_what_the_first_release_stored() -> None:
    """memory-1.json was written by the program before it remembered versions: 99 days of labels up to 10 March, a day of inputs."""
    memory, known = recalled((Path(__file__).parent / "memory-1.json").read_text()), reference()
    watched = plan(known, performance=labelled())
    memory.fit(watched, known, REVISION, RELEASED)
    assert memory.as_of is not None
    assert memory.releases == (RELEASED,)
    found = assess(memory, watched, known, "", Responses(), memory.as_of)
    assert {found.verdict(kind) for kind in found.figures} == {LimitVerdict.WITHIN_LIMITS}
    assert {result.statistic for _, result in found.figures[Kind.PERFORMANCE]} == {"loss", "cusum", "trend"}
    assert memory.daily.total("performance", date(2025, 12, 2), date(2026, 3, 10)) == (89_296.0, 99_000.0)
    assert recalled(stored(memory)).daily.sums.keys() == {"performance", "up"}
    assert memory.standing.owed == (Quarter(2025, 4),)


def test_a_gap_begins_anew() -> None:
    known = reference()
    memory, now = counted(plan(known), known, traffic())
    memory.begin_again(now + 86_400.0)
    assert memory.inputs is not None
    assert memory.inputs.sliding.covered(now + 86_400.0) == 0.0
    assert memory.as_of == now + 86_400.0
    assert now > NOON
