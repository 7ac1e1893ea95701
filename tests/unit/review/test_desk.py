"""The example application, over HTTP: who decides, in which order people learn what, and what is counted."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from tests.unit.replay.servers import serving

from headgate.kube.labels import Owner
from headgate.kube.review_mode import review_mode_map
from headgate.review.modes import ReviewMode
from headgate.review.record import record_of
from review_desk.app import application
from review_desk.settings import Desk, desk_from

KEY = "6b" * 16
ANN, BEN = {"X-Reviewer": "ann"}, {"X-Reviewer": "ben"}
WRONG = {"source": "s1", "application": {"income": 1}, "shown": {"prediction": "approve", "confidence": 0.97}, "right": "decline"}


def model(method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
    """Scores by `score` of the application; refuses one without it."""
    if body == {"broken": True}:
        return 200, b'{"decision": "approve"}'
    if "score" not in body:
        return 422, b'{"error": "no score"}'
    return 200, json.dumps({"score": body["score"], "decision": "approve" if body["score"] >= 0.5 else "decline"}).encode()


class Desktop:
    """A running desk and who talks to it."""

    def __init__(self, session: ClientSession, address: str) -> None:
        self.session = session
        self.address = address

    async def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        async with self.session.request(method, self.address + path, json=body, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if answer.content_type == "application/json" else text

    async def score(self, case: str, score: float) -> tuple[int, Any]:
        return await self.ask("POST", "/v1/score", {"score": score}, {"X-Case-Id": case})

    async def review(self, case: str, first: str, final: str, who: dict[str, str] = ANN) -> Any:
        await self.ask("POST", f"/review/{case}/decision", {"decision": first, "confidence": 0.6}, who)
        return (await self.ask("POST", f"/review/{case}/final", {"decision": final}, who))[1]

    async def counted(self, line: str) -> bool:
        return line in (await self.ask("GET", "/metrics"))[1].splitlines()


@asynccontextmanager
async def running(desk: Desk, wall: Callable[[], datetime]) -> AsyncIterator[Desktop]:
    runner = web.AppRunner(application(desk, wall))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with ClientSession() as session:
        yield Desktop(session, f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


class Hour:
    """The clock."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


Play = Callable[[Callable[[Desktop], Awaitable[None]]], None]


@pytest.fixture
def hour() -> Hour:
    return Hour()


@pytest.fixture
def at_desk(tmp_path: Path, hour: Hour) -> Callable[..., Play]:
    """Plays something at a desk with these settings; its history shows that from 0.9 on the model is right."""
    rows = ["0.95,true"] * 400 + ["0.6,true", "0.6,false"] * 200
    (tmp_path / "history.csv").write_text("\n".join(["confidence,correct", *rows]))

    def made(**settings: str) -> Play:
        def play(scene: Callable[[Desktop], Awaitable[None]]) -> None:
            async def act(desk: Desk) -> None:
                async with running(desk, hour) as desktop:
                    await scene(desktop)

            with serving(model) as address:
                usual = {"MODEL_URL": address, "REVIEW_KEY": KEY, "DATABASE": str(tmp_path / "cases.sqlite"), "AUDIT_SHARE": "0"}
                asyncio.run(act(desk_from({**usual, "HISTORY_FILE": str(tmp_path / "history.csv"), **settings})))

        return play

    return made


def test_the_model_decides_what_it_is_sure_of_and_a_person_the_rest(at_desk: Callable[..., Play]) -> None:
    async def scene(desk: Desktop) -> None:
        assert await desk.score("sure", 0.97) == (200, {"case": "sure", "decision": "approve", "decided_by": "model"})
        assert await desk.score("unsure", 0.4) == (202, {"case": "unsure", "status": "waiting for a person"})
        status, shown = await desk.ask("GET", "/review/next", headers=ANN)
        assert (status, shown) == (200, {"case": "unsure", "application": {"score": 0.4}, "decisions": ["approve", "decline"]})
        status, shown = await desk.ask("POST", "/review/unsure/decision", {"decision": "approve", "confidence": 0.8}, ANN)
        assert (status, shown) == (200, {"model": {"decision": "decline", "confidence": 0.6}})
        assert (await desk.ask("GET", "/v1/cases/unsure"))[0] == 202, "only the last word decides"
        status, record = await desk.ask("POST", "/review/unsure/final", {"decision": "approve"}, ANN)
        assert status == 200
        assert (record["human_changed_mind"], record["disagreement"], record["route"]) == (False, True, "low-confidence")
        assert (await desk.ask("GET", "/v1/cases/unsure"))[1] == {"case": "unsure", "decision": "approve", "decided_by": "person"}
        assert [record_of(json.loads(line)).case_id for line in (await desk.ask("GET", "/review/records"))[1].splitlines()] == ["unsure"]
        assert await desk.counted('headgate_human_review_total{reviewer="all",outcome="changed"} 1')
        assert await desk.counted('headgate_review_routed_total{route="automatic"} 1')
        assert await desk.counted('headgate_review_routed_total{route="low-confidence"} 1')
        assert (await desk.ask("GET", "/review/next", headers=ANN))[0] == 204

    at_desk()(scene)


def test_nobody_sees_the_models_answer_before_judging_and_the_first_word_stands(at_desk: Callable[..., Play]) -> None:
    async def scene(desk: Desktop) -> None:
        await desk.score("c1", 0.45)
        assert (await desk.ask("POST", "/review/c1/final", {"decision": "approve"}, ANN))[0] == 409
        assert (await desk.ask("POST", "/review/c1/decision", {"decision": "approve", "confidence": 1}, ANN))[0] == 404
        await desk.ask("GET", "/review/next", headers=ANN)
        for body, status in (
            ({"decision": "perhaps", "confidence": 0.5}, 422),
            ({"decision": "approve"}, 422),
            ({"decision": "approve", "confidence": 7}, 422),
            (["approve"], 400),
            ({"decision": "approve", "confidence": 0.5}, 200),
            ({"decision": "decline", "confidence": 0.5}, 409),
        ):
            assert (await desk.ask("POST", "/review/c1/decision", body, ANN))[0] == status
        assert (await desk.ask("POST", "/review/c1/final", {"decision": "decline"}, BEN))[0] == 409, "it is not his"
        assert (await desk.ask("POST", "/review/c1/final", {"decision": "decline"}, ANN))[0] == 200
        assert (await desk.ask("POST", "/review/c1/final", {"decision": "approve"}, ANN))[0] == 409
        assert (await desk.ask("GET", "/review/next"))[0] == 401

    at_desk()(scene)


def test_a_case_that_is_sent_again_is_not_decided_again_also_after_a_restart(at_desk: Callable[..., Play]) -> None:
    async def before(desk: Desktop) -> None:
        await desk.score("c1", 0.45)
        await desk.ask("GET", "/review/next", headers=ANN)
        await desk.review("c1", "approve", "approve")

    async def after(desk: Desktop) -> None:
        assert (await desk.score("c1", 0.99))[1] == {"case": "c1", "decision": "approve", "decided_by": "person"}
        assert await desk.counted('headgate_review_routed_total{route="automatic"} 0')

    at_desk()(before)
    at_desk()(after)


def test_two_reviewers_have_different_cases_and_one_that_is_left_goes_on(at_desk: Callable[..., Play], hour: Hour) -> None:
    async def scene(desk: Desktop) -> None:
        for case in ("c1", "c2"):
            await desk.score(case, 0.45)

        async def has(who: dict[str, str]) -> str:
            return str((await desk.ask("GET", "/review/next", headers=who))[1]["case"])

        assert [await has(ANN), await has(BEN), await has(ANN)] == ["c1", "c2", "c1"]
        await desk.ask("POST", "/review/c1/decision", {"decision": "approve", "confidence": 0.9}, ANN)
        await desk.review("c2", "decline", "decline", BEN)
        assert (await desk.ask("GET", "/review/next", headers=BEN))[0] == 204
        hour.now += timedelta(minutes=31)
        assert await has(BEN) == "c1"
        assert (await desk.ask("POST", "/review/c1/final", {"decision": "approve"}, ANN))[0] == 409
        assert (await desk.ask("POST", "/review/c1/final", {"decision": "approve"}, BEN))[0] == 409, "he has not judged it himself"

    at_desk()(scene)


def test_an_audited_decision_stands_until_a_reviewer_changes_it(at_desk: Callable[..., Play]) -> None:
    async def scene(desk: Desktop) -> None:
        assert (await desk.score("c1", 0.97))[1]["decision"] == "approve"
        await desk.ask("GET", "/review/next", headers=ANN)
        record = await desk.review("c1", "decline", "decline")
        assert record["route"] == "audit"
        assert (await desk.ask("GET", "/v1/cases/c1"))[1] == {"case": "c1", "decision": "decline", "decided_by": "person"}
        assert await desk.counted('headgate_review_routed_total{route="audit"} 1')

    at_desk(AUDIT_SHARE="1")(scene)


def test_a_seeded_error_looks_like_a_case_and_counts_apart(at_desk: Callable[..., Play], tmp_path: Path) -> None:
    (tmp_path / "seeds.jsonl").write_text(json.dumps(WRONG) + "\n")

    async def scene(desk: Desktop) -> None:
        for case, final in (("c1", "decline"), ("c2", "approve")):
            await desk.score(case, 0.45)
            seen = {}
            for _ in range(2):
                shown = (await desk.ask("GET", "/review/next", headers=ANN))[1]
                seen[shown["case"]] = shown
                await desk.review(shown["case"], "decline", final if shown["case"] != case else "decline")
            (seeded,) = set(seen) - {case}
            assert seen[seeded].keys() == seen[case].keys()
            assert seen[seeded]["application"] == {"income": 1}
            assert (await desk.ask("GET", f"/v1/cases/{seeded}"))[0] == 404
        assert await desk.counted('headgate_review_seeded_total{outcome="found"} 1')
        assert await desk.counted('headgate_review_seeded_total{outcome="missed"} 1')
        assert await desk.counted('headgate_human_review_total{reviewer="all",outcome="agreed"} 2')
        assert len((await desk.ask("GET", "/review/records"))[1].splitlines()) == 2

    at_desk(SEEDS_FILE=str(tmp_path / "seeds.jsonl"), SEED_SHARE="1")(scene)


def said_by_the_monitor(mode: ReviewMode) -> str:
    owner = Owner("headgate.dev/v1alpha1", "AIModel", "credit-scorer", "u")
    return str(review_mode_map("lending", "credit-scorer", mode, "2026-03-01T00:00:00Z", "drift", owner)["data"]["mode"])


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        (said_by_the_monitor(ReviewMode.ALL), 202),
        (said_by_the_monitor(ReviewMode.LOW_CONFIDENCE), 200),
        ("LowConfidence\n", 200),
        ("Usual", 200),
        ("sample?", 202),
        (None, 200),
    ],
)
def test_the_review_mode_is_heard_at_once(at_desk: Callable[..., Play], tmp_path: Path, mode: str | None, status: int) -> None:
    async def scene(desk: Desktop) -> None:
        if mode is not None:
            (tmp_path / "mode").write_text(mode)
        assert (await desk.score("c1", 0.97))[0] == status

    at_desk(REVIEW_MODE_FILE=str(tmp_path / "mode"))(scene)


def test_with_too_little_history_people_decide_everything(at_desk: Callable[..., Play], caplog: pytest.LogCaptureFixture) -> None:
    async def scene(desk: Desktop) -> None:
        assert (await desk.score("c1", 0.999))[0] == 202

    at_desk(ERROR_TARGET="0.001")(scene)
    assert "people decide everything" in caplog.text


def test_what_the_model_refuses_is_passed_on_and_a_model_that_is_away_is_said(at_desk: Callable[..., Play]) -> None:
    async def refused(desk: Desktop) -> None:
        assert await desk.ask("POST", "/v1/score", {}, {"X-Case-Id": "c1"}) == (422, '{"error": "no score"}')
        assert (await desk.ask("GET", "/v1/cases/c1"))[0] == 404
        assert (await desk.ask("POST", "/v1/score", {}, {"X-Case-Id": "c" * 65}))[0] == 400
        assert (await desk.ask("POST", "/v1/score", {"broken": True}))[0] == 502

    async def away(desk: Desktop) -> None:
        assert (await desk.score("c1", 0.9))[0] == 502

    at_desk()(refused)
    at_desk(MODEL_URL="http://127.0.0.1:1")(away)


@pytest.mark.parametrize(("missing", "says"), [("MODEL_URL", "MODEL_URL is not set"), ("REVIEW_KEY", "REVIEW_KEY is not set")])
def test_a_desk_without_its_settings_says_which(missing: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        desk_from({name: value for name, value in {"MODEL_URL": "http://m", "REVIEW_KEY": KEY}.items() if name != missing})
