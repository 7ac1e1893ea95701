"""The panels of a picture: evidence on a logarithmic axis, and both versions' rates with the limit, over the stages as bands."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from math import ceil, floor, nan
from textwrap import shorten
from typing import Any

from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from headgate.cli.showing.story import HIGHEST, Band, Story, bands, comparisons
from headgate.evidence.timeline import Point, Standing, is_relative

# Colours that all kinds of colour vision tell apart (Okabe and Ito, Tol); dashes say the same again.
_CHECKS = (("#0072B2", "-"), ("#AA4499", (0, (5, 1.5))), ("#009E73", (0, (1, 1))), ("#E69F00", (0, (4, 1, 1, 1))), ("#56B4E9", "-"))
GOOD, BAD = "#007A5E", "#D55E00"
_STABLE, _LIMIT = "#555555", BAD
_SHADES, _COPIES = ("#f1f3f6", "#e1e6ee"), "#efe6f3"
INCHES_PER_LETTER = 0.078
_INCHES_PER_TICK = 0.8
_TITLE_LETTERS = 120
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_STEPS = (
    *(1, 2, 5, 10, 30),
    *(_MINUTE * n for n in (1, 2, 5, 10, 30)),
    *(_HOUR * n for n in (1, 2, 4, 6, 12)),
    *(_DAY * n for n in (1, 2, 4, 7, 14, 28, 91, 365)),
)
"""Seconds between ticks."""


@dataclass(frozen=True, slots=True)
class Part:
    """The time between two waits: one column of the picture."""

    points: tuple[Point, ...]
    begin: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.begin


def days(time: float) -> float:
    """How matplotlib counts time: in days since 1970, UTC."""
    return time / _DAY


def draw(story: Story, part: Part, axes: list[Axes], inches: float, *, first: bool, last: bool) -> None:
    """Draw `part` into `axes`, each `inches` wide: the names of the stages, harm, being good, and one panel for each check. The first part
    has the titles and scales, the last one the legends."""
    strip, harm, good, *checks = axes
    shown = tuple(bands(part.points, story.timeline))
    for one in axes:
        _background(one, part, shown)
    for moment in story.moments:
        if part.begin <= moment.time <= part.end:
            for one in axes[1:]:
                one.axvline(days(moment.time), color=GOOD if moment.good else BAD, linewidth=1.4, zorder=1)
    for one in axes[:-1]:
        one.tick_params(axis="x", labelbottom=False)
    _names(strip, part, shown, inches)
    _evidence(harm, story, part, shown, "harm", first=first)
    _evidence(good, story, part, shown, "good", first=first)
    for number, panel in enumerate(checks):
        _rates(panel, story, part, number, first=first)
    for one in axes[1:]:
        _clock(one, part, inches)
        if last:
            one.legend(loc="upper left", bbox_to_anchor=(1.01, 1.04), borderaxespad=0.0)
        if not first:
            one.spines["left"].set_linestyle((0, (2, 3)))
            one.tick_params(axis="y", length=0, labelleft=False)


def _background(axes: Axes, part: Part, shown: Sequence[Band]) -> None:
    axes.set_xlim(days(part.begin), days(part.end))
    for band, shade in zip(shown, cycle(_SHADES), strict=False):
        colour = _COPIES if band.look is not None and band.look.mirrored else shade
        axes.axvspan(days(band.begin), days(band.end), color=colour, zorder=0, linewidth=0)


def _names(axes: Axes, part: Part, shown: Sequence[Band], inches: float) -> None:
    """What the bands are called, as far as there is room."""
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    for band in shown:
        room = int((band.end - band.begin) / part.length * inches / INCHES_PER_LETTER)
        words = next((text for text in (band.words, band.words.partition(" ")[0]) if len(text) <= room), "")
        axes.text(days((band.begin + band.end) / 2), 0.5, words, ha="center", va="center", fontsize=8.5, clip_on=True)


def _evidence(axes: Axes, story: Story, part: Part, shown: Sequence[Band], side: str, *, first: bool) -> None:
    """One side of the evidence on a logarithmic axis, with what decides."""
    names = story.timeline.checks
    for number, (name, (colour, dashes)) in enumerate(_coloured(names)):
        curve = _of_check(number, lambda standing: 10.0 ** min(getattr(standing, side), HIGHEST))
        _line(axes, story, part, curve, color=colour, linestyle=dashes, linewidth=1.3, label=name)
    if side == "harm" and len(names) > 1:
        _line(axes, story, part, lambda p: 10.0 ** min(p.harm, HIGHEST), color="black", linewidth=1.8, label="joined: this decides")
    for k, band in enumerate(shown):
        if band.look is not None:
            level, label = 1.0 / (band.look.alpha if side == "harm" else band.look.beta), "taken back" if side == "harm" else "proven good"
            span = [days(band.begin), days(band.end)]
            axes.plot(span, [level, level], color=_LIMIT, linestyle="--", linewidth=1.2, label="" if k else f"{label} from here")
    axes.set_yscale("log")
    highest = 10.0 ** min(max([2.3, *(value + 0.3 for value in _heights(story, side))]), HIGHEST)
    axes.set_ylim(0.8, highest)
    axes.yaxis.set_major_locator(LogLocator(numticks=5))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"1 in {value:,.0f}"))
    if first:
        what = (
            "Harm: how rarely a version within half your limits would ever look this bad"
            if side == "harm"
            else "Being good: how rarely a version at your limit would ever look this good"
        )
        axes.set_title(what)


def _heights(story: Story, side: str) -> Iterator[float]:
    for point in story.timeline.points:
        yield from (getattr(standing, side) for standing in point.checks)
        if side == "harm":
            yield point.harm


def _rates(axes: Axes, story: Story, part: Part, number: int, *, first: bool) -> None:
    """Both versions' rates; the confidence sequence and the limit lie about the stable version's rate, as both speak of the difference."""
    name = story.timeline.checks[number]
    colour, dashes = next(islice(_coloured(story.timeline.checks), number, None))[1]
    level = next((1.0 - look.alpha for look in story.timeline.stages.values() if not look.mirrored), None)
    for k, points in enumerate(comparisons(part.points, story.timeline)):
        times = [days(point.time) for point in points]
        low, high = ([_known(p.checks[number], end) for p in points] for end in ("low", "high"))
        sure = "" if k or level is None else f"{level * 100:g} % confidence"
        axes.fill_between(times, low, high, color=colour, alpha=0.2, linewidth=0, label=sure)
    _line(
        axes,
        story,
        part,
        _of_check(number, lambda s: _known(s, "candidate")),
        color=colour,
        linestyle=dashes,
        linewidth=1.7,
        label="candidate",
    )
    _line(axes, story, part, _of_check(number, lambda s: _known(s, "stable")), color=_STABLE, linewidth=1.3, label="stable version")
    limit = _of_check(number, lambda s: _known(s, "limit"))
    _line(axes, story, part, limit, color=_LIMIT, linestyle="--", linewidth=1.2, label="your limit")
    relative, standings = is_relative(name), [point.checks[number] for point in story.timeline.points]
    axes.set_ylim(*(_about_nothing(standings) if relative else (0.0, _ceiling(standings))))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:{'+' if relative else ''}.4g} %"))
    if first:
        detail = story.details[number] if number < len(story.details) else ""
        what = "mean so far, relative to the stable version's" if relative else "share of the requests so far"
        axes.set_title(shorten(f"{name}: {what}{f' ({detail})' if detail else ''}", _TITLE_LETTERS, placeholder=" …"))


def _known(standing: Standing, what: str) -> float:
    """A rate, what belongs to the difference as a rate of the candidate; nothing as long as nothing is known of the difference."""
    if not standing.compared:
        return nan
    value: float = getattr(standing, what)
    return value if what in ("stable", "candidate") else standing.stable + value


def _ceiling(standings: Sequence[Standing]) -> float:
    """High enough for rates and limits, and for the confidence that was reached; that of the first blocks is as wide as the world."""
    settled = standings[len(standings) // 3 :]
    tops = [max(s.stable, s.candidate, s.stable + s.limit) for s in settled] + [standings[-1].stable + standings[-1].high]
    return min(max(1.15 * max(tops), 1e-5), 1.02)


def _about_nothing(standings: Sequence[Standing]) -> tuple[float, float]:
    """The same on both sides of no difference."""
    settled = [s for s in standings[len(standings) // 3 :] if s.compared]
    last = standings[-1]
    ends = [abs(value) for s in settled for value in (s.candidate, s.limit)] + [abs(value) for value in (last.low, last.high, last.limit)]
    top = min(max(1.15 * max(ends), 1e-5), 1.02)
    return -top, top


def _of_check(number: int, value: Callable[[Standing], float]) -> Callable[[Point], float]:
    return lambda point: value(point.checks[number])


def _line(axes: Axes, story: Story, part: Part, value: Callable[[Point], float], *, label: str, **style: Any) -> None:
    for k, points in enumerate(comparisons(part.points, story.timeline)):
        axes.plot([days(p.time) for p in points], [value(p) for p in points], label="" if k else label, zorder=3, **style)


def _coloured(names: Sequence[str]) -> Iterator[tuple[str, tuple[str, Any]]]:
    return zip(names, cycle(_CHECKS), strict=False)


def _clock(axes: Axes, part: Part, inches: float) -> None:
    """Ticks at round times, with the day below."""
    room = max(inches / _INCHES_PER_TICK, 2.0)
    step = next((step for step in _STEPS if part.length / step <= room), part.length / room)
    ticks = FixedLocator([days(step * k) for k in range(ceil(part.begin / step), floor(part.end / step) + 1)])
    axes.xaxis.set_major_locator(ticks)
    day = "%Y-%m-%d UTC"
    named = ConciseDateFormatter(
        ticks,
        formats=["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S"],
        zero_formats=["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M:%S"],
        offset_formats=["UTC", "%Y UTC", "%Y UTC", day, day, day],
    )
    axes.xaxis.set_major_formatter(named)
