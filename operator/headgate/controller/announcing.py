"""Telling people: Events on the model, notifications, notes on approvals. After the facts, and never in their way."""

import logging

from headgate.api.approval import GovernanceApprovalStatus
from headgate.api.conditions import Condition, ConditionType
from headgate.api.notifications import REASONS_OF, Occasions
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus
from headgate.controller.cache import Cache
from headgate.controller.facts import ApprovalFacts
from headgate.controller.notifying import Notifier
from headgate.controller.observe import Observation
from headgate.kube.errors import KubeError, NotFound
from headgate.kube.events import EventRecorder, EventType, Happening, Regarding
from headgate.kube.interface import KubeApi
from headgate.kube.labels import STATUS_MANAGER
from headgate.kube.resources import AIMODELS, GOVERNANCE_APPROVALS
from headgate.rollout.asking import announced
from headgate.rollout.decision import Announcement, ApprovalNote, Decision
from headgate.rollout.snapshot import Snapshot

log = logging.getLogger(__name__)

_TO_REPAIR = REASONS_OF[Occasions.NEEDS_REPAIR]
_ANSWERS = 20
"""At most in one pass. Anybody who may approve can make hundreds."""
_BAD_IF_TRUE = frozenset({ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.TRAFFIC_BYPASS})


class Announcer:
    """Events at decisions, and what became of each approval. A failure is logged: nobody waits for it."""

    def __init__(self, api: KubeApi, cache: Cache, events: EventRecorder, notifier: Notifier) -> None:
        self._api = api
        self._cache = cache
        self._events = events
        self._notifier = notifier

    async def tell(self, seen: Observation, decision: Decision) -> None:
        """Once for each decision: the caller has just written the status that says so."""
        regarding = Regarding(AIMODELS.api_version, AIMODELS.kind, seen.key.namespace, seen.key.name, seen.owner.uid)
        decided = (*decision.announcements, *announced(seen.snapshot.status, decision.status))
        held = tuple(Announcement(c.reason, c.message, warning=True) for c in new_problems(seen.snapshot, decision.status))
        self._notifier.tell(seen, decision.status, (*decided, *held))
        for action, told in (*(("Decide", one) for one in decided), *(("Hold", one) for one in held)):
            kind = EventType.WARNING if told.warning else EventType.NORMAL
            await self._events.record(regarding, Happening(action, str(told.reason), told.note, kind))

    async def answer(self, seen: Observation, notes: tuple[ApprovalNote, ...]) -> bool:
        """Status of the GovernanceApprovals, where it says something else. The last note on one has the say. Returns whether some are left
        for the next pass: while this one goes on, nobody looks at what the model does to its users."""
        known = self._cache.approvals.get(seen.key, {})
        news = [note for note in {note.name: note for note in notes}.values() if _is_news(note, known.get(note.name))]
        for note in news[:_ANSWERS]:
            status = GovernanceApprovalStatus(state=note.state, message=note.message, observed_generation=1)
            try:
                written = await self._api.patch_status(
                    GOVERNANCE_APPROVALS,
                    note.name,
                    seen.key.namespace,
                    status.model_dump(mode="json", by_alias=True, exclude_none=True),
                    field_manager=STATUS_MANAGER,
                )
                self._cache.put(GOVERNANCE_APPROVALS, written)
            except NotFound:
                continue
            except KubeError as error:
                log.warning("could not answer approval %s: %s", note.name, error, extra={"model": "/".join(seen.key)})
        return len(news) > _ANSWERS


def _is_news(note: ApprovalNote, known: ApprovalFacts | None) -> bool:
    return known is not None and (known.status.state is not note.state or known.status.message != note.message)


def new_problems(snapshot: Snapshot, after: AIModelStatus) -> tuple[Condition, ...]:
    """What now needs a person and did not before: one condition for each reason, the one that users look at first."""
    known = {condition.reason for condition in snapshot.status.conditions if _troubled(condition, snapshot)}
    found = {c.reason: c for c in reversed(after.conditions) if _troubled(c, snapshot) and c.reason not in known}
    return tuple(found.values())


def _troubled(condition: Condition, snapshot: Snapshot) -> bool:
    bad = "True" if condition.type in _BAD_IF_TRUE else "False"
    if condition.reason is Reason.WORKLOAD_NOT_READY and not _explained(condition, snapshot):
        # Every pod is not ready at first: that is trouble only once the cluster says why.
        return False
    return condition.reason in _TO_REPAIR and condition.status in (bad, "Unknown")


def _explained(condition: Condition, snapshot: Snapshot) -> bool:
    return any(w.problem is not None and w.problem.message in condition.message for w in snapshot.workloads.values())
