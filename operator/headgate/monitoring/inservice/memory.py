"""All that is remembered of one live model between two looks, and its form for storage."""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from headgate.api.digests import sha256
from headgate.api.monitoring import PREDICTIONS, PinnedBaseline
from headgate.monitoring.inservice.daily import Daily
from headgate.monitoring.inservice.gauges import Crowded, Gauged
from headgate.monitoring.inservice.plan import FeaturePlan, Plan, Yardstick
from headgate.monitoring.inservice.reference import Reference
from headgate.monitoring.inservice.sliding import STRETCHES, Sliding
from headgate.monitoring.inservice.versions import MOST_VERSIONS, Lived, continued
from headgate.monitoring.response import Severity
from headgate.monitoring.vendor import Quarter, Standing

VERSION = 1
MOST_RELEASES = 20
MOST_YARDSTICKS = 11
"""As many as there are versions that can be live again, and the live one."""
_MOST_BYTES = 4_000_000
"""Of one decoded block: what is larger was not written by this program."""


@dataclass(slots=True)
class Windowed:
    """The distributions of some features. `columns` says which bins of the window belong to which; `layout` changes when they do."""

    sliding: Sliding
    columns: dict[str, slice]
    layout: str

    @classmethod
    def of(cls, features: Mapping[str, int], window: float, reference: str) -> "Windowed":
        """`features` are bins by name, `reference` the digest of what they are bins of."""
        columns, at = {}, 0
        for name, bins in features.items():
            columns[name] = slice(at, at + bins)
            at += bins
        return cls(Sliding.empty(window, at), columns, sha256([list(features.items()), window, reference]))


@dataclass(slots=True)
class Memory:
    """`as_of`: up to when increments were counted. `seen`: when a metric, or a feature, last showed a series; `trouble`: why what it
    showed could not be counted. `releases`: when users got another version, the live one last. `severity`: what was answered last.
    `yardsticks`: of versions that were live, by revision, the newest last.
    """

    revision: str = ""
    inputs: Windowed | None = None
    outputs: Windowed | None = None
    """Of the model's own answers: begins anew with each version."""
    daily: Daily = field(default_factory=Daily)
    as_of: float | None = None
    seen: dict[str, float] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)
    gauges: dict[tuple[str, str], Gauged] = field(default_factory=dict)
    crowds: dict[str, Crowded] = field(default_factory=dict)
    releases: tuple[date, ...] = ()
    severity: Severity | None = None
    standing: Standing = field(default_factory=Standing)
    yardsticks: dict[str, Yardstick] = field(default_factory=dict)
    versions: tuple[Lived, ...] = ()
    """Those that users had, and since which day."""
    cut: dict[str, float] = field(default_factory=dict)
    """When rows of a metric were last cut off."""

    def measuring(self, plan: Plan, revision: str, *, settled: bool) -> Plan:
        """The plan for a live version. `settled`: whether the spec asks for this very version.

        Else another one is on its way, or was taken back, and the reference and the baseline in the spec are that one's: the live version
        keeps its own, as far as they are known.
        """
        if not settled:
            return plan.measured_by(self.yardsticks[revision]) if revision in self.yardsticks else plan
        self.yardsticks.pop(revision, None)
        self.yardsticks[revision] = plan.yardstick
        for oldest in list(self.yardsticks)[:-MOST_YARDSTICKS]:
            del self.yardsticks[oldest]
        return plan

    def windows(self) -> dict[str, Windowed]:
        """By feature."""
        return {name: one for one in (self.inputs, self.outputs) if one is not None for name in one.columns}

    def fit(self, plan: Plan, reference: Reference | None, revision: str, live_since: date) -> None:
        """Make room for what is asked for now. What was counted by other bins is dropped, and so are answers of another version."""
        released = revision != self.revision
        if released:
            # The first version that is seen here was released too, if only just. Two on one day are two: either may be a culprit.
            self.releases = (*self.releases, live_since)[-MOST_RELEASES:]
        self.versions = continued(self.versions, Lived(live_since, plan.yardstick.baseline), released=released)
        self.revision = revision
        self.daily.reach(plan.label_lag.days)
        bins = {feature.name: reference.features[feature.name].bins for feature in comparable(plan, reference)} if reference else {}
        digest, window = plan.reference[1] if plan.reference else "", plan.window.total_seconds()
        answers = {name: count for name, count in bins.items() if name == PREDICTIONS}
        self.inputs = _fitting(self.inputs, Windowed.of({n: c for n, c in bins.items() if n not in answers}, window, digest))
        self.outputs = _fitting(None if released else self.outputs, Windowed.of(answers, window, digest))

    def begin_again(self, now: float) -> None:
        """Nothing is known of the time up to now."""
        self.as_of = now
        for one in (self.inputs, self.outputs):
            if one is not None:
                one.sliding.begin_again()


def comparable(plan: Plan, reference: Reference) -> tuple[FeaturePlan, ...]:
    """The features that the reference has, in the form in which they are counted."""
    known = reference.features
    return tuple(feature for feature in plan.features if feature.name in known and bool(known[feature.name].edges) is feature.numeric)


def _fitting(before: Windowed | None, wanted: Windowed) -> Windowed:
    return before if before is not None and before.layout == wanted.layout else wanted


def stored(memory: Memory) -> str:
    """As JSON."""
    document = {
        "version": VERSION,
        "revision": memory.revision,
        "asOf": memory.as_of,
        "inputs": _windowed(memory.inputs),
        "outputs": _windowed(memory.outputs),
        **memory.daily.document(),
        "seen": memory.seen,
        "cut": memory.cut,
        "gauges": [[*key, one.value, one.seen, one.changed] for key, one in memory.gauges.items()],
        "crowds": [one.row() for one in memory.crowds.values()],
        "releases": [day.isoformat() for day in memory.releases],
        "severity": memory.severity,
        "standing": {
            "last": _quarter(memory.standing.last),
            "violated": memory.standing.violated,
            "owed": [_quarter(quarter) for quarter in memory.standing.owed],
        },
        "yardsticks": {revision: _yardstick(one) for revision, one in memory.yardsticks.items()},
        "versions": [[one.since.isoformat(), _baseline(one.baseline)] for one in memory.versions],
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def recalled(text: str) -> Memory:
    """The inverse of `stored`. Raises ValueError for what this version did not write."""
    try:
        return _recalled(json.loads(text))
    except (LookupError, TypeError, AttributeError, zlib.error) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _recalled(document: Mapping[str, Any]) -> Memory:
    if document["version"] != VERSION:
        raise ValueError(f"version {document['version']}")
    standing = document["standing"]
    owed = tuple(quarter for quarter in map(_quarter_of, standing["owed"]) if quarter is not None)
    return Memory(
        revision=str(document["revision"]),
        inputs=_windowed_of(document["inputs"]),
        outputs=_windowed_of(document["outputs"]),
        daily=Daily.of(document),
        as_of=None if document["asOf"] is None else float(document["asOf"]),
        seen={str(name): float(at) for name, at in document["seen"].items()},
        cut={str(metric): float(at) for metric, at in document.get("cut", {}).items()},
        # Memories of releases that read no gauges have none.
        gauges={
            (str(metric), str(feature)): Gauged(_number(value), float(seen), _number(changed))
            for metric, feature, value, seen, changed in document.get("gauges", ())
        },
        crowds={one.crowd.metric: one for one in map(Crowded.of_row, document.get("crowds", ()))},
        releases=tuple(date.fromisoformat(day) for day in document["releases"])[-MOST_RELEASES:],
        severity=None if document["severity"] is None else Severity(document["severity"]),
        standing=Standing(_quarter_of(standing["last"]), int(standing["violated"]), owed),
        # Left out by earlier versions of this program.
        yardsticks={str(revision): _yardstick_of(one) for revision, one in (document.get("yardsticks") or {}).items()},
        versions=tuple(Lived(date.fromisoformat(day), _baseline_of(one)) for day, one in document.get("versions", ())[-MOST_VERSIONS:]),
    )


def _number(stored: float | None) -> float | None:
    return None if stored is None else float(stored)


def _windowed(one: Windowed | None) -> dict[str, Any] | None:
    if one is None or one.sliding.newest is None:
        return None
    packed = base64.b64encode(zlib.compress(one.sliding.counts.astype("<f4").tobytes(), 6)).decode()
    bins = [[name, columns.stop - columns.start] for name, columns in one.columns.items()]
    own = one.sliding
    return {"layout": one.layout, "length": own.length, "newest": own.newest, "since": own.since, "bins": bins, "counts": packed}


def _windowed_of(stored: Mapping[str, Any] | None) -> Windowed | None:
    if stored is None:
        return None
    made = Windowed.of({str(name): int(bins) for name, bins in stored["bins"]}, stored["length"] * STRETCHES, "")
    raw = zlib.decompressobj().decompress(base64.b64decode(stored["counts"]), _MOST_BYTES)
    made.sliding.counts[:] = np.frombuffer(raw, dtype="<f4").reshape(made.sliding.counts.shape)
    made.sliding.newest, made.sliding.since, made.layout = int(stored["newest"]), float(stored["since"]), str(stored["layout"])
    return made


def _quarter(quarter: Quarter | None) -> list[int] | None:
    return None if quarter is None else [quarter.year, quarter.number]


def _quarter_of(stored: list[int] | None) -> Quarter | None:
    return None if stored is None else Quarter(int(stored[0]), int(stored[1]))


def _yardstick(one: Yardstick) -> dict[str, Any]:
    return {"reference": list(one.reference) if one.reference is not None else None, "baseline": _baseline(one.baseline)}


def _yardstick_of(stored: Mapping[str, Any]) -> Yardstick:
    reference = stored["reference"]
    return Yardstick((str(reference[0]), str(reference[1])) if reference is not None else None, _baseline_of(stored["baseline"]))


def _baseline(one: PinnedBaseline | None) -> dict[str, Any] | None:
    return one.model_dump(mode="json") if one is not None else None


def _baseline_of(stored: Mapping[str, Any] | None) -> PinnedBaseline | None:
    return PinnedBaseline.model_validate(stored) if stored is not None else None


def utc_day(instant: float) -> date:
    """The day that an instant, in seconds since 1970, is in."""
    return datetime.fromtimestamp(instant, UTC).date()
