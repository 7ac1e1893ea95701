"""From what is remembered of a live model to what is said about it."""

from datetime import timedelta
from functools import partial

from headgate.monitoring.inservice.assessment import Assessment, Kind, Named
from headgate.monitoring.inservice.contract import contract, measured_worth, settled
from headgate.monitoring.inservice.counting import PERFORMANCE, cut_off
from headgate.monitoring.inservice.distributions import drift, worst_psi
from headgate.monitoring.inservice.gauging import gauged
from headgate.monitoring.inservice.labelled import performance, untold
from headgate.monitoring.inservice.memory import Memory, utc_day
from headgate.monitoring.inservice.people import fairness, oversight
from headgate.monitoring.inservice.plan import Plan
from headgate.monitoring.inservice.reference import Reference
from headgate.monitoring.inservice.scores import scores
from headgate.monitoring.inservice.versions import first_whole_day
from headgate.monitoring.response import Responses, respond
from headgate.monitoring.result import not_assessed


def assess(memory: Memory, plan: Plan, reference: Reference | None, problem: str, table: Responses, now: float) -> Assessment:
    """`problem`: why the reference cannot be used. Closes quarters that are over in `memory.standing`, once each."""
    today, figures = utc_day(now), dict[Kind, tuple[Named, ...]]()
    counted = drift(memory, plan, reference, problem, now) if plan.features else ()
    read = gauged(memory.gauges, memory.crowds, plan.gauges, float(plan.rules.alpha), now) if plan.gauges is not None else ()
    if counted or read:
        figures[Kind.DRIFT] = (*counted, *read)
    memory.daily.advance(today)
    cut, trouble = partial(cut_off, memory, now=now), dict(memory.trouble)
    own, labelled = first_whole_day(memory.versions), None
    if plan.performance is not None:
        lagged = utc_day(now - float(plan.performance.label_lag))
        why = cut(plan.performance.counter)
        labelled = untold(plan.performance, why) if why else performance(memory.daily, plan, plan.performance, memory.versions, lagged)
        trouble |= {PERFORMANCE: why} if why else {}
        figures[Kind.PERFORMANCE] = labelled.figures
    if plan.oversight is not None:
        figures[Kind.OVERSIGHT] = oversight(memory.daily, plan.oversight, today, cut)
    if plan.fairness is not None:
        since = max(today - timedelta(days=plan.rules.fairness_days - 1), own)
        figures[Kind.FAIRNESS] = _unless(cut(plan.fairness.metric), fairness(memory.daily, plan.fairness, since, today))
    if plan.sla is not None:
        memory.standing = settled(memory.standing, memory.daily, plan.sla, today - plan.label_lag)
        figures[Kind.VENDOR] = contract(memory.daily, trouble, plan.sla, today)
    if plan.worth is not None:
        why = cut(f"{plan.worth.summary}_sum") or cut(f"{plan.worth.summary}_count")
        figures[Kind.VALUE] = _unless(why, (("", measured_worth(memory.daily, plan.worth, own, today)),))
    response = None
    if counted or labelled is not None:
        # Gauges tell drift and cause nothing: the size of their samples is not known, so chance is not excluded.
        psi = worst_psi(counted)
        loss, alarm, regained = (labelled.loss, labelled.alarm, labelled.regained) if labelled is not None else (None, None, None)
        response = respond(psi, loss, alarm, regained, memory.releases, table)
    scored = scores(plan.scorecard, figures, today) if plan.scorecard is not None else ()
    return Assessment(
        figures, labelled.notes if labelled is not None else (), response, tuple(str(quarter) for quarter in memory.standing.owed), scored
    )


def _unless(why: str, figures: tuple[Named, ...]) -> tuple[Named, ...]:
    """The figures, unless there is a reason why none can be told: then one that says so."""
    return (("", not_assessed(figures[0][1].statistic, why)),) if why else figures
