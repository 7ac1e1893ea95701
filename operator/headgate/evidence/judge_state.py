"""What the judge remembers between blocks, and its compact form for a checkpoint."""

from dataclasses import astuple, dataclass, field
from typing import Any

from headgate.evidence.comparison import Counts
from headgate.evidence.confirmation import Confirmation
from headgate.evidence.eprocess import EFFECTS, LOG_ZERO
from headgate.evidence.latency import Choice, Pair, Past, Unresolved
from headgate.evidence.measure import UNKNOWN, History, Latency

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class CheckState:
    """One check of the attempt. Evidence is kept as logarithms; the peaks are running maxima.

    `wealth` has one entry per supposed effect, first those of the test for harm. `compared` counts blocks with requests on both sides.
    """

    history: History = UNKNOWN
    wealth: tuple[float, ...] = (LOG_ZERO,) * EFFECTS
    peak_harm: float = 0.0
    peak_good: float = 0.0
    compared: int = 0
    memory: Confirmation = field(default_factory=Confirmation)
    latency: Latency | None = None


@dataclass(frozen=True, slots=True)
class JudgeState:
    """`seen` counts usable blocks per stage, `spent` is the prior weight of the start times so far, `failed` the check to blame."""

    checks: tuple[CheckState, ...] = ()
    seen: tuple[int, ...] = ()
    spent: float = 0.0
    peak_harm: float = 0.0
    failed: int | None = None


def to_json(state: JudgeState) -> dict[str, Any]:
    """Plain lists and finite numbers; `json.dumps` writes floats so that `from_json` gives back every bit."""
    return {
        "format": _FORMAT,
        "seen": list(state.seen),
        "spent": state.spent,
        "peak": state.peak_harm,
        "failed": state.failed,
        "checks": [_check_out(check) for check in state.checks],
    }


def from_json(data: dict[str, Any]) -> JudgeState:
    """Raises ValueError if `data` was not written by `to_json` of this format."""
    if data.get("format") != _FORMAT:
        raise ValueError(f"judge state of format {data.get('format')!r}, not {_FORMAT}: start the attempt's evidence anew")
    try:
        return JudgeState(
            checks=tuple(_check_in(check) for check in data["checks"]),
            seen=tuple(data["seen"]),
            spent=data["spent"],
            peak_harm=data["peak"],
            failed=data["failed"],
        )
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"judge state cannot be read: {error!r}") from error


def _check_out(check: CheckState) -> dict[str, Any]:
    memory = check.memory
    return {
        "history": list(astuple(check.history)),
        "wealth": list(check.wealth),
        "harm": check.peak_harm,
        "good": check.peak_good,
        "compared": check.compared,
        "total": list(astuple(memory.total)),
        "excess": [memory.excess, memory.squares],
        "tail": list(memory.tail),
        "latest": [list(astuple(counts)) for counts in memory.latest],
        "bins": [[index, *astuple(counts)] for index, counts in memory.bins],
        "latency": _latency_out(check.latency),
    }


def _check_in(data: dict[str, Any]) -> CheckState:
    excess, squares = data["excess"]
    return CheckState(
        history=History(*data["history"]),
        wealth=tuple(data["wealth"]),
        peak_harm=data["harm"],
        peak_good=data["good"],
        compared=data["compared"],
        memory=Confirmation(
            total=Counts(*data["total"]),
            excess=excess,
            squares=squares,
            tail=tuple(data["tail"]),
            latest=tuple(Counts(*counts) for counts in data["latest"]),
            bins=tuple((index, Counts(*counts)) for index, *counts in data["bins"]),
        ),
        latency=_latency_in(data["latency"]),
    )


def _latency_out(latency: Latency | None) -> dict[str, Any] | None:
    match latency:
        case Past(bounds, timed, below):
            return {"past": [list(bounds), timed, list(below)]}
        case Choice(harm, act, good, timed, slow, detail):
            return {"choice": [*(list(astuple(pair)) for pair in (harm, act, good)), timed, list(slow), detail]}
        case Unresolved(detail):
            return {"unresolved": detail}
        case None:
            return None


def _latency_in(data: dict[str, Any] | None) -> Latency | None:
    if data is None:
        return None
    if "past" in data:
        bounds, timed, below = data["past"]
        return Past(tuple(bounds), timed, tuple(below))
    if "choice" in data:
        harm, act, good, timed, (a, b, c), detail = data["choice"]
        return Choice(Pair(*harm), Pair(*act), Pair(*good), timed, (a, b, c), detail)
    return Unresolved(data["unresolved"])
