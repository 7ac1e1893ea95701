"""A model server's own counters, told apart by a label for the segment of users: `http_requests_total{code,group}` and its latency."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from headgate.prometheus.profiles import Http, Labels, Meaning, Target


class Segments:
    """The counters of the profile `http`, of both versions, that carry the label their model's policy names."""

    _http = Http()

    def selector(self, targets: Iterable[Target]) -> str:
        """A model whose counters lack its own label, but carry another one's, is answered in vain: `meaning` leaves that out."""
        asked = list(targets)
        named = sorted({target.segments for target in asked})
        whole = self._http.selector(asked)
        # Only one label can be asked for by a selector; where models differ, all counters come.
        return f'{whole[:-1]},{named[0]}!=""}}' if len(named) == 1 else whole

    def index(self, targets: Iterable[Target]) -> Mapping[tuple[str, str], Target]:
        return self._http.index(targets)

    def meaning(self, labels: Labels, index: Mapping[tuple[str, str], Target]) -> Meaning | None:
        """One process a pod: a pod that is scraped twice is one pod. Requests of nobody knows whom count nothing."""
        found = self._http.meaning(labels, index)
        segment = labels.get(found.target.segments, "") if found is not None else ""
        return replace(found, process=labels.get("pod", ""), segment=segment) if found is not None and segment else None

    def series_per_target(self) -> int:
        return 300
