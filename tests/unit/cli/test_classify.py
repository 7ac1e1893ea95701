"""classify: a file, no cluster."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.resources import EXAMPLES
from tests.unit.cli.cluster_in_memory import headgate

from headgate.governance.classification_table import BUILT_IN

CLASSIFICATION: dict[str, Any] = {
    "domain": "CreditScoring",
    "decisions": "HumanInTheLoop",
    "affectedRights": ["Privacy"],
    "practices": [],
    "regions": ["EU", "US"],
}


def written(folder: Path, **changes: Any) -> str:
    model = {"kind": "AIModel", "metadata": {"name": "credit"}, "spec": {"classification": CLASSIFICATION | changes}}
    file = folder / "model.yaml"
    file.write_text("kind: ConfigMap\n---\n" + yaml.safe_dump(model))
    return str(file)


def test_it_says_tier_reasons_controls_and_documents(tmp_path: Path) -> None:
    done = headgate("classify", "-f", written(tmp_path))
    assert done.exit_code == 0, done.output
    for words in ("credit: High (table 2026-11)", "creditworthiness", "by a team that did not build it", "SR 26-2", "EU AI Act"):
        assert words in done.stdout


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_programs_read_it(tmp_path: Path, output: str) -> None:
    told = headgate("classify", "-f", written(tmp_path), "-o", output).stdout
    found = json.loads(told) if output == "json" else yaml.safe_load(told)
    assert (found["tier"], found["tableVersion"]) == ("High", BUILT_IN.version)
    assert set(found) == {"tier", "reasons", "tableVersion", "controls", "documents"}


@pytest.mark.parametrize(
    ("changes", "shown"),
    [({"practices": ["SocialScoring"]}, "Prohibited"), ({"domain": "Alchemy"}, "Unknown"), ({"regions": []}, "regions is not given")],
)
def test_what_will_not_start_is_an_error_for_scripts(tmp_path: Path, changes: dict[str, Any], shown: str) -> None:
    done = headgate("classify", "-f", written(tmp_path, **changes))
    assert done.exit_code == 1
    assert shown in done.stdout


def test_a_declared_tier_alone_must_not_be_below_the_table_s_for_the_domain(tmp_path: Path) -> None:
    alone = dict.fromkeys(CLASSIFICATION) | {"declaredTier": "Medium"}
    done = headgate("classify", "-f", written(tmp_path, **alone | {"domain": "CreditScoring"}))
    assert done.exit_code == 1
    assert "the table says High for the domain CreditScoring alone: complete spec.classification" in " ".join(done.stdout.split())
    assert headgate("classify", "-f", written(tmp_path, **alone)).exit_code == 0


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    own = BUILT_IN.model_dump(mode="json", by_alias=True) | {"version": "bank-7", "domains": {"CreditScoring": {"tier": "Low"}}}
    table = tmp_path / "table.yaml"
    table.write_text(yaml.safe_dump(own))
    assert "Medium (table bank-7)" in headgate("classify", "-f", written(tmp_path), "--table", str(table)).stdout
    table.write_text("version: 1")
    refused = headgate("classify", "-f", written(tmp_path), "--table", str(table))
    assert refused.exit_code == 1
    assert "table.yaml: " in refused.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: RolloutPolicy", "holds no AIModel"),
        ("kind: AIModel\nspec: {classification: {domain: X, decisions: Never}}", "spec.classification.decisions"),
        ("kind: AIModel\nspec: []", "spec"),
        ("kind: AIModel\nspec: 7", "spec"),
        ("kind: AIModel", "spec.classification"),
    ],
)
def test_a_wrong_file_is_refused_with_the_field(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(text)
    refused = headgate("classify", "-f", str(file))
    assert refused.exit_code == 1
    assert says in refused.stderr


@pytest.mark.parametrize("path", [path for path in EXAMPLES if path.parent.name == "models"], ids=lambda path: path.name)
def test_every_example_has_a_tier(path: Path) -> None:
    assert headgate("classify", "-f", str(path)).exit_code == 0
