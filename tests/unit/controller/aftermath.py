"""What is there of a model, looked at when the model itself is gone."""

from tests.unit.controller.fake_cluster import FakeCluster
from tests.unit.controller.operator_world import OperatorWorld

from headgate.kube.resources import CONFIG_MAPS, DEPLOYMENTS, HTTP_ROUTES, SERVICES

MADE = (DEPLOYMENTS, SERVICES, CONFIG_MAPS, HTTP_ROUTES)


def names(api: FakeCluster) -> list[str]:
    """In the model's namespace."""
    made = [(kind, body["metadata"]) for kind in MADE for body in api.of(kind)]
    return sorted(f"{kind.plural}/{metadata['name']}" for kind, metadata in made if metadata["namespace"] == "lending")


def revisions(world: OperatorWorld) -> tuple[str, str]:
    """Of the stable version and the candidate."""
    stable, candidate = world.status.stable, world.status.candidate
    assert stable is not None
    assert candidate is not None
    return stable.revision, candidate.revision


def after_its_end(world: OperatorWorld, seconds: float = 120) -> None:
    """Passes over what is left of the model, as the queue would ask for them."""
    for _ in range(int(seconds // 10)):
        world.step()
        world.world_turns()
        world.pass_time(10)


def serves_alone(world: OperatorWorld, revision: str) -> None:
    assert world.weights == {revision: 1000}
    assert names(world.api) == [f"deployments/credit-{revision}", "httproutes/credit", f"services/credit-{revision}"]
