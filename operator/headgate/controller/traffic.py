"""Writing the route. Taking users away from a version comes before everything and needs nothing else to succeed."""

import logging

from headgate.api.reasons import Reason
from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey
from headgate.controller.refusals import Refusals, problem_of
from headgate.controller.routing import RoutePlan
from headgate.kube.errors import Conflict, Forbidden, Invalid, KubeError, NotFound
from headgate.kube.interface import KubeApi, Object
from headgate.kube.labels import FIELD_MANAGER
from headgate.kube.resources import HTTP_ROUTES
from headgate.rollout.snapshot import Problem

log = logging.getLogger(__name__)


class TrafficWriter:
    """Server-side applies of whole routes. The cache takes in each answer, so that no later decision rests on an older route."""

    def __init__(self, api: KubeApi, cache: Cache, refusals: Refusals) -> None:
        self._api = api
        self._cache = cache
        self._refusals = refusals

    async def lower(self, key: ModelKey, plan: RoutePlan) -> Problem | None:
        """Take users away, whatever the route's version is by now. If the first form is refused, the other one is tried.

        While users' own edits are pending, the last accepted route with only its destinations changed goes first. Returns the
        problem if both are refused. Raises the KubeErrors that a retry may cure.
        """
        forms = [form for form in ((plan.kept, plan.full) if plan.edited else (plan.full, plan.kept)) if form is not None]
        refusal: KubeError | None = None
        for form in forms:
            try:
                # No await may come before this one: users are failing meanwhile.
                await self._write(form)
            except (Invalid, Forbidden) as error:
                refusal = error
                log.error("a route that takes users away was refused: %s", error, extra={"model": "/".join(key)})
            else:
                return None
        return problem_of(refusal, Reason.ROUTE_REFUSED, f"route {'/'.join(key)}") if refusal else None

    async def follow(self, key: ModelKey, plan: RoutePlan) -> Problem | None:
        """Any other change, resting on the route that was decided on: Conflict if it is another one by now.

        An edit of the user joins only after the server took it in a dry run; while it is refused, destinations move without it.
        """
        problem = await self._vet(key, plan) if plan.edited else None
        form = plan.kept if problem is not None and plan.kept is not None else plan.full
        if problem is not None and not plan.moves:
            return problem
        try:
            await self._write(form, plan.seen_version, force=bool(plan.seen_version))
        except (Invalid, Forbidden) as error:
            return problem_of(error, Reason.ROUTE_REFUSED, f"route {'/'.join(key)}")
        except Conflict as error:
            if plan.seen_version:
                raise
            # A first route takes nothing over: one that is there already serves users by somebody else's will.
            message = f"an HTTPRoute {'/'.join(key)} that is not Headgate's is already there ({error.message}): delete or rename it"
            return Problem(Reason.ROUTE_REFUSED, message[:1000])
        return problem

    def forget(self, key: ModelKey) -> None:
        self._refusals.forget(key)

    async def _vet(self, key: ModelKey, plan: RoutePlan) -> Problem | None:
        known = self._refusals.known(key, plan.edit)
        if known is not None:
            return known
        try:
            await self._api.apply(HTTP_ROUTES, plan.full, field_manager=FIELD_MANAGER, force=True, dry_run=True)
        except (Invalid, Forbidden) as error:
            problem = problem_of(error, Reason.ROUTE_REFUSED, f"the changed route {'/'.join(key)}")
            return self._refusals.remember(key, plan.edit, problem)
        self.forget(key)
        return None

    async def _write(self, form: Object, version: str = "", *, force: bool = True) -> None:
        body = form if not version else {**form, "metadata": {**form["metadata"], "resourceVersion": version}}
        try:
            written = await self._api.apply(HTTP_ROUTES, body, field_manager=FIELD_MANAGER, force=force)
        except Conflict:
            await self._refresh(form)
            raise
        self._cache.put(HTTP_ROUTES, written)

    async def _refresh(self, form: Object) -> None:
        """The watch will bring what we conflicted with; if it is slow, this does."""
        name, namespace = form["metadata"]["name"], form["metadata"]["namespace"]
        try:
            self._cache.put(HTTP_ROUTES, await self._api.get(HTTP_ROUTES, name, namespace))
        except NotFound:
            self._cache.drop(HTTP_ROUTES, {"metadata": {"name": name, "namespace": namespace}})
