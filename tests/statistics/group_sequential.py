"""Boundaries for a planned number of looks at one Brownian path: the classical answer to looking more than once.

Source of the recursion: Armitage, McPherson and Rowe, JRSS A 132 (1969); of the spending functions: Lan and DeMets, Biometrika 70 (1983).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

Floats = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)
"""Denser than the step of the path between 240 looks, which is 1/15 of its standard deviation at the last one."""
_FAR = 7.0
"""Standard deviations beyond which a path is not followed."""
_NOTHING = 1e-11
"""Error so small that looks before it was spent need not be told apart."""


class Path:
    """A Brownian path that was not stopped yet: the density of its value at the last look, on quadrature nodes."""

    def __init__(self) -> None:
        self._time = 0.0
        self._at = np.zeros(1)
        self._mass = np.ones(1)

    def beyond(self, time: float, bound: float, *, two_sided: bool) -> float:
        """Probability of a value above `bound` (also below -`bound`) at `time`, and of none at the looks before."""
        step = np.sqrt(time - self._time)
        above = norm.sf((bound - self._at) / step)
        below = norm.cdf((-bound - self._at) / step) if two_sided else 0.0
        return float(self._mass @ (above + below))

    def go_on(self, time: float, bound: float, *, two_sided: bool) -> None:
        """Stop the paths outside at `time`, follow the others."""
        step, far = np.sqrt(time - self._time), _FAR * np.sqrt(time)
        high = min(bound, far)
        low = -high if two_sided else -far
        at = low + (high - low) * (_NODES + 1.0) / 2.0
        density = np.exp(-0.5 * ((at[:, None] - self._at) / step) ** 2) @ self._mass / (step * np.sqrt(2.0 * np.pi))
        self._time, self._at, self._mass = time, at, density * _WEIGHTS * (high - low) / 2.0


def false_alarms(critical: Floats, *, two_sided: bool = True) -> float:
    """Probability that |z| (or z) exceeds `critical[k]` at one of the equally spaced looks k, when nothing differs."""
    path, total = Path(), 0.0
    for k, value in enumerate(critical, start=1):
        bound = float(value) * np.sqrt(k)
        total += path.beyond(k, bound, two_sided=two_sided)
        path.go_on(k, bound, two_sided=two_sided)
    return total


def pocock_constant(looks: int, alpha: float = 0.05) -> float:
    """The same critical |z| at every look."""
    return float(brentq(lambda c: false_alarms(np.full(looks, c)) - alpha, 1.5, 4.0, xtol=1e-6))


def obrien_fleming_constant(looks: int, alpha: float = 0.05) -> float:
    """Critical |z| at the last look; at look k it is this times sqrt(looks / k)."""
    shape = np.sqrt(looks / np.arange(1, looks + 1))
    return float(brentq(lambda c: false_alarms(c * shape) - alpha, 1.5, 4.0, xtol=1e-6))


def like_obrien_fleming(alpha: float) -> Callable[[float], float]:
    """Error spent until the fraction t of the information, for a one-sided alpha."""
    return lambda t: float(2.0 * norm.sf(norm.isf(alpha / 2.0) / np.sqrt(t)))


def like_pocock(alpha: float) -> Callable[[float], float]:
    """Error spent until the fraction t of the information, for a one-sided alpha."""
    return lambda t: float(alpha * np.log1p((np.e - 1.0) * t))


def lan_demets(spending: Callable[[float], float], looks: int) -> Floats:
    """Critical z at equally spaced looks so that P(z beyond one of the first k) = spending(k / looks)."""
    path, critical, spent = Path(), np.empty(looks), 0.0
    for k in range(1, looks + 1):
        time = k / looks
        wanted = spending(time) - spent
        if spending(time) > _NOTHING:
            far = _FAR * np.sqrt(time)
            bound = float(brentq(lambda b, t=time, w=wanted: path.beyond(t, b, two_sided=False) - w, -far, far, xtol=1e-9))
            critical[k - 1], spent = bound / np.sqrt(time), spending(time)
        else:
            critical[k - 1] = norm.isf(spending(time))
            bound = float(critical[k - 1]) * np.sqrt(time)
        path.go_on(time, bound, two_sided=False)
    return critical
