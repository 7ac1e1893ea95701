"""How alike two versions answer the same requests: agreement with an interval, agreement beyond chance, and the direction of flips.

Agreement is no quality: a better version must disagree somewhere. It says how much of what people tested before still holds.
"""

from collections.abc import Mapping

from scipy import special

Flips = Mapping[tuple[str, str], int]
"""Pairs by (the stable version's class, the candidate's class)."""


def kappa(flips: Flips) -> float | None:
    """Cohen's kappa (1960): (p_o - p_e) / (1 - p_e), where p_e is the agreement of two versions that choose by chance with their own
    shares of classes. None if both always choose one and the same class, or without pairs."""
    total = sum(flips.values())
    if not total:
        return None
    chance = sum(stable * candidate for stable, candidate, _, _ in directions(flips).values()) / total**2
    return None if chance >= 1.0 else (_same(flips) / total - chance) / (1.0 - chance)


def ac1(flips: Flips) -> float | None:
    """Gwet's AC1 (2008): chance is p_e = Σ π(1 - π) / (q - 1), π the mean share of each of q classes. Unlike kappa it stays high where
    nearly all is one class and nearly all agree. None for fewer than two classes, or without pairs."""
    total, classes = sum(flips.values()), directions(flips)
    if not total or len(classes) < 2:
        return None
    shares = [(stable + candidate) / (2 * total) for stable, candidate, _, _ in classes.values()]
    chance = sum(share * (1 - share) for share in shares) / (len(shares) - 1)
    return (_same(flips) / total - chance) / (1.0 - chance)


def mcnemar(lost: int, gained: int) -> float:
    """Exact two-sided p-value that flips of both directions are equally likely (McNemar, 1947); 1 without flips."""
    both = lost + gained
    return min(1.0, 2.0 * float(special.bdtr(min(lost, gained), both, 0.5))) if both else 1.0


def directions(flips: Flips) -> dict[str, tuple[int, int, int, int]]:
    """For each class: how often the stable version chose it, how often the candidate, how often only the former, and only the latter."""
    found: dict[str, tuple[int, int, int, int]] = {}
    for (stable, candidate), count in flips.items():
        differ = 0 if stable == candidate else count
        for name, row in ((stable, (count, 0, differ, 0)), (candidate, (0, count, 0, differ))):
            before = found.get(name, (0, 0, 0, 0))
            found[name] = (before[0] + row[0], before[1] + row[1], before[2] + row[2], before[3] + row[3])
    return found


def _same(flips: Flips) -> int:
    return sum(count for (stable, candidate), count in flips.items() if stable == candidate)
