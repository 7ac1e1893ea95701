"""Which alerts about models fire, and since when: Prometheus keeps both as series, `ALERTS` and `ALERTS_FOR_STATE`."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.prometheus.answers import garbled, read_aside, require
from headgate.prometheus.client import PrometheusClient
from headgate.prometheus.profiles import one_of, quoted
from headgate.prometheus.sampler import SKEW_RESOLUTION, clock_skew
from headgate.rollout.alerts import FiringAlert

OWN = "Headgate"
"""How the names of Headgate's own alerts begin. They tell what it did or waits for: to heed them would be a loop."""
_NAMED_BY = ("model", "headgate_model")
_ALERTS, _BEGAN = "ALERTS", "ALERTS_FOR_STATE"
_NO_LABELS_OF_ALERTS = ("__name__", "alertstate")


@dataclass(frozen=True, slots=True, order=True)
class Named:
    """A model, as labels of an alert name it."""

    namespace: str
    model: str


class AlertsSource:
    """Asks one Prometheus."""

    def __init__(self, client: PrometheusClient) -> None:
        self._client = client
        self._skew = 0.0

    async def firing(self, models: Collection[Named], now: float) -> dict[Named, tuple[FiringAlert, ...]]:
        """The alerts that fire at `now`, for each of `models`, by one query. Raises SourceError."""
        answer = await self._client.query(question(models), now + self._skew + SKEW_RESOLUTION)
        self._skew = clock_skew(answer.date, now + answer.seconds)
        skew = self._skew

        def read(body: bytes) -> dict[Named, tuple[FiringAlert, ...]]:
            return parse(body, models, now, skew)

        return await read_aside(answer.body, read)


Labels = tuple[tuple[str, str], ...]


def question(models: Collection[Named]) -> str:
    """PromQL: the series of every alert that may be about one of the models, pending ones too."""
    places = f"namespace=~{quoted(one_of(named.namespace for named in models))}"
    names = quoted(one_of(named.model for named in models))
    series = f'__name__=~"{_ALERTS}|{_BEGAN}",alertname!~"{OWN}.*",{places}'
    return " or ".join(f"{{{series},{label}=~{names}}}" for label in _NAMED_BY)


def parse(body: bytes, models: Collection[Named], now: float, skew: float) -> dict[Named, tuple[FiringAlert, ...]]:
    """The alerts of an answer that came at `now`, by model. `skew`: the source's clock minus ours. Raises SourceError."""
    with garbled():
        answer = json.loads(body)
        require(answer, "vector")
        result = answer["data"]["result"]
        began = {_identity(row["metric"]): float(row["value"][1]) - skew for row in result if row["metric"]["__name__"] == _BEGAN}
        return {named: tuple(_firing(result, named, began, now)) for named in models}


def _firing(rows: list[dict[str, Any]], named: Named, began: Mapping[Labels, float], now: float) -> Iterator[FiringAlert]:
    for row in rows:
        labels = row["metric"]
        if labels["__name__"] != _ALERTS or labels.get("alertstate") != "firing" or not _names(labels, named):
            continue
        if not labels.get("alertname", "").startswith(OWN):
            identity = _identity(labels)
            yield FiringAlert(identity, began.get(identity), now)


def _names(labels: Mapping[str, str], named: Named) -> bool:
    return labels.get("namespace") == named.namespace and named.model in [labels.get(label) for label in _NAMED_BY]


def _identity(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted((name, value) for name, value in labels.items() if name not in _NO_LABELS_OF_ALERTS))
