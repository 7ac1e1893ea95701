"""Label and field selectors of the API."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from tests.simulation.apiserver.status import bad_request

Object = dict[str, Any]
Matcher = Callable[[Object], bool]

_SET = re.compile(r"\s*(!?)([^\s=!,()]+)\s*(?:(==|=|!=|in|notin)\s*(\([^)]*\)|[^,]*))?\s*(?:,|$)")


def everything(body: Object) -> bool:
    return True


@lru_cache(maxsize=256)
def matcher(labels: str, fields: str, namespace: str) -> Matcher:
    """Raises RefusedError for a selector that is none."""
    wanted = [*_labels(labels), *_fields(fields)]
    if namespace:
        wanted.append(lambda body: bool(body["metadata"].get("namespace") == namespace))
    if not wanted:
        return everything
    if len(wanted) == 1:
        return wanted[0]
    return lambda body: all(fits(body) for fits in wanted)


def _labels(selector: str) -> list[Matcher]:
    found, place = [], 0
    while place < len(selector):
        part = _SET.match(selector, place)
        if part is None or part.end() == place:
            raise bad_request(f"unable to parse requirement: {selector}")
        found.append(_requirement(part[1], part[2], part[3] or "", (part[4] or "").strip()))
        place = part.end()
    return found


def _requirement(negated: str, key: str, operator: str, text: str) -> Matcher:
    values = {value.strip() for value in text.strip("()").split(",")}
    if not operator:
        wanted = not negated
        return lambda body: (key in _labels_of(body)) is wanted
    if operator in ("=", "==", "in"):
        return lambda body: _labels_of(body).get(key) in values
    return lambda body: _labels_of(body).get(key) not in values


def _labels_of(body: Object) -> Mapping[str, str]:
    return body["metadata"].get("labels") or {}


def _fields(selector: str) -> list[Matcher]:
    found = []
    for part in filter(None, selector.split(",")):
        name, operator, value = re.split(r"(!=|==|=)", part, maxsplit=1)
        steps, equal = name.strip().split("."), operator != "!="
        found.append(_field(steps, value.strip(), equal=equal))
    return found


def _field(steps: list[str], value: str, *, equal: bool) -> Matcher:
    def fits(body: Object) -> bool:
        place: Any = body
        for step in steps:
            place = place.get(step) if isinstance(place, Mapping) else None
        return (str(place or "") == value) is equal

    return fits
