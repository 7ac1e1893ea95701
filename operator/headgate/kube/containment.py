"""Does an observed object already say what an intent says? If so, nothing is written: a steady cluster sees no writes.

The answer is `yes` if every field of the intent is there. What the API server adds (defaults, status, other managers' fields) does not
count. Lists match item by item in order, except those that the API itself merges by a key: there items of others may stand between,
since a server-side apply could not remove them and would be repeated for ever. A field that the intent no longer names is not noticed;
Headgate gives objects of changed content a new name instead.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
"""Lists that the API merges by key. `ports` is one as well, under a key that differs between Services and containers."""

_QUANTITY_MAPS = frozenset({"limits", "requests"})
_QUANTITIES = frozenset({"sizeLimit", "divisor"})
_SUFFIXES = {
    **{"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(10**3)},
    **{unit: Decimal(1000) ** power for power, unit in enumerate("MGTPE", start=2)},
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)},
}


def differs(intent: Mapping[str, Any], observed: Mapping[str, Any] | None) -> bool:
    """Whether applying `intent` would change `observed` (None: there is no such object yet)."""
    return observed is None or not _within(intent, observed, "")


def _within(intent: Any, observed: Any, name: str) -> bool:
    if intent is None or (not intent and observed is None):
        # null is not applied at all, and the server leaves out much of what is empty, false or zero.
        return True
    if isinstance(intent, Mapping):
        return isinstance(observed, Mapping) and all(
            _within(value, observed.get(key), key if name not in _QUANTITY_MAPS else "sizeLimit") for key, value in intent.items()
        )
    if isinstance(intent, list | tuple):
        return isinstance(observed, list | tuple) and _list_within(intent, observed, name)
    if name in _QUANTITIES:
        return _quantity(intent) == _quantity(observed)
    return bool(intent == observed)


def _list_within(intent: Sequence[Any], observed: Sequence[Any], name: str) -> bool:
    keys = _merge_keys(name, intent) if intent else ()
    if not keys:
        return len(intent) == len(observed) and all(_within(mine, theirs, "") for mine, theirs in zip(intent, observed, strict=True))
    by_key = {_identity(item, keys): item for item in observed}
    return all(_within(item, by_key.get(_identity(item, keys)), "") for item in intent)


def _merge_keys(name: str, items: Sequence[Any]) -> tuple[str, ...]:
    if not all(isinstance(item, Mapping) for item in items):
        return ()
    if name == "ports":
        return ("containerPort" if "containerPort" in items[0] else "port", "protocol")
    return _KEYS.get(name, ())


def _identity(item: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(item.get(key, "TCP" if key == "protocol" else None) for key in keys)


def _quantity(value: Any) -> Decimal | str:
    """The API server spells quantities its own way: 1000m becomes 1, 0.5 becomes 500m, 1024Mi becomes 1Gi."""
    text = str(value)
    number = text.rstrip("numkMGTPEi")
    try:
        return Decimal(number) * _SUFFIXES.get(text[len(number) :], Decimal(1))
    except InvalidOperation:
        return text
