"""How many wrong cases there may be where few were found: the exact bound of a share, by the binomial distribution alone."""

from collections.abc import Iterable
from math import ceil, exp, lgamma, log, log1p

_STEPS = 40
_NEGLIGIBLE = 1e-18


class TooFewCases(ValueError):  # noqa: N818  what is said of the history
    """`needed` cases at least could show what was asked for, if all of them are right."""

    def __init__(self, cases: int, needed: int) -> None:
        super().__init__(f"{cases} labelled cases show nothing so small: {needed} at least are needed, if all of them are right")
        self.needed = needed


def error_bound(errors: int, cases: int, confidence: float = 0.95) -> float:
    """The largest share of errors that `errors` among `cases` independent ones are compatible with: the one-sided upper bound of Clopper
    and Pearson (1934), covering with at least `confidence`. 1 without cases. Nothing found among n is the rule of three: about 3 / n.

    Raises ValueError for counts that cannot be.
    """
    if not 0 <= errors <= cases:
        raise ValueError(f"{errors} errors among {cases} cases: that cannot be")
    if errors == cases:
        return 1.0
    low, high = errors / cases, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if at_most(errors, cases, middle) > 1.0 - confidence:
            low = middle
        else:
            high = middle
    return high


def fewest_cases(target: float, doubt: float) -> int:
    """How many cases, all of them right, show with confidence 1 - `doubt` that at most `target` are wrong. Both in (0, 1)."""
    return ceil(log(doubt) / log1p(-target))


def at_most(events: int, trials: int, share: float) -> float:
    """P(X <= events) for X binomial. `share` in (0, 1)."""
    if events >= trials:
        return 1.0
    odds = share / (1.0 - share)
    if events < trials * share:
        down = (count / ((trials - count + 1) * odds) for count in range(events, 0, -1))
        return _probability(events, trials, share) * _series(down)
    up = ((trials - count) * odds / (count + 1) for count in range(events + 1, trials))
    return max(0.0, 1.0 - _probability(events + 1, trials, share) * _series(up))


def _probability(events: int, trials: int, share: float) -> float:
    ways = lgamma(trials + 1) - lgamma(events + 1) - lgamma(trials - events + 1)
    return exp(ways + events * log(share) + (trials - events) * log1p(-share))


def _series(ratios: Iterable[float]) -> float:
    """1 + r1 + r1 r2 + … Away from the mean every ratio is below 1, and smaller than the one before."""
    total = part = 1.0
    for ratio in ratios:
        part *= ratio
        total += part
        if part < _NEGLIGIBLE * total:
            break
    return total
