"""What is remembered of the stable version's noise in one attempt, and its form for a checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import numpy as np
from pydantic import TypeAdapter

from headgate.evidence.bets.arrays import Floats, joined
from headgate.evidence.bets.calibration import Calibration
from headgate.evidence.bets.noise import Dispersion
from headgate.evidence.check import Check
from headgate.evidence.pods.arms import PodBlock, Pods
from headgate.evidence.pods.history import History
from headgate.evidence.view import NoiseMode

MOST_TRIES = 3
"""Reads of the past that may fail before it is given up."""


def robust(checks: Sequence[Check]) -> Calibration:
    """Nothing is known of the noise of any of the checks, shape (checks,)."""
    each = [Calibration.robust_mean((1,)) if check.is_mean else Calibration.robust((1,)) for check in checks]
    return joined(each, np.concatenate) if each else Calibration.robust((0,))


@dataclass(frozen=True, slots=True)
class Noise:
    """What is known of the noise in one attempt, per check of its question.

    `calibration`, shape (checks,), as settled; `modes` and `whys` say how, an empty mode that it is not yet. `bounds`: of the slow
    requests, where chosen. `seen`, shape (checks,): what the pods show meanwhile, as the pods `named` told it. `now`: what may be bet on
    the next block. `waiting`: A/A blocks that are over and not learnt. `failed`: reads of the past that failed; `history` is None until
    one succeeded. `answered`: our time of the last good answer about the pods.
    """

    pods: Pods = field(default_factory=Pods)
    waiting: tuple[PodBlock, ...] = ()
    modes: tuple[NoiseMode, ...] = ()
    whys: tuple[str, ...] = ()
    bounds: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    calibration: Calibration = field(default_factory=partial(Calibration.robust, (0,)))
    seen: Dispersion = field(default_factory=partial(Dispersion.unknown, (0,), 1))
    now: Calibration = field(default_factory=partial(Calibration.robust, (0,)))
    history: History | None = None
    failed: int = 0
    answered: float | None = None

    @classmethod
    def unknown(cls, checks: Sequence[Check]) -> Self:
        number, nothing = len(checks), robust(checks)
        return cls(
            modes=(NoiseMode.UNKNOWN,) * number,
            whys=("",) * number,
            bounds=("",) * number,
            calibration=nothing,
            seen=Dispersion.unknown((number,), 1),
            now=nothing,
        )

    @property
    def wants_history(self) -> bool:
        """Whether the past is still to be read."""
        return self.history is None and self.failed < MOST_TRIES

    @property
    def dispersion(self) -> Floats:
        """phi per check, 0 where none is known."""
        return self.now.phi


def to_json(known: Noise) -> dict[str, Any] | None:
    """Plain JSON values from which `from_json` gives back an equal state, to the last bit. None where nothing is compared."""
    if not known.modes:
        return None
    history = known.history
    return {
        "pods": _PODS.dump_python(known.pods, mode="json"),
        "waiting": _BLOCKS.dump_python(known.waiting, mode="json"),
        "modes": list(known.modes),
        "whys": list(known.whys),
        "bounds": list(known.bounds),
        "named": list(known.named),
        **{name: getattr(known, name).to_json() for name in ("calibration", "seen", "now")},
        "history": None
        if history is None
        else {
            "fits": [{bound: fit.to_json() for bound, fit in fits.items()} for fits in history.fits],
            "rest": [history.totals, history.pods, history.seconds, history.bounds],
        },
        "failed": known.failed,
        "answered": known.answered,
    }


def from_json(data: dict[str, Any] | None) -> Noise:
    """Raises KeyError, TypeError or ValueError where `data` was not written by `to_json`."""
    if data is None:
        return Noise()
    past = data["history"]
    return Noise(
        pods=_PODS.validate_python(data["pods"]),
        waiting=_BLOCKS.validate_python(data["waiting"]),
        modes=tuple(NoiseMode(mode) for mode in data["modes"]),
        whys=tuple(data["whys"]),
        bounds=tuple(data["bounds"]),
        named=tuple(data["named"]),
        calibration=Calibration.from_json(data["calibration"]),
        seen=Dispersion.from_json(data["seen"]),
        now=Calibration.from_json(data["now"]),
        history=None if past is None else _history(past),
        failed=data["failed"],
        answered=data["answered"],
    )


def _history(data: dict[str, Any]) -> History:
    totals, pods, seconds, bounds = data["rest"]
    fits = tuple({bound: Calibration.from_json(fit) for bound, fit in fits.items()} for fits in data["fits"])
    return History(fits, tuple((int(requests), int(events)) for requests, events in totals), pods, seconds, tuple(bounds))


_PODS: TypeAdapter[Pods] = TypeAdapter(Pods)
_BLOCKS: TypeAdapter[tuple[PodBlock, ...]] = TypeAdapter(tuple[PodBlock, ...])
