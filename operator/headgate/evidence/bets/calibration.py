"""What the judge knows of the stable version's noise before it compares anything, and how much it therefore bets.

Three layers: bets tempered by kappa = 1/phi (noise.py), lowered until they would have won nothing on the stable version's own pods; a
quarter of the money on the self-normalised bet, whose v is measured on the same data; and, where no such data exists, the asymptotic
evidence that learns the noise from the rollout itself. Specification: docs/statistics.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from headgate.evidence.bets import eprocess
from headgate.evidence.bets.arrays import Arrays, Floats
from headgate.evidence.bets.comparison import (
    CANDIDATE_EVENTS,
    CANDIDATE_REQUESTS,
    EQUALITY,
    STABLE_EVENTS,
    STABLE_REQUESTS,
    UNKNOWN,
    comparable,
)
from headgate.evidence.bets.eprocess import EFFECTS, GOOD_DEPTHS, HARM_GAPS
from headgate.evidence.bets.noise import SPANS, Dispersion, deviations, inflated
from headgate.evidence.bets.selfnormal import LEAST_DEFICIT, standardised

BETS, STEADY, ASYMPTOTIC = range(3)
"""The last axis of `shares`: the tempered bets, the self-normalised one, the asymptotic evidence."""
FEWEST_ARMS = 3
"""Pods of the stable version below which their differences say too little about noise."""
CALIBRATED_SHARES = (0.75, 0.25, 0.0)
"""How the money is split where the noise is known, or will be."""
ROBUST_SHARES = (0.25, 0.0, 0.75)
_EXACT = (1.0, 0.0, 0.0)
_OF_MEANS, _WARY_OF_MEANS = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
_LOWER, _MOST_LOWERINGS = 0.7, 24
_BLIND = 1.0 / 32.0
"""The power of bets while the noise is not known yet. Only total failures win with it, in few blocks; one burst does not."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration(Arrays):
    """For comparisons with leading axes (...).

    `kappa`: the power of each bet, (..., effects). `deficit`: v of the self-normalised bet for harm and for good, (..., 2). `phi`: the
    dispersion found, for people and for intervals; 0 where none is known. `shares`: how the money is split, (..., 3). `variance`: of
    one request's value, where means are compared (UNKNOWN: not known yet); 0: where events are counted. `wary`: 1 where nothing is known
    of the noise: then the bets count only while the harm is glaring, as no burst makes it.
    """

    kappa: Floats
    deficit: Floats
    phi: Floats
    shares: Floats
    variance: Floats
    wary: Floats

    @classmethod
    def _plain(cls, shape: tuple[int, ...], shares: tuple[float, ...], *, wary: float) -> Self:
        return cls(
            kappa=np.ones((*shape, EFFECTS)),
            deficit=np.ones((*shape, 2)),
            phi=np.zeros(shape),
            shares=np.broadcast_to(np.array(shares), (*shape, 3)).copy(),
            variance=np.zeros(shape),
            wary=np.full(shape, wary),
        )

    @classmethod
    def exact(cls, shape: tuple[int, ...]) -> Self:
        """For requests that are known to fail independently of each other."""
        return cls._plain(shape, _EXACT, wary=0.0)

    @classmethod
    def robust(cls, shape: tuple[int, ...]) -> Self:
        """Where the stable version's noise is not known and will not be."""
        return cls._plain(shape, ROBUST_SHARES, wary=1.0)

    @classmethod
    def learning(cls, shape: tuple[int, ...]) -> Self:
        """Where it will be learnt from enough pods during the rollout. See `tempered` for the time before."""
        return cls._plain(shape, CALIBRATED_SHARES, wary=0.0)

    @classmethod
    def of_mean(cls, variance: Floats, deficit: Floats, phi: Floats) -> Self:
        """Of values with this variance."""
        known = replace(cls._plain(variance.shape, _OF_MEANS, wary=0.0), variance=variance, deficit=deficit, phi=phi)
        return replace(known, kappa=np.zeros_like(known.kappa))

    @classmethod
    def learning_mean(cls, shape: tuple[int, ...]) -> Self:
        """Of values whose variance will be learnt from enough pods; nothing is bet before."""
        return cls.of_mean(np.full(shape, UNKNOWN), np.ones((*shape, 2)), np.zeros(shape))

    @classmethod
    def robust_mean(cls, shape: tuple[int, ...]) -> Self:
        """Of values whose variance is not known and will not be."""
        plain = cls.learning_mean(shape)
        return replace(plain, shares=np.broadcast_to(np.array(_WARY_OF_MEANS), plain.shares.shape).copy())

    @property
    def of_means(self) -> NDArray[np.bool_]:
        """Which comparisons are of means."""
        means: NDArray[np.bool_] = self.variance != 0.0
        return means


def tempered(calibration: Calibration, seen: Dispersion) -> Calibration:
    """`calibration` by what was `seen` in earlier blocks of the rollout: smaller bets on events, and larger variances of values."""
    after, means = _smaller_bets(calibration, seen), calibration.of_means
    if not means.any():
        return after
    variance, phi = _variances(calibration, seen)
    return replace(
        after,
        variance=np.where(means, variance, calibration.variance),
        phi=np.where(means, phi, after.phi),
        wary=np.where(means, calibration.wary, after.wary),
    )


def _variances(calibration: Calibration, seen: Dispersion) -> tuple[Floats, Floats]:
    """Of values, with their dispersion over time. Beside a history a variance counts when chance does not explain that it is larger."""
    historic = calibration.variance > 0.0
    known = np.isfinite(seen.variance)
    learns = known & np.where(historic, seen.least_variance > calibration.variance, calibration.shares[..., STEADY] > 0.0)
    return np.where(learns, seen.variance, calibration.variance), np.where(learns, seen.unevenness, calibration.phi)


def _smaller_bets(calibration: Calibration, seen: Dispersion) -> Calibration:
    """`calibration` with no bet above 1/phi of the noise `seen` in earlier blocks of the rollout.

    Beside a history a phi counts when chance does not explain that it is larger. Without one every phi does; before it is known, bets are
    small and count only while the harm is glaring.
    """
    historic = calibration.phi > 0.0
    phi = np.where(historic & (seen.least <= calibration.phi), 1.0, seen.phi)
    known = np.isfinite(phi)
    most = np.where(known, 1.0 / np.where(known, phi, 1.0), _BLIND)
    free = calibration.shares[..., STEADY] == 0.0
    kappa = np.where(free[..., None], calibration.kappa, np.minimum(calibration.kappa, most[..., None]))
    learnt = np.where(free, calibration.phi, np.maximum(calibration.phi, np.where(known, phi, 0.0)))
    wary = np.where(free, calibration.wary, np.where(known, 0.0, 1.0))
    return replace(calibration, kappa=kappa, phi=learnt, wary=wary)


def fit(arms: Floats, margin: Floats) -> Calibration:
    """From A/A counts (..., arms, blocks, 4): each arm a pod as the candidate, the others together as the stable version.

    `margin` is the whole margin as a share, for the depth of the bets on being good. Comparisons without an event in their history get
    phi of a single event. Raises ValueError for fewer than FEWEST_ARMS arms.
    """
    if arms.shape[-3] < FEWEST_ARMS:
        raise ValueError(f"{arms.shape[-3]} pods are too few to tell their noise: at least {FEWEST_ARMS}")
    shape = arms.shape[:-3]
    events = arms[..., CANDIDATE_EVENTS].sum(axis=(-1, -2))
    phi = inflated(_worst_ratio(arms), events)
    rate = (events + 0.5) / (arms[..., CANDIDATE_REQUESTS].sum(axis=(-1, -2)) + 50.0)
    x = standardised(arms, EQUALITY, rate[..., None, None], np.zeros((*shape, 1, 1)))
    seen = np.maximum(comparable(arms).sum(axis=(-1, -2)), 1.0)
    deficit = np.stack([np.square(np.minimum(side * x, 0.0)).sum(axis=(-1, -2)) / seen for side in (1.0, -1.0)], axis=-1)
    plain = Calibration._plain(shape, CALIBRATED_SHARES, wary=0.0)
    return replace(plain, kappa=_powers(arms, rate, margin, phi), deficit=np.maximum(deficit, LEAST_DEFICIT), phi=phi)


def _worst_ratio(arms: Floats) -> Floats:
    """max over spans of sum (sum_span u)^2 / sum v."""
    u, v = deviations(arms)
    expected = np.maximum(v.sum(axis=(-1, -2)), 1e-12)
    ratios = [np.square(by_span(u, span)).sum(axis=(-1, -2)) / expected for span in SPANS]
    worst: Floats = np.where(v.sum(axis=(-1, -2)) > 0.0, np.max(ratios, axis=0), 1.0)
    return worst


def by_span(values: Floats, span: int) -> Floats:
    """Sums over whole spans of the last axis; the rest at the end is a span of its own."""
    blocks = values.shape[-1]
    padded = np.concatenate((values, np.zeros((*values.shape[:-1], -blocks % span))), axis=-1)
    sums: Floats = padded.reshape(*values.shape[:-1], -1, span).sum(axis=-1)
    return sums


def _powers(arms: Floats, rate: Floats, margin: Floats, phi: Floats) -> Floats:
    """1/phi, lowered until the mean of exp(kappa sum log S) over the spans is at most 1 for every effect."""
    kappas = []
    for effect in range(EFFECTS):
        logs = _level_evalues(arms, rate, margin, effect)
        kappa = 1.0 / phi
        sums = [by_span(logs, span) for span in SPANS]
        for _ in range(_MOST_LOWERINGS):
            won = np.max([np.exp(np.minimum(kappa[..., None, None] * s, 700.0)).mean(axis=(-1, -2)) for s in sums], axis=0) > 1.0
            if not won.any():
                break
            kappa = np.where(won, kappa * _LOWER, kappa)
        kappas.append(kappa)
    powers: Floats = np.stack(kappas, axis=-1)
    return powers


def _level_evalues(arms: Floats, rate: Floats, margin: Floats, effect: int) -> Floats:
    """log S per arm and block for one supposed effect, against the null of no difference."""
    harmful = effect < len(HARM_GAPS)
    gap = HARM_GAPS[effect] if harmful else -margin * GOOD_DEPTHS[effect - len(HARM_GAPS)]
    supposed = np.clip(np.maximum(rate + gap, 0.5 * rate), eprocess.LEAST_RATE, 1.0 - eprocess.LEAST_RATE)
    stable, candidate = (np.asarray(value)[..., None, None] for value in (rate, supposed))
    n_b, e_b, n_c, e_c = (arms[..., k] for k in (STABLE_REQUESTS, STABLE_EVENTS, CANDIDATE_REQUESTS, CANDIDATE_EVENTS))
    # Where the null is equality, the nearest point of it is the mean of the supposed rates, weighted by requests.
    nearest = (n_b * stable + n_c * candidate) / np.maximum(n_b + n_c, 1.0)
    nearest = np.where(comparable(arms) > 0.0, nearest, stable)
    logs: Floats = (
        e_b * np.log(stable / nearest)
        + (n_b - e_b) * np.log((1.0 - stable) / (1.0 - nearest))
        + e_c * np.log(candidate / nearest)
        + (n_c - e_c) * np.log((1.0 - candidate) / (1.0 - nearest))
    )
    return np.where(comparable(arms) > 0.0, logs, 0.0)
