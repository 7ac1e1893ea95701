"""Guards on versions that have all users: every model outside a rollout, by one question for each metrics profile."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from headgate.api.vocabulary import Metric, Profile
from headgate.controller.cache import Cache
from headgate.controller.facts import ModelFacts, ModelKey, PolicyFacts
from headgate.controller.judging import SHORTEST_TICK, Wake
from headgate.controller.observe import UnreadableStatus, parse_policy, parse_status
from headgate.controller.pacing import IDLE, paced
from headgate.controller.queue import Priority
from headgate.evidence import live
from headgate.evidence.check import Guard, request_guards
from headgate.evidence.counting.series import Arm, NoAnswer
from headgate.evidence.live import LiveCount, LiveTotals
from headgate.evidence.view import LiveReading
from headgate.prometheus.profiles import Target
from headgate.rollout.questions import is_judged

log = logging.getLogger(__name__)

LONGEST_TICK = 15.0
_REST = 4
"""A tick is followed by a pause of this many times what it took: a short interval of one policy must not load Prometheus for all."""
_AT_ONCE = 100
"""Models looked at before other tasks get their turn."""


class Answer(Protocol):
    """What a good answer says of each target."""

    def get(self, target: Target, /) -> LiveTotals | None: ...


class Totals(Protocol):
    """The sums of one profile."""

    async def sample(self, targets: Sequence[Target], now: float) -> Answer | NoAnswer: ...


@dataclass(frozen=True, slots=True)
class Watched:
    """One model whose live version is watched. `held`: the places it holds, and since when."""

    profile: Profile
    target: Target
    guards: tuple[Guard, ...]
    held: Mapping[Arm, float]
    interval: float


@dataclass(frozen=True, slots=True)
class _Plan:
    """What followed from these words. They are read again only when they change: ten thousand models are planned every interval."""

    model: ModelFacts
    policy: PolicyFacts | None
    watched: Watched | None

    def still_fits(self, model: ModelFacts, policy: PolicyFacts | None) -> bool:
        if self.model is model and self.policy is policy:
            return True
        return self.policy == policy and self.model.status == model.status and self.model.leaving == model.leaving


class Watching:
    """Readings by model. A restart begins anew: they are at most a minute old."""

    def __init__(
        self,
        cache: Cache,
        samplers: Mapping[Profile, Totals],
        wake: Wake,
        *,
        wall: Callable[[], float],
        measured: Callable[[str, float], None] = lambda question, seconds: None,
    ) -> None:
        """`measured` is told how long each profile's sums took."""
        self._cache = cache
        self._samplers = samplers
        self._wake = wake
        self._wall = wall
        self._measured = measured
        self._plans: dict[ModelKey, _Plan] = {}
        self._counts: dict[ModelKey, LiveCount] = {}
        self._silent: set[Profile] = set()
        self.readings: dict[ModelKey, LiveReading] = {}

    async def run(self, leading: Callable[[], bool]) -> None:
        """Until cancelled. Only the leader asks."""
        await paced("watch on live versions", self.tick, leading)

    async def tick(self) -> float:
        """Look at every model outside a rollout once. Returns the seconds until the next tick is due."""
        watched = await self._watched()
        if not watched:
            return IDLE
        by_profile: dict[Profile, dict[ModelKey, Watched]] = {}
        for key, one in watched.items():
            by_profile.setdefault(one.profile, {})[key] = one
        clock = asyncio.get_running_loop().time
        began = clock()
        # One after the other: the judge's questions must find a free connection.
        for profile, asked in by_profile.items():
            asked_at = clock()
            answer = await self._samplers[profile].sample([one.target for one in asked.values()], self._wall())
            self._measured(f"{profile}-live", clock() - asked_at)
            self._tell(profile, answer)
            await self._take(asked, answer)
        took = clock() - began
        shortest = min(one.interval for one in watched.values())
        return max(SHORTEST_TICK, min(LONGEST_TICK, shortest), (1 + _REST) * took)

    def fires(self, key: ModelKey) -> bool:
        """Whether a guard of the live version fires."""
        return bool(fired(self.readings.get(key)))

    def forget(self, key: ModelKey) -> None:
        """The model is gone, or its live version is not to be watched now."""
        self._plans.pop(key, None)
        self._stop(key)

    def _stop(self, key: ModelKey) -> None:
        self._counts.pop(key, None)
        self.readings.pop(key, None)

    async def _watched(self) -> dict[ModelKey, Watched]:
        found: dict[ModelKey, Watched] = {}
        for key in self._plans.keys() - self._cache.models.keys():
            self.forget(key)
        for number, key in enumerate(list(self._cache.models), 1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            one = self._plan(key)
            if one is None:
                self._stop(key)
            else:
                found[key] = one
        return found

    def _plan(self, key: ModelKey) -> Watched | None:
        model = self._cache.models.get(key)
        if model is None:
            return None
        policy, known = self._cache.policies.get(model.policy), self._plans.get(key)
        if known is None or not known.still_fits(model, policy):
            known = _Plan(model, policy, watched_of(key, model, policy))
        elif known.model is not model:
            known = _Plan(model, policy, known.watched)
        self._plans[key] = known
        return known.watched

    def _tell(self, profile: Profile, answer: Answer | NoAnswer) -> None:
        """Once per outage: that nothing is known about live versions delays no decision, and changes none."""
        if isinstance(answer, NoAnswer):
            if profile not in self._silent:
                log.warning("live versions are not measured: %s: %s", answer.outage, answer.text, extra={"profile": str(profile)})
            self._silent.add(profile)
        elif profile in self._silent:
            self._silent.discard(profile)
            log.info("live versions are measured again", extra={"profile": str(profile)})

    async def _take(self, asked: Mapping[ModelKey, Watched], answer: Answer | NoAnswer) -> None:
        """Also without an answer: what is known grows old, and a guard that nobody has seen for a minute does not fire any more."""
        for number, (key, one) in enumerate(asked.items(), 1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            # While others had their turn, the model may have gone.
            if key in self._cache.models:
                self._count(key, one, None if isinstance(answer, NoAnswer) else answer.get(one.target))

    def _count(self, key: ModelKey, one: Watched, totals: LiveTotals | None) -> None:
        count = self._counts.get(key)
        if count is None or count.revision != one.target.stable:
            count = LiveCount(one.target.stable)
        if totals is not None:
            count = live.fold(count, one.held, totals)
        self._counts[key] = count
        before, after = self.readings.get(key), live.read(count, one.guards, self._wall())
        if after is None:
            self.readings.pop(key, None)
        else:
            self.readings[key] = after
        if fired(before) != fired(after):
            self._wake(key, Priority.HARM)


def watched_of(key: ModelKey, model: ModelFacts, policy: PolicyFacts | None) -> Watched | None:
    """What is to be watched of a model now; None if it has no live version, is judged or being deleted, or its policy asks for nothing."""
    rules = parse_policy(policy.spec)[0] if policy is not None else None
    guards = request_guards(rules.guards) if rules is not None else ()
    if rules is None or not guards or model.leaving:
        return None
    try:
        status = parse_status(key, model.status)
    except UnreadableStatus:
        return None
    if status.stable is None or is_judged(status):
        return None
    revision = status.stable.revision
    # A version that is alone also gets a thousandth by the second place. Since when is not recorded: a candidate may just have left it.
    places = zip((Arm.STABLE, Arm.CANDIDATE), status.traffic.slots, strict=False)
    held = {arm: slot.since.timestamp() for arm, slot in places if slot.revision == revision}
    target = Target(key.namespace, key.name, stable=revision)
    return Watched(rules.metrics.profile, target, guards, held, float(rules.analysis.interval))


def fired(reading: LiveReading | None) -> frozenset[Metric]:
    """The guards that fire."""
    return frozenset(guard.metric for guard in reading.guards if guard.fired) if reading is not None else frozenset()
