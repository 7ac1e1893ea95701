"""Nobody reviews a version that they answered for, whoever the spec names meanwhile."""

from datetime import timedelta

from tests.unit.rollout.world import World, live, without_shadow

OTHERS = {"technical": {"user": "tess@bank"}}
BEFORE = "owner@bank"


def handed_over() -> World:
    """Somebody else is named as owner in the edit that asks for the next version."""
    world = live(policy=without_shadow())
    world.release("2.0.0", owners=OTHERS)
    world.settle()
    return world


def review(world: World, by: str) -> list[str]:
    """What the gate lacks once all have approved, fairness by `by`."""
    assert world.status.candidate
    assert world.status.candidate.gate
    world.approve(roles=("technical-validation", "security-review"))
    subject, until = world.status.candidate.gate.subject, (world.now + timedelta(days=30)).isoformat()
    world.decided("Approve", by, gate="Deployment", role="fairness-audit", subject=subject, expiresAt=until)
    world.step(1)
    assert world.status.candidate.gate
    return list(world.status.candidate.gate.missing)


def test_an_owner_who_names_another_one_still_reviews_nothing() -> None:
    world = handed_over()
    (missing,) = review(world, BEFORE)
    assert f"{BEFORE} was technical owner" in missing
    world.release("2.0.0")
    world.step(1)
    (missing,) = review(world, "tess@bank")
    assert "tess@bank was technical owner" in missing


def test_a_change_of_owner_is_told_once() -> None:
    world = handed_over()
    world.settle()
    assert [event for event in world.events if "OwnerChanged" in event] == [
        "OwnerChanged: tess@bank is technical owner instead of owner@bank: neither may review the next version"
    ]


def test_who_handed_a_model_over_reviews_it_again_once_a_version_of_the_next_owner_is_live() -> None:
    world = handed_over()
    assert world.status.technical_owners == (BEFORE, "tess@bank")
    assert review(world, "dana@bank") == []
    world.good()
    for _ in range(6):
        world.step(4 * 86_400)
    assert (world.status.live, world.status.technical_owners) == ("2.0.0", ("tess@bank",))
    world.release("3.0.0", owners=OTHERS)
    world.settle()
    assert review(world, BEFORE) == []


def test_of_many_owners_the_first_stay() -> None:
    world = handed_over()
    for number in range(12):
        world.release("2.0.0", owners={"technical": {"user": f"nobody-{number}@bank"}})
        world.step(1)
    known = world.status.technical_owners
    assert (len(known), known[0], known[-1]) == (8, BEFORE, "nobody-11@bank")
