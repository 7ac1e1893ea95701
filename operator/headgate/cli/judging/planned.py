"""A forecast as the command line shows it: a page for people, a document for programs. Pure."""

from math import isfinite
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headgate.api.quantities import Duration
from headgate.evidence.bets.asymptotic import BURN_IN
from headgate.evidence.bets.calibration import FEWEST_ARMS
from headgate.evidence.check import Worse
from headgate.evidence.power import Traffic
from headgate.rollout.advice import advice, name, span
from headgate.rollout.forecast import CheckForecast, Effort, Forecast, Noise, StageForecast

_LEGEND = (
    "A to B: half of all rollouts need A, nine of ten at most B, counted from when the stage takes effect, warm-up included. Requests are "
    "those of the candidate in A. Harm is what shows first in that stage; 1.5x is one limit beyond half the limit, the null of its test."
)


def page(title: str, made: Forecast, notes: tuple[str, ...]) -> RenderableType:
    """The traffic, one table for each stage, and what to change."""
    parts: list[RenderableType] = [
        Text(title, style="bold"),
        Text(_traffic_words(made.traffic)),
        *(Text(words) for words in _noise_words(made.noise)),
        *(Text(note, style="yellow") for note in (*notes, *_unforeseen(made))),
    ]
    for stage in made.stages:
        parts += [Text(f"\n{stage.step.name}", style="bold").append(f"  {_stage_words(stage)}", style="not bold"), _checks(stage)]
    changes = advice(made)
    parts.append(Text(f"\nA good version takes {span(made.lasts)}, beside what people and pods take.", style="bold"))
    parts += (
        [Text("\nTO CHANGE", style="bold"), *(Text(f"  {words}") for words in changes)]
        if changes
        else [Text("Every check is decided in time.")]
    )
    return Group(*parts, Text(f"\n{_LEGEND}", style="dim"))


def _unforeseen(made: Forecast) -> tuple[str, ...]:
    """What is said of checks by the model's own summaries, once for all stages."""
    said = [
        f"{name(check.check)} {check.problem}" for stage in made.stages for check in stage.checks if check.check.summary and check.problem
    ]
    return tuple(dict.fromkeys(said))


def _traffic_words(traffic: Traffic) -> str:
    rates = ((traffic.errors, "errors"), (traffic.rejections, "rejections"))
    known = [f"{100 * rate:.3g} % {kind}" for rate, kind in rates if rate is not None]
    timed = [f"latency of {traffic.latency.timed:,} answers"] if traffic.latency is not None else []
    return ", ".join([f"{traffic.requests:.3g} requests/s", *known, *timed])


def _noise_words(noise: Noise) -> tuple[str, ...]:
    if noise.known:
        return ()
    pods = f"the stable version has {noise.pods} pods with counters of their own, of at least {FEWEST_ARMS}"
    return (f"{pods}: its noise is not known, and no check is decided before {BURN_IN} blocks unless the harm is obvious.",)


def _stage_words(stage: StageForecast) -> str:
    step = stage.step
    share = f"copies of {step.mirror / 10:g} % of the requests" if step.weight == 0 else f"{step.weight / 10:g} % of the users"
    least = f"at least {Duration(step.min_duration)}" + (f" and {step.min_requests:,} requests" if step.min_requests else "")
    most = f"at most {Duration(step.max_duration)}; a good version takes {span(stage.lasts)}"
    return f"{share}, {stage.flow.candidate:.3g} requests/s; {least}, {most}"


def _checks(stage: StageForecast) -> Table:
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for column in ("CHECK", "LIMIT", "PROVEN GOOD", "HARM OF 2x SEEN", "HARM OF 1.5x SEEN"):
        drawn.add_column(column, no_wrap=True)
    for check in stage.checks:
        called = name(check.check) + ("" if check.check.required else " (not required)")
        if check.problem:
            why = "not forecast" if check.check.summary else check.problem
            drawn.add_row(
                called, str(check.check.margin), Text(why if check.measurable else "cannot be decided, see below", style="yellow")
            )
            continue
        proof = _cell(check.good, stage.step.max_duration) if check.good else Text("before" if check.proven else "")
        drawn.add_row(
            called, str(check.check.margin), proof, *(_cell(effort, stage.allows(check)) for effort in (check.twice, check.beyond))
        )
    return drawn


def _cell(effort: Effort | None, allowed: float) -> Text:
    """Green if it fits in nine of ten rollouts, red if not even in half of them."""
    if effort is None:
        return Text("nothing is compared")
    style = "green" if effort.most <= allowed else "yellow" if effort.typical <= allowed else "red"
    if not isfinite(effort.typical):
        return Text("never", style=style)
    return Text(f"{span(effort.typical)} to {span(effort.most)} ({effort.requests:,.0f})", style=style)


def document(made: Forecast, **about: Any) -> dict[str, Any]:
    """Times in seconds; null stands for never."""
    traffic = made.traffic
    return {
        **about,
        "dispersion": made.noise.phi,
        "stablePods": made.noise.pods,
        "traffic": {
            "requestsPerSecond": traffic.requests,
            "errorRate": traffic.errors,
            "rejectionRate": traffic.rejections,
            "timedAnswers": traffic.latency.timed if traffic.latency is not None else None,
        },
        "seconds": made.lasts,
        "stages": [_stage(stage) for stage in made.stages],
        "changes": list(advice(made)),
    }


def _stage(stage: StageForecast) -> dict[str, Any]:
    step = stage.step
    return {
        "name": step.name,
        "weightPercent": step.weight / 10,
        "mirrorPercent": step.mirror / 10,
        "candidateRequestsPerSecond": stage.flow.candidate,
        "stableRequestsPerSecond": stage.flow.stable,
        "minSeconds": step.min_duration,
        "maxSeconds": step.max_duration,
        "seconds": stage.lasts,
        "checks": [_check(stage, check) for check in stage.checks],
    }


def _check(stage: StageForecast, check: CheckForecast) -> dict[str, Any]:
    return {
        "metric": str(check.check.metric),
        "quantile": check.check.quantile,
        "maxIncrease" if check.check.worse is Worse.MORE else "maxDecrease": str(check.check.margin),
        "required": check.check.required,
        "decidable": not stage.unproven(check),
        "provenBefore": check.proven,
        "good": _effort(check.good),
        "harmTwice": _effort(check.twice),
        "harmOneBeyondNull": _effort(check.beyond),
        "compares": check.detail or None,
        "problem": check.problem or None,
    }


def _effort(effort: Effort | None) -> dict[str, float | None] | None:
    if effort is None:
        return None
    figures = {"half": effort.typical, "nineInTen": effort.most, "candidateRequests": effort.requests}
    return {key: round(value, 3) if isfinite(value) else None for key, value in figures.items()}
