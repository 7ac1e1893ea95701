"""pin prints what a rebuilt cluster begins with: the live version, of the same revision, and nothing is written unless asked for."""

from typing import Any

import pytest
import yaml
from tests.unit.cli.cluster_in_memory import LIVE, STABLE, ClusterInMemory, headgate
from tests.unit.rollout.world import spec

from headgate.api.aimodel import AIModelSpec
from headgate.kube.resources import AIMODELS
from headgate.rollout.revisions import baseline_of, revision_of

V1, V2 = spec("1.0.0"), spec("2.0.0")


def stored(memory: ClusterInMemory, wanted: AIModelSpec, live: AIModelSpec | None, **serving: Any) -> None:
    status = LIVE | {"stable": STABLE | {"revision": revision_of(live, {}).revision, "version": live.version}} if live else {}
    body = wanted.model_dump(mode="json", by_alias=True, exclude_none=True)
    metadata = {
        "name": "credit",
        "namespace": "lending",
        "uid": "u-1",
        "resourceVersion": "7",
        "labels": {"team": "credit-ml"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "kept"},
        "managedFields": [{"manager": "kubectl"}],
    }
    memory.put(AIMODELS, {"metadata": metadata, "spec": body | {"serving": body["serving"] | serving}, "status": status})


def test_the_baseline_has_the_revision_that_is_live(memory: ClusterInMemory) -> None:
    stored(memory, V1, V1)
    result = headgate("pin", "credit", "-n", "lending", "-o", "yaml")
    assert result.exit_code == 0, result.output
    manifest = yaml.safe_load(result.stdout)
    assert (manifest["kind"], manifest["metadata"]) == (
        "AIModel",
        {"name": "credit", "namespace": "lending", "labels": {"team": "credit-ml"}, "annotations": {"note": "kept"}},
    )
    pinned = baseline_of(AIModelSpec.model_validate(manifest["spec"]))
    assert pinned is not None
    assert (pinned.version, revision_of(pinned, {})) == ("1.0.0", revision_of(V1, {}))


def test_the_patch_holds_the_baseline_and_nothing_else(memory: ClusterInMemory) -> None:
    stored(memory, V1, V1)
    patch = yaml.safe_load(headgate("pin", "credit", "-n", "lending").stdout)
    assert list(patch) == ["spec"]
    assert list(patch["spec"]["serving"]) == ["baseline"]
    assert "baseline" not in memory.objects["aimodels", "lending", "credit"]["spec"]["serving"], "nothing was written"


def test_write_patches_the_model_as_it_was_read(memory: ClusterInMemory) -> None:
    stored(memory, V1, V1)
    result = headgate("pin", "credit", "-n", "lending", "--write")
    assert result.exit_code == 0, result.output
    assert memory.objects["aimodels", "lending", "credit"]["spec"]["serving"]["baseline"]["version"] == "1.0.0"


def test_a_baseline_that_is_live_stays_while_the_spec_moves_on(memory: ClusterInMemory) -> None:
    then = V1.model_dump(mode="json", by_alias=True, exclude_none=True)
    baseline = {"version": then["version"], "artifact": then["artifact"], "deployment": then["serving"]["deployment"]}
    stored(memory, V2, V1, baseline=baseline)
    patch = yaml.safe_load(headgate("pin", "credit", "-n", "lending").stdout)
    assert patch["spec"]["serving"]["baseline"] == baseline


@pytest.mark.parametrize(("wanted", "live", "says"), [(V2, V1, "1.0.0 (revision"), (V1, None, "no version of credit is live")])
def test_what_cannot_be_pinned_is_told(memory: ClusterInMemory, wanted: AIModelSpec, live: AIModelSpec | None, says: str) -> None:
    stored(memory, wanted, live)
    result = headgate("pin", "credit", "-n", "lending")
    assert result.exit_code == 1
    assert says in result.stderr
