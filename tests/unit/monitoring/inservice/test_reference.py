"""References: that what is written is read again, and what bad ones are answered with."""

import json
from typing import Any

import pytest
from tests.unit.monitoring.inservice.watched import MODEL, reference

from headgate.api.digests import sha256
from headgate.monitoring.inservice.reference import UnusableReference, parsed, read


def test_what_is_written_is_read_again() -> None:
    known = reference()
    found = read(json.dumps(known.document()), model=MODEL, digest=known.digest)
    assert found.digest == known.digest
    assert found.features["income"].bins == 5
    assert found.features["country"].classes == ("DE", "FR", "IT")


def test_it_must_be_the_one_that_the_model_names() -> None:
    known = reference()
    text = json.dumps(known.document())
    with pytest.raises(UnusableReference, match="its digest is"):
        read(text, model=MODEL, digest=reference(rows=320).digest)
    with pytest.raises(UnusableReference, match="it is the reference of lending/credit-scorer, not of lending/churn"):
        read(text, model="lending/churn", digest=known.digest)
    with pytest.raises(UnusableReference, match="no JSON"):
        read("{", model=MODEL, digest=known.digest)


def feature(**fields: Any) -> dict[str, Any]:
    return {"version": 1, "model": MODEL, "features": {"income": fields}}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "not a reference of version 1"),
        ({"version": 2, "features": {}}, "not a reference of version 1"),
        ({"version": 1, "features": {}}, "0 features"),
        ({"version": 1, "features": {str(n): {} for n in range(52)}}, "52 features"),
        (feature(counts=[[1, 2]]), "income: it has neither edges nor classes"),
        (feature(edges=[1], classes=["a"], counts=[[1, 2]]), "or both"),
        (feature(edges=[2, 1], counts=[[1, 2, 3]]), "edges must rise"),
        (feature(edges=[float("nan")], counts=[[1, 2]]), "not a finite number"),
        (feature(edges=list(range(101)), counts=[[0] * 102]), "at most 100 edges"),
        (feature(classes=[str(n) for n in range(51)], counts=[[0] * 52]), "50 classes"),
        (feature(classes=["a", "a"], counts=[[1, 2, 3]]), "twice"),
        (feature(edges=[1, 2], counts=[[1, 2]]), "1 to 40 rows of 3 numbers"),
        (feature(edges=[1], counts=[]), "1 to 40 rows"),
        (feature(edges=[1], counts=[[1, 2]] * 41), "1 to 40 rows"),
        (feature(edges=[1], counts=[[1, -2]]), "below 0"),
        (feature(edges=[1], counts=[[1, float("nan")]]), "not a number"),
        (feature(edges=[1], counts=[[1, 1e13]]), "not a number"),
        (feature(edges=["x"], counts=[[1, 2]]), "could not convert"),
        (feature(edges=[1]), "counts"),
    ],
)
def test_a_bad_one_is_refused_in_words(document: Any, words: str) -> None:
    with pytest.raises(UnusableReference, match=words):
        parsed(document)


def test_the_digest_is_of_what_is_counted() -> None:
    assert reference().digest == sha256(reference().document()) != reference(rows=32_000).digest
