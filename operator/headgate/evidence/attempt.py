"""The evidence of one attempt: samples in, what decisions and people read out. Pure; a checkpoint of its state continues bit by bit."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from headgate.api.vocabulary import Verdict
from headgate.evidence import guards, judge, timeline
from headgate.evidence.attempt_state import AttemptEvidence, Source
from headgate.evidence.check import FairnessQuestion, Question, SegmentsQuestion
from headgate.evidence.counting import values
from headgate.evidence.counting.exposure import Exposure
from headgate.evidence.counting.series import Arm, NoAnswer, TargetSamples
from headgate.evidence.counting.tracker import Closed, StageCount, Tracker, fold, silent
from headgate.evidence.fairness import decisions
from headgate.evidence.fairness.reading import FairnessReading
from headgate.evidence.judge import JudgeState
from headgate.evidence.pods import calibrating
from headgate.evidence.pods.history import History
from headgate.evidence.pods.state import Noise
from headgate.evidence.segments import judge as segmented
from headgate.evidence.view import Evidence, GuardReading, MirrorReading, SegmentsReading

_PATIENCE = 3
"""Intervals without an answer after which the source is called down."""
_SKEW_TOLD = 2.0


def begin(question: Question, exposure: Exposure) -> AttemptEvidence:
    """Nothing observed yet."""
    return AttemptEvidence(exposure.attempt, exposure.shadow, judge.start(question), noise=Noise.unknown(question.checks))


@dataclass(frozen=True, slots=True)
class Observation:
    """One attempt, and one answer of the source about it. `question` is the one of the exposure: the shadow's own, or the canary's."""

    state: AttemptEvidence
    question: Question
    exposure: Exposure
    answer: TargetSamples | NoAnswer


def observe(
    state: AttemptEvidence, question: Question, exposure: Exposure, answer: TargetSamples | NoAnswer, now: float
) -> AttemptEvidence:
    """The state after one answer of the source: `observe_all` for a single attempt."""
    return observe_all([Observation(state, question, exposure, answer)], now)[0]


def observe_all(observed: Sequence[Observation], now: float) -> list[AttemptEvidence]:
    """The states after these answers, in their order; many attempts are judged side by side. Samples seen before change nothing.

    Going from shadow to canary starts a new judge, which knows what is known of the stable version. Raises ValueError for samples of
    another attempt: it needs a state of its own.
    """
    folding = [_Folding(one, now) for one in observed]
    while due := [one for one in folding if one.blocks]:
        cases = [one.next() for one in due]
        for one, judged in zip(due, judge.advance_all(cases), strict=True):
            one.take(judged)
    return [one.state for one in folding]


class _Folding:
    """One attempt being moved on, block by block."""

    def __init__(self, observed: Observation, now: float) -> None:
        state, question, exposure, answer = observed.state, observed.question, observed.exposure, observed.answer
        if exposure.attempt != state.attempt:
            raise ValueError(f"evidence of attempt {state.attempt} cannot take samples of attempt {exposure.attempt}")
        self.question, self.exposure = question, exposure
        self.blocks: deque[Closed] = deque()
        self.skew = 0.0
        if isinstance(answer, NoAnswer):
            down = state.source.down_since if state.source.down_since is not None else now
            self.state = replace(state, source=replace(state.source, down_since=down, error=f"{answer.outage}: {answer.text}"))
            return
        judged, noise = state.judge, _asked(state.noise, question) if question.checks else state.noise
        if state.shadow != exposure.shadow:
            judged, noise = judge.follow(judged, question), calibrating.again(noise, question.checks)
            state = replace(state, values=values.again(state.values))
        tracker, blocks = fold(state.tracker, exposure, answer)
        self.blocks.extend(blocks)
        self.skew = answer.skew
        source = Source(answered=now, skew=answer.skew)
        self.state = replace(state, shadow=exposure.shadow, judge=judged, tracker=tracker, source=source, noise=noise)

    def next(self) -> judge.Case:
        """The judge's next case; the noise is that of earlier blocks."""
        state, question, closed = self.state, self.question, self.blocks[0]
        noise = state.noise
        block = closed.block
        if question.checks:
            known, block = values.take(state.values, block, question.interval)
            noise = calibrating.before_block(noise, question.checks, state.judge.latency, block, question.interval)
            self.state = replace(state, noise=noise, values=known)
        return judge.Case(state.judge, question, block, closed.stage, noise.now)

    def take(self, judged: JudgeState) -> None:
        """What the judge made of the case."""
        closed = self.blocks.popleft()
        said = judge.assess(judged, self.question, self.state.noise.dispersion)
        past = timeline.record(self.state.timeline, self.question, self.exposure, closed.block.end - self.skew, said, closed.stage)
        self.state = replace(self.state, judge=judged, timeline=past)


def observe_decisions(
    state: AttemptEvidence, asked: FairnessQuestion, exposure: Exposure, answer: TargetSamples | NoAnswer, now: float
) -> AttemptEvidence:
    """The state after one answer about decisions, which have a question and samples of their own."""
    return replace(state, fairness=decisions.fold(state.fairness, asked, exposure, answer, now))


def observe_segments(
    state: AttemptEvidence, asked: SegmentsQuestion, exposure: Exposure, answer: TargetSamples | NoAnswer, now: float
) -> AttemptEvidence:
    """The state after one answer about segments of users, which are counted by the model servers themselves."""
    return replace(state, segments=segmented.fold(state.segments, asked, exposure, answer, now))


def observe_pods(state: AttemptEvidence, question: Question, answer: TargetSamples | NoAnswer, now: float) -> AttemptEvidence:
    """The state after one answer about the counters of the stable version's pods. Without one nothing changes."""
    if isinstance(answer, NoAnswer) or not question.checks:
        return state
    noise = calibrating.take_pods(_asked(state.noise, question), question.checks, answer.series, question.interval, now)
    return replace(state, noise=noise)


def observe_values(
    state: AttemptEvidence, question: Question, exposure: Exposure, answer: TargetSamples | NoAnswer, now: float
) -> AttemptEvidence:
    """The state after one answer about the versions' own summaries. Without one they are old, and say so."""
    return replace(state, values=values.fold(state.values, exposure, answer, question.interval, now))


def observe_history(state: AttemptEvidence, question: Question, history: History | None, *, same_source: bool) -> AttemptEvidence:
    """The state after one read of the past of these counters; None: it failed. `same_source`: the judge itself counts by them, as it
    counts summaries always, so that they also say what rates to expect."""
    noise = _asked(state.noise, question)
    if history is None:
        return replace(state, noise=replace(noise, failed=noise.failed + 1))
    expected = [total if same_source or check.summary else (0, 0) for check, total in zip(question.checks, history.totals, strict=False)]
    judged = judge.expecting(state.judge, expected)
    return replace(state, judge=judged, noise=calibrating.take_history(noise, history))


def _asked(noise: Noise, question: Question) -> Noise:
    return noise if len(noise.modes) == len(question.checks) else Noise.unknown(question.checks)


def read(state: AttemptEvidence, question: Question, exposure: Exposure, now: float) -> Evidence:
    """What is known at `now`. Fail stands whatever the source does; otherwise a silent source is SourceDown, old samples are NoData."""
    noise = _asked(state.noise, question)
    lacking = values.lacking(state.values, question.checks, now + state.source.skew)
    judged = judge.assess(state.judge if state.shadow == exposure.shadow else judge.start(question), question, noise.dispersion, lacking)
    verdict, notes = _verdict(state, exposure, judged.verdict, now)
    fairness = None if question.fairness is None else decisions.read(state.fairness, question.fairness, exposure)
    segments = None if question.segments is None else segmented.read(state.segments, question.segments, exposure)
    tracker = state.tracker
    same_stage = state.shadow == exposure.shadow and tracker.count.fits(exposure)
    return Evidence(
        attempt=state.attempt,
        stage=exposure.stage,
        entered=exposure.entered,
        as_of=None if tracker.as_of is None else tracker.as_of - state.source.skew,
        verdict=_held(_held(verdict, fairness), segments),
        checks=calibrating.described(noise, judged.checks),
        candidate_guards=_guards(state, question, now, candidate=True) if state.shadow == exposure.shadow else (),
        stable_guards=_guards(state, question, now, candidate=False),
        stage_fresh_seconds=tracker.count.fresh_seconds if same_stage else 0.0,
        stage_requests=tracker.count.requests if same_stage else 0,
        harm=judged.harm,
        notes=(*calibrating.notes(noise, question.checks), *notes, *_notes_beside(state, fairness, segments)),
        fairness=fairness,
        segments=segments,
        mirror=_copies(tracker.count) if same_stage and exposure.shadow else None,
    )


def _copies(count: StageCount) -> MirrorReading | None:
    return MirrorReading(count.copyable, count.due, count.copied) if count.copyable else None


def _held(verdict: Verdict, beside: FairnessReading | SegmentsReading | None) -> Verdict:
    """Pass needs that nothing is suspected, and that what is required is measured and proven. It makes nothing else better or worse."""
    if verdict is not Verdict.PASS or beside is None or not beside.holds:
        return verdict
    return beside.verdict if beside.verdict in (Verdict.NO_DATA, Verdict.NOT_MEASURABLE) else Verdict.INCONCLUSIVE


def _notes_beside(state: AttemptEvidence, fairness: FairnessReading | None, segments: SegmentsReading | None) -> tuple[str, ...]:
    words: list[str] = []
    for reading, error, what in ((fairness, state.fairness.error, "decisions"), (segments, state.segments.error, "segments")):
        if reading is not None and reading.verdict is Verdict.NOT_MEASURABLE:
            words.append(f"NotMeasurable: {reading.detail}")
        if reading is not None and error:
            words.append(f"the counters of {what} cannot be read ({error})")
    return tuple(words)


def _guards(state: AttemptEvidence, question: Question, now: float, *, candidate: bool) -> tuple[GuardReading, ...]:
    window = state.tracker.candidate if candidate else state.tracker.stable
    return tuple(guards.read(guard, window, now + state.source.skew) for guard in question.guards if guards.measurable(guard))


def _verdict(state: AttemptEvidence, exposure: Exposure, judged: Verdict, now: float) -> tuple[Verdict, tuple[str, ...]]:
    tracker, source = state.tracker, state.source
    notes = []
    if abs(source.skew) >= _SKEW_TOLD:
        notes.append(f"the clock of the metrics source is {source.skew:+.0f} s off ours; its samples are read by its clock")
    if not exposure.sees_missing:
        notes.append("SilentFailureInvisible: this metrics profile cannot see requests that are never answered")
    verdict = judged
    if (down := _down(source, exposure, now)) is not None:
        verdict = Verdict.SOURCE_DOWN
        notes.append(f"the metrics source gives no answer for {down:.0f} s ({source.error})")
    elif (silence := _stale(tracker, exposure, now + source.skew)) is not None:
        verdict = Verdict.NO_DATA
        notes.append(silence)
    elif not tracker.count.fits(exposure) or tracker.count.requests == 0:
        verdict = Verdict.NO_DATA
        notes.append("the candidate was sent no request in this stage yet")
    elif judged is Verdict.PASS and silent(tracker.stable):
        verdict = Verdict.INCONCLUSIVE
        notes.append("the stable version leaves requests unanswered: nothing to compare with")
    elif judged is Verdict.PASS and tracker.split.surplus:
        verdict = Verdict.INCONCLUSIVE
        notes.append("the candidate gets clearly more than its share of the requests: other weights are in force than the ones wanted")
    return (Verdict.FAIL if judged is Verdict.FAIL else verdict), tuple(notes)


def _down(source: Source, exposure: Exposure, now: float) -> float | None:
    """Seconds since the last good answer, if that is too long ago."""
    begun = source.answered if source.answered is not None else source.down_since
    if source.down_since is None or begun is None or now - begun <= _PATIENCE * exposure.interval:
        return None
    return now - begun


def _stale(tracker: Tracker, exposure: Exposure, now: float) -> str | None:
    """Why the samples say nothing about now, if so."""
    patience = tracker.patience(exposure.interval) + exposure.interval
    arms = {Arm.STABLE: "stable version", exposure.candidate: "candidate"} if exposure.has_stable else {exposure.candidate: "candidate"}
    for arm, name in arms.items():
        newest = tracker.newest.get(arm)
        if newest is None:
            return f"the metrics source knows no counters of the {name}"
        if now - newest > patience:
            return f"the last sample of the {name} is {now - newest:.0f} s old"
    return None
