"""The models accept every example and refuse every bad document of tests/resources.py with words that help."""

from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ValidationError
from tests.resources import ABSENT, AIMODEL, EXAMPLES, POLICY, REFUSALS, ROOT, Document, Refusal, changed, example

from headgate.api.aimodel import AIModelSpec
from headgate.api.base import GROUP, VERSION
from headgate.api.crd import RESOURCES
from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Role, Tier

SPECS: dict[str, type[BaseModel]] = {resource.kind: resource.spec for resource in RESOURCES}


def parse(document: Document) -> BaseModel:
    return SPECS[document["kind"]].model_validate(document["spec"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_example_is_valid_and_survives_being_written_back(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        assert document["apiVersion"] == f"{GROUP}/{VERSION}"
        spec = parse(document)
        assert type(spec).model_validate(spec.model_dump(mode="json", by_alias=True)) == spec


def test_there_are_examples_of_every_kind() -> None:
    kinds = {document["kind"] for path in EXAMPLES for document in yaml.safe_load_all(path.read_text())}
    assert kinds == set(SPECS)


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_bad_document_is_refused_with_words_that_help(refusal: Refusal) -> None:
    with pytest.raises(ValidationError) as caught:
        parse(refusal.document)
    assert refusal.says in str(caught.value)


@pytest.mark.parametrize("kind", ["models/credit-scorer.yaml", "policies/standard.yaml", "approvals/halt.yaml"])
def test_a_misspelt_field_is_refused_by_its_name(kind: str) -> None:
    document = example(kind)
    document["spec"]["rationaal"] = "x"
    with pytest.raises(ValidationError, match="rationaal"):
        parse(document)


def test_stages_are_kinds_by_their_percentage() -> None:
    policy = RolloutPolicySpec.model_validate(POLICY["spec"])
    assert [stage.weight for stage in policy.stages] == [0, 50, 250, 500, 990]
    assert [stage.is_shadow for stage in policy.stages] == [True, False, False, False, False]
    assert [stage.is_full for stage in policy.stages] == [False, False, False, False, True]


def test_a_higher_tier_never_needs_fewer_people() -> None:
    gates = RolloutPolicySpec.model_validate(POLICY["spec"]).gates.deployment
    people = [{role for role in gates.of(tier) if role is not Role.AUTOMATED_CHECKS} for tier in (Tier.LOW, Tier.MEDIUM, Tier.HIGH)]
    assert people[0] < people[1] < people[2]


def test_what_is_left_out_gets_the_careful_default() -> None:
    model = AIModelSpec.model_validate(changed(AIMODEL, (("serving", "sideEffects"), ABSENT), (("policy",), {"name": "standard"}))["spec"])
    assert (model.serving.side_effects, model.policy.scope) == ("Some", "Platform")
    assert (model.serving.capacity.mode, model.serving.deployment.least) == ("Surge", 3)
    sized = (
        {"template": {}},
        {"template": {}, "autoscaling": {"maxReplicas": 4}},
        {"template": {}, "autoscaling": {"minReplicas": 3, "maxReplicas": 4}},
    )
    leasts = [
        AIModelSpec.model_validate(changed(AIMODEL, (("serving", "deployment"), one))["spec"]).serving.deployment.least for one in sized
    ]
    assert leasts == [1, 1, 3]
    bare = RolloutPolicySpec.model_validate({"stages": POLICY["spec"]["stages"]})
    assert [str(check.metric) for check in bare.checks] == ["errors", "rejections"]
    assert [str(guard.metric) for guard in bare.guards] == ["errors", "podFailures"]


def test_the_fast_policies_differ_by_their_shadow_stage_only() -> None:
    fast, canary = (example(f"policies/{name}.yaml")["spec"] for name in ("fast", "fast-canary"))
    assert fast["stages"][1:] == canary["stages"]
    assert {key: value for key, value in fast.items() if key != "stages"} == {k: v for k, v in canary.items() if k != "stages"}
