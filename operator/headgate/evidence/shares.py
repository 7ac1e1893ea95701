"""Between which values a share lies that was counted once."""

from scipy.special import betaincinv


def clopper_pearson(events: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """The share of events that `events` of `trials` independent draws are compatible with (Clopper and Pearson, 1934).

    Exact, so rather too wide than too narrow: covers with at least this confidence, and each bound by itself with (1 + confidence) / 2.
    (0, 1) without trials. For one look at a finished sample, not for looking again and again.
    """
    tail = (1.0 - confidence) / 2
    low = float(betaincinv(events, trials - events + 1, tail)) if events > 0 else 0.0
    high = float(betaincinv(events + 1, trials - events, 1.0 - tail)) if events < trials else 1.0
    return low, high
