"""What grew since the last look, asked for many models at once and added to what is remembered of each."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence

from headgate.monitor.held import Held
from headgate.monitoring.inservice.counting import count_elsewhere, fold
from headgate.prometheus.asking import Asker
from headgate.prometheus.client import SourceError, TooLarge
from headgate.prometheus.grown import shards
from headgate.prometheus.profiles import Target

log = logging.getLogger(__name__)

CATCH_UP = 7200.0
"""Seconds that can be asked for at once. What is older is a gap: the window begins anew."""
_AT_ONCE = 20


class Counting:
    """Tells once of each outage."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._silent = False

    async def count(self, some_of_them: Collection[Held], end: float) -> bool:
        """Ask for what grew, for all models that were counted up to the same time together. Returns whether all was answered."""
        by_start: dict[float, list[Held]] = {}
        for held in some_of_them:
            start = held.memory.as_of
            if start is None or abs(end - start) > CATCH_UP:
                held.memory.begin_again(end)
            elif start < end:
                by_start.setdefault(start, []).append(held)
        answered = True
        for start, some in by_start.items():
            by_target = {held.model.target: held for held in some}
            parts = _parts(by_target)
            while parts:
                targets = parts.pop()
                try:
                    await self._ask({target: by_target[target] for target in targets}, start, end)
                except TooLarge as error:
                    parts += _halved([by_target[target] for target in targets], error)
                except SourceError as error:
                    self._unanswered(error)
                    answered = False
        if answered and by_start and self._silent:
            self._silent = False
            log.info("live models are counted again")
        return answered

    async def _ask(self, some: Mapping[Target, Held], start: float, end: float) -> None:
        grown = await self._asker.grown({target: held.model.plan for target, held in some.items()}, start, end)
        for number, (target, held) in enumerate(some.items(), 1):
            held.too_large = ""
            fold(held.memory, held.model.plan, held.reference, grown[target], start, end)
            count_elsewhere(held.memory, held.model.elsewhere, start, end)
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def _unanswered(self, error: SourceError) -> None:
        if not self._silent:
            log.warning("live models are not counted: %s: %s", error.outage, error)
        self._silent = True


def _parts(by_target: Mapping[Target, Held]) -> list[Sequence[Target]]:
    """Those that are asked about together. A model whose own answer was too large is asked about alone."""
    ordered = sorted(by_target, key=lambda target: (target.namespace, target.name))
    alone = [target for target in ordered if by_target[target].too_large]
    return [*([target] for target in alone), *reversed(shards([target for target in ordered if not by_target[target].too_large]))]


def _halved(some: Sequence[Held], error: TooLarge) -> list[Sequence[Target]]:
    """An answer that is too large for all of them: one of them must not take the others with it."""
    half = len(some) // 2
    if half:
        targets = [held.model.target for held in some]
        return [targets[half:], targets[:half]]
    (held,) = some
    if not held.too_large:
        log.warning("a model cannot be counted: %s", error, extra={"model": "/".join(held.model.key)})
    held.too_large = str(error)
    return []
