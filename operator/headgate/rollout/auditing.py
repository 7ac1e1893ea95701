"""What of a decision goes into the audit: who decided what, why, and on which numbers. Records wait in status until they are stored."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from headgate.api.approval import ApprovalState
from headgate.api.audit import MOST_PENDING, AuditRecord, Measured, MeasuredCheck, TrafficRecord
from headgate.api.digests import canonical
from headgate.api.gate_status import GateState
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus, CandidateStatus, StableStatus
from headgate.api.traffic_status import TrafficStatus
from headgate.api.vocabulary import DecisionKind, Gate, Phase
from headgate.evidence.view import CheckReading
from headgate.governance.approvals import Approval
from headgate.governance.audit_chain import identity_of
from headgate.rollout.draft import Draft
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.withdraw import bounded

OPERATOR = "headgate"
"""Who decided what follows from rules and numbers alone."""
APPROVAL_COUNTED = "ApprovalCounted"
APPROVAL_ENDED = "ApprovalEnded"
TRAFFIC_CHANGED = "TrafficChanged"
ENTRIES_OMITTED = "EntriesOmitted"

_CASE_GATES = (Gate.USE_CASE, Gate.CONTINUATION)
_BY_PEOPLE = frozenset({Reason.INTERVENTION_TAKEN_UP, Reason.INTERVENTION_REFUSED})
"""Told of each intervention by itself, with its author."""
_ON_NUMBERS = frozenset(
    {Reason.STAGE_STARTED, Reason.PROMOTED, Reason.LIVE, Reason.ROLLED_BACK, Reason.SHARED_FAILURE, Reason.WOULD_ROLL_BACK}
)
_MOST_BYTES = 8_000
"""Of the records that wait: status as a whole stays below 16 kB."""
_LARGEST_COUNT = 2_147_483_647


def audited(draft: Draft, snapshot: Snapshot, stored_status: AIModelStatus) -> Draft:
    """`draft` with the records of what was decided since `snapshot`, and without those that are stored by now. `stored_status` is what the
    cluster has: where it was lost, the status of `snapshot` is made again.

    What finds no room, because nothing can be stored, is counted, and the count becomes a record as soon as there is room.
    """
    draft = _told_of_trouble(draft, snapshot)
    model, stored = f"{snapshot.namespace}/{snapshot.name}", snapshot.audit.stored
    # Where the status stays as it is, a sentence is only repeated.
    fresh = _records(draft, snapshot) if draft.status != stored_status else ()
    waiting = tuple(record for record in draft.status.pending_audit if identity_of(record, model) not in stored)
    settled = len(waiting) < len(draft.status.pending_audit)
    omitted = draft.status.omitted_audit
    if omitted and not waiting:
        waiting, omitted = (_omission(omitted, draft.status, snapshot),), 0
    room = _room(waiting, fresh)
    if settled or fresh or omitted != draft.status.omitted_audit:
        draft = draft.with_status(
            audit=snapshot.audit.head or draft.status.audit,
            pending_audit=(*waiting, *fresh[:room]),
            omitted_audit=min(omitted + len(fresh) - room, _LARGEST_COUNT),
        )
    return draft


def _told_of_trouble(draft: Draft, snapshot: Snapshot) -> Draft:
    problem, broken = snapshot.audit.problem, snapshot.audit.broken
    if problem is not None and draft.status.phase not in (Phase.ROLLING_BACK, Phase.ROLLED_BACK):
        draft = draft.held_by(problem.reason, problem.message)
    if broken is not None and draft.status.audit == broken.lost:
        draft = draft.with_status(audit=snapshot.audit.head).announce(Reason.AUDIT_BROKEN, broken.words, warning=True)
    return draft


def _room(waiting: tuple[AuditRecord, ...], fresh: tuple[AuditRecord, ...]) -> int:
    """How many of `fresh` can wait beside `waiting`."""
    size = sum(map(_size, waiting))
    for number, record in enumerate(fresh):
        size += _size(record)
        if len(waiting) + number >= MOST_PENDING or size > _MOST_BYTES:
            return number
    return len(fresh)


def _size(record: AuditRecord) -> int:
    return len(canonical(record.model_dump(mode="json", by_alias=True, exclude_none=True)))


def _records(draft: Draft, snapshot: Snapshot) -> tuple[AuditRecord, ...]:
    found = (*_of_people(draft, snapshot), *_of_rules(draft, snapshot), *_of_traffic(draft, snapshot))
    return _with_numbers(found, snapshot)


def _of_people(draft: Draft, snapshot: Snapshot) -> Iterator[AuditRecord]:
    before, status = snapshot.status, draft.status
    approvals = {approval.name: approval for approval in (*snapshot.approvals, *snapshot.awaiting)}
    notes = {note.name: note for note in draft.notes}
    fresh = {latch.name for latch in status.latches} - {latch.name for latch in before.latches}
    for name in (*(latch.name for latch in status.latches if latch.name in fresh), *status.taken_up):
        if name in approvals and name not in before.taken_up and name in notes:
            yield _of_person(approvals[name], notes[name].message, draft, snapshot)
    fresh_lines = {gate: _counted(status, gate) - _counted(before, gate) for gate in Gate}
    for name, note in notes.items():
        approval = approvals.get(name)
        if approval is None or note.state is not ApprovalState.COUNTED:
            continue
        if approval.spec.decision is DecisionKind.BREAK_GLASS and _glass(status.candidate) not in ("", _glass(before.candidate)):
            yield _of_person(approval, note.message, draft, snapshot)
        lines = fresh_lines[approval.spec.gate] if approval.spec.gate is not None else frozenset()
        line = next((words for words in lines if words.startswith(_beginning(approval))), "")
        if line:
            yield _of_person(approval, line, draft, snapshot).model_copy(update={"what": APPROVAL_COUNTED})
    yield from _ended(draft, snapshot, {name: note.message for name, note in notes.items() if note.state is not ApprovalState.COUNTED})


def _ended(draft: Draft, snapshot: Snapshot, why_not: Mapping[str, str]) -> Iterator[AuditRecord]:
    """Approvals of the use case or of a lower tier that counted and do so no longer: expired, revoked, deleted, replaced, or about what it
    was before. Those of a version end with its attempt, which is told by itself."""
    for gates, about in ((_CASE_GATES, "the use case"), ((Gate.TIER_LOWERING,), "the lower tier")):
        before, kept = _state(snapshot.status, gates[0]), {_giver(words) for words in _counted(draft.status, gates[0])}
        for words in before.counted if before is not None else ():
            if before is None or _giver(words) in kept:
                # The same person in the same role, for longer.
                continue
            named = [one for one in snapshot.approvals if one.name in why_not and words.startswith(_beginning(one))]
            given = [one for one in named if one.spec.gate in gates and one.spec.decision is DecisionKind.APPROVE]
            newest = max(given, key=lambda one: (one.spec.subject == before.subject, one.created), default=None)
            why = why_not[newest.name] if newest is not None else "its object is gone"
            told = _record(APPROVAL_ENDED, bounded(f"{words} no longer counts for {about}: {why}"), draft, snapshot)
            yield told.model_copy(update={"approval": newest.name if newest is not None else "", "subject": before.subject})


def _counted(status: AIModelStatus, gate: Gate) -> frozenset[str]:
    """What is told of the approvals that count. The use case has one list for both of its gates."""
    state = _state(status, gate)
    return frozenset(state.counted if state is not None else ())


def _state(status: AIModelStatus, gate: Gate) -> GateState | None:
    if gate is Gate.DEPLOYMENT:
        return status.candidate.gate if status.candidate is not None else None
    return status.tier_lowering if gate is Gate.TIER_LOWERING else status.use_case


def _beginning(approval: Approval) -> str:
    """Of the sentence by which a gate tells that it counts."""
    return f"{approval.spec.role}: {approval.spec.approver} "


def _giver(words: str) -> str:
    """Role and person of such a sentence, without its end and conditions."""
    return words.partition(" until ")[0]


def _glass(candidate: CandidateStatus | None) -> str:
    return candidate.gate.break_glass if candidate is not None and candidate.gate is not None else ""


def _of_person(approval: Approval, became: str, draft: Draft, snapshot: Snapshot) -> AuditRecord:
    spec = approval.spec
    told = _record(str(spec.decision), bounded(f"{became} ({spec.rationale})"), draft, snapshot)
    named = {"attempt": spec.target.attempt, "revision": spec.target.revision, "version": ""} if spec.target else {}
    return told.model_copy(update={"by": spec.approver, "approval": approval.name, "subject": spec.subject or told.subject, **named})


def _of_rules(draft: Draft, snapshot: Snapshot) -> Iterator[AuditRecord]:
    for announced in draft.announcements:
        if announced.reason not in _BY_PEOPLE:
            yield _record(str(announced.reason), bounded(announced.note), draft, snapshot)


def _of_traffic(draft: Draft, snapshot: Snapshot) -> Iterator[AuditRecord]:
    before, after = snapshot.status.traffic, draft.status.traffic
    if (before.shares, _mirrored(before)) == (after.shares, _mirrored(after)):
        return
    shares = TrafficRecord(before=before.shares, after=after.shares, mirrored=_mirrored(after))
    words = ", ".join(f"{weight / 10:g} % of the users to {who}" for who, weight in after.shares.items())
    yield _record(TRAFFIC_CHANGED, words or "no version has users", draft, snapshot).model_copy(update={"traffic": shares})


def _mirrored(traffic: TrafficStatus) -> dict[str, int]:
    return {traffic.mirror.revision: traffic.mirror.permille} if traffic.mirror is not None else {}


def _omission(number: int, status: AIModelStatus, snapshot: Snapshot) -> AuditRecord:
    words = f"{number} decisions are not told here: they were made while the audit could not be stored; logs and Events have them"
    return AuditRecord(time=snapshot.now, attempt=status.attempts, what=ENTRIES_OMITTED, why=words, by=OPERATOR)


def _record(what: str, why: str, draft: Draft, snapshot: Snapshot) -> AuditRecord:
    """About the version on its way; else the one that was until now, else the live one."""
    status = draft.status
    who: CandidateStatus | StableStatus | None = status.candidate or snapshot.status.candidate or status.stable
    moving = who if isinstance(who, CandidateStatus) else None
    stopped = status.blocked[-1].by if what == Reason.ROLLED_BACK and status.blocked != snapshot.status.blocked else ""
    return AuditRecord(
        time=snapshot.now,
        attempt=moving.attempt if moving is not None else status.attempts,
        what=what,
        why=why,
        by=stopped[:256] or OPERATOR,
        version=who.version if who is not None else "",
        revision=who.revision if who is not None else None,
        subject=(moving.gate.subject if moving.gate else moving.subject) if moving is not None else who.subject if who else None,
        stage=moving.stage.name if moving is not None and moving.stage is not None else "",
    )


def _with_numbers(records: tuple[AuditRecord, ...], snapshot: Snapshot) -> tuple[AuditRecord, ...]:
    """The first record that rests on numbers carries them."""
    place = next((k for k, record in enumerate(records) if record.what in _ON_NUMBERS), None)
    measured = _measured(snapshot) if place is not None else None
    if place is None or measured is None:
        return records
    return (*records[:place], records[place].model_copy(update={"measured": measured}), *records[place + 1 :])


def _measured(snapshot: Snapshot) -> Measured | None:
    evidence, candidate = snapshot.evidence, snapshot.status.candidate
    if evidence is None or candidate is None or evidence.attempt != str(candidate.attempt) or evidence.as_of is None:
        return None
    return Measured(
        verdict=evidence.verdict,
        query=snapshot.query[:2048],
        since=candidate.started,
        until=datetime.fromtimestamp(evidence.as_of, UTC),
        checks=tuple(_check(reading) for reading in evidence.checks[:8]),
    )


def _check(reading: CheckReading) -> MeasuredCheck:
    counts = (reading.candidate_events, reading.candidate_requests, reading.stable_events, reading.stable_requests)
    events, requests, stable_events, stable_requests = (min(count, _LARGEST_COUNT) for count in counts)
    return MeasuredCheck(
        metric=reading.metric,
        verdict=reading.verdict,
        candidate_events=events,
        candidate_requests=requests,
        stable_events=stable_events,
        stable_requests=stable_requests,
    )
