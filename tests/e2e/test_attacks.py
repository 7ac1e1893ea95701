"""Whoever tries to get a version to users that nobody approved: on the real API server, each as themselves, with users on every model.

What admission alone refuses stands in tests/cluster/test_admission.py.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.e2e.attacked import OWNER, answers, live, look, release, strict, waits
from tests.e2e.attackers import NAMESPACE, POLICIES, RIGHT, approval, bindings, create, trust_store
from tests.e2e.attacks_decisions import (
    a_deleted_approval,
    a_halt_is_deleted,
    a_name_that_looks_like_another,
    a_rejection_is_deleted,
    an_approval_that_has_run_out,
    an_edited_approval,
    an_old_subject_for_a_new_image,
    another_namespace,
    every_right_and_no_name,
    five_hundred_approvals,
    honest_people_open_a_gate,
    one_person_approves_twice,
    signatures_that_prove_nothing,
    the_gate_of_another_question,
    the_last_approval_races_a_halt,
    the_owner_names_another_one_and_reviews,
    the_subject_of_a_lower_tier,
    the_subject_of_another_model,
    the_technical_owner_reviews_their_own_work,
)
from tests.e2e.attacks_surroundings import (
    a_policy_copy_of_ones_own,
    a_policy_loosened_meanwhile,
    a_service_of_ones_own_with_a_route_of_ones_own,
    a_trusted_person_leaves_in_the_middle,
    a_weaker_policy_of_the_same_name,
    another_image_in_a_running_pod,
    decisions_while_nobody_is_checked,
    decisions_while_the_policy_is_hollow,
    its_model_is_deleted_in_the_foreground,
    ways_around_the_route,
)
from tests.e2e.conftest import Bed
from tests.e2e.playing import play, reach

from demo.__main__ import PATH
from demo.kubectl import apply, kubectl, remove
from demo.traffic import Load, Rates
from fleet.model import Model, prepare
from fleet.users import Fleet

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

MOST_SECONDS = 240
APPROVED = {
    OWNER: honest_people_open_a_gate,
    Model(NAMESPACE, "flooded"): five_hundred_approvals,
    Model(NAMESPACE, "raced"): the_last_approval_races_a_halt,
}
"""People did approve these."""
ATTACKED = {
    Model(NAMESPACE, scene.__name__.replace("_", "-").removeprefix("the-")[:40].rstrip("-")): scene
    for scene in (
        the_technical_owner_reviews_their_own_work,
        the_owner_names_another_one_and_reviews,
        the_subject_of_a_lower_tier,
        another_image_in_a_running_pod,
        one_person_approves_twice,
        an_old_subject_for_a_new_image,
        the_subject_of_another_model,
        the_gate_of_another_question,
        another_namespace,
        an_edited_approval,
        a_deleted_approval,
        an_approval_that_has_run_out,
        every_right_and_no_name,
        a_name_that_looks_like_another,
        signatures_that_prove_nothing,
        a_weaker_policy_of_the_same_name,
        a_policy_loosened_meanwhile,
        a_policy_copy_of_ones_own,
        a_rejection_is_deleted,
        a_halt_is_deleted,
        ways_around_the_route,
        a_service_of_ones_own_with_a_route_of_ones_own,
        its_model_is_deleted_in_the_foreground,
    )
}
UNCHECKED, HOLLOW, TRUSTED = (Model(NAMESPACE, name) for name in ("unchecked", "hollow", "trusted"))
MODELS = (*APPROVED, *ATTACKED, UNCHECKED, HOLLOW, TRUSTED)
look_at_all = partial(look, MODELS)


@pytest.fixture
def first_versions() -> Iterator[None]:
    """v1 of all models is live, each approved by three persons."""
    slow = strict("attacks-slow", lapseGrace="2s")
    for stage in slow["spec"]["stages"]:
        stage |= {"minDuration": "10m", "maxDuration": "20m"}
    prepare(NAMESPACE, strict("attacks"), strict("attacks-loosened"), slow)
    apply(*bindings(), trust_store())
    for model in MODELS:
        release(model, "v1")
    play({model.name: reach(waits) for model in MODELS}, look_at_all, MOST_SECONDS)
    subjects = {name: seen.gate["subject"] for name, seen in look_at_all().items()}
    for role, person in RIGHT.items():
        create(person, *(approval(name, role, person, subject) for name, subject in subjects.items()))
    play({model.name: reach(live("v1")) for model in MODELS}, look_at_all, MOST_SECONDS)
    yield
    kubectl("delete", "truststore", "headgate", "-n", POLICIES, "--ignore-not-found")
    remove(NAMESPACE)


@pytest.mark.usefixtures("first_versions")
def test_no_user_reaches_a_version_that_nobody_approved(bed: Bed, tmp_path: Path) -> None:
    hosts = [model.host for model in MODELS]
    with Load(bed.load, bed.gateway + PATH, hosts, Fleet(tmp_path / "requests.jsonl"), Rates(http1=100)) as users:
        play({model.name: scene(model, users) for model, scene in (APPROVED | ATTACKED).items()}, look_at_all, MOST_SECONDS, users)
        play({UNCHECKED.name: decisions_while_nobody_is_checked(UNCHECKED, users)}, look_at_all, MOST_SECONDS, users)
        play({HOLLOW.name: decisions_while_the_policy_is_hollow(HOLLOW, users)}, look_at_all, MOST_SECONDS, users)
        play({TRUSTED.name: a_trusted_person_leaves_in_the_middle(TRUSTED, users)}, look_at_all, MOST_SECONDS, users)
        users.read()
    reached = {
        model.name: version for model in (*ATTACKED, UNCHECKED, HOLLOW) for version in ("v2", "v3") if answers(users, model, version)
    }
    assert reached == {}
    assert answers(users, OWNER, "v2") > 0, "an open gate does let users in"
    assert users.failed == []
