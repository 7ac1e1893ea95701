"""What goes into the audit: who decided what about which version, why, and on which numbers."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.rollout import test_use_case as use_cases
from tests.unit.rollout.world import World, in_canary, live

from headgate.api.audit import AuditHead, AuditRecord
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus
from headgate.governance.audit_chain import identity_of
from headgate.rollout.decide import decide
from headgate.rollout.snapshot import AuditState, Problem, Snapshot

HEAD = AuditHead(sequence=9, hash="sha256:" + "a" * 64, segment=1)


def emptied(world: World) -> World:
    """Everything that was decided so far is stored."""
    world.status = world.status.model_copy(update={"pending_audit": (), "omitted_audit": 0})
    return world


def stored(snapshot: Snapshot) -> Snapshot:
    told = frozenset(identity_of(record, "lending/credit") for record in snapshot.status.pending_audit)
    return replace(snapshot, audit=AuditState(HEAD, told))


def decided(world: World) -> tuple[AuditRecord, ...]:
    world.step()
    return world.status.pending_audit


def of(records: tuple[AuditRecord, ...], what: str) -> AuditRecord:
    (found,) = [record for record in records if record.what == what]
    return found


def test_a_rollback_by_evidence_carries_the_counts_the_window_and_the_query() -> None:
    world = emptied(in_canary())
    world.bad()
    assert world.status.candidate is not None
    subject = world.status.candidate.gate.subject if world.status.candidate.gate else None
    snapshot = replace(world.snapshot(), query='{route="lending/credit"}')
    record = of(decide(snapshot).status.pending_audit, "RolledBack")
    assert (record.by, record.version, record.stage, record.subject) == ("headgate", "2.0.0", "canary", subject)
    assert record.measured is not None
    assert record.measured.query == '{route="lending/credit"}'
    assert record.measured.until == world.now
    (check,) = record.measured.checks
    assert (check.candidate_events, check.candidate_requests, check.stable_events, check.stable_requests) == (17, 600, 57, 11_400)


def test_what_becomes_of_a_promote_is_told_also_where_its_author_is_not_certain_yet() -> None:
    world = emptied(in_canary())
    promote = world.decided("Promote")
    world.approvals.remove(promote)
    world.good()
    unseen = world.without(awaiting=(replace(promote, enforced=False),), admission_unseen=True)
    record = of(decide(unseen).status.pending_audit, "Promote")
    assert (record.by, record.approval, "stage canary ended meanwhile" in record.why) == ("oncall@bank", promote.name, True)


def test_shares_are_told_before_and_after() -> None:
    world = emptied(in_canary())
    assert world.status.stable is not None
    assert world.status.candidate is not None
    stable, candidate = world.status.stable.revision, world.status.candidate.revision
    world.bad()
    moved = of(decided(world), "TrafficChanged").traffic
    assert moved is not None
    assert (moved.before, moved.after) == ({stable: 950, candidate: 50}, {stable: 1000})


def test_copies_of_requests_are_told() -> None:
    world = emptied(live())
    world.release("2.0.0")
    world.settle()
    assert world.status.phase == "Shadow"
    moved = of(world.status.pending_audit, "TrafficChanged").traffic
    assert moved is not None
    assert list(moved.mirrored.values()) == [1000]


@pytest.mark.parametrize("decision", ["Halt", "Pause"])
def test_a_person_is_named_with_the_reason_and_the_object(decision: str) -> None:
    world = emptied(in_canary())
    approval = world.decided(decision)
    record = of(decided(world), decision)
    assert (record.by, record.approval) == ("oncall@bank", approval.name)
    assert record.why.endswith("(because)")
    assert record.attempt == 2


def test_what_has_no_effect_is_told_too() -> None:
    world = emptied(in_canary())
    world.decided("Halt", target={"revision": "00000000", "attempt": 9})
    record = of(decided(world), "Halt")
    assert (record.attempt, record.revision) == (9, "00000000")
    assert "now there is" in record.why


def test_negative_decisions_are_told_when_first_seen_though_nobody_asked() -> None:
    world = emptied(live())
    subject = "sha256:" + "1" * 64
    world.decided("Reject", "dana@bank", gate="Deployment", role="fairness-audit", subject=subject)
    record = of(decided(world), "Reject")
    assert (record.by, record.subject) == ("dana@bank", subject)


def test_each_approval_is_told_once_when_it_counts() -> None:
    world = live()
    world.release("2.0.0")
    world.settle()
    emptied(world)
    world.approve(roles=("fairness-audit",))
    world.settle()
    record = of(world.status.pending_audit, "ApprovalCounted")
    assert record.by == "dana@bank"
    assert record.why.startswith("fairness-audit: dana@bank until")
    emptied(world)
    world.settle()
    assert world.status.pending_audit == ()


def test_each_of_the_two_who_break_the_glass_is_told_once() -> None:
    world = live()
    world.release("2.0.0")
    world.settle()
    emptied(world)
    for person in ("ann@bank", "bob@bank"):
        world.decided("BreakGlass", person, expiresAt=(world.now + timedelta(hours=4)).isoformat())
    world.settle()
    world.settle()
    assert sorted(record.by for record in world.status.pending_audit if record.what == "BreakGlass" and record.approval) == [
        "ann@bank",
        "bob@bank",
    ]


def test_nothing_is_told_while_nothing_is_decided() -> None:
    world = emptied(in_canary())
    for _ in range(5):
        world.step(60)
    assert world.status.pending_audit == ()


def test_what_is_stored_waits_no_longer_and_the_head_is_shown() -> None:
    world = emptied(in_canary())
    world.decided("Pause")
    assert decided(world)
    status = decide(stored(world.snapshot())).status
    assert (status.audit, status.pending_audit) == (HEAD, ())
    world.status = status
    assert decide(stored(world.snapshot())).status == status, "and that is written once"


def test_a_status_knows_no_more_than_it_has_room_for() -> None:
    world = in_canary()
    for number in range(30):
        world.decided("Reject", f"p{number}@bank", gate="Deployment", role="fairness-audit", subject=f"sha256:{number:064x}")
    world.step()
    status = world.status
    assert len(status.pending_audit) + status.omitted_audit >= 30
    assert len(status.pending_audit) <= 16
    after = decide(stored(world.snapshot())).status
    assert [record.what for record in after.pending_audit] == ["EntriesOmitted"]
    assert str(status.omitted_audit) in after.pending_audit[0].why
    assert after.omitted_audit == 0


def test_nothing_rises_while_the_audit_cannot_be_written_and_harm_leaves() -> None:
    problem = Problem(Reason.AUDIT_UNAVAILABLE, "the quota is used up")
    world = emptied(in_canary())
    world.good()
    world.now = world.now.replace(year=world.now.year + 1)
    world.approve()
    held = decide(replace(world.snapshot(), audit=AuditState(problem=problem))).status
    assert share(held) == 50
    assert next(c for c in held.conditions if c.type == "Ready").message.endswith("the quota is used up")
    world.bad()
    left = decide(replace(world.snapshot(), audit=AuditState(problem=problem))).status
    assert share(left) == 0


def share(status: AIModelStatus) -> int:
    """The candidate's thousandths."""
    stable = status.stable
    return 1000 - (status.traffic.weight_of(stable.revision) if stable else 0)


class TestUseCase:
    """Approvals of the gates UseCase and Continuation, one by one."""

    @staticmethod
    def told(world: World, what: str) -> list[tuple[str, str]]:
        """By whose object, and why."""
        return [(record.approval, record.why) for record in world.status.pending_audit if record.what == what]

    @pytest.fixture
    def agreed(self) -> World:
        world = use_cases.waiting()
        emptied(world)
        use_cases.agree(world)
        world.step()
        return world

    def test_each_approval_is_told_once_when_it_counts(self, agreed: World) -> None:
        names = [approval.name for approval in agreed.approvals]
        assert [name for name, _ in self.told(agreed, "ApprovalCounted")] == names
        record = next(record for record in agreed.status.pending_audit if record.what == "ApprovalCounted")
        assert agreed.status.use_case
        assert (record.by, record.subject) == ("maria@bank", agreed.status.use_case.subject)
        emptied(agreed)
        agreed.settle()
        assert self.told(agreed, "ApprovalCounted") == []

    def test_a_renewal_is_told_and_ends_nothing(self, agreed: World) -> None:
        emptied(agreed)
        agreed.now += timedelta(days=100)
        use_cases.agree(agreed, gate="Continuation")
        agreed.step()
        assert len(self.told(agreed, "ApprovalCounted")) == 2
        assert self.told(agreed, "ApprovalEnded") == []

    def test_one_that_expires_is_told(self, agreed: World) -> None:
        use_cases.pass_end(emptied(agreed))
        (first, _) = self.told(agreed, "ApprovalEnded")
        assert first[0] == agreed.approvals[0].name
        assert first[1].startswith("business-owner: maria@bank until")
        assert "no longer counts for the use case: it expired at" in first[1]

    def test_one_that_is_revoked_is_told_beside_the_revocation(self, agreed: World) -> None:
        emptied(agreed)
        assert agreed.status.use_case
        asked = {"gate": "UseCase", "role": "risk-review", "subject": agreed.status.use_case.subject}
        revoked = agreed.approvals[1].name
        revocation = agreed.decided("Revoke", "rita@bank", **asked)
        agreed.step()
        ((name, why),) = self.told(agreed, "ApprovalEnded")
        assert name == revoked
        assert "rita@bank revoked for risk-review" in why
        assert [name for name, _ in self.told(agreed, "Revoke")] == [revocation.name]

    def test_one_whose_object_is_deleted_is_told(self, agreed: World) -> None:
        emptied(agreed)
        del agreed.approvals[0]
        agreed.step()
        ((name, why),) = self.told(agreed, "ApprovalEnded")
        assert name == ""
        assert why.endswith("its object is gone")
