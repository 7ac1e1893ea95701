"""What a registry of prometheus_client declares."""

from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase


class Told(NamedTuple):
    """One metric, by the name that is asked for: with _total, without the suffixes of a histogram."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def told_by(registry: CollectorRegistry) -> Iterator[Told]:
    """Every metric, also those that have no series yet."""
    for metric in {id(one): one for one in registry._names_to_collectors.values()}.values():
        if isinstance(metric, MetricWrapperBase):
            suffix = "_total" if metric._type == "counter" else ""
            yield Told(metric._name + suffix, metric._type, tuple(metric._labelnames), metric._documentation)
