"""What the judge remembers of one attempt between blocks, and its compact form for a checkpoint."""

from dataclasses import astuple, dataclass
from typing import Any

from headgate.evidence.bets.panel import Panel
from headgate.evidence.latency.slow_shares import Choice, Pair, Past, Unresolved
from headgate.evidence.measure import Latency

_FORMAT = 2


@dataclass(frozen=True, slots=True)
class JudgeState:
    """`panel`: the checks side by side, shape (checks,). `latency`: what is known of the buckets, per check; None for other metrics.
    `seen` counts usable blocks per stage, `spent` is the prior weight of the start times so far, `peak_harm` the running maximum of the
    checks' joint log evidence, `failed` the check to blame."""

    panel: Panel
    latency: tuple[Latency | None, ...] = ()
    seen: tuple[int, ...] = ()
    spent: float = 0.0
    peak_harm: float = 0.0
    failed: int | None = None


def to_json(state: JudgeState) -> dict[str, Any]:
    """Plain lists and finite numbers; `json.dumps` writes floats so that `from_json` gives back every bit."""
    return {
        "format": _FORMAT,
        "panel": state.panel.to_json(),
        "latency": [_latency_out(known) for known in state.latency],
        "seen": list(state.seen),
        "spent": state.spent,
        "peak": state.peak_harm,
        "failed": state.failed,
    }


def from_json(data: dict[str, Any]) -> JudgeState:
    """Raises ValueError if `data` was not written by `to_json` of this format."""
    if data.get("format") != _FORMAT:
        raise ValueError(f"judge state of format {data.get('format')!r}, not {_FORMAT}: start the attempt's evidence anew")
    try:
        return JudgeState(
            # Lists do not tell the shape of nothing.
            panel=_panel_in(data["panel"]) if data["latency"] else Panel.empty((0,)),
            latency=tuple(_latency_in(known) for known in data["latency"]),
            seen=tuple(data["seen"]),
            spent=data["spent"],
            peak_harm=data["peak"],
            failed=data["failed"],
        )
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"judge state cannot be read: {error!r}") from error


def _panel_in(data: dict[str, Any]) -> Panel:
    """Earlier releases put no values together."""
    return Panel.from_json({"waiting": [[0.0] * 4 for _ in data["history"]]} | data)


def _latency_out(latency: Latency | None) -> dict[str, Any] | None:
    match latency:
        case Past(bounds, timed, below):
            return {"past": [list(bounds), timed, list(below)]}
        case Choice(harm, act, good, timed, slow, detail, lacks):
            return {"choice": [*(list(astuple(pair)) for pair in (harm, act, good)), timed, list(slow), detail, lacks]}
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
        harm, act, good, timed, (a, b, c), detail, *lacks = data["choice"]
        return Choice(Pair(*harm), Pair(*act), Pair(*good), timed, (a, b, c), detail, *lacks)
    return Unresolved(data["unresolved"])
