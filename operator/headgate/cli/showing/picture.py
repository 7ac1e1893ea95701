"""A story as a picture. This module and `panels` know matplotlib, and only the command that draws imports them."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headgate.cli.showing.panels import BAD, GOOD, INCHES_PER_LETTER, Part, days, draw
from headgate.cli.showing.story import Moment, Story, moment_of, spells
from headgate.evidence.timeline import Point

_STYLE: Any = {
    "date.epoch": "1970-01-01T00:00:00",
    "timezone": "UTC",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.dpi": 110.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "headgate",
    "font.family": "DejaVu Sans",
}
# All in inches: the picture as a whole, the part between axis and legends, what is around it, and the rows.
_WIDTH, _LEFT, _DRAWN, _GAP = 10.0, 1.08, 7.1, 0.14
_TOP, _BOTTOM, _LINE, _STRIP, _TITLE, _PANEL = 0.4, 0.48, 0.2, 0.24, 0.34, 1.35
_NARROWEST = 0.22
"""Of the whole width: what even the shortest part between two waits gets."""
_MOST_PARTS = 4
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class _Label:
    """What is written at a turning point, on line `level`, beside its line."""

    moment: Moment
    words: str
    level: int
    leftwards: bool


def save_png(story: Story, file: Path) -> None:
    """Write the picture to `file`. Raises OSError."""
    with matplotlib.rc_context(_STYLE):
        _figure(story).savefig(file, format="png", metadata={"Software": None})


def svg(story: Story) -> str:
    """The picture as an `svg` element for an HTML page. It refers to nothing outside of itself."""
    drawn = io.StringIO()
    with matplotlib.rc_context(_STYLE):
        _figure(story).savefig(drawn, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = drawn.getvalue()
    element = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    # Inside HTML the namespaces go without saying.
    return re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", element, count=2)


def _figure(story: Story) -> Figure:
    parts = _parts(story)
    shares = [max(part.length / sum(other.length for other in parts), _NARROWEST) for part in parts]
    room = _DRAWN - _GAP * (len(parts) - 1)
    widths = [room * share / sum(shares) for share in shares]
    lefts = [sum(widths[:k]) + _GAP * k for k in range(len(parts))]
    labels = _labels(story, parts, lefts, widths)
    levels = 1 + max((label.level for label in labels), default=-1)
    rows = [levels * _LINE, _STRIP, *([_PANEL] * (2 + len(story.timeline.checks)))]
    height = _TOP + sum(rows) + _TITLE * (len(rows) - 2) + _BOTTOM
    figure = Figure(figsize=(_WIDTH, height))
    figure.text(0.012, 1 - 0.2 / height, story.title, ha="left", va="center", fontsize=11, fontweight="bold")
    for k, (part, left, width) in enumerate(zip(parts, lefts, widths, strict=True)):
        axes, top = [], _TOP
        for row, inches in enumerate(rows):
            top += inches + (_TITLE if row > 1 else 0.0)
            axes.append(figure.add_axes(((_LEFT + left) / _WIDTH, 1 - top / height, width / _WIDTH, max(inches, 0.01) / height)))
        _turning_points(axes[0], part, labels, levels)
        draw(story, part, axes[1:], width, first=k == 0, last=k == len(parts) - 1)
    return figure


def _labels(story: Story, parts: Sequence[Part], lefts: Sequence[float], widths: Sequence[float]) -> list[_Label]:
    """The turning points that lie inside of a part, each on the first line where it covers no other."""
    labels: list[_Label] = []
    taken: list[list[tuple[float, float]]] = []
    days = parts[-1].end - parts[0].begin > _DAY
    for moment in sorted(story.moments, key=lambda moment: moment.time):
        at = next((k for k, part in enumerate(parts) if part.begin <= moment.time <= part.end), None)
        if at is None:
            continue
        words = f"{moment.words} {moment_of(moment.time):{'%d %b %H:%M' if days else '%H:%M:%S'}}"
        place = lefts[at] + widths[at] * (moment.time - parts[at].begin) / parts[at].length
        long = len(words) * INCHES_PER_LETTER
        leftwards = place + long > _DRAWN
        begin, end = (place - long, place) if leftwards else (place, place + long)
        level = next((k for k, line in enumerate(taken) if all(end < a or begin > b for a, b in line)), len(taken))
        if level == len(taken):
            taken.append([])
        taken[level].append((begin, end))
        labels.append(_Label(moment, words, level, leftwards))
    return labels


def _parts(story: Story) -> tuple[Part, ...]:
    """With a little room at both ends, and for turning points shortly before or after."""
    found = list(spells(story.timeline.points))
    while len(found) > _MOST_PARTS:
        gaps = [after[0].time - before[-1].time for before, after in pairwise(found)]
        at = gaps.index(min(gaps))
        found[at : at + 2] = [(*found[at], *found[at + 1])]
    return tuple(_part(points, [moment.time for moment in story.moments]) for points in found)


def _part(points: tuple[Point, ...], moments: Sequence[float]) -> Part:
    begin, end = points[0].time, points[-1].time
    room = max(0.02 * (end - begin), 1.0)
    near = [time for time in moments if begin - 5 * room <= time <= end + 5 * room]
    return Part(points, min([begin, *near]) - room, max([end, *near]) + room)


def _turning_points(axes: Axes, part: Part, labels: Sequence[_Label], levels: int) -> None:
    """What happened when, above the line that says it in the panels."""
    axes.set_axis_off()
    axes.set_xlim(days(part.begin), days(part.end))
    axes.set_ylim(max(levels, 1), 0)
    for label in labels:
        if part.begin <= label.moment.time <= part.end:
            side, gap = ("right", -3) if label.leftwards else ("left", 3)
            place, colour = (days(label.moment.time), label.level + 0.5), GOOD if label.moment.good else BAD
            axes.plot([place[0]] * 2, [label.level, levels], color=colour, linewidth=1.4, clip_on=False)
            style: dict[str, Any] = {"color": colour, "fontweight": "bold", "fontsize": 8.5, "annotation_clip": False}
            style["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
            axes.annotate(label.words, place, (gap, 0), textcoords="offset points", ha=side, va="center", **style)
