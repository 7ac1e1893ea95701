"""The answers of both versions to the same requests, in sentences."""

from headgate.api.replay import ClassFlips, ReplayReport, ReplayStatus
from headgate.cli.view import ModelView
from headgate.evidence.answers.agreement import mcnemar
from headgate.evidence.words import counted, percent
from headgate.rollout.replaying import agreement_words


def replay_words(view: ModelView) -> tuple[str, ...]:
    """What the comparison of the present attempt found, or what it waits for, and whether all copies of requests were sent."""
    candidate = view.status.candidate
    if candidate is None:
        return ()
    return (*_copies(view), *(_compared(candidate.replay) if candidate.replay else ()))


def _copies(view: ModelView) -> tuple[str, ...]:
    candidate, evidence = view.status.candidate, view.present_evidence
    if candidate is not None and candidate.copies is not None:
        due, sent = candidate.copies.expected, candidate.copies.arrived
    elif evidence is not None and evidence.mirror is not None:
        due, sent = round(evidence.mirror.expected), evidence.mirror.arrived
    else:
        return ()
    share = f" ({percent(min(1.0, sent / due))})" if due else ""
    return (f"{sent:,} of {due:,} copies of requests were sent{share}.",)


def _compared(found: ReplayStatus) -> tuple[str, ...]:
    if found.report is None:
        return (f"{found.phase}: {found.message or 'answers are being compared'}.",)
    report = found.report
    return (
        f"{agreement_words(report)}{_beyond_chance(report)}.",
        *(_class(row) for row in report.classes if row.lost or row.gained),
        *_contract(report),
        *_failures(report),
        *_labels(report),
        *_latency(report),
        f"The requests have the digest {report.golden_set}.",
    )


def _beyond_chance(report: ReplayReport) -> str:
    named = (("Cohen's kappa", report.kappa), ("Gwet's AC1", report.ac1))
    known = [f"{name} {float(value):.2f}" for name, value in named if value is not None]
    return f"; {', '.join(known)}" if known else ""


def _class(row: ClassFlips) -> str:
    choices = f"{row.name}: chosen {row.stable:,} times by the stable version, {row.candidate:,} times by the candidate"
    return f"{choices}; {row.lost:,} lost and {row.gained:,} gained ({_by_chance(row.lost, row.gained)})."


def _by_chance(one: int, other: int) -> str:
    p = mcnemar(one, other)
    return f"p = {p:.2g}" if p >= 0.0001 else "p < 0.0001"


def _contract(report: ReplayReport) -> tuple[str, ...]:
    if not report.candidate_violations and not report.stable_violations:
        return ("No answer breaks the contract.",)
    first = f", the first {report.violation}" if report.violation else ""
    broken = f"{report.candidate_violations:,} answers of the candidate break the contract{first}"
    return (f"{broken}; of the stable version {report.stable_violations:,}.",)


def _failures(report: ReplayReport) -> tuple[str, ...]:
    if not report.candidate_failures and not report.stable_failures:
        return ()
    candidate, stable = (counted(failed, report.requests) for failed in (report.candidate_failures, report.stable_failures))
    return (f"Failed: {candidate} of the candidate, {stable} of the stable version.",)


def _labels(report: ReplayReport) -> tuple[str, ...]:
    if not report.labelled:
        return ()
    candidate, stable = (counted(right, report.labelled) for right in (report.candidate_right, report.stable_right))
    only = f"{report.only_candidate_right:,} only the candidate, {report.only_stable_right:,} only the stable version"
    chance = _by_chance(report.only_stable_right, report.only_candidate_right)
    return (f"Where the right class is known, the candidate has {candidate} right, the stable version {stable}; {only} ({chance}).",)


def _latency(report: ReplayReport) -> tuple[str, ...]:
    seen = report.latency
    if seen is None:
        return ()
    median = f"{seen.candidate_p50} ms at the median against {seen.stable_p50} ms"
    slowest = f"{seen.candidate_p95} ms at p95 against {seen.stable_p95} ms"
    return (f"The candidate took {median}, {slowest}, and was the slower one in {counted(seen.slower, seen.pairs)} pairs.",)
