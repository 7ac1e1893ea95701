"""What pods count themselves, asked beside the judge: the stable versions' noise, and both versions' values. Nothing that harms users waits
for it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from headgate.api.vocabulary import Metric, Profile
from headgate.controller.case import Case
from headgate.controller.facts import ModelKey
from headgate.controller.judging import SHORTEST_TICK, Judging, Samples
from headgate.controller.pacing import IDLE, paced
from headgate.evidence import attempt
from headgate.evidence.counting.series import NoAnswer
from headgate.evidence.pods.history import history_of, span
from headgate.evidence.view import NoiseMode
from headgate.prometheus.pods import Wanted

log = logging.getLogger(__name__)

PODS, PAST, VALUES = "stable-pods", "stable-pods-history", "values"
_PAUSE = 1.0
"""Seconds between two reads of the past, of different models."""
_RETRY = 5.0
"""Seconds after a read that failed; after the second one twice as many."""
_PATIENCE = 2.0


class NoiseReader:
    """Asks for all models that are being judged, and tells their attempts. `pods` samples the profile StablePods, `values` the profile
    Values of those whose policies compare some."""

    def __init__(
        self,
        judging: Judging,
        pods: Samples,
        values: Samples,
        *,
        wall: Callable[[], float],
        measured: Callable[[str, float], None] = lambda template, seconds: None,
    ) -> None:
        self._judging, self._pods, self._values, self._wall, self._measured = judging, pods, values, wall, measured
        self._not_before: dict[ModelKey, float] = {}
        judging.catch_up_with(self._catch_up)

    async def run(self, leading: Callable[[], bool]) -> None:
        """Until cancelled."""
        await asyncio.gather(paced("stable pods", self.tick, leading), paced("stable pods' past", self.tick_past, leading))

    async def tick(self) -> float:
        """Ask about the pods of every model that is compared, once. Returns the seconds until the next question: a block's interval."""
        cases = self._compared()
        await asyncio.gather(self._ask(cases), self._ask_values(cases))
        return max(SHORTEST_TICK, min((case.exposure.interval for case in cases), default=IDLE))

    async def tick_past(self) -> float:
        """Read the past of one model that was not read yet. Returns the seconds until the next one."""
        cases, now = self._compared(), self._wall()
        self._not_before = {case.key: at for case in cases if (at := self._not_before.get(case.key)) is not None}
        waiting = [case for case in cases if self._wants_past(case) and self._not_before.get(case.key, now) <= now]
        if not waiting:
            return SHORTEST_TICK
        await self._read_past(waiting[0])
        return _PAUSE

    async def _catch_up(self, cases: Sequence[Case]) -> None:
        """What was missed while nobody led; but users who are harmed do not wait long for it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                compared = [case for case in cases if _is_compared(case)]
                await asyncio.gather(self._ask(compared), self._ask_values(compared))

    async def _ask(self, cases: Sequence[Case]) -> None:
        """While a latency bound is not chosen, all are read: others' answers need not be that long."""
        wanted = [(case, self._wanted(case)) for case in cases]
        for every in (True, False):
            asked = [(case, target) for case, target in wanted if target.every_bound is every]
            if asked:
                await self._sample(asked)

    async def _sample(self, asked: Sequence[tuple[Case, Wanted]]) -> None:
        now = self._wall()
        seconds = self._judging.window_of([case for case, _ in asked], now, lambda state: state.noise.answered)
        batch = await self._pods.sample([target for _, target in asked], now, seconds)
        self._measured(PODS, self._wall() - now)
        for case, target in asked:
            state = self._judging.state(case)
            if state is not None:
                self._judging.states[case.key] = attempt.observe_pods(state, case.question, batch.answers[target], now)
            await asyncio.sleep(0)

    async def _ask_values(self, cases: Sequence[Case]) -> None:
        asked = [case for case in cases if case.target.summaries]
        if not asked:
            return
        now = self._wall()
        seconds = self._judging.window_of(asked, now, lambda state: state.values.answered)
        batch = await self._values.sample([case.target for case in asked], now, seconds)
        self._measured(VALUES, self._wall() - now)
        for case in asked:
            state = self._judging.state(case)
            if state is not None:
                told = attempt.observe_values(state, case.question, case.exposure, batch.answers[case.target], now)
                self._judging.states[case.key] = told
            await asyncio.sleep(0)

    async def _read_past(self, case: Case) -> None:
        state = self._judging.state(case)
        if state is None:
            return
        now, pods = self._wall(), state.noise.pods
        wanted = replace(self._wanted(case), every_bound=True)
        batch = await self._pods.sample([wanted], now, span(len(pods.cursors.series), pods.spacing))
        self._measured(PAST, self._wall() - now)
        answer, found = batch.answers[wanted], None
        if isinstance(answer, NoAnswer):
            log.warning("the past of the stable pods cannot be read: %s", answer.text, extra={"model": "/".join(case.key)})
            self._not_before[case.key] = now + _RETRY * (1 + state.noise.failed)
        else:
            found = await asyncio.to_thread(history_of, case.question.checks, answer.series, case.question.interval)
        state = self._judging.state(case)
        if state is not None:
            same = case.profile is Profile.HTTP
            self._judging.states[case.key] = attempt.observe_history(state, case.question, found, same_source=same)

    def _compared(self) -> list[Case]:
        return [case for case in self._judging.cases if _is_compared(case) and self._judging.state(case) is not None]

    def _wants_past(self, case: Case) -> bool:
        """The pods are read once before: how much of the past may be asked for depends on how many series there are."""
        state = self._judging.state(case)
        return state is not None and state.noise.wants_history and bool(state.noise.pods.cursors.series)

    def _wanted(self, case: Case) -> Wanted:
        state, target = self._judging.state(case), case.target
        bounds: tuple[str, ...] = ()
        undecided = True
        if state is not None and state.noise.modes:
            bounds = tuple(sorted({bound for bound in state.noise.bounds if bound}))
            settled = zip(state.noise.modes, case.question.checks, strict=False)
            undecided = any(check.metric is Metric.LATENCY and mode is NoiseMode.UNKNOWN for mode, check in settled)
        return Wanted(
            target.namespace,
            target.name,
            target.stable,
            summaries=target.summaries,
            bounds=bounds,
            every_bound=undecided and not bounds,
        )


def _is_compared(case: Case) -> bool:
    return bool(case.question.checks) and case.exposure.has_stable and bool(case.target.stable)
