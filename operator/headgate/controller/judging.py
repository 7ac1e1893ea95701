"""One tick for all models in rollout: ask once, judge each, wake those for which something changed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from headgate.api.vocabulary import Mode, Profile, Verdict
from headgate.controller.beside import DECISIONS, SEGMENTS, Beside
from headgate.controller.cache import Cache
from headgate.controller.case import Case
from headgate.controller.facts import ModelKey
from headgate.controller.observe import UnreadableStatus, parse_status, pinned_policy
from headgate.controller.pacing import IDLE, paced
from headgate.controller.queue import Priority
from headgate.evidence import attempt
from headgate.evidence.attempt_state import AttemptEvidence
from headgate.evidence.counting.series import Arm, NoAnswer, TargetSamples
from headgate.evidence.counting.values import summaries
from headgate.evidence.view import Evidence
from headgate.kube.errors import KubeError
from headgate.prometheus.profiles import PROFILES, Target
from headgate.prometheus.sampler import SampleBatch, window
from headgate.rollout.questions import exposure_of, is_judged, question_of

log = logging.getLogger(__name__)

SHORTEST_TICK = 0.3
"""Seconds. Answers of Prometheus are not renewed faster than scrapes, and a scrape is hardly ever more frequent than this."""
_LOOKS_PER_INTERVAL = 3
_SIDE_BY_SIDE = 16
"""Models judged in one go: a few milliseconds, and most of what can be saved."""


class Samples(Protocol):
    """The sampler of one profile."""

    async def sample(self, targets: Sequence[Target], now: float, seconds: float) -> SampleBatch: ...


class Wake(Protocol):
    """Asks for a decision about a model."""

    def __call__(self, key: ModelKey, priority: Priority) -> None: ...


class Judging:
    """Evidence by model. Nothing here is lost by a restart: it continues from a checkpoint and asks Prometheus for the time since."""

    def __init__(
        self,
        cache: Cache,
        samplers: Mapping[Profile, Samples],
        recall: Callable[[ModelKey, str], Awaitable[AttemptEvidence | None]],
        wake: Wake,
        *,
        wall: Callable[[], float],
        decisions: Samples | None = None,
        segments: Samples | None = None,
        measured: Callable[[str, float], None] = lambda profile, seconds: None,
    ) -> None:
        """`recall(key, attempt)` is awaited for the checkpoint of an attempt that an earlier process may have judged; None: there is none
        yet. `decisions` samples the models' own counters of decisions, `segments` those of answers by segments of users. `measured` is told
        how long each profile's samples took."""
        self._cache = cache
        self._samplers = samplers
        self._recall = recall
        self._wake = wake
        self._wall = wall
        self._decisions = decisions
        self._segments = segments
        self._measured = measured
        self.states: dict[ModelKey, AttemptEvidence] = {}
        self.evidence: dict[ModelKey, Evidence] = {}
        self._modes: dict[ModelKey, Mode] = {}
        self.cases: list[Case] = []
        """What was judged by the last tick."""
        self._recalled: set[ModelKey] = set()
        self._known: set[ModelKey] | None = None
        """Models whose next attempts begin under this process, so that no checkpoint can be of them; None before the first tick."""
        self._catch_up: Callable[[Sequence[Case]], Awaitable[None]] | None = None

    def catch_up_with(self, ask: Callable[[Sequence[Case]], Awaitable[None]]) -> None:
        """Have `ask` awaited for attempts that were just recalled: what else was measured meanwhile belongs to the blocks that follow."""
        self._catch_up = ask

    async def run(self, leading: Callable[[], bool]) -> None:
        """Until cancelled. Only the leader judges: a standby would fight over checkpoints."""
        await paced("judge", self.tick, leading)

    async def tick(self) -> float:
        """Judge every model in rollout once. Returns the seconds until the next tick is due."""
        if self._known is None:
            self._known = set(self._cache.models) - self._cache.moving
        cases = self.cases = [case for case in self._cases() if await self._remembered(case, self._known)]
        recalled = [case for case in cases if case.key in self._recalled]
        settled = [case for case in cases if case.key not in self._recalled]
        self._recalled.clear()
        await asyncio.gather(
            self._ask_each(settled),
            self._ask_recalled(recalled),
            self._ask_beside(self._decisions, DECISIONS, cases, self._wall()),
            self._ask_beside(self._segments, SEGMENTS, cases, self._wall()),
        )
        shortest = min((case.exposure.interval for case in cases), default=0.0)
        return max(SHORTEST_TICK, shortest / _LOOKS_PER_INTERVAL) if cases else IDLE

    def harms(self, key: ModelKey) -> bool:
        """Whether users must leave the model's candidate, by what was measured last."""
        evidence = self.evidence.get(key)
        return evidence is not None and harmful(evidence, self._modes.get(key, Mode.ENFORCE))

    def state(self, case: Case) -> AttemptEvidence | None:
        """What is known of an attempt. None for one that is over, or not recalled yet."""
        state = self.states.get(case.key)
        return state if state is not None and state.attempt == case.exposure.attempt else None

    def window_of(self, cases: Sequence[Case], now: float, answered: Callable[[AttemptEvidence], float | None]) -> float:
        """Seconds to ask about: since the oldest of the cases' last good answers, which `answered` finds. At least one case."""
        known = [answered(state) for case in cases if (state := self.state(case)) is not None]
        oldest = min((at for at in known if at is not None), default=None)
        return window(oldest, now, max(case.exposure.interval for case in cases))

    def forget(self, key: ModelKey) -> None:
        """The attempt is over, or the model is gone."""
        self.states.pop(key, None)
        self.evidence.pop(key, None)
        self._modes.pop(key, None)
        if self._known is not None and key not in self._cache.models:
            # If it comes back, its attempt is rebuilt from what it left behind.
            self._known.discard(key)

    def _cases(self) -> list[Case]:
        found = []
        for key in sorted(self._cache.moving):
            try:
                case = case_of(self._cache, key)
            except (UnreadableStatus, ValueError, IndexError) as error:
                log.error("cannot be judged: %s", error, extra={"model": "/".join(key)})
                continue
            if case is not None:
                found.append(case)
        return found

    async def _remembered(self, case: Case, known: set[ModelKey]) -> bool:
        """Whether the attempt's state is in memory, now or again. To begin anew because the API server is slow would lose evidence."""
        if self.state(case) is not None:
            return True
        try:
            recalled = await self._recall(case.key, case.exposure.attempt) if case.key not in known else None
        except KubeError as error:
            log.warning("the checkpoint cannot be read yet: %s", error, extra={"model": "/".join(case.key)})
            return False
        self.evidence.pop(case.key, None)
        if recalled is not None:
            self._recalled.add(case.key)
        self.states[case.key] = recalled or attempt.begin(case.question, case.exposure)
        known.add(case.key)
        return True

    async def _ask_recalled(self, cases: list[Case]) -> None:
        """Blocks since the checkpoint are judged by what was known of the noise then: it is read first. Others do not wait for it."""
        if cases and self._catch_up is not None:
            await self._catch_up(cases)
        await self._ask_each(cases)

    async def _ask_each(self, cases: list[Case]) -> None:
        """One question per profile."""
        now = self._wall()
        by_profile: dict[Profile, list[Case]] = {}
        for case in cases:
            by_profile.setdefault(case.profile, []).append(case)
        await asyncio.gather(*(self._ask(profile, asked, now) for profile, asked in by_profile.items()))

    async def _ask(self, profile: Profile, cases: list[Case], now: float) -> None:
        seconds = self.window_of(cases, now, lambda state: state.source.answered)
        batch = await self._samplers[profile].sample([case.target for case in cases], now, seconds)
        self._measured(str(profile), self._wall() - now)
        for start in range(0, len(cases), _SIDE_BY_SIDE):
            self._judge(cases[start : start + _SIDE_BY_SIDE], batch.answers, now)
            # The arithmetic of some must not keep another one's rollback waiting.
            await asyncio.sleep(0)

    async def _ask_beside(self, sampler: Samples | None, beside: Beside, cases: list[Case], now: float) -> None:
        """The models' own counters, of all whose policies ask for them, whatever profile their requests are counted by."""
        asking = [case for case in cases if (state := self.state(case)) is not None and beside.asks(case, state)]
        if sampler is None or not asking:
            return
        seconds = self.window_of(asking, now, beside.answered)
        batch = await sampler.sample([case.target for case in asking], now, seconds)
        for case in asking:
            if (state := self.state(case)) is not None:
                self._tell(case, beside.observe(state, case, batch.answers[case.target], now), now)
            await asyncio.sleep(0)

    def _judge(self, cases: list[Case], answers: Mapping[Target, TargetSamples | NoAnswer], now: float) -> None:
        known = [(case, state) for case in cases if (state := self.state(case)) is not None]
        observed = [attempt.Observation(state, case.question, case.exposure, answers[case.target]) for case, state in known]
        for (case, _), state in zip(known, attempt.observe_all(observed, now), strict=True):
            self._tell(case, state, now)

    def _tell(self, case: Case, state: AttemptEvidence, now: float) -> None:
        self.states[case.key] = state
        before, after = self.evidence.get(case.key), attempt.read(state, case.question, case.exposure, now)
        self.evidence[case.key] = after
        self._modes[case.key] = case.mode
        if tells_news(before, after, case.exposure.interval):
            self._wake(case.key, Priority.HARM if harmful(after, case.mode) else Priority.ROLLOUT)


def case_of(cache: Cache, key: ModelKey) -> Case | None:
    """What is to be judged about a model now; None if nothing is. Raises UnreadableStatus, ValueError or IndexError for a status that
    does not fit its policy."""
    model = cache.models.get(key)
    if model is None:
        return None
    status = parse_status(key, model.status)
    policy = pinned_policy(cache, key, status)
    if policy is None or not is_judged(status) or status.candidate is None:
        return None
    exposure = exposure_of(status, policy, sees_missing=PROFILES[policy.metrics.profile].capabilities.sees_missing)
    question = question_of(status, policy)
    target = Target(
        namespace=key.namespace,
        name=key.name,
        stable=status.stable.revision if status.stable else "" if exposure.candidate is not Arm.STABLE else status.candidate.revision,
        candidate=status.candidate.revision,
        shadow=exposure.shadow,
        decisions=question.fairness.counters if question.fairness else None,
        summaries=summaries(question.checks),
        segments=question.segments.label if question.segments and exposure.has_stable else "",
    )
    return Case(key, policy.metrics.profile, target, question, exposure, status.candidate.mode)


def harmful(evidence: Evidence, mode: Mode = Mode.ENFORCE) -> bool:
    """Whether users must leave the candidate. In mode Observe only a guard says so."""
    beside = [one.verdict for one in (evidence.fairness, evidence.segments) if one is not None]
    proven = mode is Mode.ENFORCE and Verdict.FAIL in (evidence.verdict, *beside)
    return proven or any(guard.fired for guard in evidence.candidate_guards)


def tells_news(before: Evidence | None, after: Evidence, interval: float) -> bool:
    """Whether a decision could read something else than before: a verdict, a guard, or a block more of time and requests."""
    if before is None or _read(before) != _read(after):
        return True
    return _block(before, interval) != _block(after, interval)


def _read(evidence: Evidence) -> tuple[object, ...]:
    fired = tuple(guard.fired for guard in (*evidence.candidate_guards, *evidence.stable_guards))
    fairness = (evidence.fairness.verdict, evidence.fairness.suspected) if evidence.fairness is not None else None
    segments = evidence.segments.verdict if evidence.segments is not None else None
    return evidence.attempt, evidence.stage, evidence.verdict, fired, tuple(check.verdict for check in evidence.checks), fairness, segments


def _block(evidence: Evidence, interval: float) -> int:
    return -1 if evidence.as_of is None else int(evidence.as_of // interval)
