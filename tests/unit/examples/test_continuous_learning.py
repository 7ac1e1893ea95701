"""The example of continuous learning: its parts fit together, and its pipeline asks for a version that Headgate takes."""

import copy
import importlib.util
import json
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from tests.resources import ROOT
from tests.unit.cli.cluster_in_memory import headgate

from headgate.api.aimodel import AIModelSpec
from headgate.monitoring.inservice.plan import plan_of
from headgate.monitoring.inservice.reference import read

EXAMPLE = ROOT / "examples/continuous-learning"
NAME = "learning/credit-limits"
AIMODEL = "/apis/headgate.dev/v1alpha1/namespaces/learning/aimodels/credit-limits"
FIELDS = ("income", "debt", "requested_amount", "late_payments", "history_months")
Object = dict[str, Any]


def script() -> ModuleType:
    """pipeline/release.py, which no package holds."""
    spec = importlib.util.spec_from_file_location("release", EXAMPLE / "pipeline/release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PIPELINE = script()


def objects(file: str) -> dict[str, Object]:
    """By kind and name."""
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in yaml.safe_load_all((EXAMPLE / file).read_text())}


def model() -> Object:
    """As the cluster has it, with v1 live."""
    return objects("model.yaml")["AIModel/credit-limits"] | {"status": {"stable": {"version": "v1"}}}


class Api:
    """An API server in memory."""

    def __init__(self, model: Object) -> None:
        self.model = model
        self.made: dict[str, Object] = {}
        self.applied: list[Object] = []

    def get(self, path: str) -> Object:
        assert path == AIMODEL
        return copy.deepcopy(self.model)

    def create(self, path: str, body: Object) -> None:
        assert path == "/api/v1/namespaces/learning/configmaps"
        self.made.setdefault(body["metadata"]["name"], body)

    def apply(self, path: str, body: Object) -> None:
        assert path == AIMODEL
        self.applied.append(body)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """What `model-server fit` leaves."""
    drawn = random.Random(1)
    rows = (
        f"{drawn.randint(60_000, 140_000)},{drawn.randint(0, 20_000)},{drawn.randint(5000, 20_000)},1,84,{drawn.random()}"
        for _ in range(600)
    )
    (tmp_path / "training.csv").write_text("\n".join((",".join((*FIELDS, "predictions")), *rows)) + "\n")
    (tmp_path / "parameters.json").write_text('{"TYPICAL_INCOME":"99000"}\n')
    edges = {field: [10_000, 80_000, 100_000, 120_000] for field in FIELDS} | {"predictions": [0.25, 0.5, 0.75]}
    (tmp_path / "edges.json").write_text(json.dumps(edges))
    return tmp_path


def merged(stored: Any, applied: Any) -> Any:
    """As server-side apply does it where no list is keyed."""
    if isinstance(stored, dict) and isinstance(applied, dict):
        return stored | {key: merged(stored.get(key), value) for key, value in applied.items()}
    return applied


def test_the_example_is_clean_but_for_an_image_that_only_the_test_bed_has() -> None:
    done = headgate("lint", str(EXAMPLE), "-o", "json")
    assert done.exit_code == 0, done.stdout
    assert {one["rule"] for one in json.loads(done.stdout)["findings"]} == {"image-not-pinned"}


def test_the_first_version_names_what_is_there() -> None:
    spec, there = AIModelSpec.model_validate(model()["spec"]), objects("objects/v1.yaml")
    assert spec.monitoring is not None
    assert spec.monitoring.reference is not None
    known = there[f"ConfigMap/{spec.monitoring.reference.config_map}"]
    found = read(known["data"]["reference.json"], model=NAME, digest=spec.monitoring.reference.digest)
    assert {feature.name for feature in plan_of(NAME, spec, None).features} == set(found.features)
    container = model()["spec"]["serving"]["deployment"]["template"]["spec"]["containers"][0]
    parameters = there[f"ConfigMap/{container['envFrom'][0]['configMapRef']['name']}"]["data"]
    assert parameters["VERSION"] == spec.version


def test_the_artifact_is_the_digest_of_the_parameters(tmp_path: Path) -> None:
    parameters = dict(objects("objects/v1.yaml")["ConfigMap/credit-limits-parameters-v1"]["data"])
    del parameters["VERSION"]
    (tmp_path / "parameters.json").write_text(json.dumps(parameters))
    assert PIPELINE.fitted(tmp_path).digest == model()["spec"]["artifact"]["digest"]


def test_the_job_may_change_this_one_model_and_no_configmap_and_no_decision() -> None:
    access = objects("objects/pipeline.yaml")
    account = model()["spec"]["monitoring"]["retraining"]["jobTemplate"]["spec"]["template"]["spec"]["serviceAccountName"]
    assert f"ServiceAccount/{account}" in access
    rules = access[f"Role/{account}"]["rules"]
    assert {name for rule in rules for name in rule.get("resourceNames", ())} == {"credit-limits"}
    rest = {(resource, verb) for rule in rules if "resourceNames" not in rule for resource in rule["resources"] for verb in rule["verbs"]}
    assert rest == {(resource, "create") for resource in ("configmaps", "deployments", "services", "httproutes")}


def test_a_fitted_version_brings_its_own_reference_and_is_a_version_that_headgate_takes(work: Path) -> None:
    api = Api(model())
    said = PIPELINE.release(api, work, "learning", "credit-limits")
    (applied,) = api.applied
    assert set(applied["spec"]) == {"version", "artifact", "serving", "monitoring"}, "nothing else is taken over by the pipeline"
    spec = AIModelSpec.model_validate(merged(api.model["spec"], applied["spec"]))
    assert spec.version.startswith("fit-")
    assert spec.version in said
    assert spec.monitoring is not None
    assert spec.monitoring.reference is not None
    assert spec.monitoring.retraining is not None, "the next drift is answered too"
    reference = read(
        api.made[spec.monitoring.reference.config_map]["data"]["reference.json"], model=NAME, digest=spec.monitoring.reference.digest
    )
    assert set(reference.features) == {"income", "requested_amount", "predictions"}
    assert reference.features["income"].edges == (10_000.0, 80_000.0, 100_000.0, 120_000.0)
    assert reference.features["income"].counts.sum() == 600
    assert spec.serving.deployment is not None
    (taken,) = spec.serving.deployment.template["spec"]["containers"][0]["envFrom"]
    assert api.made[taken["configMapRef"]["name"]]["data"] == {"TYPICAL_INCOME": "99000", "VERSION": spec.version}
    assert all(body["immutable"] for body in api.made.values())


def test_the_same_parameters_are_the_same_version_however_often_the_job_tries(work: Path) -> None:
    api = Api(model())
    PIPELINE.release(api, work, "learning", "credit-limits")
    api.model["spec"] = merged(api.model["spec"], api.applied[0]["spec"])
    PIPELINE.release(api, work, "learning", "credit-limits")
    assert api.applied[0] == api.applied[1]
    assert len(api.made) == 2


def test_nothing_is_asked_for_while_another_version_is_on_its_way(work: Path) -> None:
    api = Api(model())
    api.model["spec"]["version"] = "v2"
    with pytest.raises(PIPELINE.Refused, match="v2 is asked for and v1 is live: let that rollout end first"):
        PIPELINE.release(api, work, "learning", "credit-limits")
    assert (api.made, api.applied) == ({}, [])


def test_rows_of_which_no_reference_can_be_made_are_refused_with_the_reason(work: Path) -> None:
    (work / "training.csv").write_text("")
    api = Api(model())
    with pytest.raises(PIPELINE.Refused, match="no reference could be made"):
        PIPELINE.release(api, work, "learning", "credit-limits")
    assert api.applied == []
