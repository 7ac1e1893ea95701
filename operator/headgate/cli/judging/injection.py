"""A regression that is added to counted traffic: `errors+2pp`, `rejections+1pp`, `latency+50ms`. Parts of it are drawn at random."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter

from headgate.api.quantities import AnyMargin, Margin, Unit
from headgate.api.vocabulary import Metric
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.counting.tally import Counts

_WRITTEN = re.compile(r"(errors|rejections|latency)\+(.+)")
_UNITS = {
    Metric.ERRORS: (Unit.POINTS, Unit.RELATIVE),
    Metric.REJECTIONS: (Unit.POINTS, Unit.RELATIVE),
    Metric.LATENCY: (Unit.MILLISECONDS, Unit.RELATIVE),
}
_MARGIN: TypeAdapter[Margin] = TypeAdapter(AnyMargin)
_EXAMPLES = "write errors+2pp, rejections+1pp, latency+50ms, or a part of what there is, like errors+100%"


@dataclass(frozen=True, slots=True)
class Injection:
    """How much worse one metric of the candidate is than the stable version's; `%` is relative to that."""

    metric: Metric
    more: Margin

    @classmethod
    def parse(cls, text: str) -> "Injection":
        """Raises ValueError, saying what to write."""
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a regression: {_EXAMPLES}")
        try:
            more = _MARGIN.validate_python(match[2])
        except ValueError as error:
            raise ValueError(f"{text!r} is not a regression: {_EXAMPLES}") from error
        metric = Metric(match[1])
        if more.unit not in _UNITS[metric]:
            raise ValueError(f"{metric} cannot be worse by {more}: {_EXAMPLES}")
        return cls(metric, more)

    def __str__(self) -> str:
        return f"{self.metric}+{self.more}"


def harmed(counts: Counts, injections: Sequence[Injection], usual: Mapping[Metric, float], rng: np.random.Generator) -> Counts:
    """`counts` of the candidate with the regressions in them. `usual`: the stable version's rates, of which a `%` is a part."""
    changed = dict(counts)
    for one in injections:
        if one.metric is Metric.LATENCY:
            changed |= _slower(changed, one.more, rng)
        else:
            share = one.more.fraction * (usual.get(one.metric, 0.0) if one.more.unit is Unit.RELATIVE else 1.0)
            _failing(changed, "errors" if one.metric is Metric.ERRORS else "rejections", share, rng)
    return changed


def _failing(counts: Counts, kind: str, share: float, rng: np.random.Generator) -> None:
    """Of all requests, `share` more; each of those that were well is as likely."""
    requests = counts.get("requests", 0)
    well = requests - counts.get("errors", 0) - counts.get("rejections", 0)
    if well > 0:
        counts[kind] = counts.get(kind, 0) + int(rng.binomial(well, min(share * requests / well, 1.0)))


def _slower(counts: Counts, more: Margin, rng: np.random.Generator) -> Counts:
    """Every answer later. Inside a bucket they are taken to be spread evenly."""
    known = sorted((float(name.removeprefix("le ")), name) for name in counts if name.startswith("le ") and name != "le +Inf")
    if not known:
        return {}
    bounds: Floats = np.array([bound for bound, _ in known])
    earlier = bounds / (1.0 + more.fraction) if more.unit is Unit.RELATIVE else bounds - more.seconds
    below = np.interp(np.maximum(earlier, 0.0), [0.0, *bounds], [0.0, *(float(counts[name]) for _, name in known)])
    whole = np.floor(below + rng.random()).astype(int)
    return {name: min(int(number), counts[name]) for (_, name), number in zip(known, whole, strict=True)}
