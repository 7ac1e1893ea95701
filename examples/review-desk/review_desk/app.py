"""The desk over HTTP: /v1 for who asks the model, /review for reviewers. Behind a proxy that knows who they are, and keeps them apart."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from headgate.review import Case, Route, Suggestion
from review_desk.cases import Cases, Stored
from review_desk.settings import Desk

_LONGEST_ID = 64
_LONGEST_SEGMENT = 256
_MODEL_TIMEOUT = ClientTimeout(total=10.0)


class Handlers:
    """`wall`: the present time."""

    _model: ClientSession

    def __init__(self, desk: Desk, wall: Callable[[], datetime]) -> None:
        self._desk = desk
        self._cases = Cases(desk.database)
        self._wall = wall

    async def resources(self, _: web.Application) -> AsyncIterator[None]:
        """What lives as long as the application."""
        async with ClientSession(timeout=_MODEL_TIMEOUT) as self._model:
            yield
        self._cases.close()

    async def score(self, request: web.Request) -> web.Response:
        """The model's answer where it may decide (200); else the case waits for a person (202). A case that is sent again is not decided
        again."""
        case_id = request.headers.get("X-Case-Id") or uuid4().hex[:16]
        if len(case_id) > _LONGEST_ID:
            return _refused(400, f"X-Case-Id has more than {_LONGEST_ID} characters")
        known = self._cases.find(case_id)
        if known is not None:
            return _told(known)
        application = await _body(request)
        try:
            async with self._model.post(f"{self._desk.model_url}/v1/score", json=application) as answer:
                body = await answer.read()
                if answer.status != 200:
                    return web.Response(status=answer.status, body=body, content_type=answer.content_type)
        except (ClientError, TimeoutError) as error:
            return _refused(502, f"the model does not answer: {type(error).__name__}")
        try:
            suggestion = _suggestion(json.loads(body))
        except (ValueError, KeyError, TypeError):
            return _refused(502, "the model's answer has no score and decision")
        return _told(self._decided(case_id, application, suggestion, request.headers.get("X-Segment", "")[:_LONGEST_SEGMENT]))

    def _decided(self, case_id: str, application: Any, suggestion: Suggestion, segment: str) -> Stored:
        route = self._desk.router.route(case_id, suggestion.confidence, segment, self._desk.mode)
        self._cases.add(Case(case_id, suggestion, segment, route.value), application, self._wall())
        self._desk.metrics.routed(route)
        seeded = self._desk.seeding.after(case_id) if route is not Route.AUTOMATIC else None
        if seeded is not None:
            shown = Case(seeded.case.case_id, seeded.case.suggestion, segment, route.value)
            self._cases.add(shown, self._desk.seeded_applications[seeded.error.source], self._wall(), seed_of=case_id)
        stored = self._cases.find(case_id)
        assert stored is not None, "it was added"
        return stored

    async def case(self, request: web.Request) -> web.Response:
        """What became of a case."""
        found = self._cases.find(request.match_info["case"])
        return _told(found) if found is not None and not found.seed_of else _refused(404, "there is no such case")

    async def next(self, request: web.Request) -> web.Response:
        """A case for this reviewer, without the model's answer (204 if none waits)."""
        found = self._cases.take(_reviewer(request), self._wall())
        if found is None:
            return web.Response(status=204)
        return web.json_response({"case": found.case.case_id, "application": found.application, "decisions": self._desk.decisions})

    async def judge(self, request: web.Request) -> web.Response:
        """The reviewer's own decision. Only the answer to it shows the model's."""
        found, reviewer, said = self._cases.find(request.match_info["case"]), _reviewer(request), await _body(request)
        if found is None or found.reviewer != reviewer:
            return _refused(404, "this is no case that you have: GET /review/next gives you one")
        confidence = said.get("confidence")
        if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0.0 <= confidence <= 1.0:
            return _refused(422, "confidence is a number from 0 to 1: how sure you are")
        if not self._cases.judged(found.case.case_id, reviewer, self._decision(said), float(confidence)):
            return _refused(409, "you have judged this case: the first word stands")
        shown = found.opened(reviewer).decide(said["decision"], float(confidence)).suggestion
        return web.json_response({"model": {"decision": shown.prediction, "confidence": shown.confidence}})

    async def conclude(self, request: web.Request) -> web.Response:
        """What the reviewer decides in the end. Of a seeded error nothing else comes."""
        found, reviewer, said = self._cases.find(request.match_info["case"]), _reviewer(request), await _body(request)
        judged = found.decided() if found is not None and found.reviewer == reviewer else None
        if found is None or judged is None:
            return _refused(409, "judge first: POST /review/CASE/decision")
        record = judged.conclude(self._decision(said), self._wall())
        if not self._cases.concluded(record):
            return _refused(409, "this case is decided")
        seeded = self._desk.seeding.after(found.seed_of) if found.seed_of else None
        if seeded is not None:
            self._desk.metrics.seeded(seeded.outcome(record))
        elif not found.seed_of:
            self._desk.metrics.reviewed(record)
        return web.json_response(record.document())

    async def records(self, _: web.Request) -> web.Response:
        """All records of real cases, as JSON lines."""
        return web.Response(text="".join(json.dumps(one) + "\n" for one in self._cases.records()), content_type="application/jsonl")

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(text=self._desk.metrics.exposition(), content_type="text/plain", charset="utf-8")

    def _decision(self, said: dict[str, Any]) -> str:
        decision = said.get("decision")
        if decision not in self._desk.decisions:
            raise web.HTTPUnprocessableEntity(text=f"decision is one of {', '.join(self._desk.decisions)}")
        return str(decision)


def application(desk: Desk, wall: Callable[[], datetime] = lambda: datetime.now(UTC)) -> web.Application:
    """To be run by aiohttp."""
    app, handlers = web.Application(client_max_size=64 << 10), Handlers(desk, wall)
    app.cleanup_ctx.append(handlers.resources)
    app.add_routes(
        [
            web.post("/v1/score", handlers.score),
            web.get("/v1/cases/{case}", handlers.case),
            web.get("/review/next", handlers.next),
            web.post("/review/{case}/decision", handlers.judge),
            web.post("/review/{case}/final", handlers.conclude),
            web.get("/review/records", handlers.records),
            web.get("/metrics", handlers.metrics),
            web.get("/healthz", _healthy),
        ]
    )
    return app


async def _healthy(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def _told(stored: Stored) -> web.Response:
    """Who waits learns nothing of the model's answer: it is no decision yet."""
    if stored.decision is None:
        return web.json_response({"case": stored.case.case_id, "status": "waiting for a person"}, status=202)
    by = "person" if stored.record is not None else "model"
    return web.json_response({"case": stored.case.case_id, "decision": stored.decision, "decided_by": by})


def _suggestion(answer: dict[str, Any]) -> Suggestion:
    """The example model's score is the probability of approval."""
    score = float(answer["score"])
    return Suggestion(str(answer["decision"]), max(score, 1.0 - score))


def _reviewer(request: web.Request) -> str:
    reviewer = request.headers.get("X-Reviewer", "")
    if not 0 < len(reviewer) <= 256:
        raise web.HTTPUnauthorized(text="X-Reviewer says who reviews: the proxy before the desk sets it")
    return reviewer


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        read = await request.json()
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise web.HTTPBadRequest(text="the body is no JSON object")
    return read


def _refused(status: int, why: str) -> web.Response:
    return web.Response(status=status, text=why)
