"""How many pods a version needs before it may have a share of the traffic."""

from headgate.rollout.stages import Step


def floor(*, stable_ready: int, share: int, full: int, shadowing: bool = False) -> int:
    """Ready pods the candidate needs for `share` thousandths of the traffic or of its copies.

    As many as the stable version has per request, but at least 1 in shadow and 2 with users (1 if the stable version has 1), and never
    more than the candidate's own full size.
    """
    if share <= 0:
        return 0
    least = 1 if shadowing or stable_ready <= 1 else 2
    proportional = -(-stable_ready * share // 1000)
    return min(full, max(least, proportional))


def floor_of(step: Step | None, *, stable_ready: int, full: int) -> int:
    """The floor of a stage. Before the first stage, and where nothing is stable, the full size counts as the basis."""
    if step is None:
        return min(full, 1)
    basis = stable_ready if step.compares else full
    return floor(stable_ready=basis, share=max(step.weight, step.mirror), full=full, shadowing=step.weight == 0)
