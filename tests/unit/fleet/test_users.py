"""What counts as a request that a switch failed, and what a stream proves that outlived its version's traffic."""

import json
from pathlib import Path

import pytest

from fleet.users import Fleet

GOOD = {
    "kind": "http1",
    "host": "a.example",
    "start": 10.0,
    "end": 10.1,
    "status": 200,
    "complete": True,
    "version": "v1",
    "revision": "77ab01c2",
}
STREAM = GOOD | {"kind": "stream-http2", "end": 70.0}


def fleet(tmp_path: Path, *records: dict[str, object]) -> Fleet:
    file = tmp_path / "requests.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    read = Fleet(file)
    read.read()
    return read


@pytest.mark.parametrize(
    "broken",
    [
        {"status": 0, "complete": False, "version": ""},
        {"status": 0, "complete": False},
        {"status": 503, "version": "77ab01c2"},
        {"status": 503, "version": "", "revision": ""},
        {"kind": "stream-http1", "status": 0, "complete": False, "version": "77ab01c2"},
    ],
)
def test_what_no_model_answered_was_failed_by_a_switch(tmp_path: Path, broken: dict[str, object]) -> None:
    read = fleet(tmp_path, GOOD, GOOD | broken)
    assert read.failed == [GOOD | broken]
    assert read.failed_by_models == 0


def test_an_error_that_the_model_itself_answered_is_its_own(tmp_path: Path) -> None:
    read = fleet(tmp_path, GOOD | {"status": 500}, STREAM | {"status": 500})
    assert read.failed == []
    assert read.failed_by_models == 2


def test_streams_that_were_open_at_the_last_request_outlived_it(tmp_path: Path) -> None:
    last = GOOD | {"start": 30.0, "end": 30.1}
    over_before, cut = STREAM | {"end": 29.0}, STREAM | {"status": 0, "complete": False}
    read = fleet(tmp_path, last, STREAM, over_before, cut, STREAM | {"host": "b.example"})
    assert read.of("a.example", "v1").outlived() == [40.0]


def test_records_are_read_once_and_only_when_they_are_whole(tmp_path: Path) -> None:
    read = fleet(tmp_path, GOOD)
    with read.file.open("a") as stream:
        stream.write(json.dumps(GOOD)[:20])
        stream.flush()
        read.read()
        stream.write(json.dumps(GOOD)[20:] + "\n")
    read.read()
    assert read.kinds == {"http1": 2}
