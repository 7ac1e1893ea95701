"""Between which values a share lies, and a difference of two, where the numbers may be effective ones."""

from math import exp, log, sqrt

from scipy.special import ndtri


def wilson(share: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval; `trials` above 0 may be an effective number."""
    z = float(ndtri(0.5 + confidence / 2))
    center = share + z * z / (2 * trials)
    reach = z * sqrt(share * (1.0 - share) / trials + (z / (2 * trials)) ** 2)
    scale = 1.0 + z * z / trials
    return max(0.0, (center - reach) / scale), min(1.0, (center + reach) / scale)


def difference(first: tuple[float, float], second: tuple[float, float], confidence: float = 0.95) -> tuple[float, float]:
    """Of two independent (share, trials): first minus second (Newcombe 1998, method 10)."""
    (low, high), (least, most) = (wilson(*one, confidence) for one in (first, second))
    middle = first[0] - second[0]
    below = sqrt((first[0] - low) ** 2 + (most - second[0]) ** 2)
    above = sqrt((high - first[0]) ** 2 + (second[0] - least) ** 2)
    return middle - below, middle + above


def ratio(first: tuple[float, float], second: tuple[float, float], confidence: float) -> tuple[float, tuple[float, float]]:
    """Of the shares of two independent (events, trials), first by second, and its interval (Walter 1975, of the logarithm).

    Half a case is added to each, so that none may be 0.
    """
    parts = [(events + 0.5, trials + 0.5) for events, trials in (first, second)]
    middle = log(parts[0][0] / parts[0][1]) - log(parts[1][0] / parts[1][1])
    deviation = sqrt(sum(max(1.0 / events - 1.0 / trials, 0.0) for events, trials in parts))
    z = float(ndtri(0.5 + confidence / 2))
    value, low, high = (exp(middle + side * z * deviation) for side in (0.0, -1.0, 1.0))
    return value, (low, high)
