"""What the monitor of live models asks for. It decides nothing: the operator does, here, as after every other word that comes in.

The monitor is a program, and interventions are decisions of persons with a name: so it makes no GovernanceApproval, which admission would
refuse, but says in status what it found. Who may write status is the operator's own account alone.
"""

from headgate.api.reasons import Reason
from headgate.api.responses import DriftStatus, Severity
from headgate.api.status import GATED
from headgate.api.vocabulary import RollbackCause
from headgate.rollout.begin import earlier_live, restore
from headgate.rollout.draft import Draft
from headgate.rollout.harm import Harm
from headgate.rollout.snapshot import Problem, Snapshot
from headgate.rollout.withdraw import block_stable

_QUIET = (Severity.LOW, Severity.UNKNOWN)


def heed_drift(draft: Draft, snapshot: Snapshot) -> Draft:
    """Tell each word of the monitor once, and take the live version back once where it asks for that, as soon as nothing else is on its
    way: the monitor takes the word back when it does not hold any more."""
    drift, heard = draft.status.drift, draft.status.drift_heard
    if drift is None:
        return draft
    new = heard is None or drift.at > heard
    draft = draft.with_status(drift_heard=drift.at) if new else draft
    asked = _asks_back(draft, drift)
    earlier = earlier_live(draft, snapshot, None) if asked and draft.status.candidate is None else None
    if earlier is None:
        more = f"; not taken back: {_why_not(draft)}" if asked else ""
        return _told(draft, drift, more) if new else draft
    draft = _told(draft, drift, f"; {earlier.version} (revision {earlier.revision}) comes back")
    return restore(block_stable(draft, snapshot, Harm(RollbackCause.DRIFT, drift.why)), snapshot, earlier)


def drift_freeze(draft: Draft) -> Problem | None:
    """Why a candidate that was on its way when the live version was found to drift does not rise."""
    drift, candidate = draft.status.drift, draft.status.candidate
    if drift is None or drift.freeze is None or candidate is None or candidate.kind not in GATED or candidate.started > drift.since:
        return None
    drifts = "drifted, and nobody can tell whether it still does" if drift.severity is Severity.UNKNOWN else f"drifts ({drift.severity})"
    words = f"frozen since {drift.since:%Y-%m-%d %H:%M} UTC, because the live version {drifts}: {drift.why}"
    return Problem(Reason.FROZEN, f"{words}. A version that is asked for now is not held")


def _asks_back(draft: Draft, drift: DriftStatus) -> bool:
    """Not what was taken back before, nor what came back since it was said: then people know what they do."""
    stable = draft.status.stable
    if stable is None or drift.roll_back != stable.revision or drift.severity is Severity.LOW or drift.at < stable.live_since:
        return False
    return all(entry.revision != stable.revision for entry in draft.status.blocked)


def _told(draft: Draft, drift: DriftStatus, more: str) -> Draft:
    done = f" ({', '.join(drift.actions)})" if drift.actions else ""
    return draft.announce(Reason.DRIFT_RESPONSE, f"{drift.severity}{done}: {drift.why}{more}", warning=drift.severity not in _QUIET)


def _why_not(draft: Draft) -> str:
    if draft.status.candidate is not None:
        return "another version is on its way. Unless that one goes live, or the loss is over before, it is done afterwards"
    return "no earlier version is kept that was live, and is neither blocked nor revoked"
