"""Are the admission policies in force that prove who decided, and that nobody goes around the operator? While not, gates stay closed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from headgate.controller.facts import ModelKey
from headgate.controller.last_seen import LastSeen
from headgate.controller.proof import Proof, Span
from headgate.kube.admission import BINDINGS, POLICIES, SETTLING, Standing, standing
from headgate.kube.errors import Forbidden, KubeError, NotFound
from headgate.kube.installed import Installed
from headgate.kube.interface import InformedApi

log = logging.getLogger(__name__)

_EACH = 10.0
"""Seconds between two looks that nobody asked for."""
_SOONEST = 1.0
"""Seconds between two looks at least, however many decisions wait for one."""
_TO_ANSWER = timedelta(seconds=30)
"""Until the answers to decisions that prove nothing are written: that state outlives the process."""


async def _nobody() -> LastSeen | None:
    return None


def _not_asked(date: datetime | None, seconds: float) -> None:
    """Nobody wants to know what time it is there."""


class Enforcement:
    """The present answer. `problem` is not empty until the first look has found everything."""

    def __init__(
        self,
        api: InformedApi,
        wall: Callable[[], datetime],
        sequence: Callable[[], int],
        *,
        prefix: str = "headgate",
        installed: Installed | None = None,
        earlier: Callable[[], Awaitable[LastSeen | None]] = _nobody,
        heard: Callable[[datetime | None, float], None] = _not_asked,
    ) -> None:
        """`sequence`: how much the cache has taken in. `wall` stands in for the API server's clock where that is not told. `prefix` and
        `installed`: how the chart's policies are called, and what they are. `earlier`: what operators before this one saw; raises
        KubeError. `heard` is told the API server's time at each look (None where it does not tell it), and how long the answer took."""
        self._api = api
        self._prefix = prefix
        self._installed = installed
        self._wall = wall
        self._sequence = sequence
        self._earlier = earlier
        self._heard = heard
        self._last_seen: LastSeen | None = None
        self.problem = "it has not been checked yet whether the admission policies are in force"
        self.proof = Proof()
        self._seals: frozenset[tuple[str, int]] = frozenset()
        self._waiting: set[ModelKey] = set()
        self._settling = False
        self._asked = asyncio.Event()

    def ask(self, key: ModelKey) -> None:
        """A decision about the model waits for a look: make the next one soon."""
        self._waiting.add(key)
        self._asked.set()

    def asked(self) -> set[ModelKey]:
        """Who asked since the last call: take it before a look, for who asks while one goes on may need the next."""
        self._asked.clear()
        waiting, self._waiting = self._waiting, set()
        return waiting

    async def due(self) -> None:
        """Until the next look after one: soon if somebody asks, or if decisions are about to count."""
        await asyncio.sleep(_SOONEST)
        if self._settling:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_EACH - _SOONEST):
                await self._asked.wait()

    async def check(self) -> bool:
        """Look at the cluster. Returns whether there is something else to say of models for which nothing was decided lately. When the API
        server cannot be asked, the last answer stands."""
        problem, proof, known = self.problem, self.proof, self._sequence()
        try:
            begun = await self._server_time()
            policies, bindings = await self._api.list(POLICIES), await self._api.list(BINDINGS)
            found = standing(policies.items, bindings.items, self._prefix, self._installed)
            self.proof = await self._proven(found, known)
            settling = _settling(self.proof, begun or self._wall())
            self._settling = bool(settling)
            self.problem = found.problem or settling
            if found.since is not None:
                self._seals = found.seals
                if begun is not None and _answered(self.proof, begun):
                    self._last_seen = LastSeen(found.seals, begun)
        except (Forbidden, NotFound) as error:
            self.problem = f"Headgate cannot see whether the admission policies are in force: {error}"
            self.proof = replace(proof, unanswered=True)
        except KubeError as error:
            if not proof.unanswered:
                log.warning("the admission policies could not be checked: %s", error)
            self.proof = replace(proof, unanswered=True)
        return problem != self.problem or _meaning(proof) != _meaning(self.proof)

    async def _proven(self, found: Standing, known: int) -> Proof:
        """What a look that began at `known` adds. Times at which nobody could look matter only if something is another one after them."""
        before = self.proof
        if found.since is None:
            return replace(before, lost=True, unanswered=False)
        if before.spans and not before.lost and found.seals == self._seals:
            return Proof(found.since, (*before.spans[:-1], replace(before.spans[-1], known=known)))
        first = not before.spans and not before.lost
        earlier = await self._earlier() if first else None
        if first and (earlier is None or earlier.seals == found.seals):
            return Proof(found.since, (Span(known),))
        # It was missing or another one for some part of the time since it was last seen, and nobody knows for which.
        spans = (Span(known, before=earlier.at),) if earlier is not None else before.spans
        return Proof(found.since, (*spans, Span(known, after=(await self._server_time() or self._wall()) + SETTLING)))

    async def _server_time(self) -> datetime | None:
        """By the API server's clock, which also dates decisions; None where it does not tell."""
        clock = asyncio.get_running_loop().time
        asked = clock()
        try:
            date = (await self._api.about()).date
        except (Forbidden, NotFound):
            date = None
        self._heard(date, clock() - asked)
        return date

    def remarks(self) -> Mapping[str, str]:
        """For the operators after this one, as annotations of the Lease. Nothing new while the policy is not there: what happens in a
        time without it is not to count later."""
        return self._last_seen.annotations() if self._last_seen is not None else {}


def _answered(proof: Proof, now: datetime) -> bool:
    """Whether what was decided while the policy was away, or another one, has been answered by now. Whoever comes after takes a policy that
    is as it was last seen for one that was there all the time."""
    start = proof.spans[-1].after if proof.spans else None
    return start is None or now > start + _TO_ANSWER


def _settling(proof: Proof, now: datetime) -> str:
    """That a decision made at `now` will never count although the policy is in force, in words; empty if it will."""
    start = proof.counts_from
    if start is None or now > start:
        return ""
    return f"the admission policy on approvals has only just come into force: decisions made after {start:%Y-%m-%d %H:%M:%S} UTC count"


def _meaning(proof: Proof) -> tuple[datetime | None, int, bool]:
    """What concerns every model. How much a span covers concerns only those who ask."""
    return proof.since, len(proof.spans), proof.lost
