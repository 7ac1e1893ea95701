"""The whole run against real servers: what is sent, what is reported, and what a person reads when there is nothing to report."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.replay.servers import serving

from headgate.api.replay import UNUSABLE_EXIT, ClassFlips, ReplayPlan, ReplayReport
from headgate.replay.recording import record
from headgate.replay.requests import UnusableError, parse
from headgate.replay.run import MESSAGE_LIMIT, replay, written

LINES = [{"id": f"r{n}", "body": {"n": n}, "label": "odd" if n % 2 else "even"} for n in range(20)]


def parity(flipped: frozenset[int] = frozenset()) -> Any:
    """Says whether a number is odd, the other way round for `flipped`."""

    def behave(method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        odd = (body["n"] % 2 == 1) != (body["n"] in flipped)
        return 200, json.dumps({"class": "odd" if odd else "even", "confidence": 0.9}).encode()

    return behave


def plan(stable: str, candidate: str, **replayed: Any) -> str:
    wanted: dict[str, Any] = {"goldenSet": {"configMap": {"name": "golden"}}, "path": "/v1/score", "compare": [{"pointer": "/class"}]}
    limits = {"minAgreement": "0.8", "minPairs": 10, "maxPairs": 100, "pairsPerSecond": 1000}
    return json.dumps({"stable": stable, "candidate": candidate, "replay": wanted | replayed, "limits": limits})


def golden(folder: Path, *lines: Any) -> bytes:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines).encode()
    (folder / "requests.jsonl").write_bytes(text)
    return text


def run(said: Path, text: str) -> ReplayReport:
    assert replay(text, said, said.parent) == 0, said.read_text()
    return ReplayReport.model_validate_json(said.read_text())


def test_both_versions_get_every_request_and_are_compared(tmp_path: Path) -> None:
    text = golden(tmp_path, *LINES)
    with serving(parity()) as stable, serving(parity(frozenset({3, 4, 5}))) as candidate:
        report = run(tmp_path / "said", plan(stable, candidate))
    assert report.golden_set == f"sha256:{hashlib.sha256(text).hexdigest()}"
    assert (report.requests, report.pairs, report.agreed) == (20, 20, 17)
    assert {row.name: (row.lost, row.gained) for row in report.classes} == {"odd": (2, 1), "even": (1, 2)}
    assert (report.labelled, report.stable_right, report.candidate_right) == (20, 20, 17)
    assert report.latency is not None
    assert report.latency.pairs == 20


def test_a_request_is_sent_as_it_is_written(tmp_path: Path) -> None:
    seen: list[tuple[Any, ...]] = []

    def behave(method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        seen.append((method, path, body, headers.get("x-tenant"), headers["user-agent"]))
        return 200, b'{"class": 1}'

    golden(tmp_path, {"body": {"ä": 1}}, {"method": "GET", "path": "/health?full=1", "headers": {"X-Tenant": "t1"}})
    with serving(behave) as one, serving(behave) as other:
        run(tmp_path / "said", plan(one, other))
    post = ("POST", "/v1/score", {"ä": 1}, None, "headgate-replay")
    assert sorted(seen, key=str) == [("GET", "/health?full=1", None, "t1", "headgate-replay")] * 2 + [post] * 2


def test_a_version_that_hangs_up_or_fails_is_counted_and_the_run_goes_on(tmp_path: Path) -> None:
    def behave(method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        return (
            (0, b"")
            if body["n"] == 1
            else (500, b"{}")
            if body["n"] == 2
            else (200, b"no json")
            if body["n"] == 3
            else (200, b'{"class": "even"}')
        )

    golden(tmp_path, *LINES[:5])
    with serving(parity()) as stable, serving(behave) as candidate:
        report = run(tmp_path / "said", plan(stable, candidate))
    assert (report.pairs, report.agreed, report.candidate_failures, report.candidate_violations) == (5, 2, 2, 1)
    assert report.violation == "request r3: it is no JSON"


def test_an_answer_that_takes_too_long_is_none(tmp_path: Path) -> None:
    """Time for one answer ends the answer; the smallest limit that can be written is a second."""
    import threading

    released = threading.Event()

    def behave(method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        released.wait(30)
        return 200, b'{"class": "even"}'

    golden(tmp_path, LINES[0])
    with serving(parity()) as stable, serving(behave) as candidate:
        try:
            report = run(tmp_path / "said", plan(stable, candidate, requestTimeout="1s"))
        finally:
            released.set()
    assert (report.pairs, report.agreed, report.candidate_failures) == (1, 0, 1)


def test_a_golden_set_may_be_served(tmp_path: Path) -> None:
    text = "\n".join(json.dumps(line) for line in LINES).encode()

    def files(method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        return (200, text) if path == "/set.jsonl" else (404, b"")

    with serving(files) as web, serving(parity()) as stable:
        report = run(tmp_path / "said", plan(stable, stable, goldenSet={"http": {"url": f"{web}/set.jsonl"}}))
        assert (report.pairs, report.agreed) == (20, 20)
        said = tmp_path / "said"
        assert replay(plan(stable, stable, goldenSet={"http": {"url": f"{web}/nothing"}}), said) == UNUSABLE_EXIT
    assert said.read_text() == f"the golden set cannot be read from {web}/nothing: it answers 404"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((), "the golden set is empty"),
        (("{",), "line 1 of the golden set is no JSON"),
        (("", "[]"), "line 2 of the golden set is no object"),
        (({"bodi": 1},), "line 1 of the golden set has the field bodi: known are answer, body, headers, id, label, method, path"),
        (({"id": 1},), "line 1 of the golden set has no body"),
        (({"body": 1, "method": "DELETE"},), "line 1 of the golden set has the method DELETE"),
        (({"body": 1, "path": "v1"},), "line 1 of the golden set has the path 'v1'"),
        (({"body": 1, "headers": {"a": 1}},), "line 1 of the golden set has headers"),
    ],
)
def test_a_set_that_cannot_be_used_is_said_in_one_sentence(tmp_path: Path, lines: tuple[Any, ...], says: str) -> None:
    golden(tmp_path, *lines)
    said = tmp_path / "said"
    assert replay(plan("http://127.0.0.1:1", "http://127.0.0.1:1"), said, tmp_path) == UNUSABLE_EXIT
    assert said.read_text().startswith(says)


def test_a_missing_set_is_named(tmp_path: Path) -> None:
    said = tmp_path / "said"
    assert replay(plan("http://a", "http://b"), said, tmp_path / "nowhere") == UNUSABLE_EXIT
    assert "ConfigMap golden has no readable requests.jsonl" in said.read_text()


def test_another_set_than_the_named_one_is_not_taken() -> None:
    with pytest.raises(UnusableError, match="not sha256:0"):
        parse(b'{"body": 1}', "/", 10, "sha256:" + "0" * 64)


def test_of_a_large_set_requests_are_taken_evenly() -> None:
    data = b"\n".join(json.dumps({"id": n, "body": n}).encode() for n in range(1000))
    taken = [int(request.name) for request in parse(data, "/", 10, None).requests]
    assert taken == list(range(0, 1000, 100))


def test_the_report_fits_into_a_termination_message() -> None:
    flips = tuple(
        ClassFlips(name="\N{SNOWMAN}" * 64, stable=2**31 - 1, candidate=2**31 - 1, lost=2**31 - 1, gained=2**31 - 1) for _ in range(6)
    )
    report = ReplayReport(golden_set="sha256:" + "a" * 64, requests=1, pairs=1, agreed=1, violation="\N{SNOWMAN}" * 256, classes=flips)
    assert len(written(report).encode()) <= MESSAGE_LIMIT
    assert ReplayReport.model_validate_json(written(report)).agreed == 1


def test_the_plan_is_read_back_as_it_was_written() -> None:
    text = plan(
        "http://a",
        "http://b",
        contract=[{"pointer": "/confidence", "minimum": "0"}],
        compare=[{"pointer": "/s", "kind": "Number", "relative": "5%"}],
    )
    made = ReplayPlan.model_validate_json(text)
    assert ReplayPlan.model_validate_json(made.model_dump_json(by_alias=True, exclude_none=True)) == made


class TestRecorded:
    """Answers that were recorded earlier take the place of the stable version."""

    @staticmethod
    def plan(candidate: str) -> str:
        told = json.loads(plan("unused", candidate))
        del told["stable"]
        return json.dumps(told)

    def test_answers_are_compared_with_what_was_recorded(self, tmp_path: Path) -> None:
        data = "\n".join(json.dumps(line) for line in LINES).encode()
        with serving(parity()) as model:
            lines = asyncio.run(record(data, model, "/v1/score"))
            golden(tmp_path, *lines)
            same = run(tmp_path / "same", self.plan(model))
        assert lines[1]["answer"] == {"class": "odd", "confidence": 0.9}
        assert (same.requests, same.pairs, same.agreed) == (20, 20, 20)
        with serving(parity(frozenset({3, 4, 5}))) as other:
            changed = run(tmp_path / "changed", self.plan(other))
        assert (changed.pairs, changed.agreed, changed.candidate_failures) == (20, 17, 0)

    def test_a_model_that_does_not_answer_is_told_apart_from_one_that_changed(self, tmp_path: Path) -> None:
        golden(tmp_path, *({**line, "answer": {"class": "odd" if n % 2 else "even"}} for n, line in enumerate(LINES)))
        with serving(lambda *_: (503, b"")) as down:
            report = run(tmp_path / "said", self.plan(down))
        assert (report.pairs, report.agreed, report.candidate_failures) == (20, 0, 20)

    def test_a_line_without_its_answer_is_named(self, tmp_path: Path) -> None:
        golden(tmp_path, {**LINES[0], "answer": {"class": "even"}}, LINES[1])
        said = tmp_path / "said"
        assert replay(self.plan("http://127.0.0.1:1"), said, tmp_path) == UNUSABLE_EXIT
        assert said.read_text().startswith("the request r1 has no recorded answer")

    def test_what_has_no_good_answer_is_not_recorded(self) -> None:
        data = json.dumps(LINES[0]).encode()
        with serving(lambda *_: (500, b"")) as broken, pytest.raises(UnusableError, match=r"r0 has no good answer: .* answers 500"):
            asyncio.run(record(data, broken, "/"))
        with serving(lambda *_: (200, b"odd")) as plain, pytest.raises(UnusableError, match="is not answered in JSON"):
            asyncio.run(record(data, plain, "/"))

    def test_no_more_than_are_probed(self) -> None:
        data = "\n".join([json.dumps(LINES[0])] * 201).encode()
        with pytest.raises(UnusableError, match="the file has 201 requests, and at most 200 are probed"):
            asyncio.run(record(data, "http://127.0.0.1:1", "/"))
