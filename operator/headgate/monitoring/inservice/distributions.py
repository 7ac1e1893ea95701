"""Drift of a live model: its sliding window against the frozen reference."""

import numpy as np

from headgate.evidence.bets.arrays import Floats
from headgate.monitoring.divergence import Statistic
from headgate.monitoring.drift import Feature, Limits, Rules, assess
from headgate.monitoring.inservice.assessment import Named
from headgate.monitoring.inservice.memory import Memory, comparable
from headgate.monitoring.inservice.plan import FeaturePlan, Plan
from headgate.monitoring.inservice.reference import Reference
from headgate.monitoring.result import LimitVerdict, Result, not_assessed

FULL = 15 / 16
"""Of the window that must have been counted: the night alone differs from whole days."""
PATIENCE = 1200.0
"""Seconds for which counters may be away: pods restart, scrapes fail."""
_WORST = (LimitVerdict.VIOLATED, LimitVerdict.DRIFTING, LimitVerdict.WITHIN_LIMITS, LimitVerdict.NOT_ASSESSED)


def drift(memory: Memory, plan: Plan, reference: Reference | None, problem: str, now: float) -> tuple[Named, ...]:
    """The figures of each feature. `problem`: why there is no reference."""
    if reference is None:
        why = (
            problem or "there is no reference: take one with `kubectl headgate reference capture`, and name it in spec.monitoring.reference"
        )
        return tuple((feature.name, not_assessed("drift", why)) for feature in plan.features)
    windows, known = memory.windows(), {feature.name for feature in comparable(plan, reference)}
    left_out, features = dict[str, str](), list[Feature]()
    for feature in plan.features:
        why = memory.trouble.get(feature.name) or _missing(feature, memory, reference, known, now)
        if not why:
            window = windows[feature.name]
            covered, whole = window.sliding.covered(now), plan.window.total_seconds()
            if covered >= FULL * whole:
                counts = window.sliding.ordered(window.columns[feature.name])
                features.append(_feature(feature, reference.features[feature.name].counts, counts))
                continue
            why = f"{covered / 3600:.3g} h of a window of {whole / 3600:.3g} h are counted so far"
        left_out[feature.name] = why
    limits = Limits(float(plan.rules.drift.drifting), float(plan.rules.drift.violated))
    findings = assess(features, Rules(float(plan.rules.alpha), dict.fromkeys(Statistic, limits)))
    found = [(finding.feature, finding.result) for finding in findings]
    return (*found, *((name, not_assessed("drift", why)) for name, why in left_out.items()))


def _missing(feature: FeaturePlan, memory: Memory, reference: Reference, known: set[str], now: float) -> str:
    if feature.name not in reference.features:
        return "the reference has no such feature: capture it anew"
    if feature.name not in known:
        kinds = ("a histogram", "classes") if feature.numeric else ("a counter", "edges of numbers")
        return f"{feature.metric} is watched as {kinds[0]}, and the reference has {kinds[1]}: capture it anew"
    seen = memory.seen.get(feature.name)
    if seen is None:
        return f"the live version's pods show no {feature.metric}: is it exported, and scraped with the labels of the pods?"
    if now - seen > PATIENCE:
        return f"{feature.metric} has vanished {(now - seen) / 60:.0f} min ago: is the model still scraped?"
    return ""


def _feature(feature: FeaturePlan, before: Floats, after: Floats) -> Feature:
    """Prometheus' counters know no missing values, but the rules for rows have a place for them."""
    reference, current = (np.pad(counts, ((0, 0), (0, 1))) for counts in (before, after))
    return Feature(feature.name, reference, current, np.arange(before.shape[1]) if feature.numeric else None)


def worst_psi(named: tuple[Named, ...]) -> Result | None:
    """The PSI that the severity table looks at: that of the worst feature, of numbers or of classes. None: no feature is watched."""
    found = [(name, result) for name, result in named if result.statistic == Statistic.PSI]
    if not found:
        lacking = next((one.why for _, one in named if one.verdict is LimitVerdict.NOT_ASSESSED), None)
        return not_assessed("psi", lacking) if lacking is not None else None
    name, result = min(found, key=lambda one: (_WORST.index(one[1].verdict), -(one[1].value or 0.0)))
    missing = [name for name, one in named if one.verdict is LimitVerdict.NOT_ASSESSED]
    if result.verdict is LimitVerdict.WITHIN_LIMITS and missing:
        return not_assessed("psi", f"{', '.join(missing[:5])} could not be assessed", result.samples)
    return Result(result.statistic, result.verdict, f"{name}: {result.why}", result.samples, result.value, result.interval)
