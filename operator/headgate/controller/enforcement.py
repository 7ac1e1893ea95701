"""Are the admission policies in force that prove who decided, and that nobody goes around the operator? While not, gates stay closed."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from headgate.kube.admission import BINDINGS, POLICIES, Standing, standing
from headgate.kube.errors import Forbidden, KubeError, NotFound
from headgate.kube.interface import KubeApi

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Proof:
    """When the policy about approvals was in force: since `since` (None: never), but for `gaps`."""

    since: datetime | None = None
    gaps: tuple[tuple[datetime, datetime], ...] = ()

    def covers(self, moment: datetime) -> bool:
        """Whether the author of an approval made at `moment` is proven."""
        return self.since is not None and moment > self.since and not any(begin <= moment <= end for begin, end in self.gaps)


class Enforcement:
    """The present answer. `problem` is not empty until the first look has found everything."""

    def __init__(self, api: KubeApi, wall: Callable[[], datetime], *, prefix: str = "headgate") -> None:
        self._api = api
        self._prefix = prefix
        self._wall = wall
        self.problem = "it has not been checked yet whether the admission policies are in force"
        self.proof = Proof()
        self._well_at: datetime | None = None
        self._in_gap = False

    async def check(self) -> bool:
        """Look at the cluster. Returns whether the answer changed. When the API server cannot be asked, the last answer stands."""
        before = self.problem, self.proof
        try:
            policies, bindings = await self._api.list(POLICIES), await self._api.list(BINDINGS)
        except (Forbidden, NotFound) as error:
            self._take(Standing(f"Headgate cannot see whether the admission policies are in force: {error}", None))
        except KubeError as error:
            log.warning("the admission policies could not be checked: %s", error)
        else:
            self._take(standing(policies.items, bindings.items, self._prefix))
        return before != (self.problem, self.proof)

    def _take(self, found: Standing) -> None:
        now = self._wall()
        self.problem = found.problem
        if found.problem:
            self._in_gap = True
            return
        proof = replace(self.proof, since=found.since)
        if self._in_gap and self._well_at is not None:
            # It was missing for some part of this time, and nobody knows for which.
            proof = replace(proof, gaps=(*proof.gaps, (self._well_at, now)))
        self._in_gap, self._well_at, self.proof = False, now, proof
