"""What doctor asks of Prometheus."""

import time
from collections.abc import Iterable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from itertools import islice
from math import isfinite

from headgate.api.vocabulary import Profile
from headgate.cli.doctor.check import Asked
from headgate.cli.doctor.facts import Model, Prometheus, Series
from headgate.prometheus.answers import garbled, rows
from headgate.prometheus.client import PrometheusClient, SourceError
from headgate.prometheus.profiles import PROFILES, Target, counter_names, matching, of_pods, one_of

_AT_ONCE = 100
"""Models of one query."""
_WINDOW = 120
"""Seconds over which scrapes are counted: a model that is newer tells nothing yet."""
_OWN = "http_requests_total"
"""The counter that every pod is asked for, whatever profile its policy has: it calibrates the judge."""

Place = tuple[str, str]


async def ask(client: PrometheusClient, address: str, models: Sequence[Model]) -> Asked[Prometheus]:
    """Everything about those of these models that have a live version."""
    try:
        began = time.time()
        answer = await client.query("vector(1)", began)
        skew = _skew(answer.date, began + answer.seconds)
        series: dict[Place, Series] = {}
        distances: list[float] = []
        for profile in Profile:
            targets = [_target(one) for one in models if one.profile is profile and one.status.stable is not None]
            for chunk in _chunks(targets):
                series |= await _series(client, profile, chunk)
                distances += await _distances(client, profile, chunk)
    except SourceError as error:
        return Asked(problem=f"{address}: {error} ({error.outage})")
    return Asked(Prometheus(address, skew, max(distances, default=None), series))


def _target(model: Model) -> Target:
    assert model.status.stable is not None
    return Target(model.namespace, model.name, stable=model.status.stable.revision)


async def _series(client: PrometheusClient, profile: Profile, targets: Sequence[Target]) -> dict[Place, Series]:
    reader, counted = PROFILES[profile], dict[Place, dict[str, int]]()
    index = reader.index(targets)
    by = "__name__, envoy_cluster_name, namespace, headgate_model, headgate_revision"
    for labels, value in await _numbers(client, f"count by ({by}) ({reader.selector(targets)})"):
        found = reader.place(labels, index)
        if found is not None:
            names = counted.setdefault((found[0].namespace, found[0].name), {})
            names[labels["__name__"]] = names.get(labels["__name__"], 0) + int(value)
    own = matching(of_pods(_OWN, targets, (target.stable for target in targets)))
    labelled = await _by_place(client, f"count by (namespace, headgate_model) ({own})")
    spaces = matching({"__name__": _OWN, "namespace": one_of(target.namespace for target in targets), "headgate_model": ""})
    bare = await _by_place(client, f"count by (namespace) ({spaces})")
    return {
        (one.namespace, one.name): Series(
            counted.get((one.namespace, one.name), {}), labelled.get((one.namespace, one.name), 0), bare.get((one.namespace, ""), 0)
        )
        for one in targets
    }


async def _distances(client: PrometheusClient, profile: Profile, targets: Sequence[Target]) -> list[float]:
    """Seconds between scrapes, at most, of series that were there all the time."""
    selector = PROFILES[profile].selector(targets)
    first = counter_names(profile)[0]
    counter = f'{selector[:-1]},__name__="{first}"}}'
    question = f"max({_WINDOW} / (count_over_time({counter}[{_WINDOW}s]) and {counter} and {counter} offset {_WINDOW}s))"
    return [value for _, value in await _numbers(client, question)]


async def _by_place(client: PrometheusClient, question: str) -> dict[Place, int]:
    told = await _numbers(client, question)
    return {(labels.get("namespace", ""), labels.get("headgate_model", "")): int(value) for labels, value in told}


async def _numbers(client: PrometheusClient, question: str) -> list[tuple[Mapping[str, str], float]]:
    """Raises SourceError."""
    answer = await client.query(question, time.time())
    with garbled():
        read = [(row["metric"], float(row["value"][1])) for row in rows(answer.body, "vector")]
    return [(labels, value) for labels, value in read if isfinite(value)]


def _skew(date: str | None, now: float) -> float | None:
    """The server tells its time to the second."""
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5 - now if date else None
    except ValueError:
        return None


def _chunks(targets: Iterable[Target]) -> Iterable[Sequence[Target]]:
    left = iter(targets)
    while chunk := tuple(islice(left, _AT_ONCE)):
        yield chunk
