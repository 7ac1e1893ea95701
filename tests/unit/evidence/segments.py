"""A pretended model server per version: answers by segment of users, sampled once a second."""

from collections.abc import Mapping

from headgate.evidence.counting.series import Arm, RawSeries, TargetSamples, What

FAILS = tuple[int, int]
"""(requests per second, failures in ten seconds)."""


def server(
    stable: Mapping[str, FAILS], candidate: Mapping[str, FAILS], arm: Arm = Arm.CANDIDATE, since: Mapping[str, int] | None = None
) -> "Servers":
    return Servers(stable, candidate, arm, since or {})


class Servers:
    """`since`: the second before which a segment has no counters."""

    def __init__(self, stable: Mapping[str, FAILS], candidate: Mapping[str, FAILS], arm: Arm, since: Mapping[str, int]) -> None:
        self._counted = [(Arm.STABLE, "s/1", stable), (arm, "c/1", candidate)]
        self._since = since

    def answer(self, after: int, until: int) -> TargetSamples:
        """All samples of the seconds in (after, until]."""
        found = []
        for arm, pod, segments in self._counted:
            for segment, (rate, failures) in segments.items():
                begin = self._since.get(segment, 0)
                times = list(range(max(after + 1, begin), until + 1))
                if not times:
                    continue
                for code in ("200", "500"):
                    points = tuple((float(at), float(_counted(code, rate, failures, at - begin))) for at in times)
                    found.append(RawSeries(arm, What.ANSWERED, code, pod, "", points, segment))
        return TargetSamples(float(until), tuple(found))


def _counted(code: str, rate: int, failures: int, seconds: int) -> int:
    failed = failures * seconds // 10
    return failed if code == "500" else rate * seconds - failed
