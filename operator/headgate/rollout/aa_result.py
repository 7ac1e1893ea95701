"""What an A/A test showed, in a word and in sentences."""

from datetime import datetime

from headgate.api.base import Text
from headgate.api.status import AATestStatus, AttemptKind, CandidateStatus
from headgate.api.vocabulary import AATestOutcome, RollbackCause
from headgate.rollout.harm import Harm

_OUTCOMES = {
    RollbackCause.TEST_OVER: AATestOutcome.PASSED,
    RollbackCause.DEADLINE: AATestOutcome.UNDECIDED,
    RollbackCause.HALT: AATestOutcome.STOPPED,
    RollbackCause.ROLLBACK: AATestOutcome.STOPPED,
    RollbackCause.REJECTED: AATestOutcome.STOPPED,
    RollbackCause.CANCELLED: AATestOutcome.STOPPED,
    RollbackCause.SUPERSEDED: AATestOutcome.STOPPED,
}
_MEANS = {
    AATestOutcome.PASSED: "it raised no alarm",
    AATestOutcome.ALARM: "a rollout of this version would have been taken back, although nothing differs but the pods",
    AATestOutcome.UNDECIDED: "a good version would not have been proven in time",
    AATestOutcome.STOPPED: "it says nothing",
}


def is_test(candidate: CandidateStatus) -> bool:
    return candidate.kind is AttemptKind.AA_TEST


def ended(test: AATestStatus, candidate: CandidateStatus, harm: Harm, now: datetime, message: Text) -> AATestStatus:
    """`test` with how its candidate lost its traffic. Whatever a guard, the pods or the judge say against a copy is an alarm."""
    outcome = _OUTCOMES.get(harm.cause, AATestOutcome.ALARM)
    stage = candidate.stage.name if candidate.stage else ""
    return test.model_copy(update={"ended": now, "outcome": outcome, "stage": stage, "cause": harm.cause, "message": message})


def result_words(test: AATestStatus) -> str:
    """For people; one sentence without a full stop."""
    who = f"A/A test of {test.version} (revision {test.revision}, attempt {test.attempt}), asked for by {test.by}"
    if test.outcome is None or test.ended is None:
        return f"{who}: under way since {test.started:%Y-%m-%d %H:%M:%S}Z"
    where = f" in {test.stage}" if test.stage else ""
    return f"{who}: {test.outcome} at {test.ended:%Y-%m-%d %H:%M:%S}Z{where}, {_MEANS[test.outcome]}: {test.message}"
