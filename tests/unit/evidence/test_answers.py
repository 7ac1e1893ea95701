"""Two answers to one request: the contract, and what makes them alike."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.api.replay import Replay
from headgate.evidence.answers.alike import MISSING, NO_ANSWER, Answer, agree, class_of, read, resolve
from headgate.evidence.answers.pairing import Pairing

DOCUMENT = {"a/b": 1, "m~n": {"": 2}, "list": [{"x": None}, 3], "0": 4}


def asked(*compare, contract=()):
    return Replay.model_validate({"goldenSet": {"configMap": {"name": "golden"}}, "compare": list(compare), "contract": list(contract)})


DECISION = {"pointer": "/decision"}
SCORE = {"pointer": "/score", "kind": "Number", "absolute": "0.01"}


def answer(document, status=200, seconds=0.01):
    return Answer(status, document if isinstance(document, bytes) else json.dumps(document).encode(), seconds)


def alike(stable, candidate, *compare):
    replay = asked(*compare)
    return agree(read(answer(stable), replay), read(answer(candidate), replay), replay)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOCUMENT),
        ("/a~1b", 1),
        ("/m~0n/", 2),
        ("/list/1", 3),
        ("/list/0/x", None),
        ("/0", 4),
        ("/list/01", MISSING),
        ("/list/2", MISSING),
        ("/list/-", MISSING),
        ("/nothing", MISSING),
        ("/0/deeper", MISSING),
    ],
)
def test_pointers_are_those_of_rfc_6901(pointer, value):
    assert resolve(DOCUMENT, pointer) == value


@pytest.mark.parametrize(
    ("compare", "stable", "candidate", "same"),
    [
        (DECISION, {"decision": "approve"}, {"decision": "approve"}, True),
        (DECISION, {"decision": "approve"}, {"decision": "decline"}, False),
        (DECISION, {"decision": 1}, {"decision": True}, False),
        (DECISION, {"decision": {"a": 1, "b": 2}}, {"decision": {"b": 2, "a": 1}}, True),
        (SCORE, {"score": 0.30}, {"score": 0.31}, True),
        (SCORE, {"score": 0.30}, {"score": 0.3101}, False),
        ({"pointer": "/score", "kind": "Number", "relative": "5%"}, {"score": -100}, {"score": -105}, True),
        ({"pointer": "/score", "kind": "Number", "relative": "5%"}, {"score": 0}, {"score": 0.001}, False),
        ({"pointer": "/score", "kind": "Number", "relative": "5%", "absolute": "0.01"}, {"score": 0}, {"score": 0.001}, True),
        ({"pointer": "/p", "kind": "Argmax"}, {"p": [0.1, 0.7, 0.2]}, {"p": [0.4, 0.5, 0.1]}, True),
        ({"pointer": "/p", "kind": "Argmax"}, {"p": {"cat": 0.6, "dog": 0.4}}, {"p": {"cat": 0.4, "dog": 0.6}}, False),
        ({"pointer": "/p", "kind": "Argmax"}, {"p": [0.5, 0.5]}, {"p": [0.6, 0.4]}, True),
    ],
)
def test_what_makes_two_answers_alike(compare, stable, candidate, same):
    assert alike(stable, candidate, compare) is same
    assert alike(stable, stable, compare)


def test_every_place_must_be_alike():
    assert not alike({"decision": "a", "score": 0.1}, {"decision": "a", "score": 0.2}, DECISION, SCORE)


@pytest.mark.parametrize(
    ("document", "violation"),
    [
        ({"decision": "a", "confidence": 0.5}, ""),
        ({"decision": "a", "confidence": 1}, ""),
        ({"decision": "a"}, "/confidence is missing"),
        ({"decision": "a", "confidence": None}, "/confidence is missing"),
        ({"decision": "a", "confidence": "0.5"}, "/confidence is no number"),
        ({"decision": "a", "confidence": True}, "/confidence is no number"),
        ({"decision": "a", "confidence": 1.5}, "/confidence is 1.5, above 1"),
        ({"decision": "a", "confidence": -1}, "/confidence is -1, below 0"),
        ({"confidence": 0.5}, "/decision is missing"),
        (b'{"decision": "a", "confidence": NaN}', "/confidence is no number"),
        (b"<html>", "it is no JSON"),
    ],
)
def test_a_broken_contract_is_named(document, violation):
    replay = asked(DECISION, contract=[{"pointer": "/confidence", "type": "number", "minimum": "0", "maximum": "1"}])
    assert read(answer(document), replay).violation == violation


@pytest.mark.parametrize(
    ("value", "kind"), [("x", "string"), (1, "integer"), (1.0, "integer"), (False, "boolean"), ([], "array"), ({}, "object")]
)
def test_types_are_those_of_json_schema(value, kind):
    kinds = ("string", "integer", "boolean", "array", "object")
    fitting = {
        name
        for name in kinds
        if not read(answer({"v": value}), asked({"pointer": "/v"}, contract=[{"pointer": "/v", "type": name}])).violation
    }
    assert fitting == {kind}


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
        max_leaves=6,
    )
)
def test_no_answer_of_any_shape_breaks_the_comparison(document):
    """Whatever a model sends is an answer, and an answer that is sound is like itself."""
    replay = asked({"pointer": ""}, {"pointer": "", "kind": "Argmax"}, contract=[{"pointer": "/x", "type": "integer", "minimum": "0"}])
    found = read(answer(document), replay)
    assert agree(found, found, replay) is found.sound


def test_a_pair_counts_where_the_stable_version_keeps_its_contract():
    pairing = Pairing(asked(DECISION))
    good, other, broken, failed = answer({"decision": "approve"}), answer({"decision": "decline"}), answer({}), answer({}, status=500)
    for stable, candidate in ((good, good), (good, other), (good, broken), (good, failed), (broken, good), (failed, good)):
        pairing.take("r1", None, stable, candidate)
    report = pairing.report("sha256:" + "a" * 64)
    assert (report.requests, report.pairs, report.agreed) == (6, 4, 1)
    assert (report.stable_failures, report.candidate_failures, report.stable_violations, report.candidate_violations) == (1, 1, 1, 1)
    assert report.violation == "request r1: /decision is missing"
    rows = {row.name: (row.stable, row.candidate, row.lost, row.gained) for row in report.classes}
    assert rows == {"approve": (4, 1, 3, 0), "decline": (0, 1, 0, 1), NO_ANSWER: (0, 2, 0, 2)}


def test_known_classes_tell_which_version_is_right():
    pairing = Pairing(asked(DECISION))
    for label, stable, candidate in (("a", "a", "a"), ("a", "b", "a"), ("b", "b", "a"), (None, "a", "b")):
        pairing.take("r", label, answer({"decision": stable}), answer({"decision": candidate}))
    report = pairing.report("sha256:" + "a" * 64)
    assert (report.labelled, report.stable_right, report.candidate_right) == (3, 2, 2)
    assert (report.only_stable_right, report.only_candidate_right) == (1, 1)


def test_latencies_are_of_pairs_that_both_answered():
    pairing = Pairing(asked(DECISION))
    for stable, candidate in ((0.010, 0.020), (0.010, 0.020), (0.030, 0.020)):
        pairing.take("r", None, answer({"decision": "a"}, seconds=stable), answer({"decision": "a"}, seconds=candidate))
    pairing.take("r", None, answer({}, status=503, seconds=9), answer({"decision": "a"}))
    latency = pairing.report("sha256:" + "a" * 64).latency
    assert latency is not None
    assert (latency.pairs, latency.slower, latency.stable_p50, latency.candidate_p50) == (3, 2, "10.0", "20.0")


def test_the_decision_is_the_first_place_that_names_a_class():
    replay = asked(SCORE, {"pointer": "/p", "kind": "Argmax"}, DECISION)
    assert replay.decision is not None
    assert class_of(read(answer({"score": 1, "p": {"cat": 1, "dog": 2}, "decision": "x"}), replay), replay.decision) == "dog"
    assert asked(SCORE).decision is None
