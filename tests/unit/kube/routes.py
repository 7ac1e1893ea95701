"""A route as decided, and as an API server with the real CRD's defaults stores it."""

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from headgate.kube.labels import Owner
from headgate.kube.routes import Mirror, Router, Slot, WantedRoute, gateway

Fields = dict[str, Any]

ROUTER: Router = gateway
STABLE, CANDIDATE = "0a1b2c3d", "ffee0011"
OWNER = Owner("headgate.dev/v1alpha1", "AIModel", "credit", "u-1")
SCHEMA: Fields = json.loads((Path(__file__).parent / "httproute_v1_6_defaults.json").read_text())
"""Defaults of the HTTPRoute CRD of Gateway API v1.6.1, experimental channel, cut down to `default`, `properties` and `items`."""


def slot(revision: str, weight: int) -> Slot:
    return Slot(f"credit-{revision}", 8080, weight, revision)


def wanted(weight: int = 50, mirror: float | None = None, **changes: Any) -> WantedRoute:
    route = WantedRoute(
        name="credit",
        namespace="lending",
        owner=OWNER,
        parent_refs=({"name": "public", "namespace": "gateways"},),
        hostnames=("credit.models.example",),
        rules=({"matches": [{"path": {"type": "PathPrefix", "value": "/v1/score"}}], "timeouts": {"request": "10s"}},),
        slots=(slot(STABLE, 1000 - weight), slot(CANDIDATE, weight)),
        mirror=None if mirror is None else Mirror(f"credit-{CANDIDATE}", 8080, mirror),
        attempt="2",
    )
    return replace(route, **changes)


def stored(intent: Fields, **metadata: Any) -> Fields:
    """The intent as an API server with that CRD would keep it."""
    result = deepcopy(intent)
    result["metadata"] |= {"uid": "r-1", "resourceVersion": "5", "generation": 4, **metadata}
    _default(result["spec"], SCHEMA)
    return result


def _default(value: Any, schema: Fields) -> None:
    """Defaulting of structural schemas: absent or null properties first, then what is inside them."""
    if isinstance(value, dict):
        for key, inner in schema.get("properties", {}).items():
            if value.get(key) is None and "default" in inner:
                value[key] = deepcopy(inner["default"])
            if key in value:
                _default(value[key], inner)
    if isinstance(value, list):
        for item in value:
            _default(item, schema.get("items", {}))
