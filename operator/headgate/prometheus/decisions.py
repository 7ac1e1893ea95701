"""A model's own counter of decisions about people: `headgate_decisions_total{group,outcome}`, or what its policy names instead."""

from collections.abc import Iterable, Mapping

from headgate.evidence.counting.series import Arm, What
from headgate.prometheus.profiles import PLACE, Labels, Meaning, Target, by_model, counted_for, matching, of_pods, one_of


class Decisions:
    """The counters of the candidate's pods, told apart by the labels that also the profile `http` reads.

    Mirrored and other requests are decided by the same pods and counted by the same series, so the arm is the same too.
    """

    def selector(self, targets: Iterable[Target]) -> str:
        asked = list(targets)
        names = one_of(target.decisions.metric for target in asked if target.decisions)
        return matching(of_pods(names, asked, (target.candidate for target in asked)))

    def index(self, targets: Iterable[Target]) -> Mapping[tuple[str, str], Target]:
        return by_model(targets)

    def meaning(self, labels: Labels, index: Mapping[tuple[str, str], Target]) -> Meaning | None:
        """A series without the group or the outcome counts nothing: nobody knows whom or what it is about."""
        target = counted_for(labels, index)
        counters = target.decisions if target is not None else None
        if target is None or counters is None or labels.get("__name__") != counters.metric:
            return None
        group, outcome = labels.get(counters.group, ""), labels.get(counters.outcome, "")
        if not group or not outcome or labels.get("headgate_revision") != target.candidate:
            return None
        sign = "+" if outcome in counters.favourable else "-"
        origin = ",".join(f"{name}={value}" for name, value in sorted(labels.items()) if name not in PLACE and name != counters.group)
        return Meaning(target, Arm.CANDIDATE, What.DECIDED, sign + group, origin)

    def series_per_target(self) -> int:
        return 20
