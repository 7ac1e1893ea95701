"""Two versions in the place of one: never more than one pod above the full size, and never more load on a pod than at full size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.rollout.proportional import copies, need, reach, room

SIZES = st.integers(1, 1000)
SHARES = st.integers(1, 999)


@pytest.mark.parametrize(
    ("full", "share", "pods"),
    [
        (4, 0, 0),
        (4, 10, 1),
        (4, 250, 1),
        (4, 251, 2),
        (4, 500, 2),
        (4, 750, 3),
        (4, 990, 4),
        (4, 1000, 4),
        (3, 334, 1),
        (10, 50, 1),
        (1, 5, 1),
    ],
)
def test_pods_for_a_share(full: int, share: int, pods: int) -> None:
    assert need(full, share) == pods


@given(SIZES, SHARES)
def test_both_versions_fit_into_one_pod_more_than_full_size(full: int, weight: int) -> None:
    assert need(full, weight) + need(full, 1000 - weight) <= full + 1


@given(SIZES, SHARES)
def test_no_pod_gets_more_than_its_part_of_the_full_load(full: int, share: int) -> None:
    # A thousandth of all requests is the resolution of weights.
    assert (share - 1) / need(full, share) < 1000 / full


@given(SIZES, SHARES)
def test_what_a_share_needs_reaches_it_and_one_pod_less_does_not(full: int, share: int) -> None:
    pods = need(full, share)
    assert reach(full, pods) >= share
    assert reach(full, pods - 1) < share


@given(st.integers(1, 200), st.integers(1, 999))
def test_every_weight_is_reached_pod_by_pod(full: int, target: int) -> None:
    weight, stable, candidate = 0, full, 1
    for _ in range(full + 1):
        weight = min(target, reach(full, candidate))
        stable = need(full, 1000 - weight)
        candidate = max(candidate, min(need(full, target), room(full, stable)))
        assert stable + candidate <= full + 1
        if weight == target:
            return
    raise AssertionError(f"stuck at {weight} of {target} with {stable} + {candidate} pods")


@pytest.mark.parametrize(("full", "most"), [(1, 1000), (2, 500), (3, 330), (4, 250), (1000, 10)])
def test_copies_are_no_more_than_one_pod_takes(full: int, most: int) -> None:
    assert copies(full) == most
