"""The event table row by row, with real users on every model. Rows of a gateway, an API server or a Prometheus that fail are played in
test_faults.py, those of deletion and restoring in test_lifecycle.py.

Scenes are played side by side; each test reads what one of them came to.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.e2e import events_changes as changes
from tests.e2e import events_decisions as people
from tests.e2e import events_failures as failing
from tests.e2e import events_sizes as sizes
from tests.e2e.conftest import Bed
from tests.e2e.events import FALLBACK, GOOD, NAMESPACE, QUICK, SLOW, TURNS_BAD, Scene, Status, live, policies, release, rule_engine
from tests.e2e.events import people as persons
from tests.e2e.playing import failures, play, reach

from demo.__main__ import PATH
from demo.kubectl import apply, kubectl, remove
from demo.traffic import Load, Rates
from fleet.model import Model, prepare, statuses
from fleet.users import Fleet

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

MOST_SECONDS = 330

UNDISTURBED: dict[str, Callable[[Model, Fleet], Scene]] = {
    "podless": failing.the_fallback_answers_while_the_only_version_has_no_pods,
    "drained": failing.the_approved_candidate_stands_in_while_the_stable_version_has_no_pods,
}
"""Played before the others begin: pods drain for ten seconds, and two cores can be busy for as long when thirty rollouts begin at once."""
SCENES: dict[str, Callable[[Model, Fleet], Scene]] = {
    "turning": failing.a_live_version_that_turns_bad_gives_way_to_the_one_before,
    "halted": people.a_halted_candidate_is_off_until_a_retry,
    "halted-live": people.a_halted_live_version_gives_way_to_the_one_before,
    "halted-only": people.a_halted_only_version_gives_way_to_the_fallback,
    "refused": people.a_halt_of_the_only_version_is_refused_with_the_reason,
    "back": people.a_rollback_takes_a_candidate_off,
    "back-two": people.a_rollback_to_a_revision_goes_to_that_live_version,
    "rejected": people.a_rejected_candidate_leaves_and_is_blocked,
    "revoked": people.a_revoked_candidate_leaves_and_is_blocked,
    "revoked-live": people.a_revoked_live_version_gives_way_to_the_one_before,
    "lapsed": people.a_candidate_whose_approval_is_deleted_holds_and_leaves_after_the_grace,
    "expired": people.a_candidate_whose_approval_expires_holds_and_leaves_after_the_grace,
    "consumed": people.a_live_version_has_used_its_approval_up,
    "raised": people.a_raised_tier_takes_a_candidate_off_until_it_is_approved_at_that_tier,
    "raised-live": people.a_live_version_of_a_raised_tier_is_frozen,
    "crowded": sizes.a_candidate_without_room_waits_and_gives_way_to_one_that_fits,
    "missing": sizes.a_candidate_whose_image_is_not_there_says_so_and_moves_nobody,
    "cold": sizes.a_version_whose_pods_are_gone_by_now_comes_back_before_users_do,
    "same": sizes.the_same_content_in_other_pods_asks_nobody,
    "cancelled": changes.the_stable_version_in_the_spec_cancels_the_rollout,
    "returned": changes.an_earlier_live_version_in_the_spec_comes_back_without_stages,
    "superseded": changes.a_new_version_starts_when_users_have_left_the_one_before,
    "soaking": changes.a_new_version_is_set_against_a_first_one_that_soaks,
    "overdue": changes.a_stage_that_runs_out_of_time_is_rolled_back,
    "overdue-held": changes.a_stage_that_runs_out_of_time_is_held,
    "overdue-asks": changes.a_stage_that_runs_out_of_time_asks_for_a_promote,
    "edited": changes.an_edit_of_the_route_by_hand_is_a_halt_or_is_refused,
}
SOON_BAD: dict[str, Callable[[Model, Fleet], Scene]] = {
    "alone": failing.the_fallback_answers_for_a_version_that_fails_and_is_the_only_one,
    "beside": failing.a_stable_version_that_fails_alone_holds_the_rollout_until_a_person_promotes,
    "shared": failing.both_fail_for_a_while_and_the_candidate_comes_back_unblamed,
}
"""Their first version is released last, because it turns bad after a while."""
ALL = UNDISTURBED | SCENES | SOON_BAD
_SOAKING = "soaking"
_FIRST = {"alone": TURNS_BAD, "beside": TURNS_BAD, "shared": failing.FAILS_FOR_A_WHILE}
_WITH_FALLBACK = {"alone", "podless", "halted-only", "shared"}


def model(name: str) -> Model:
    """Sixty pods that are probed each second would keep one core of two busy."""
    return Model(NAMESPACE, name, probed_each=3)


def look() -> dict[str, Status]:
    """The status of every model; empty for one that has none yet."""
    found = statuses(NAMESPACE)
    return {name: found.get(name, {}) for name in ALL}


def soaks(status: Status) -> bool:
    """With all users, and not live yet."""
    return status.get("phase") == "Full"


@pytest.fixture(scope="module")
def first_versions() -> Iterator[None]:
    """v1 of all models has its users, beside a rule engine."""
    prepare(NAMESPACE, *policies())
    apply(*persons(), *rule_engine())
    kubectl("wait", "-n", NAMESPACE, "--for=condition=Available", f"deployment/{FALLBACK}", "--timeout=60s", timeout=70)
    _begin(UNDISTURBED | SCENES)
    yield
    remove(NAMESPACE)


def _begin(names: Iterable[str]) -> None:
    for name in names:
        rules = SLOW if name == _SOAKING else QUICK
        release(model(name), "v1", rules, _FIRST.get(name, GOOD), fallback=name in _WITH_FALLBACK)
    play({name: reach(soaks if name == _SOAKING else live("v1")) for name in names}, look, MOST_SECONDS)


@dataclass
class Played:
    """What went wrong, by model, and what users had."""

    wrong: dict[str, Exception] = field(default_factory=dict)
    failed: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0

    def play(self, scenes: Mapping[str, Callable[[Model, Fleet], Scene]], each: int, bed: Bed, file: Path) -> None:
        """`each`: requests per second and model."""
        hosts = [model(name).host for name in scenes]
        with Load(bed.load, bed.gateway + PATH, hosts, Fleet(file), Rates(http1=each * len(hosts))) as users:
            self.wrong |= failures({name: scene(model(name), users) for name, scene in scenes.items()}, look, MOST_SECONDS, users)
        users.read()
        self.failed += users.failed
        self.requests += users.kinds.total()


@pytest.fixture(scope="module")
def played(bed: Bed, first_versions: None, tmp_path_factory: pytest.TempPathFactory) -> Played:
    found, folder = Played(), tmp_path_factory.mktemp("events")
    found.play(UNDISTURBED, 20, bed, folder / "undisturbed.jsonl")
    _begin(SOON_BAD)
    found.play(SCENES | SOON_BAD, 4, bed, folder / "requests.jsonl")
    return found


@pytest.mark.parametrize("name", ALL, ids=lambda name: ALL[name].__name__)
def test_event(played: Played, name: str) -> None:
    if name in played.wrong:
        raise played.wrong[name]


def test_no_request_failed_but_those_that_a_version_itself_answered_badly(played: Played) -> None:
    assert played.requests > 5000
    assert played.failed == []
