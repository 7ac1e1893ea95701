"""Policies and specs that traces run on: short stages and wide margins, so that a proof takes a few decisions."""

from typing import Any

Document = dict[str, Any]

ENVIRONMENT = "simulation"
NAMESPACE, MODEL = "lending", "credit"
PLATFORM = "headgate-system"
TECHNICAL_OWNER = "owner@bank"
USE_CASE_PEOPLE = {"business-owner": "maria@bank", "risk-review": "rita@bank"}
PEOPLE = {"technical-validation": "chen@bank", "fairness-audit": "dana@bank", "security-review": "sam@bank"}

_CHECKS = [
    {"metric": "errors", "maxIncrease": "5pp", "weight": 3},
    {"metric": "rejections", "maxIncrease": "8pp", "weight": 1},
]
_LATENCY = {"metric": "latency", "quantile": "0.9", "maxIncrease": "200ms", "weight": 2}
_GUARDS = [
    {"metric": "errors", "maxRate": "20pp", "minRequests": 30},
    {"metric": "podFailures", "maxRestarts": 3, "window": "60s"},
]


def _policy(stages: list[Document], interval: int, on_deadline: str, *, latency: bool = False) -> Document:
    least = 2 + 4 * interval
    longest = {"minDuration": f"{least}s", "maxDuration": f"{least + 36}s", "minRequests": 100}
    return {
        "stages": [{**longest, **stage} for stage in stages],
        "checks": [*_CHECKS, _LATENCY] if latency else _CHECKS,
        "guards": _GUARDS,
        "analysis": {"alpha": "0.05", "beta": "0.05", "interval": f"{interval}s", "warmup": "1s", "onDeadline": on_deadline},
        "rollbackWarm": "1h",
        "rollbackWindow": "7d",
        "lapseGrace": "8s",
    }


_SHADOW = {"name": "shadow", "mirrorPercent": 100}
_FULL = {"name": "full", "holdbackPercent": 1}


def _canary(percent: int) -> Document:
    return {"name": f"canary-{percent}", "trafficPercent": percent}


POLICIES: dict[str, Document] = {
    "brief": _policy([_canary(20), _FULL], 1, "Rollback"),
    "shadow": _policy([_SHADOW, _canary(30), _FULL], 1, "Rollback", latency=True),
    "steps": _policy([_canary(10), _canary(50), _FULL], 1, "Hold"),
    "ask": _policy([_canary(25), _FULL], 2, "AskPromote", latency=True),
    "cased": {
        **_policy([_canary(25), _FULL], 1, "Rollback"),
        "gates": {"useCase": {}, "dossier": {tier: {"pieces": [], "evidence": []} for tier in ("low", "medium", "high")}},
    },
}
CASED = "cased"
"""Under which a use case has to be approved before anything is made for it."""


FALLBACK = "rules"
"""The Service that answers when no version can."""
ROOM = 3
"""Pods that an autoscaler may add."""


def model_spec(
    policy: str, tier: str, version: str, *, memory: str = "1Gi", replicas: int = 2, autoscaled: bool = False, fallback: bool = False
) -> Document:
    """`version` makes the content, `memory` a revision of the same content. `autoscaled`: `replicas` and up to ROOM more."""
    bounds = {"minReplicas": replicas, "maxReplicas": replicas + ROOM}
    size: Document = {"autoscaling": bounds} if autoscaled else {"replicas": replicas}
    container = {"name": "model", "image": f"registry.example/credit:{version}", "resources": {"limits": {"memory": memory}}}
    return {
        "version": version,
        "policy": {"name": policy},
        "artifact": {"uri": f"s3://credit/{version}/", "digest": "sha256:" + "a" * 64},
        "serving": {
            "deployment": {**size, "port": 8080, "template": {"spec": {"containers": [container]}}},
            "drain": "4s",
            "sideEffects": "None",
            **({"fallback": {"service": FALLBACK, "port": 8080}} if fallback else {}),
        },
        "traffic": {"parentRefs": [{"name": "public", "namespace": "gateways"}], "hostnames": ["credit.example"]},
        "owners": {"technical": {"user": TECHNICAL_OWNER}},
        "classification": classification(policy, tier),
    }


def classification(policy: str, tier: str) -> Document:
    """Complete where the use case is asked for; the table says Low, and the declared tier may raise it."""
    complete = {"domain": "SpamFiltering", "decisions": "HumanInTheLoop", "affectedRights": [], "practices": [], "regions": ["EU"]}
    return {**(complete if policy == CASED else {}), "declaredTier": tier}
