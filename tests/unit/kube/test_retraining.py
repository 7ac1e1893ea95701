"""The Job that asks for a new version, and the ConfigMap that applications read."""

from typing import Any

import pytest
from pydantic import ValidationError

from headgate.api.retraining import Retraining
from headgate.kube.labels import Owner
from headgate.kube.retraining import Request, is_open, request_name, retraining_job
from headgate.kube.review_mode import review_mode_map
from headgate.review.modes import ReviewMode

OWNER = Owner("headgate.dev/v1alpha1", "AIModel", "credit", "uid-1")
REQUEST = Request("credit-retrain-00000000", "lending", "credit", "1a2b3c4d", "Urgent", "Critical", "psi 0.4 of $(HOME)")
PODS: dict[str, Any] = {
    "metadata": {"labels": {"app": "train"}},
    "spec": {"containers": [{"name": "train", "image": "i", "env": [{"name": "A", "value": "1"}]}]},
}


def test_the_job_is_the_teams_with_what_it_needs_to_know() -> None:
    template = {"metadata": {"labels": {"queue": "gpu"}, "annotations": {"note": "x"}}, "spec": {"backoffLimit": 1, "template": PODS}}
    job = retraining_job(REQUEST, template, OWNER)
    metadata, spec = job["metadata"], job["spec"]
    assert metadata["labels"] == {
        "queue": "gpu",
        "app.kubernetes.io/managed-by": "headgate",
        "headgate.dev/model": "credit",
        "headgate.dev/retraining": "credit-retrain-00000000",
        "headgate.dev/priority": "urgent",
    }
    assert metadata["annotations"] == {"note": "x", "headgate.dev/why": "psi 0.4 of $(HOME)"}
    assert metadata["ownerReferences"][0]["uid"] == "uid-1"
    assert (spec["backoffLimit"], spec["ttlSecondsAfterFinished"], spec["template"]["spec"]["restartPolicy"]) == (1, 604800, "Never")
    env = {one["name"]: one["value"] for one in spec["template"]["spec"]["containers"][0]["env"]}
    assert (env["A"], env["HEADGATE_MODEL"], env["HEADGATE_REVISION"], env["HEADGATE_PRIORITY"]) == ("1", "credit", "1a2b3c4d", "Urgent")
    assert env["HEADGATE_REASON"] == "psi 0.4 of $$(HOME)"
    assert PODS["spec"]["containers"][0]["env"] == [{"name": "A", "value": "1"}], "the template is not changed"


def test_pods_of_a_request_never_become_part_of_a_version() -> None:
    pods = {**PODS, "metadata": {"labels": {"headgate.dev/revision": "1a2b3c4d", "headgate.dev/replay": "x", "app": "train"}}}
    job = retraining_job(REQUEST, {"metadata": {"labels": {"headgate.dev/model": "other"}}, "spec": {"template": pods}}, OWNER)
    assert job["spec"]["template"]["metadata"]["labels"] == {"app": "train"}
    assert job["metadata"]["labels"]["headgate.dev/model"] == "credit"


def test_a_name_fits_the_longest_model() -> None:
    assert len(request_name("m" * 50, "f" * 64)) <= 63
    assert request_name("credit", "0123456789") == "credit-retrain-01234567"


@pytest.mark.parametrize(
    ("conditions", "still"),
    [([], True), ([{"type": "Complete", "status": "True"}], False), ([{"type": "Failed", "status": "True"}], False)],
)
def test_a_job_is_open_until_it_ends(conditions: list[dict[str, str]], still: bool) -> None:
    assert is_open({"status": {"conditions": conditions}}) is still


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "one of the two"),
        ({"receiver": "a", "jobTemplate": {"spec": {"template": PODS}}}, "one of the two"),
        ({"jobTemplate": {"spec": {}}}, "must have spec.template"),
        ({"jobTemplate": {"template": PODS}}, "must have spec.template"),
        ({"jobTemplate": {"spec": {"template": {"metadata": {"labels": {"headgate.dev/revision": "x"}}}}}}, "leave them off"),
    ],
)
def test_a_bad_way_is_refused_with_words_that_help(document: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Retraining.model_validate(document)
    assert says in str(caught.value)


def test_the_application_reads_mode_since_and_why() -> None:
    made = review_mode_map("lending", "credit", ReviewMode.ALL, "2026-03-20T12:00:00+00:00", "psi 0.4", OWNER)
    assert made["metadata"]["name"] == "credit-review-mode"
    assert made["data"] == {"mode": "All", "since": "2026-03-20T12:00:00+00:00", "why": "psi 0.4"}
