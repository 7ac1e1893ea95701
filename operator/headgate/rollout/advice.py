"""What to change where a stage cannot decide a check in its time: one sentence each, every figure computed with the change made."""

from collections.abc import Callable
from dataclasses import replace
from math import ceil, floor, inf, isfinite, log10

from headgate.api.quantities import Duration, Margin
from headgate.api.status import AttemptKind
from headgate.evidence.check import Check
from headgate.evidence.power import Traffic
from headgate.rollout.forecast import CheckForecast, Effort, Forecast, StageForecast, Waits, flow_of, waits_of
from headgate.rollout.questions import judged_with, question_in
from headgate.rollout.stages import Step, steps_of

_HALF = 500
_WIDEST = 20.0
"""Margins and traffic are not raised beyond this factor: other words would mislead."""
_LONGEST = 365 * 86_400.0


def advice(made: Forecast) -> tuple[str, ...]:
    """Nothing if every check is decided in time. The times that changes aim for hold in nine of ten rollouts."""
    said: list[str] = []
    for stage in made.stages:
        said += _too_few(stage)
        for check in stage.checks:
            if not check.measurable:
                said.append(f"{name(check.check)}: {check.problem}.")
            elif (trouble := _trouble(stage, check)) is not None:
                said.append(trouble + _changes(made, stage, check) + ".")
    return tuple(dict.fromkeys(said))


def name(check: Check) -> str:
    """How a check is called where several are listed."""
    return f"{check.metric} p{100 * check.quantile:g}" if check.quantile is not None else str(check.metric)


def span(seconds: float) -> str:
    """A length of time to about two digits, rounded up: `45s`, `7m10s`, `3h20m`, `12d`."""
    if not seconds < _LONGEST:
        return "years" if isfinite(seconds) else "never"
    step = next(
        step for most, step in ((120, 1), (1200, 10), (7200, 60), (86_400, 600), (10 * 86_400, 3600), (inf, 86_400)) if seconds <= most
    )
    return str(Duration(max(1, ceil(seconds / step - 1e-9) * step)))


def _too_few(stage: StageForecast) -> list[str]:
    step, per_second = stage.step, stage.flow.candidate
    if step.min_requests <= per_second * step.max_duration:
        return []
    takes = span(step.min_requests / per_second) if per_second > 0.0 else "never"
    return [f"{step.name}: {step.min_requests:,} requests take {takes}, and the stage ends after {Duration(step.max_duration)}."]


def _trouble(stage: StageForecast, check: CheckForecast) -> str | None:
    """What does not fit into the stage's time. A missing proof is said before harm that is seen too late."""
    step, called = stage.step, f"{stage.step.name}, {name(check.check)}"
    if check.good is not None and check.good.most > step.max_duration:
        what = f"proof that it is within {check.check.margin}"
        return f"{called}: {what} {_takes(check.good, step.max_duration)}, and the stage ends after {Duration(step.max_duration)}"
    if check.twice is not None and check.twice.most > stage.allows(check):
        what = f"{_twice(check.check.margin)} more"
        return (
            f"{called}: {what} {_takes(check.twice, stage.allows(check), 'to be seen ')}, and the stage lasts {span(stage.allows(check))}"
        )
    return None


def _twice(margin: Margin) -> str:
    return str(replace(margin, value=2 * margin.value))


def _takes(effort: Effort, allowed: float, what: str = "") -> str:
    if effort.typical > allowed:
        return f"takes {span(effort.typical)} {what}in half of all rollouts"
    return f"takes up to {span(effort.most)} {what}in nine of ten rollouts"


def _changes(made: Forecast, stage: StageForecast, check: CheckForecast) -> str:
    """The smallest change of each kind that is enough by itself; empty if none is."""
    needs = _Needs(made, stage, check)
    settings = [words for words in (_longer(stage, check), _share(made, stage, needs), _margin(check, needs)) if words]
    busier = _traffic(made, needs)
    found = [f"set {', or '.join(settings)}"] * bool(settings) + [busier] * bool(busier)
    return f": {', or '.join(found)}" if found else ""


class _Needs:
    """Whether a stage would be long enough for a check with something changed."""

    def __init__(self, made: Forecast, stage: StageForecast, check: CheckForecast) -> None:
        self._made, self._stage, self._check = made, stage, check
        self._steps = steps_of(made.policy, AttemptKind.ROLLOUT)
        self._question = question_in(made.policy, self._steps, stage.step)
        self._position = judged_with(self._steps, stage.step).index(stage.step)

    def met(self, *, step: Step | None = None, margin: Margin | None = None, traffic: Traffic | None = None) -> bool:
        sent = traffic or self._made.traffic
        check = replace(self._check.check, margin=margin or self._check.check.margin)
        flow = flow_of(step or self._stage.step, sent.requests)
        waits = waits_of(self._question, check, self._position, flow, sent, self._made.noise)
        if not isinstance(waits, Waits):
            return False
        warmup = self._question.warmup
        proof = 0.0 if self._check.proven else warmup + self._check.left * waits.good.most
        return proof <= self._stage.step.max_duration and warmup + waits.twice.most <= self._stage.allows(self._check)


def _longer(stage: StageForecast, check: CheckForecast) -> str:
    needed = max(effort.most for effort in (check.good, check.twice) if effort is not None)
    if not needed < _LONGEST:
        return ""
    if not check.proven:
        return f"maxDuration to {span(needed)}"
    return f"minDuration to {span(needed)}" + (" and maxDuration to more" if needed > stage.step.max_duration else "")


def _share(made: Forecast, stage: StageForecast, needs: _Needs) -> str:
    """Within what the stages before and after leave room for."""
    steps, step = steps_of(made.policy, AttemptKind.ROLLOUT), stage.step
    if step.weight == 0:
        found = _least(step.mirror + 1, 1000, lambda share: needs.met(step=replace(step, mirror=share)))
        return f"mirrorPercent to {found / 10:g}" if found is not None else ""
    if step.is_full:
        before = max((other.weight for other in steps if other is not step and other.index < step.index), default=0)
        held = 1000 - step.weight
        found = _least(held + 1, min(_HALF, 999 - before), lambda share: needs.met(step=replace(step, weight=1000 - share)))
        return f"holdbackPercent to {found / 10:g}" if found is not None else ""
    after = min((other.weight for other in steps if other.index > step.index), default=1000)
    found = _least(step.weight + 1, min(_HALF, after - 1), lambda share: needs.met(step=replace(step, weight=share)))
    return f"trafficPercent to {found / 10:g}" if found is not None else ""


def _margin(check: CheckForecast, needs: _Needs) -> str:
    margin = check.check.margin

    def widened(percent: int) -> Margin:
        return replace(margin, value=_two_digits(margin.value * percent / 100))

    found = _least(105, round(100 * _WIDEST), lambda percent: needs.met(margin=widened(percent)))
    return f"maxIncrease to {widened(found)}" if found is not None else ""


def _traffic(made: Forecast, needs: _Needs) -> str:
    def raised(percent: int) -> Traffic:
        return replace(made.traffic, requests=_two_digits(made.traffic.requests * percent / 100))

    found = _least(105, round(100 * _WIDEST), lambda percent: needs.met(traffic=raised(percent)))
    return f"start it at {raised(found).requests:g} requests/s" if found is not None else ""


def _least(low: int, high: int, enough: Callable[[int], bool]) -> int | None:
    """The least whole number in low..high that is enough, where more is never less; None if the highest is not."""
    if low > high or not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def _two_digits(value: float) -> float:
    """Rounded up, so that what was enough stays enough."""
    scale = 10.0 ** (floor(log10(value)) - 1)
    return round(ceil(value / scale - 1e-9) * scale, 9)


def undecided(made: Forecast) -> str:
    """The first required check that half of all good candidates cannot prove in a stage's time, in words; empty if there is none."""
    for stage in made.stages:
        stuck = [check for check in stage.checks if check.check.required and check.measurable and stage.unproven(check)]
        if stuck:
            return _trouble(stage, max(stuck, key=lambda check: check.good.typical if check.good else 0.0)) or ""
    return ""
