"""Each missing piece is named, and nothing else."""

from itertools import pairwise
from typing import Any

import pytest
from tests.resources import AIMODEL, changed

from headgate.api.aimodel import AIModelSpec
from headgate.api.gates import Dossier, TieredDossier
from headgate.api.vocabulary import Piece, Tier
from headgate.governance.dossier import deployment_lacks, use_case_lacks

ARTIFACT: str = AIMODEL["spec"]["artifact"]["digest"]
OWNERS: dict[str, Any] = {side: {"user": f"{side}@bank"} for side in ("business", "technical", "operations")}
SECTIONS: dict[str, Any] = {
    "businessContext": "fewer losses",
    "technicalScope": {"includes": ["card payments"], "excludes": ["loans"]},
    "dataLandscape": "payments of two years",
    "successMetrics": [{"name": "recall", "threshold": ">= 0.8"}],
    "constraints": {"latency": "50 ms"},
}


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def step(component: str, taken: str, given: str) -> dict[str, Any]:
    return {"component": component, "componentVersion": "1.0.0", "input": taken, "output": given}


LINKED = [step("ingestion", digest("1"), digest("2")), step("training", digest("2"), ARTIFACT)]


def spec(**fields: Any) -> AIModelSpec:
    return AIModelSpec.model_validate(changed(AIMODEL, *(((name,), value) for name, value in fields.items()))["spec"])


def only(*pieces: Piece, evidence: tuple[str, ...] = ()) -> Dossier:
    return Dossier(pieces=pieces, evidence=evidence)


@pytest.mark.parametrize("side", ["business", "operations"])
def test_each_missing_owner_is_named(side: str) -> None:
    assert use_case_lacks(spec(owners=OWNERS), only(Piece.OWNERS)) == ()
    owners = {name: owner for name, owner in OWNERS.items() if name != side}
    assert use_case_lacks(spec(owners=owners), only(Piece.OWNERS)) == (f"spec.owners.{side} names nobody",)


def test_an_owner_that_resolves_to_nobody_is_none() -> None:
    owners = OWNERS | {"business": {"user": " \u2003"}}
    assert use_case_lacks(spec(owners=owners), only(Piece.OWNERS)) == ("spec.owners.business names nobody",)


@pytest.mark.parametrize(
    ("section", "empty", "named"),
    [
        ("businessContext", "  ", "businessContext"),
        ("technicalScope", {"includes": ["x"]}, "excludes"),
        ("technicalScope", {"excludes": ["x"], "includes": [" "]}, "includes"),
        ("dataLandscape", "", "dataLandscape"),
        ("successMetrics", [], "successMetrics"),
        ("constraints", {}, "constraints"),
    ],
)
def test_each_empty_section_is_named(section: str, empty: Any, named: str) -> None:
    assert use_case_lacks(spec(requirements=SECTIONS), only(Piece.REQUIREMENTS)) == ()
    (words,) = use_case_lacks(spec(requirements=SECTIONS | {section: empty}), only(Piece.REQUIREMENTS))
    assert named in words


def test_without_a_document_all_sections_are_missing() -> None:
    assert len(use_case_lacks(spec(), only(Piece.REQUIREMENTS))) == 6


@pytest.mark.parametrize(
    ("lineage", "named"),
    [
        ([], "is empty"),
        ([LINKED[0], step("training", digest("9"), ARTIFACT)], "does not link: ingestion (0) gives 22222222, and training takes 99999999"),
        ([LINKED[0]], "ends with 22222222"),
        (LINKED[::-1], "does not link"),
    ],
)
def test_a_lineage_that_does_not_lead_to_the_artifact_is_named(lineage: list[dict[str, Any]], named: str) -> None:
    assert deployment_lacks(spec(lineage=LINKED), only(Piece.LINEAGE)) == ()
    assert named in deployment_lacks(spec(lineage=lineage), only(Piece.LINEAGE))[0]


@pytest.mark.parametrize("kind", ["containers", "initContainers"])
@pytest.mark.parametrize("image", ["model:v1", "model", f"model@{digest('a')[:-1]}", f"{digest('a')}:v1", None, 7])
def test_an_image_that_may_change_is_named(kind: str, image: Any) -> None:
    pinned = {"name": "model", "image": f"registry.example:5000/model:v1@{digest('a')}"}
    other = {"name": "other", "image": image} if image is not None else {"name": "other"}
    template = {"spec": {"containers": [pinned], kind: [pinned, other]}}
    serving = AIMODEL["spec"]["serving"] | {"deployment": {"template": template}}
    (words,) = deployment_lacks(spec(serving=serving), only(Piece.PINNED_IMAGES))
    assert "container other" in words
    good = AIMODEL["spec"]["serving"] | {"deployment": {"template": {"spec": {"containers": [pinned]}}}}
    assert deployment_lacks(spec(serving=good), only(Piece.PINNED_IMAGES)) == ()


def test_each_type_of_evidence_that_is_not_there_is_named() -> None:
    evidence = [{"type": "performance", "uri": "s3://x", "digest": digest("a")}]
    required = only(evidence=("performance", "fairness", "model-card"))
    assert deployment_lacks(spec(evidence=evidence), required) == (
        "spec.evidence has none of type fairness",
        "spec.evidence has none of type model-card",
    )


def test_the_default_dossier_grows_with_the_tier() -> None:
    asked = [(set(dossier.pieces), set(dossier.evidence)) for dossier in map(TieredDossier().of, Tier)]
    assert all(low[0] <= high[0] and low[1] <= high[1] for low, high in pairwise(asked))
    assert Piece.PINNED_IMAGES in asked[1][0]
    assert Piece.PINNED_IMAGES not in asked[0][0]
