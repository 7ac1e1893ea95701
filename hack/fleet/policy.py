"""Policies of the fleet. They ask no person for an approval, and are in a hurry: never for a model that people depend on."""

from collections.abc import Sequence
from typing import Any

NAMESPACE = "headgate-system"


def policy(name: str, shares: Sequence[float], *, seconds: int, interval: int = 1) -> dict[str, Any]:
    """Canary stages named `at-<percent>` for each of `shares`, then the full stage `at-99`; each lasts at least `seconds`."""
    stages: list[dict[str, Any]] = [{"name": stage(share), "trafficPercent": share} for share in shares]
    stages.append({"name": stage(99), "holdbackPercent": 1})
    return {
        "apiVersion": "headgate.dev/v1alpha1",
        "kind": "RolloutPolicy",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "metrics": {"profile": "envoy-gateway"},
            "stages": [one | {"minDuration": f"{seconds}s", "maxDuration": "10m"} for one in stages],
            # Wide margins: what is tried is the switch, not the judge.
            "checks": [{"metric": "errors", "maxIncrease": "30pp"}],
            "guards": [
                {"metric": "errors", "maxRate": "40pp", "minRequests": 20},
                {"metric": "podFailures", "maxRestarts": 3, "window": "60s"},
            ],
            "analysis": {"alpha": "0.05", "beta": "0.2", "interval": f"{interval}s", "warmup": "1s"},
            "gates": {"deployment": {"low": [{"role": "automated-checks"}]}},
            "rollbackWindow": "2m",
            "rollbackWarm": "1s",
        },
    }


def stage(share: float) -> str:
    """The name of the stage at which the candidate has `share` percent of the users."""
    return f"at-{share:g}"
