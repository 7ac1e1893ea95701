"""What must hold of the sizes that autoscalers set: the stable version keeps room for users who may come back at any moment."""

from typing import TYPE_CHECKING, Any

from tests.simulation.gateway import shares
from tests.simulation.policies import MODEL, NAMESPACE

from headgate.kube.resources import HORIZONTAL_POD_AUTOSCALERS, HTTP_ROUTES

if TYPE_CHECKING:
    from tests.simulation.world import World

Object = dict[str, Any]


class Sized:
    """Told of every autoscaler that the operator writes, and of every rise of a candidate."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def written(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None:
            return
        least, most, before = new["spec"]["minReplicas"], new["spec"]["maxReplicas"], old["spec"]["minReplicas"]
        name, status = new["metadata"]["name"], self._world.status
        if least > most:
            self._world.checks.fail("room-kept", f"autoscaler {name} is to have at least {least} pods and at most {most}")
        route = shares(self._world.server.find(HTTP_ROUTES, MODEL, NAMESPACE))
        away = route.get((status.get("candidate") or {}).get("revision", ""), 0)
        if least < before and away and name == f"{MODEL}-{(status.get('stable') or {}).get('revision')}":
            self._world.checks.fail("room-kept", f"{name} is to have {least} pods instead of {before} while {away} thousandths are away")

    def rises(self, revision: str, weight: int) -> None:
        """The pods for the return of users are asked for before they leave."""
        status = self._world.status
        stable, candidate = status.get("stable") or {}, status.get("candidate") or {}
        if revision != candidate.get("revision") or not stable.get("autoscale"):
            return
        scaler = self._world.server.find(HORIZONTAL_POD_AUTOSCALERS, f"{MODEL}-{stable['revision']}", NAMESPACE)
        kept = min(stable["replicas"], stable["autoscale"]["maxReplicas"])
        if scaler is not None and scaler["spec"]["minReplicas"] < kept:
            least = scaler["spec"]["minReplicas"]
            self._world.checks.fail("room-kept", f"{revision} gets {weight} thousandths while {kept} pods are to be kept, not {least}")
