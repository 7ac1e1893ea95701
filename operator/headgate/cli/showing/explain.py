"""What goes on with a model, why, and what it waits for: sentences. Pure but for the command at the end."""

import typer

from headgate.api.conditions import ConditionType
from headgate.api.status import Blocked, CandidateStatus
from headgate.api.traffic_status import FailoverStatus
from headgate.api.vocabulary import Gate, Mode, Phase, StandIn, Verdict
from headgate.cli.cluster import Access, run
from headgate.cli.governing.gates import gate_words, to_approve
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.screen import prose
from headgate.cli.showing.replayed import replay_words
from headgate.cli.vendor_words import vendor_words
from headgate.cli.view import ModelView, clock, command, missing_roles
from headgate.evidence.fairness.words import fairness_words
from headgate.evidence.segments.words import segment_words
from headgate.evidence.view import Evidence
from headgate.evidence.words import sentence
from headgate.rollout.aa_result import result_words
from headgate.rollout.harm import guard_words
from headgate.rollout.observing import would_have_words

Section = tuple[str, tuple[str, ...]]
"""A heading and its sentences."""

_VERDICT_WORDS = {
    Verdict.PASS: "proven good: every required check is within its limit",
    Verdict.FAIL: "proven bad",
    Verdict.INCONCLUSIVE: "not proven either way yet",
    Verdict.NO_DATA: "no data yet",
    Verdict.SOURCE_DOWN: "the metrics source does not answer, so nothing moves up",
    Verdict.NOT_MEASURABLE: "a required check cannot be measured",
}


def explanation(view: ModelView) -> tuple[Section, ...]:
    """Sections without sentences are left out."""
    sections = (
        ("Users", _users(view)),
        ("Rollout", _rollout(view)),
        ("Risk", _risk(view)),
        ("Vendor", vendor_words(view.status.vendor)),
        ("Approvals", _approvals(view)),
        ("Evidence", evidence_words(view)),
        ("Answers compared", replay_words(view)),
        ("Observed only", observed_words(view)),
        ("A/A test", tested_words(view)),
        ("Taken back", _taken_back(view)),
        ("Waits for", waits_for(view)),
        ("To repair", _to_repair(view)),
    )
    return tuple((heading, sentences) for heading, sentences in sections if sentences)


def _users(view: ModelView) -> tuple[str, ...]:
    status = view.status
    serving = view.condition(ConditionType.SERVING)
    trouble = (f"Users do not get what they should: {serving.message}.",) if serving and serving.status == "False" else ()
    if status.failover is not None and status.stable is not None:
        trouble = (*trouble, _failover(status.failover))
    if status.stable is None:
        return (*trouble, "No version is live.")
    weight = status.traffic.weight_of(status.stable.revision) / 10
    live = f"{status.stable.version} (revision {status.stable.revision}) is live since {clock(status.stable.live_since)}"
    return (*trouble, f"{live} and gets {weight:g} % of the requests.")


def _failover(failover: FailoverStatus) -> str:
    began = f"So it is since {clock(failover.since)}"
    if failover.trial is not None:
        return f"{began}; the stable version is on trial since {clock(failover.trial)}."
    if failover.to is StandIn.CANDIDATE or failover.retry_at is None:
        return f"{began}, until the stable version has ready pods."
    return f"{began}; the stable version is tried again at {clock(failover.retry_at)}, or as soon as it has a ready pod after that."


def _rollout(view: ModelView) -> tuple[str, ...]:
    candidate = view.status.candidate
    if candidate is None:
        return ()
    name = f"{candidate.version} (revision {candidate.revision}, attempt {candidate.attempt})"
    words = [f"{name} is on its way since {clock(candidate.started)}: phase {view.status.phase}, {_exposure(view, candidate)}."]
    if candidate.stage is not None:
        since = candidate.stage.effective
        words.append(
            f"Stage {candidate.stage.name} "
            + (f"has been in effect since {clock(since)}." if since else "is decided; the gateway has not taken its weights yet.")
        )
    if view.status.paused is not None:
        paused = view.status.paused
        words.append(f'Paused by {paused.by} at {clock(paused.at)} ("{paused.rationale}"): no step up until {command(view, "resume")}')
    return tuple(words)


def _exposure(view: ModelView, candidate: CandidateStatus) -> str:
    weight = view.status.traffic.weight_of(candidate.revision)
    mirror = view.status.traffic.mirror
    if weight == 0 and mirror is not None and mirror.revision == candidate.revision:
        return f"no user gets its answers; it sees copies of {mirror.permille / 10:g} % of the requests"
    return f"it gets {weight / 10:g} % of the requests"


def _approvals(view: ModelView) -> tuple[str, ...]:
    return tuple(
        words for gate in (Gate.TIER_LOWERING, Gate.USE_CASE, Gate.CONTINUATION, Gate.DEPLOYMENT) for words in gate_words(view, gate)
    )


def _risk(view: ModelView) -> tuple[str, ...]:
    risk = view.status.risk_tier
    if risk is None:
        return ()
    by = f" by table {risk.table_version}" if risk.table_version else ""
    return (f"Risk tier {risk.tier or 'Unknown'}{by}.", *(f"{words[:1].upper()}{words[1:]}." for words in risk.reasons))


def evidence_words(view: ModelView) -> tuple[str, ...]:
    """The verdict, each check and each guard in counts."""
    evidence = view.present_evidence
    if evidence is None:
        started = view.status.candidate is not None and view.status.candidate.stage is not None
        return ("No readings are published, or you may not read them.",) if started else ()
    return reading_words(view, evidence)


def reading_words(view: ModelView, evidence: Evidence) -> tuple[str, ...]:
    """The same of readings of any attempt."""
    return (
        f"{evidence.verdict}: {_verdict_words(view, evidence.verdict)}.",
        *(f"{check.metric} ({check.verdict}): {sentence(check)}." for check in evidence.checks),
        *_segments(evidence),
        *_fairness(evidence),
        *_guards(evidence),
        f"This stage has {evidence.stage_fresh_seconds:,.0f} s with fresh evidence and {evidence.stage_requests:,} requests"
        " of the candidate so far.",
        *evidence.notes,
    )


def _verdict_words(view: ModelView, verdict: Verdict) -> str:
    holds = verdict is Verdict.NOT_MEASURABLE and view.status.candidate is not None and view.status.candidate.mode is Mode.ENFORCE
    return f"{_VERDICT_WORDS[verdict]}{', so nothing moves up' if holds else ''}"


def observed_words(view: ModelView) -> tuple[str, ...]:
    """What the judge would have done with the version on its way, or did not do with the live one; why it decides although it was asked
    not to."""
    candidate, stable = view.status.candidate, view.status.stable
    words = []
    if candidate is not None and candidate.mode is Mode.OBSERVE:
        words.append("Mode Observe: stages last their minDuration, and evidence takes nothing back. Guards and people decide.")
        if candidate.observed_only:
            words.append(f"Ended without proof: {', '.join(candidate.observed_only)}.")
        seen = would_have_words(candidate.would_have) if candidate.would_have else "so far the judge would not have taken it back"
        words.append(f"{candidate.version}: {seen}.")
    elif (refused := view.condition(ConditionType.OBSERVING)) is not None:
        words.append(refused.message)
    if stable is not None and stable.would_have is not None:
        words.append(f"{stable.version}, which is live: {would_have_words(stable.would_have)}.")
    return tuple(words)


def tested_words(view: ModelView) -> tuple[str, ...]:
    """What came of the last A/A test, or that one is under way."""
    test = view.status.aa_test
    return (f"{result_words(test)}.",) if test is not None else ()


def _fairness(evidence: Evidence) -> tuple[str, ...]:
    fairness = evidence.fairness
    return (f"fairness ({fairness.verdict}): {fairness_words(fairness)}.",) if fairness is not None else ()


def _segments(evidence: Evidence) -> tuple[str, ...]:
    segments = evidence.segments
    if segments is None:
        return ()
    together, *each = segment_words(segments)
    return (f"segments ({segments.verdict}): {together}.", *(f"{words}." for words in each))


def _guards(evidence: Evidence) -> tuple[str, ...]:
    return (
        *(f"guard {guard.metric} fired on the candidate: {guard_words(guard)}." for guard in evidence.candidate_guards if guard.fired),
        *(f"guard {guard.metric} fires on the stable version: {guard_words(guard)}." for guard in evidence.stable_guards if guard.fired),
    )


def _taken_back(view: ModelView) -> tuple[str, ...]:
    if view.status.phase not in (Phase.ROLLED_BACK, Phase.ROLLING_BACK) or not view.status.blocked:
        return ()
    last = view.status.blocked[-1]
    return (blocked_words(last), f"Release a changed version, or try this one again: {command(view, 'retry')}")


def blocked_words(entry: Blocked) -> str:
    """Which version was taken back, when, by whom and why."""
    who = f" by {entry.by}" if entry.by else ""
    name = f"{entry.version} (revision {entry.revision}, attempt {entry.attempt})"
    where = f" in stage {entry.stage}" if entry.stage else ""
    return f"{name} was taken back{where} at {clock(entry.at)}{who}, cause {entry.cause}: {entry.message}"


def waits_for(view: ModelView) -> tuple[str, ...]:
    """What has to happen next, each with what to type if a person has to."""
    status, gate = view.status, view.gate
    words: list[str] = [*to_approve(view)]
    if gate is not None:
        words += [f"{role}: {command(view, 'approve', '--role', role)}" for role in missing_roles(gate)]
    if status.paused is not None:
        words.append(f"somebody to resume: {command(view, 'resume')}")
    progress = view.condition(ConditionType.RECONCILING)
    if progress is not None and progress.status == "True" and progress.message:
        words.append(progress.message)
    return tuple(words)


_TO_REPAIR = (
    (ConditionType.GOVERNANCE_ENFORCED, "False"),
    (ConditionType.TRAFFIC_BYPASS, "True"),
    (ConditionType.STALLED, "True"),
)


def _to_repair(view: ModelView) -> tuple[str, ...]:
    words = []
    for kind, bad in _TO_REPAIR:
        found = view.condition(kind)
        if found is not None and found.status == bad and view.status.phase is not Phase.ROLLED_BACK:
            words.append(f"{found.reason}: {found.message}")
    return tuple(words)


def explain(
    model: MODEL_NAME,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Say in sentences what happens to MODEL, on what evidence, and what it waits for."""
    access = Access(namespace, context, as_user)
    view = run(access, lambda cluster: cluster.model(model, access.where))
    sections = explanation(view)
    if output.is_document:
        found = {heading: list(sentences) for heading, sentences in sections}
        typer.echo(rendered({"namespace": view.namespace, "name": view.name, "explanation": found}, output))
        return
    console = prose()
    for heading, sentences in sections:
        console.print(heading, style="bold")
        for words in sentences:
            console.print(f"  {words}")
