"""Series of models: where each stands. A fact that holds for few models has a series only while it holds."""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Gauge

from headgate.api.approval import ApprovalState
from headgate.api.status import AIModelStatus, AttemptKind
from headgate.api.traffic_status import FALLBACK
from headgate.api.vendor import FingerprintState
from headgate.api.vocabulary import DecisionKind, Gate, StandIn
from headgate.governance.approvals import counted_until
from headgate.rollout.decision import Decision
from headgate.rollout.snapshot import Snapshot

_MODEL = ("namespace", "model")
_GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "headgate_phase": ("1 for the phase the model is in.", ("phase",)),
    "headgate_phase_since_timestamp_seconds": ("When the model came into its phase.", ()),
    "headgate_traffic_weight": ("Wanted thousandths of the requests; those of the fallback only while it answers.", ("slot",)),
    "headgate_unwanted_traffic_weight": (
        "Thousandths that the route gives to versions beyond what is wanted; only while there are any.",
        (),
    ),
    "headgate_route_edited_timestamp_seconds": ("When the route was last seen edited by somebody else; only after that.", ()),
    "headgate_failover": ("1 while somebody else answers.", ("to",)),
    "headgate_break_glass": ("1 while two persons hold its gate open.", ()),
    "headgate_verdict": ("1 for the verdict of the evidence; only while a candidate is compared.", ("verdict",)),
    "headgate_last_rollback_timestamp_seconds": ("When a version last lost its traffic, and why; only after that.", ("cause",)),
    "headgate_approval_expires_timestamp_seconds": ("When the approval of a gate ends; only while it is approved.", ("gate",)),
    "headgate_traffic_bypass": ("1 while routes or Services of other people lead users around the model's own route.", ()),
    "headgate_vendor_change": ("1 while the vendor's model behind it changed unannounced.", ()),
    "headgate_audit_pending": ("Decisions that are not stored in the audit yet; only while there are any.", ()),
    "headgate_audit_broken": ("1 after stored entries of the audit were found changed or deleted.", ()),
}
"""Meaning and labels, beside those of the model."""


_UNCOMPARED = (AttemptKind.FIRST, AttemptKind.RESTORE, AttemptKind.BASELINE)
"""These go on by time and pods alone: that nothing is known of them stops nothing."""


class _Series(NamedTuple):
    metric: str
    labels: tuple[str, ...]


@lru_cache(maxsize=256)
def _series(metric: str, *labels: str) -> _Series:
    """One object for all models: there are ten thousand of them."""
    return _Series(metric, labels)


class ModelSeries:
    """The gauges of all models."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauges = {name: Gauge(name, told, [*_MODEL, *labels], registry=registry) for name, (told, labels) in _GAUGES.items()}
        self._shown: dict[tuple[str, str], tuple[tuple[_Series, float], ...]] = {}
        self._edited: dict[tuple[str, str], float] = {}
        self._editing: set[tuple[str, str]] = set()
        """Models whose route is somebody else's edit until it is repaired: one edit, however often it is looked at."""

    def show(self, key: tuple[str, str], snapshot: Snapshot, decision: Decision) -> None:
        """What holds of the model after this decision; what held before and does not any more has no series left."""
        if snapshot.route.edited_by and key not in self._editing:
            self._edited[key] = snapshot.now.timestamp()
        (self._editing.add if snapshot.route.edited_by else self._editing.discard)(key)
        last, facts = self._shown.get(key, ()), tuple(_facts(snapshot, decision, self._edited.get(key)))
        if last == facts:
            return
        self._shown[key] = facts
        kept = {series for series, _ in facts}
        for series, _ in last:
            if series not in kept:
                self._gauges[series.metric].remove(*key, *series.labels)
        for series, value in facts:
            self._gauges[series.metric].labels(*key, *series.labels).set(value)

    def forget(self, key: tuple[str, str]) -> None:
        """Unknown models are no error."""
        self._edited.pop(key, None)
        self._editing.discard(key)
        for series, _ in self._shown.pop(key, ()):
            self._gauges[series.metric].remove(*key, *series.labels)


def _facts(snapshot: Snapshot, decision: Decision, edited: float | None) -> Iterator[tuple[_Series, float]]:
    status = decision.status
    yield _series("headgate_phase", str(status.phase)), 1
    if status.phase_since is not None:
        yield _series("headgate_phase_since_timestamp_seconds"), status.phase_since.timestamp()
    yield from _traffic(status)
    yield from _bypass(snapshot, decision, edited)
    for stand_in in StandIn:
        yield _series("headgate_failover", str(stand_in)), status.failover is not None and status.failover.to is stand_in
    candidate = status.candidate
    gate = candidate.gate if candidate is not None else None
    yield _series("headgate_break_glass"), gate is not None and gate.open and bool(gate.break_glass)
    if candidate is not None and candidate.stage is not None and candidate.kind not in _UNCOMPARED:
        yield _series("headgate_verdict", str(candidate.verdict)), 1
    if status.blocked:
        newest = max(status.blocked, key=lambda entry: entry.at)
        yield _series("headgate_last_rollback_timestamp_seconds", str(newest.cause)), newest.at.timestamp()
    for name, end in _ends(snapshot, decision):
        yield _series("headgate_approval_expires_timestamp_seconds", str(name)), end.timestamp()
    if snapshot.bypass:
        yield _series("headgate_traffic_bypass"), 1
    probed = status.vendor.fingerprint if status.vendor is not None else None
    if probed is not None and probed.state is FingerprintState.UNANNOUNCED_CHANGE:
        yield _series("headgate_vendor_change"), 1
    if waiting := len(status.pending_audit) + status.omitted_audit:
        yield _series("headgate_audit_pending"), waiting
    if snapshot.audit.broken is not None:
        yield _series("headgate_audit_broken"), 1


def _traffic(status: AIModelStatus) -> Iterator[tuple[_Series, float]]:
    traffic = status.traffic
    stable, candidate, *_ = (*(slot.weight for slot in traffic.slots), 0, 0)
    mirrored = traffic.mirror.permille if traffic.mirror is not None else 0
    for slot, weight in (("stable", stable), ("candidate", candidate), ("mirror", mirrored)):
        yield _series("headgate_traffic_weight", slot), weight
    if traffic.fallback is not None and traffic.fallback.weight:
        yield _series("headgate_traffic_weight", FALLBACK), traffic.fallback.weight


def _bypass(snapshot: Snapshot, decision: Decision, edited: float | None) -> Iterator[tuple[_Series, float]]:
    wanted = decision.traffic
    if wanted is not None and snapshot.route.exists:
        beyond = sum(max(0, weight - wanted.shares.get(who, 0)) for who, weight in snapshot.route.weights.items())
        if beyond:
            yield _series("headgate_unwanted_traffic_weight"), beyond
    if edited is not None:
        yield _series("headgate_route_edited_timestamp_seconds"), edited


def _ends(snapshot: Snapshot, decision: Decision) -> Iterator[tuple[Gate, datetime]]:
    """Of the use case, with all renewals; of a tier that was lowered; and the first end among those that a candidate's gate counts."""
    case, candidate = decision.status.use_case, decision.status.candidate
    if case is not None and case.until is not None:
        yield Gate.USE_CASE, case.until
    lowering = decision.status.tier_lowering
    if lowering is not None and lowering.until is not None:
        yield Gate.TIER_LOWERING, lowering.until
    gate = candidate.gate if candidate is not None else None
    if gate is None:
        return
    counted = {note.name for note in decision.approval_notes if note.state is ApprovalState.COUNTED}
    ends = [
        counted_until(approval, gate.tier)
        for approval in snapshot.approvals
        if approval.name in counted and approval.spec.gate is Gate.DEPLOYMENT and approval.spec.decision is DecisionKind.APPROVE
    ]
    if ends:
        yield Gate.DEPLOYMENT, min(ends)
