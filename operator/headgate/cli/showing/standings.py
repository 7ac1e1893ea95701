"""The numbers of a story in words, row by row: what a terminal and a page show alike."""

from collections.abc import Iterator, Sequence

from headgate.cli.showing.story import HIGHEST, Story, moment_of
from headgate.evidence.timeline import Point, Standing, is_relative

COLUMNS = ("TIME (UTC)", "STAGE", "HARM", "JOINED", "GOOD", "STABLE", "CANDIDATE", "DIFFERENCE", "LIMIT")
MEANING = (
    "HARM: at most so many versions within half your limits would ever look this bad; JOINED: by all checks together, which decides. "
    "GOOD: at most so many versions at your limit would ever look this good. "
    "Rates and their difference are averages since the comparison began, the difference with its confidence sequence."
)


def thresholds(story: Story) -> Iterator[str]:
    """What decides, stage by stage."""
    for look in story.timeline.stages.values():
        back, good = _one_in(1 / look.alpha), _one_in(1 / look.beta)
        yield f"{look.name}: taken back at {back} (joined), proven good at {good} (each required check)"


def rows(story: Story, number: int, most: int) -> Iterator[tuple[str, ...]]:
    """One check, at most `most` rows evenly over its points; the first and the last one are among them."""
    for point in _some(story.timeline.points, most):
        standing = point.checks[number]
        look = story.timeline.stages.get(point.stage)
        yield (
            f"{moment_of(point.time):%Y-%m-%d %H:%M:%S}",
            look.name if look else str(point.stage),
            _strength(standing.harm),
            _strength(point.harm),
            _strength(standing.good),
            *(_parts(standing) if is_relative(story.timeline.checks[number]) else _rates(standing)),
        )


def _some(points: Sequence[Point], most: int) -> list[Point]:
    last = len(points) - 1
    if last < most:
        return list(points)
    return [points[round(k * last / (most - 1))] for k in range(most)]


def _rates(standing: Standing) -> tuple[str, str, str, str]:
    limit = f"{standing.limit * 100:+.2f} pp"
    if not standing.compared:
        return ("–", "–", "–", limit)
    difference = f"{(standing.candidate - standing.stable) * 100:+.2f} pp ({standing.low * 100:+.2f} to {standing.high * 100:+.2f})"
    return (f"{standing.stable * 100:.2f} %", f"{standing.candidate * 100:.2f} %", difference, limit)


def _parts(standing: Standing) -> tuple[str, str, str, str]:
    """Of a value: what the stable version's is stands for 100 %."""
    limit = f"{standing.limit * 100:+.2f} %"
    if not standing.compared:
        return ("–", "–", "–", limit)
    bounds = f"{standing.low * 100:+.2f} to {standing.high * 100:+.2f}"
    return ("100 %", f"{100 + standing.candidate * 100:.2f} %", f"{standing.candidate * 100:+.2f} % ({bounds})", limit)


def _strength(log10: float) -> str:
    return _one_in(10.0**log10) if log10 < HIGHEST else f"{_one_in(10.0**HIGHEST)}+"


def _one_in(number: float) -> str:
    return f"1 in {number:,.0f}"
