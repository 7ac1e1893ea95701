"""What is remembered, and what is not kept any longer."""

import gc

import pytest

from headgate.api.remembering import latest_per_key, while_it_lives


def test_only_the_latest_value_of_a_key_is_kept_and_worked_out_once() -> None:
    asked: list[bytes] = []

    @latest_per_key(2)
    def length(raw: bytes) -> int:
        asked.append(raw)
        return len(raw)

    assert [length("a", b"1"), length("a", b"1"), length("a", b"22"), length("a", b"1")] == [1, 1, 2, 1]
    assert asked == [b"1", b"22", b"1"], "a value that was replaced is forgotten"


def test_the_key_that_was_asked_about_longest_ago_makes_room() -> None:
    asked: list[str] = []

    @latest_per_key(2)
    def name(value: str) -> str:
        asked.append(value)
        return value

    for key in ("a", "b", "a", "c", "a", "b"):
        name(key, key)
    assert asked == ["a", "b", "c", "b"]


def test_a_failure_is_not_remembered_and_takes_the_old_answer_with_it() -> None:
    @latest_per_key(2)
    def number(text: str) -> int:
        return int(text)

    assert number("a", "1") == 1
    for _ in range(2):
        with pytest.raises(ValueError, match="x"):
            number("a", "x")
    assert number("a", "1") == 1


class _Thing:
    """Something that can be referred to weakly."""


def test_a_result_goes_with_its_object() -> None:
    results: list[int] = []

    @while_it_lives
    def number(_: _Thing) -> int:
        results.append(len(results))
        return results[-1]

    first, second = _Thing(), _Thing()
    assert [number(first), number(second), number(first)] == [0, 1, 0]
    del first
    gc.collect()
    remembered = number.__closure__[0].cell_contents  # type: ignore[attr-defined]
    assert len(remembered) == 1
    assert number(second) == 1
