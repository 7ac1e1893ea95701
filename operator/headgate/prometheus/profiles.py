"""Whose counters are read: how a profile asks for many models at once, and what each returned series means."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from headgate.api.vocabulary import Metric, Profile
from headgate.evidence.check import DecisionCounters
from headgate.evidence.counting.series import Arm, What

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """One model in rollout. `namespace` and `name` are the AIModel's (and its HTTPRoute's), the revisions label its pods."""

    namespace: str
    name: str
    stable: str = ""
    candidate: str = ""
    shadow: bool = False
    decisions: DecisionCounters | None = None
    """The model's own counter of decisions about people, if it is asked for."""
    summaries: tuple[str, ...] = ()
    """The model's own summaries of values, if they are asked for."""
    segments: str = ""
    """The label of its own counters that tells segments of users apart, if they are asked for."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """Which requests a series counts. `part`, `origin` and `segment` as in RawSeries; `process` names the process where the scrape's
    address should not."""

    target: Target
    arm: Arm
    what: What
    part: str
    origin: str
    process: str = ""
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`metrics` it can answer; without `sees_missing` a server that never answers is invisible (SilentFailureInvisible)."""

    metrics: frozenset[Metric]
    sees_missing: bool


@dataclass(frozen=True, slots=True)
class Summed:
    """Counters that are added up in Prometheus. `counter` counts answers, by the label `code`; `present` names one that every process
    has as soon as it was asked anything. `matchers` select both, `by` are the labels that tell places apart."""

    counter: str
    present: str
    matchers: str
    by: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class Rated:
    """PromQL selectors of what one model's users got: `answers`, told apart by the label `code`, and `timed`, by `le` in 1/`units` s."""

    answers: str
    code: str
    timed: str
    units: int

    def bound(self, le: str) -> float | None:
        """In seconds; None if it is not a number."""
        text = _seconds(le, self.units)
        return float(text) if text else None


class Counters(Protocol):
    """How to read one kind of counters, series by series."""

    def selector(self, targets: Iterable[Target]) -> str:
        """One PromQL selector of all counters of all targets: one query, hence one consistent view of every scrape."""

    def index(self, targets: Iterable[Target]) -> Mapping[tuple[str, str], Target]:
        """The targets by what `meaning` looks up."""

    def meaning(self, labels: Labels, index: Mapping[tuple[str, str], Target]) -> Meaning | None:
        """What a returned series counts, None if nothing of ours."""

    def series_per_target(self) -> int:
        """Roughly how many series one target has per scraped process, for splitting queries."""


class MetricsProfile(Counters, Protocol):
    """How to read the counters of requests."""

    @property
    def capabilities(self) -> Capabilities: ...

    def summed(self, targets: Iterable[Target]) -> Summed:
        """Which counters of all targets are added up for guards on live versions."""

    def place(self, labels: Labels, index: Mapping[tuple[str, str], Target]) -> tuple[Target, Arm] | None:
        """Whose requests a row of such sums counts. A target's only version is its `stable` one, in whichever slots it holds."""

    def rated(self, target: Target) -> Rated:
        """The counters that say how much traffic a model has, whichever versions answer it."""


def quoted(pattern: str) -> str:
    """A regular expression as a PromQL string."""
    return '"' + pattern.replace("\\", "\\\\").replace('"', '\\"') + '"'


def one_of(names: Iterable[str]) -> str:
    """A regular expression of RE2, which knows no \\- : names of Kubernetes objects need no escape of it."""
    return "|".join(sorted({re.escape(name).replace("\\-", "-") for name in names}))


def matching(patterns: Mapping[str, str]) -> str:
    """A selector of the series whose labels match these regular expressions."""
    return "{" + ",".join(f"{label}=~{quoted(pattern)}" for label, pattern in patterns.items()) + "}"


def of_pods(names: str, targets: Sequence[Target], revisions: Iterable[str]) -> dict[str, str]:
    """What series called `names` (a regular expression) are labelled with that pods of these revisions of the targets count themselves."""
    return {
        "__name__": names,
        "namespace": one_of(target.namespace for target in targets),
        "headgate_model": one_of(target.name for target in targets),
        "headgate_revision": one_of(revisions),
    }


def by_model(targets: Iterable[Target]) -> Mapping[tuple[str, str], Target]:
    """The targets by namespace and name."""
    return {(target.namespace, target.name): target for target in targets}


def counted_for(labels: Labels, index: Mapping[tuple[str, str], Target]) -> Target | None:
    """The target whose pods count a series, by the labels that they are scraped with."""
    return index.get((labels.get("namespace", ""), labels.get("headgate_model", "")))


_MOST_NAMED = 50


def namespaces(targets: Iterable[Target]) -> str:
    """A regular expression of their namespaces. Many alternatives cost Prometheus more than the series they leave out."""
    named = {target.namespace for target in targets}
    return f"(?:{one_of(named)})" if len(named) <= _MOST_NAMED else "[^/]+"


def instance(labels: Labels) -> str:
    """The scraped process."""
    return f"{labels.get('job', '')}/{labels.get('instance', '')}"


_ALL = Capabilities(frozenset({Metric.ERRORS, Metric.REJECTIONS, Metric.LATENCY}), sees_missing=True)


@dataclass(frozen=True, slots=True)
class EnvoyGateway:
    """The gateway's own counters per upstream cluster, as Envoy Gateway names clusters of a route with filters on its backends.

    `upstream_rq` by code counts every answer, also those the gateway made (no endpoint, refused, timeout, reset); `upstream_rq_total`
    counts requests that were really sent; latency is in milliseconds. A mirror's cluster counts its answers the same way.
    """

    capabilities: Capabilities = _ALL

    def selector(self, targets: Iterable[Target]) -> str:
        routes = one_of(f"{target.namespace}/{target.name}" for target in targets)
        names = "envoy_cluster_upstream_rq|envoy_cluster_upstream_rq_total|envoy_cluster_upstream_rq_time_bucket"
        clusters = f"httproute/(?:{routes})/rule/[0-9]+(?:/backend/[01])?(?:-mirror-[0-9]+)?"
        return f'{{__name__=~"{names}",envoy_cluster_name=~{quoted(clusters)}}}'

    def index(self, targets: Iterable[Target]) -> Mapping[tuple[str, str], Target]:
        return by_model(targets)

    def meaning(self, labels: Labels, index: Mapping[tuple[str, str], Target]) -> Meaning | None:
        cluster = _cluster(labels.get("envoy_cluster_name", ""))
        target = index.get(cluster[0]) if cluster else None
        what = _ENVOY.get(labels.get("__name__", ""))
        if cluster is None or target is None or what is None:
            return None
        _, arm, origin = cluster
        part = labels.get(_ENVOY_CODE, "") if what is What.ANSWERED else _seconds(labels.get("le"), 1000)
        if part is None or (what is What.ANSWERED and not part):
            return None
        return Meaning(target, arm, what, "" if what is What.SENT else part, origin)

    def series_per_target(self) -> int:
        return 60

    def summed(self, targets: Iterable[Target]) -> Summed:
        clusters = f"httproute/{namespaces(targets)}/[^/]+/rule/[0-9]+/backend/[01]"
        matchers = f"envoy_cluster_name=~{quoted(clusters)}"
        return Summed("envoy_cluster_upstream_rq", "envoy_cluster_upstream_rq_total", matchers, ("envoy_cluster_name",), _ENVOY_CODE)

    def place(self, labels: Labels, index: Mapping[tuple[str, str], Target]) -> tuple[Target, Arm] | None:
        cluster = _cluster(labels.get("envoy_cluster_name", ""))
        target = index.get(cluster[0]) if cluster else None
        return (target, cluster[1]) if cluster and target else None

    def rated(self, target: Target) -> Rated:
        cluster = f"httproute/{one_of([f'{target.namespace}/{target.name}'])}/rule/[0-9]+(?:/backend/[01])?"
        matchers = f"{{envoy_cluster_name=~{quoted(cluster)}}}"
        return Rated(f"envoy_cluster_upstream_rq{matchers}", _ENVOY_CODE, f"envoy_cluster_upstream_rq_time_bucket{matchers}", 1000)


_ENVOY_CODE = "envoy_response_code"
_CLUSTER = re.compile(
    r"httproute/(?P<namespace>[^/]+)/(?P<name>[^/]+)/rule/(?P<rule>[0-9]+)(?:/backend/(?P<slot>[01]))?(?P<mirror>-mirror-[0-9]+)?"
)


@lru_cache(maxsize=65_536)
def _cluster(name: str) -> tuple[tuple[str, str], Arm, str] | None:
    """Whose cluster, which arm, and which of its rules (and mirrors)."""
    found = _CLUSTER.fullmatch(name)
    if found is None:
        return None
    arm = Arm.MIRROR if found["mirror"] else Arm.CANDIDATE if found["slot"] == "1" else Arm.STABLE
    return (found["namespace"], found["name"]), arm, f"{found['rule']}{found['mirror'] or ''}"


_ENVOY = {
    "envoy_cluster_upstream_rq": What.ANSWERED,
    "envoy_cluster_upstream_rq_total": What.SENT,
    "envoy_cluster_upstream_rq_time_bucket": What.TIMED,
}


@dataclass(frozen=True, slots=True)
class Http:
    """A server's own `http_requests_total{code}` and `http_request_duration_seconds` (buckets, or native), told apart by its pods' labels.

    Only answered requests are counted: a server that accepts and never answers is not seen.
    """

    capabilities: Capabilities = Capabilities(_ALL.metrics, sees_missing=False)

    def selector(self, targets: Iterable[Target]) -> str:
        asked = list(targets)
        spaces, models = one_of(target.namespace for target in asked), one_of(target.name for target in asked)
        names = "|".join(_HTTP)
        return f'{{__name__=~"{names}",namespace=~{quoted(spaces)},headgate_model=~{quoted(models)}}}'

    def index(self, targets: Iterable[Target]) -> Mapping[tuple[str, str], Target]:
        return by_model(targets)

    def meaning(self, labels: Labels, index: Mapping[tuple[str, str], Target]) -> Meaning | None:
        target = counted_for(labels, index)
        what = _HTTP.get(labels.get("__name__", ""))
        revision = labels.get("headgate_revision", "")
        if target is None or what is None or not revision or revision not in (target.stable, target.candidate):
            return None
        arm = Arm.STABLE if revision == target.stable else Arm.MIRROR if target.shadow else Arm.CANDIDATE
        part = labels.get("code", "") if what is What.ANSWERED else _seconds(labels.get("le"), 1)
        if part is None or (not part and labels["__name__"] != NATIVE):
            return None
        others = sorted(item for item in labels.items() if item[0] not in _NOT_ORIGIN)
        return Meaning(target, arm, what, part, ",".join(f"{name}={value}" for name, value in others))

    def series_per_target(self) -> int:
        return 120

    def summed(self, targets: Iterable[Target]) -> Summed:
        matchers = f'namespace=~{quoted(namespaces(targets))},headgate_model!="",code!=""'
        return Summed("http_requests_total", "http_requests_total", matchers, ("namespace", "headgate_model", "headgate_revision"), "code")

    def place(self, labels: Labels, index: Mapping[tuple[str, str], Target]) -> tuple[Target, Arm] | None:
        target = counted_for(labels, index)
        return (target, Arm.STABLE) if target and labels.get("headgate_revision") == target.stable else None

    def rated(self, target: Target) -> Rated:
        matchers = f'namespace=~{quoted(one_of([target.namespace]))},headgate_model=~{quoted(one_of([target.name]))},headgate_revision!=""'
        return Rated(f'http_requests_total{{{matchers},code!=""}}', "code", f"http_request_duration_seconds_bucket{{{matchers}}}", 1)


NATIVE = "http_request_duration_seconds"
"""The server's latency as a native histogram: one series holds all of its buckets."""
_HTTP = {"http_requests_total": What.ANSWERED, f"{NATIVE}_bucket": What.TIMED, NATIVE: What.TIMED}
COPIES = {"prometheus", "prometheus_replica", "replica", "receive", "tenant_id"}
"""Labels that tell copies of one sample apart. Copies must not be summed."""
PLACE = frozenset(
    {"__name__", "job", "instance", "namespace", "pod", "node", "container", "headgate_model", "headgate_revision", *COPIES},
)
"""Labels that say of whom and from where a series is, not what it counts."""
_NOT_ORIGIN = PLACE | {"code", "le"}


@lru_cache(maxsize=1000)
def _seconds(bound: str | None, units: int) -> str | None:
    """A bucket bound in seconds; empty without a bound, None if it is not a number."""
    if bound is None:
        return ""
    try:
        value = float(bound) / units
    except ValueError:
        return None
    return "+Inf" if value == float("inf") else f"{value:.9g}"


PROFILES: Mapping[Profile, MetricsProfile] = {Profile.ENVOY_GATEWAY: EnvoyGateway(), Profile.HTTP: Http()}


def counter_names(profile: Profile) -> tuple[str, ...]:
    """The counters that a profile reads."""
    return tuple(_ENVOY if profile is Profile.ENVOY_GATEWAY else _HTTP)
