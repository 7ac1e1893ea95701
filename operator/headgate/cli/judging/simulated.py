"""Many virtual rollouts over one recording, and what became of them: from blocks to figures, and figures in words."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from headgate.api.policy import RolloutPolicySpec
from headgate.api.quantities import Duration
from headgate.api.vocabulary import Metric
from headgate.cli.judging.virtual_rollout import Ending, Plan, Recording, VirtualRollout, follow
from headgate.cli.refused import Refused
from headgate.evidence.bets.calibration import FEWEST_ARMS
from headgate.evidence.pods.arms import PodBlock
from headgate.evidence.pods.history import history_from
from headgate.evidence.pods.replay import FEWEST_PAST, MOST_PAST
from headgate.evidence.shares import clopper_pearson
from headgate.rollout.advice import span
from headgate.rollout.questions import checks_of

_CONFIDENCE = 0.95
Histories = Mapping[str, Sequence[PodBlock]]
"""By name, what the pods of a stable version counted, in order of time."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """`endings` of rollouts that began at (history, block); `seed` makes the same draws again. `pods`: the fewest of a history."""

    plan: Plan
    begun: tuple[tuple[str, float], ...]
    endings: tuple[Ending, ...]
    followed: float
    pods: int
    seed: int


def answerable(policy: RolloutPolicySpec, histories: Histories, *, counted: frozenset[Metric]) -> tuple[RolloutPolicySpec, list[str]]:
    """The policy with the checks that the recordings can answer, and which ones are left out. `counted`: what recordings of this kind may
    hold. Raises Refused if no check is left."""
    timed = any("le +Inf" in counts for blocks in histories.values() for block in blocks for counts in block.pods.values())
    known = counted if timed else counted - {Metric.LATENCY}
    kept = tuple(check for check in policy.checks if check.metric in known)
    if not kept:
        raise Refused("the recording has counts for none of the policy's checks")
    notes = [f"{check.metric}: not counted in the recording: not judged" for check in policy.checks if check.metric not in known]
    if policy.triggers is not None and policy.triggers.fairness is not None:
        notes.append("fairness: decisions are not part of the recording: not judged")
    return policy.model_copy(update={"checks": kept}), notes


def simulate(
    plan: Plan, histories: Histories, *, rollouts: int, seconds: float, seed: int, progress: Callable[[int, int], None]
) -> Simulation:
    """`rollouts` begun at even distances over the histories, each followed for at most `seconds`. Raises Refused where they are too short.

    `progress` is told after each block how many blocks passed, and how many rollouts are under way.
    """
    places = _places(histories, rollouts)
    plan = replace(plan, usual=_usual(histories))
    virtual = [
        VirtualRollout(plan, _recording(plan, histories[name], begin, number), np.random.default_rng((seed, number)))
        for number, (name, begin) in enumerate(places)
    ]
    for passed, going in enumerate(follow(virtual, max(1, round(seconds / plan.interval)))):
        progress(passed + 1, going)
    begun = tuple((name, histories[name][begin].end - plan.interval) for name, begin in places)
    endings = tuple(one.ending for one in virtual if one.ending is not None)
    return Simulation(plan, begun, endings, seconds, min(len(_names(blocks)) for blocks in histories.values() if blocks), seed)


def _places(histories: Histories, rollouts: int) -> list[tuple[str, int]]:
    usable = {name: len(blocks) - FEWEST_PAST for name, blocks in histories.items() if len(blocks) > FEWEST_PAST}
    if not usable:
        longest = max((len(blocks) for blocks in histories.values()), default=0)
        raise Refused(f"the past has {longest} blocks: more than {FEWEST_PAST} are needed. Choose a longer --since")
    names, ends = list(usable), np.cumsum(list(usable.values()))
    found = []
    for number in range(rollouts):
        at = int((number + 0.5) * ends[-1] / rollouts)
        which = int(np.searchsorted(ends, at, side="right"))
        found.append((names[which], FEWEST_PAST + at - (int(ends[which - 1]) if which else 0)))
    return found


def _recording(plan: Plan, blocks: Sequence[PodBlock], begin: int, number: int) -> Recording:
    names = _names(blocks)
    turn = number % len(names)
    past = blocks[max(0, begin - MOST_PAST) : begin]
    bounds = {name.removeprefix("le ") for block in past for counts in block.pods.values() for name in counts if name.startswith("le ")}
    known = history_from(checks_of(plan.policy), past, tuple(sorted(bounds, key=float)))
    return Recording(blocks, begin, [*names[turn:], *names[:turn]], known)


def _names(blocks: Sequence[PodBlock]) -> list[str]:
    return sorted({pod for block in blocks for pod in block.pods})


def _usual(histories: Histories) -> dict[Metric, float]:
    """The stable version's rates over all of the past."""
    every = [counts for blocks in histories.values() for block in blocks for counts in block.pods.values()]
    requests = max(1, sum(counts.get("requests", 0) for counts in every))
    return {metric: sum(counts.get(str(metric), 0) for counts in every) / requests for metric in (Metric.ERRORS, Metric.REJECTIONS)}


def told(made: Simulation, policy: str) -> Iterator[str]:
    """The answer in sentences."""
    number, injections = len(made.endings), made.plan.injections
    begin = f"from stage {made.plan.since} on" if made.plan.since else "from its first request on"
    worse = (
        f"whose candidate has {' and '.join(map(str, injections))} {begin}" if injections else "whose candidate is like the stable version"
    )
    yield f"{number} rollouts under policy {policy}, whose candidate {worse}, each followed for at most {Duration(round(made.followed))}."
    back = [ending for ending in made.endings if ending.outcome == "rollback"]
    live = [ending for ending in made.endings if ending.outcome == "live"]
    yield f"{len(back)} would be taken back ({_share(len(back), number)})."
    if back:
        yield f"  {_quantiles(back)}"
        yield f"  in {_tally(ending.stage or 'no stage' for ending in back)}; by {_tally(ending.cause for ending in back)}"
    if live:
        yield f"{len(live)} would go live, half of them within {span(float(np.median([ending.seconds for ending in live])))}."
    rest = [ending for ending in made.endings if ending.outcome == "none"]
    if rest:
        yield f"{len(rest)} were still under way in the end, in {_tally(ending.stage or 'no stage' for ending in rest)}."
    if made.pods < FEWEST_ARMS:
        yield f"With fewer than {FEWEST_ARMS} pods the noise is not known: no decision before 20 blocks unless the harm is obvious."
    if back:
        yield f"For example: {back[0].message}"


def _share(found: int, number: int) -> str:
    low, high = clopper_pearson(found, number, _CONFIDENCE)
    return f"{100 * found / number:.0f} of 100; {100 * low:.0f} to {100 * high:.0f} with {_CONFIDENCE:.0%} confidence"


def _quantiles(back: Sequence[Ending]) -> str:
    seconds, requests, users = (
        [float(np.quantile([getattr(ending, name) for ending in back], part)) for part in (0.5, 0.9)]
        for name in ("seconds", "requests", "of_users")
    )
    return (
        f"half of them within {span(seconds[0])} and {requests[0]:,.0f} requests of the candidate, {users[0]:,.0f} of them users'; "
        f"nine in ten within {span(seconds[1])}, {requests[1]:,.0f} and {users[1]:,.0f}"
    )


def _tally(words: Iterator[str]) -> str:
    return ", ".join(f"{word} ({count})" for word, count in Counter(words).most_common())


def document(made: Simulation, policy: str) -> dict[str, Any]:
    """Times in seconds; null where nothing was taken back."""
    back = [ending for ending in made.endings if ending.outcome == "rollback"]

    def quantiles(name: str) -> dict[str, float | None]:
        values = [getattr(ending, name) for ending in back]
        return {word: float(np.quantile(values, part)) if values else None for word, part in (("half", 0.5), ("nineInTen", 0.9))}

    return {
        "policy": policy,
        "injected": [str(one) for one in made.plan.injections],
        "fromStage": made.plan.since or None,
        "followedSeconds": made.followed,
        "seed": made.seed,
        "rollouts": len(made.endings),
        "outcomes": dict(Counter(ending.outcome for ending in made.endings)),
        "detected": len(back) / len(made.endings),
        "seconds": quantiles("seconds"),
        "requests": quantiles("requests"),
        "userRequests": quantiles("of_users"),
        "causes": dict(Counter(ending.cause for ending in back)),
        "stages": dict(Counter(ending.stage for ending in back)),
        "each": [{"history": name, "begun": at, **asdict(ending)} for (name, at), ending in zip(made.begun, made.endings, strict=True)],
    }
