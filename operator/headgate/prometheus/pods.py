"""The counters of each pod of the stable version, whatever profile the judge itself counts by: a gateway counts per version only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headgate.evidence.counting.series import Arm
from headgate.prometheus.profiles import NATIVE, Http, Labels, Meaning, Target, counted_for, matching, of_pods
from headgate.prometheus.values import meaning_of, series_names

_ANSWERS, _LATENCY = "http_requests_total", f"{NATIVE}_bucket"


@dataclass(frozen=True, slots=True)
class Wanted(Target):
    """A model whose stable pods are asked about, and for which upper bounds of latency buckets, in seconds; `every_bound` of all, while
    none is chosen yet."""

    bounds: tuple[str, ...] = ()
    every_bound: bool = False


class StablePods:
    """The profile `http` of the stable versions alone, and their summaries of values that are asked for, one process a pod: a pod that is
    scraped twice is one pod."""

    _http = Http()

    def selector(self, targets: Iterable[Target]) -> str:
        asked = list(targets)
        names = "|".join(filter(None, (_ANSWERS, _LATENCY, NATIVE, series_names(asked))))
        labels = of_pods(names, asked, (target.stable for target in asked))
        if not any(isinstance(target, Wanted) and target.every_bound for target in asked):
            labels["le"] = _bounds(bound for target in asked if isinstance(target, Wanted) for bound in target.bounds)
        return matching(labels)

    def index(self, targets: Iterable[Target]) -> Mapping[tuple[str, str], Target]:
        return self._http.index(targets)

    def meaning(self, labels: Labels, index: Mapping[tuple[str, str], Target]) -> Meaning | None:
        target = counted_for(labels, index)
        own = meaning_of(labels, target) if target is not None and target.summaries else None
        found = own or self._http.meaning(labels, index)
        if found is None or found.arm is not Arm.STABLE:
            return None
        return Meaning(found.target, found.arm, found.what, found.part, found.origin, labels.get("pod", ""))

    def series_per_target(self) -> int:
        return 40


def _bounds(wanted: Iterable[str]) -> str:
    """A regular expression of bucket bounds as different libraries write them; series without buckets have an empty one."""
    bounds = set(wanted)
    written = {spelt for bound in bounds for spelt in (bound, repr(float(bound)))}
    return "|".join(["", *([r"\+Inf"] if bounds else []), *sorted(spelt.replace(".", r"\.") for spelt in written)])
