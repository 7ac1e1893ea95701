"""Whether the vendor's model still answers as it did: probes of the live version by a Job, and what other answers mean.

A change that nobody announced keeps versions from rising and alerts. It takes nothing back: nobody knows whether it does harm, and the
earlier version most likely asks the same vendor.
"""

from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from headgate.api.quantities import Duration, Probability
from headgate.api.reasons import Reason
from headgate.api.replay import ReplayLimits, ReplayReport
from headgate.api.status import StableStatus
from headgate.api.vendor import ChangeNotice, Fingerprint, FingerprintState, FingerprintStatus
from headgate.rollout.decision import WantedReplay
from headgate.rollout.draft import Draft
from headgate.rollout.snapshot import Problem, ReplayRun, Snapshot

COVERS = timedelta(days=14)
"""How long after its effective date an announced change may become visible: vendors move their customers one after another."""
_EARLY = timedelta(days=1)
"""A day of the calendar begins earlier elsewhere."""
LIMITS = ReplayLimits(
    min_agreement=Probability(0.5), min_pairs=10, max_pairs=200, max_contract_violations=0, pairs_per_second=5, timeout=Duration(240)
)
"""Of one run: at most 200 probes, slowly enough for a vendor that counts requests."""
_LONGEST_MODEL = 41
"""Of a Job's name, which has 63 characters at most."""
_UNANNOUNCED = "the vendor's model answers otherwise, and no change notice covers that day"
_SINCE_RELEASE = "the answers are other ones since {} is live: if that is its own doing, record a new fingerprint with it"
_CHANGED = (FingerprintState.ANNOUNCED_CHANGE, FingerprintState.UNANNOUNCED_CHANGE)


def follow_fingerprint(draft: Draft, snapshot: Snapshot) -> Draft:
    """`draft` with what the newest answers say. A run without result leaves the state as it was, and so does one that is not there."""
    asked, vendor, stable, before = _asked(snapshot), draft.status.vendor, draft.status.stable, _before(draft, snapshot)
    if vendor is None or stable is None:
        return draft
    if asked is None:
        # Taking the fingerprint out of the spec answers for nothing.
        after = _announced(before, _notices(snapshot)) if before is not None else None
    elif _waits_for_release(draft, asked, before):
        return draft
    else:
        after = _found(snapshot, asked, stable, before)
    if after is None or after == before:
        return draft
    return _told(draft.with_status(vendor=vendor.model_copy(update={"fingerprint": after})), before, after)


def wanted_probe(draft: Draft, snapshot: Snapshot) -> WantedReplay | None:
    """The Job of this interval. It stays until the next one, so that its result is there for an operator that starts anew."""
    asked, stable = _asked(snapshot), draft.status.stable
    if asked is None or stable is None or _waits_for_release(draft, asked, _before(draft, snapshot)):
        return None
    job = _job_name(snapshot, asked, stable)
    if job not in snapshot.replays and not snapshot.workload(stable.revision).ready:
        return None
    return WantedReplay(job, max(draft.status.attempts, 1), None, stable.revision, asked.asked, LIMITS)


def next_probe(draft: Draft, snapshot: Snapshot) -> float | None:
    """Seconds until the next run is due; None if there are no probes."""
    asked, stable = _asked(snapshot), draft.status.stable
    if asked is None or stable is None:
        return None
    interval = int(asked.interval)
    return float(interval - (int(snapshot.now.timestamp()) + _offset(snapshot, interval)) % interval)


def unannounced(draft: Draft) -> Problem | None:
    """What keeps every version from rising while the vendor's model is another one than people approved."""
    found = draft.status.vendor.fingerprint if draft.status.vendor is not None else None
    if found is None or found.state is not FingerprintState.UNANNOUNCED_CHANGE:
        return None
    repair = "write the vendor's notice to spec.vendor.changeNotices, or record a new fingerprint once it is evaluated"
    return Problem(Reason.UNANNOUNCED_CHANGE, f"{fingerprint_words(found)}. Nothing rises until then: {repair}")


def fingerprint_words(found: FingerprintStatus) -> str:
    """What is known, in one line."""
    trouble = f"; the newest run gave no result: {found.problem}" if found.problem else ""
    if found.state is None:
        return f"no answers are known yet{trouble}"
    since = f"since {found.since:%Y-%m-%d %H:%M} UTC"
    alike = f"{found.alike} of {found.requests} probes are answered as recorded"
    if found.state is FingerprintState.AS_EXPECTED:
        return f"{alike}, {since}{trouble}"
    return f"{alike} {since}: {found.message}{trouble}"


def covering(notices: tuple[ChangeNotice, ...], seen: datetime, as_before: datetime | None) -> ChangeNotice | None:
    """The notice that a change first `seen` then may be about: given by that day, in effect, and not long ago. `as_before`: since when
    answers were as expected until then; what took effect before that is not what changed them now."""
    day = seen.date()
    fitting = [
        notice
        for notice in notices
        if notice.received <= day and notice.effective - _EARLY <= day < notice.effective + COVERS and not _used_up(notice, as_before)
    ]
    return max(fitting, key=lambda notice: notice.effective, default=None)


def _used_up(notice: ChangeNotice, as_before: datetime | None) -> bool:
    return as_before is not None and notice.effective + _EARLY < as_before.date()


def _asked(snapshot: Snapshot) -> Fingerprint | None:
    vendor = snapshot.spec.vendor if snapshot.spec is not None else None
    return vendor.fingerprint if vendor is not None else None


def _before(draft: Draft, snapshot: Snapshot) -> FingerprintStatus | None:
    """What is known already. That another question had no result says nothing."""
    asked, vendor = _asked(snapshot), draft.status.vendor
    known = vendor.fingerprint if vendor is not None else None
    return None if known is not None and known.state is None and asked is not None and known.asked != asked.digest else known


def _waits_for_release(draft: Draft, asked: Fingerprint, before: FingerprintStatus | None) -> bool:
    """A fingerprint that came with a version on its way is that version's: the live one need not answer so. Where the vendor's model has
    changed, a new fingerprint is the answer to that."""
    if draft.status.candidate is None or (before is not None and before.asked == asked.digest):
        return False
    return before is None or before.state is FingerprintState.AS_EXPECTED


def _found(snapshot: Snapshot, asked: Fingerprint, stable: StableStatus, before: FingerprintStatus | None) -> FingerprintStatus | None:
    run = snapshot.replays.get(_job_name(snapshot, asked, stable))
    known = before if before is not None and before.asked == asked.digest else None
    problem = _problem(run, snapshot) if run is None or run.report is None else _unclear(run.report)
    if run is not None and run.report is not None and not problem:
        return _judged(snapshot, asked, stable, known, run.report)
    if known is not None:
        # Notices may come while nothing is probed, and a run that is on its way takes no trouble back.
        return _announced(known.model_copy(update={"problem": problem[:1024] or known.problem}), _notices(snapshot))
    if before is not None or not problem:
        return before
    return FingerprintStatus(asked=asked.digest, revision=stable.revision, since=snapshot.now, problem=problem[:1024])


def _judged(
    snapshot: Snapshot, asked: Fingerprint, stable: StableStatus, known: FingerprintStatus | None, report: ReplayReport
) -> FingerprintStatus:
    counted: dict[str, Any] = {"asked": asked.digest, "revision": stable.revision, "requests": report.requests, "alike": report.agreed}
    expected = known is not None and known.state is FingerprintState.AS_EXPECTED
    if report.pairs - report.agreed == report.candidate_failures:
        since = known.since if known is not None and expected else snapshot.now
        return FingerprintStatus(state=FingerprintState.AS_EXPECTED, since=since, **counted)
    if known is not None and known.state in _CHANGED:
        return _announced(known.model_copy(update=counted | {"problem": ""}), _notices(snapshot))
    found = FingerprintStatus(
        state=FingerprintState.UNANNOUNCED_CHANGE,
        since=snapshot.now,
        unchanged_since=known.since if known is not None and expected else None,
        message=_UNANNOUNCED if known is None or known.revision == stable.revision else _SINCE_RELEASE.format(stable.version),
        **counted,
    )
    return _announced(found, _notices(snapshot))


def _announced(found: FingerprintStatus, notices: tuple[ChangeNotice, ...]) -> FingerprintStatus:
    """A change with the notice that covers it, if there is one. What was announced once stays so."""
    if found.state is not FingerprintState.UNANNOUNCED_CHANGE:
        return found
    notice = covering(notices, found.since, found.unchanged_since)
    if notice is None:
        return found
    words = f'announced on {_day(notice.received)}, in effect since {_day(notice.effective)} ("{notice.what}")'
    return found.model_copy(update={"state": FingerprintState.ANNOUNCED_CHANGE, "message": words})


def _day(day: date) -> str:
    return f"{day:%Y-%m-%d}"


def _unclear(report: ReplayReport) -> str:
    """Why a report says nothing about a change; empty if it does."""
    if not report.pairs:
        return "no recorded answer has what is compared: record them again"
    if report.pairs - report.agreed == report.candidate_failures and report.candidate_failures:
        return f"{report.candidate_failures} of {report.requests} probes had no good answer"
    return ""


def _problem(run: ReplayRun | None, snapshot: Snapshot) -> str:
    """Why there is no result; empty while it is on its way."""
    if run is None:
        return snapshot.replay_refusal
    return (run.problem or "it gave no result") if run.ended else ""


def _told(draft: Draft, before: FingerprintStatus | None, after: FingerprintStatus) -> Draft:
    """An Event, and by it an entry of the audit, whenever the state changes."""
    if after.state is None or (before is not None and before.state is after.state and before.asked == after.asked):
        return draft
    words = fingerprint_words(after)
    match after.state:
        case FingerprintState.AS_EXPECTED:
            return draft.announce(Reason.VENDOR_MODEL_AS_EXPECTED, f"the vendor's model: {words}")
        case FingerprintState.ANNOUNCED_CHANGE:
            return draft.announce(Reason.ANNOUNCED_CHANGE, f"the vendor's model changed as announced: {words}")
        case FingerprintState.UNANNOUNCED_CHANGE:
            return draft.announce(Reason.UNANNOUNCED_CHANGE, f"the vendor's model changed unannounced: {words}", warning=True)


def _notices(snapshot: Snapshot) -> tuple[ChangeNotice, ...]:
    vendor = snapshot.spec.vendor if snapshot.spec is not None else None
    return vendor.change_notices if vendor is not None else ()


def _job_name(snapshot: Snapshot, asked: Fingerprint, stable: StableStatus) -> str:
    """Another interval, another question and another live version are another Job."""
    interval = int(asked.interval)
    slot = (int(snapshot.now.timestamp()) + _offset(snapshot, interval)) // interval
    question = "\0".join((snapshot.name, asked.digest, stable.revision, str(interval), str(slot)))
    return f"{snapshot.name[:_LONGEST_MODEL]}-fingerprint-{sha256(question.encode()).hexdigest()[:8]}"


def _offset(snapshot: Snapshot, interval: int) -> int:
    """Models are not probed all at the same moment."""
    return int(sha256(f"{snapshot.namespace}/{snapshot.name}".encode()).hexdigest()[:8], 16) % interval
