"""Which of the decisions that a model made by itself a person looks at all the same."""

from collections.abc import Iterable, Mapping
from math import ceil

from headgate.review.bounds import error_bound
from headgate.review.drawing import checked_key, checked_share, fraction

SHARE = 0.05
_PURPOSE = "audit"
_CERTAINTY = 0.95


class AuditSampling:
    """`share` of all decisions, and of each segment at least `minimum` in a period: a share of all would pass over rare segments."""

    def __init__(self, key: bytes, *, share: float = SHARE, minimum: int = 0, expected: Mapping[str, int] | None = None) -> None:
        """`key` is secret: 16 random bytes or more. `expected`: decisions per period by segment, as far as they are known, like those of
        the period before. Of a segment that is not named all are drawn while there is a minimum.

        Raises ValueError for a short key, a share outside 0 to 1 and a negative count.
        """
        self._key = checked_key(key)
        self._share = checked_share(share)
        self._minimum = minimum
        known = dict(expected or {})
        if minimum < 0 or any(count < 0 for count in known.values()):
            raise ValueError("minimum and expected decisions are 0 or more")
        self._rates = {segment: self._enough(count) for segment, count in known.items()} if minimum else {}

    def rate(self, segment: str = "") -> float:
        """The share that is drawn of a segment. With 95 % certainty it gives the minimum, if as many decisions come as are expected."""
        return self._rates.get(segment, 1.0 if self._minimum else self._share)

    def _enough(self, expected: int) -> float:
        if expected <= self._minimum:
            return 1.0
        return max(self._share, error_bound(self._minimum - 1, expected, _CERTAINTY))

    def drawn(self, case_id: str, segment: str = "") -> bool:
        """Whether a person looks at it. Known at once, without counting, and the same whoever asks how often."""
        return fraction(self._key, _PURPOSE, case_id) < self.rate(segment)

    def chosen(self, cases: Iterable[tuple[str, str]]) -> frozenset[str]:
        """Of all (case, segment) of a period that is over: the share of each segment, rounded up, and never fewer than the minimum where
        there are as many. Those are chosen whose draw is lowest, so a case that comes twice stays one case."""
        by_segment: dict[str, set[str]] = {}
        for case_id, segment in cases:
            by_segment.setdefault(segment, set()).add(case_id)
        found: set[str] = set()
        for members in by_segment.values():
            ordered = sorted(members, key=lambda one: (fraction(self._key, _PURPOSE, one), one))
            found.update(ordered[: max(ceil(self._share * len(ordered)), self._minimum)])
        return frozenset(found)
