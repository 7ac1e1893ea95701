"""`headgate trend`: how much of its baseline a model has lost, and when it will be at its limit."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from headgate.api.quantities import Duration, PointsMargin
from headgate.cli.monitoring.verdicts import JSON, leave, print_results, printed
from headgate.cli.monitoring.written import rows
from headgate.cli.options import OUTPUT, Format
from headgate.cli.refused import Refused
from headgate.monitoring.result import worst
from headgate.monitoring.windows import Baseline, Better, Window, counted, good, mature, noise

if TYPE_CHECKING:
    from headgate.monitoring.trend import Limit, Trend

FILE = Annotated[Path, typer.Argument(exists=True, dir_okay=False, metavar="FILE", help="CSV with the columns date, share and labels.")]
BASELINE = Annotated[
    float, typer.Option("--baseline", min=0, max=1, help="The share when the model was approved, like 0.92.", show_default=False)
]
BASELINE_LABELS = Annotated[
    int | None,
    typer.Option("--baseline-labels", min=1, help="How many cases it was measured on. Without: it is a promise.", show_default=False),
]
BETTER = Annotated[Better, typer.Option("--better", help="higher (accuracy) or lower (error rate).")]
LIMIT = Annotated[str, typer.Option("--limit", help="The loss that is Violated; three fifths of it are Drifting.")]
LAG = Annotated[str | None, typer.Option("--lag", help="How long labels take, like 14d: later days are left out.", show_default=False)]
RECENT = Annotated[int, typer.Option("--recent", min=1, help="Days whose share is called the present one.")]
HORIZON = Annotated[int, typer.Option("--horizon", min=1, max=3650, help="Days to look ahead.")]
TODAY = Annotated[str | None, typer.Option("--today", help="As of this date. Default: the last one in the file.", show_default=False)]

_DRIFTING = 0.6
_MOST_DAYS = 1500
"""All pairs of days are compared."""
_SHOWN_FALLS = (0.001, 0.003, 0.01)


def trend(
    file: FILE,
    baseline: BASELINE,
    baseline_labels: BASELINE_LABELS = None,
    better: BETTER = Better.HIGHER,
    limit: LIMIT = "5pp",
    lag: LAG = None,
    recent: RECENT = 7,
    horizon: HORIZON = 30,
    today: TODAY = None,
    output: OUTPUT = Format.TEXT,
    as_json: JSON = False,
) -> None:
    """Say how much of the baseline the last days have lost, since when, whether the share falls steadily, and when it reaches the limit.

    Exit codes: 0 within limits, 3 something drifts, 4 something is beyond its limit, 5 nothing drifts but something could not be told.
    """
    # These take a second to load, and other commands do without.
    from headgate.monitoring import trend as trends
    from headgate.monitoring.drift import Limits
    from headgate.monitoring.loss import lost, since_when

    most, late, now = _asked(limit, lag, today)
    windows, pinned = good(_ripe(file, late, now), Baseline(baseline, baseline_labels), better)
    bound = trends.Limit(pinned.share, most, horizon)
    sums, alarm = since_when(windows, pinned)
    slope, found = trends.judged(windows, bound)
    results = (lost(windows, recent, pinned, Limits(_DRIFTING * most, most)), sums, slope)
    verdict = worst(result.verdict for result in results)
    told = _told(windows, pinned, found, horizon)
    document: dict[str, Any] = {"verdict": verdict, "results": [result.document() for result in results], "notes": told}
    document["onset"] = alarm and {"day": alarm.onset.isoformat(), "between": [day and day.isoformat() for day in alarm.between]}
    document["projection"] = found and _projection(found, bound)
    if not printed(document, output, as_json=as_json):
        print_results(((f"{len(windows)} days", result) for result in results), of="OF")
        typer.echo("\n".join(told))
    leave(verdict)


def _asked(limit: str, lag: str | None, today: str | None) -> tuple[float, timedelta, date | None]:
    """The limit as a share, the label lag, and as of when."""
    try:
        most = TypeAdapter(PointsMargin).validate_python(limit).fraction
        return most, timedelta(seconds=Duration.parse(lag) if lag else 0), date.fromisoformat(today) if today else None
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"], param_hint="--limit") from error
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _ripe(file: Path, lag: timedelta, today: date | None) -> tuple[Window, ...]:
    read = _read(file)
    try:
        return mature(read, lag, today or max(window.day for window in read))
    except ValueError as error:
        raise Refused(f"{file}: {error}") from error


def _projection(found: "Trend", limit: "Limit") -> dict[str, Any]:
    value, (low, high) = found.projected(limit.horizon)
    breach = found.breach(limit.share)
    return {
        "days": limit.horizon,
        "loss": limit.baseline - value,
        "interval": [limit.baseline - high, limit.baseline - low],
        "breach": breach and breach.day.isoformat(),
        "breachInterval": breach and [breach.earliest.isoformat(), breach.latest and breach.latest.isoformat()],
    }


def _told(windows: Sequence[Window], baseline: Baseline, found: "Trend | None", horizon: int) -> list[str]:
    from headgate.monitoring.trend_power import Labels, statement

    if not windows:
        return ["no day has mature labels yet"]
    told = []
    if found is not None:
        value, (low, high) = found.projected(horizon)
        told.append(
            f"in {horizon} days: {100 * (baseline.share - value):.3g} points lost ({100 * (baseline.share - high):.3g} to "
            f"{100 * (baseline.share - low):.3g}), if it goes on like this"
        )
    labels = Labels(float(counted(windows).mean()), baseline.share, noise(windows))
    if 0.0 < baseline.share < 1.0:
        told += [statement(fall, labels) for fall in _SHOWN_FALLS]
    return told


def _read(file: Path) -> list[Window]:
    """Days with labels. Raises Refused."""
    found = rows(file, ("date", "share", "labels"), _MOST_DAYS, _window, "2026-03-01,0.914,500")
    if not (labelled := [window for window in found if window is not None]):
        raise Refused(f"{file} has no rows with labels")
    return labelled


def _window(row: dict[str, str]) -> Window | None:
    labels = int(row["labels"])
    return Window(date.fromisoformat(row["date"]), float(row["share"]), labels) if labels else None
