"""A model's own summaries of what its answers are worth: `headgate_value_sum` and `_count`, or what its policy names instead."""

from collections.abc import Iterable, Mapping

from headgate.evidence.counting.series import Arm, What
from headgate.prometheus.profiles import PLACE, Labels, Meaning, Target, by_model, counted_for, matching, of_pods, one_of

_ENDS = {"_count": What.VALUED, "_sum": What.TOTAL}


class Values:
    """The summaries of both versions' pods, one process a pod. Mirrored and other requests are answered by the same pods of the candidate
    and counted by the same series, so the arm is the same too."""

    def selector(self, targets: Iterable[Target]) -> str:
        asked = list(targets)
        revisions = (revision for target in asked for revision in (target.stable, target.candidate) if revision)
        return matching(of_pods(series_names(asked), asked, revisions))

    def index(self, targets: Iterable[Target]) -> Mapping[tuple[str, str], Target]:
        return by_model(targets)

    def meaning(self, labels: Labels, index: Mapping[tuple[str, str], Target]) -> Meaning | None:
        target = counted_for(labels, index)
        return None if target is None else meaning_of(labels, target)

    def series_per_target(self) -> int:
        return 10


def series_names(targets: Iterable[Target]) -> str:
    """A regular expression of the names of all series that the targets' summaries have."""
    return one_of(name + end for target in targets for name in target.summaries for end in _ENDS)


def meaning_of(labels: Labels, target: Target) -> Meaning | None:
    """What a series of the target's summaries counts, None if it is not one of them."""
    name, revision = labels.get("__name__", ""), labels.get("headgate_revision", "")
    found = next(((name[: -len(end)], what) for end, what in _ENDS.items() if name.endswith(end)), None)
    if found is None or found[0] not in target.summaries or not revision or revision not in (target.stable, target.candidate):
        return None
    origin = ",".join(f"{label}={value}" for label, value in sorted(labels.items()) if label not in PLACE)
    arm = Arm.STABLE if revision == target.stable else Arm.CANDIDATE
    return Meaning(target, arm, found[1], found[0], origin, labels.get("pod", ""))
