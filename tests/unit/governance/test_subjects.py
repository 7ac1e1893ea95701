"""A subject changes with everything an approver relies on, and with nothing else."""

from typing import Any

import pytest

from headgate.api.aimodel import Classification
from headgate.api.dossier import Evidence, LineageStep, Requirements
from headgate.api.policy import RolloutPolicySpec
from headgate.api.vendor import Vendor
from headgate.api.vocabulary import Mode, Tier
from headgate.governance.subjects import deployment_statement, subject_of, use_case_statement

CONTENT = "sha256:" + "ab" * 32
POLICY: dict[str, Any] = {
    "stages": [
        {"name": "shadow", "mirrorPercent": 100, "minDuration": "14d", "maxDuration": "28d", "minRequests": 1000},
        {"name": "canary", "trafficPercent": 5, "minDuration": "7d", "maxDuration": "14d"},
        {"name": "full", "holdbackPercent": 1, "minDuration": "1d", "maxDuration": "3d"},
    ],
    "checks": [{"metric": "errors", "maxIncrease": "0.5pp"}, {"metric": "latency", "quantile": "0.95", "maxIncrease": "50ms"}],
    "guards": [{"metric": "errors", "maxRate": "20pp"}, {"metric": "podFailures", "maxRestarts": 3, "window": "60s"}],
}
GIVEN: dict[str, Any] = {
    "environment": "production",
    "namespace": "lending",
    "name": "credit-scorer",
    "content": CONTENT,
    "tier": Tier.HIGH,
}


def subject(policy: dict[str, Any] = POLICY, **changed: Any) -> str:
    return subject_of(deployment_statement(**(GIVEN | changed), policy=RolloutPolicySpec.model_validate(policy)))


def test_version_1_is_spelled_the_same_in_every_release() -> None:
    """Written down: a release that changes this voids every approval there is. Make a version 2 instead."""
    assert subject() == "sha256:efca23c6b99914332206e925bc18afeecdac31295a9d9d54e38785b98e6815bf"


@pytest.mark.parametrize(
    "change",
    [
        {"environment": "staging"},
        {"namespace": "lending2"},
        {"name": "credit-scorer2"},
        {"content": "sha256:" + "ac" * 32},
        {"tier": Tier.MEDIUM},
    ],
)
def test_every_part_of_the_model_binds(change: dict[str, Any]) -> None:
    assert subject(**change) != subject()


@pytest.mark.parametrize(
    "change",
    [
        {"stages": [POLICY["stages"][0] | {"minDuration": "13d"}, *POLICY["stages"][1:]]},
        {"stages": [POLICY["stages"][0], POLICY["stages"][1] | {"trafficPercent": 6}, POLICY["stages"][2]]},
        {"checks": [POLICY["checks"][0] | {"maxIncrease": "0.6pp"}, POLICY["checks"][1]]},
        {"checks": POLICY["checks"][:1]},
        {"guards": [POLICY["guards"][0] | {"maxRate": "30pp"}, POLICY["guards"][1]]},
        {"analysis": {"alpha": "0.1"}},
        {"analysis": {"beta": "0.1"}},
        {"gates": {"deployment": {"high": [{"role": "technical-validation"}]}}},
        {"triggers": {"fairness": {"minDisparateImpact": "0.8"}}},
        {"triggers": {"alerts": [{"severity": "critical"}]}},
    ],
)
def test_the_governing_part_of_the_policy_binds(change: dict[str, Any]) -> None:
    assert subject(POLICY | change) != subject()


@pytest.mark.parametrize(
    "change",
    [
        {"analysis": {"interval": "5s"}},
        {"rollbackWindow": "3d"},
        {"checks": POLICY["checks"][::-1]},
        {"guards": POLICY["guards"][::-1]},
        {"triggers": {}},
    ],
)
def test_the_rest_and_the_order_of_sets_do_not(change: dict[str, Any]) -> None:
    assert subject(POLICY | change) == subject()


def test_what_a_check_may_say_since_later_is_named_only_where_it_is_said() -> None:
    statement = deployment_statement(policy=RolloutPolicySpec.model_validate(POLICY), **GIVEN)
    assert statement["policy"]["checks"] == [
        {"metric": "errors", "maxIncrease": "0.5pp", "weight": 1, "required": True},
        {"metric": "latency", "maxIncrease": "50ms", "quantile": "0.95", "weight": 1, "required": True},
    ]


@pytest.mark.parametrize("change", [{"maxDecrease": "6%"}, {"maxDecrease": None, "maxIncrease": "5%"}, {"summary": "revenue"}])
def test_which_value_may_fall_by_how_much_binds(change: dict[str, Any]) -> None:
    value = {"metric": "value", "maxDecrease": "5%"}
    before, after = ({"checks": [*POLICY["checks"], check]} for check in (value, value | change))
    assert subject(POLICY | before) != subject(POLICY | after)


def test_equivalent_spellings_are_one_subject() -> None:
    stages = [POLICY["stages"][0] | {"minDuration": "336h"}, POLICY["stages"][1] | {"trafficPercent": "5.0"}, POLICY["stages"][2]]
    assert subject(POLICY | {"stages": stages}) == subject()


def test_the_mode_binds_where_it_is_observe_and_is_not_spelled_out_elsewhere() -> None:
    assert subject(mode=Mode.OBSERVE) != subject() == subject(mode=Mode.ENFORCE)


def test_the_leave_to_observe_alone_is_nothing_to_approve() -> None:
    assert subject(POLICY | {"analysis": {"observe": "Allowed"}}) == subject()


ASKED: dict[str, Any] = {"minAgreement": "0.9"}


def asking(**changed: Any) -> str:
    return subject(POLICY | {"stages": [POLICY["stages"][0] | {"replay": ASKED | changed}, *POLICY["stages"][1:]]})


@pytest.mark.parametrize("change", [{"minAgreement": "0.8"}, {"minPairs": 300}, {"maxContractViolations": 1}, {"maxValidationGap": "5%"}])
def test_what_a_comparison_of_answers_must_show_binds_where_one_is_asked_for(change: dict[str, Any]) -> None:
    assert len({asking(**change), asking(), subject()}) == 3


@pytest.mark.parametrize("change", [{"maxPairs": 2000}, {"pairsPerSecond": 5}, {"timeout": "1h"}])
def test_how_it_is_run_does_not(change: dict[str, Any]) -> None:
    assert asking(**change) == asking()


def test_the_models_part_of_a_comparison_binds_where_there_is_one() -> None:
    assert subject(replay=CONTENT) != subject() == subject(replay=None)


FAIRNESS: dict[str, Any] = {"minDisparateImpact": "0.8", "favourable": ["approved", "approved-with-conditions"]}


def fairness(**changed: Any) -> str:
    return subject(POLICY | {"triggers": {"fairness": FAIRNESS | changed}})


@pytest.mark.parametrize(
    "change",
    [
        {"minDisparateImpact": "0.7"},
        {"maxParityDifference": "10pp"},
        {"metric": "loans_total"},
        {"groupLabel": "cohort"},
        {"outcomeLabel": "result"},
        {"favourable": ["approved"]},
        {"reference": "A"},
        {"minDecisions": 40},
        {"required": True},
    ],
)
def test_every_part_of_the_fairness_trigger_binds(change: dict[str, Any]) -> None:
    assert fairness(**change) != fairness()


@pytest.mark.parametrize("change", [{"label": "region"}, {"most": 4}, {"minRequests": 50}])
def test_every_part_of_the_segments_binds(change: dict[str, Any]) -> None:
    def split(**changed: Any) -> str:
        first, *others = POLICY["checks"]
        return subject(POLICY | {"checks": [first | {"segments": {"label": "group"} | changed}, *others]})

    assert len({split(**change), split(), subject()}) == 3


def test_the_order_of_favourable_outcomes_does_not_bind() -> None:
    assert fairness(favourable=FAIRNESS["favourable"][::-1]) == fairness()


USE_CASE: dict[str, Any] = {
    "environment": "production",
    "namespace": "lending",
    "name": "credit-scorer",
    "classification": {
        "domain": "CreditScoring",
        "decisions": "Automated",
        "affectedRights": ["Privacy"],
        "practices": [],
        "regions": ["EU"],
    },
    "requirements": {"businessContext": "fewer losses"},
    "vendor": None,
    "tier": Tier.HIGH,
}


def use_case(**changed: Any) -> str:
    given = USE_CASE | changed
    given["classification"] = Classification.model_validate(given["classification"])
    given["requirements"] = Requirements.model_validate(given["requirements"]) if given["requirements"] is not None else None
    return subject_of(use_case_statement(**given))


def test_a_use_case_of_version_1_is_spelled_the_same_in_every_release() -> None:
    """Written down, as above."""
    assert use_case() == "sha256:8d03de9bd62969f41d1051db27a27ff18141f8762cdc8664200c1c944d3a96b4"


@pytest.mark.parametrize(
    "change",
    [
        {"environment": "staging"},
        {"namespace": "claims"},
        {"name": "credit"},
        {"tier": Tier.MEDIUM},
        {"requirements": None},
        {"requirements": {}},
        {"requirements": {"businessContext": "more loans"}},
        *({"classification": USE_CASE["classification"] | part} for part in ({"regions": ["US"]}, {"practices": ["Profiling"]})),
        *({"classification": USE_CASE["classification"] | part} for part in ({"domain": "Employment"}, {"affectedRights": []})),
    ],
)
def test_a_use_case_changes_with_what_it_is(change: dict[str, Any]) -> None:
    assert use_case(**change) != use_case()


def test_a_use_case_is_the_same_however_it_is_written() -> None:
    written = USE_CASE["classification"] | {"affectedRights": ["Privacy", "Privacy"], "declaredTier": "High"}
    assert use_case(classification=written) == use_case()


@pytest.mark.parametrize(
    "gates",
    [
        {"useCase": {}},
        {"useCase": {}, "continuation": {}},
        {"useCase": {}, "dossier": {}},
        {"dossier": {}},
        {"deployment": {"high": [{"role": "legal-approval", "count": 2}]}},
    ],
)
def test_a_policy_that_asks_for_more_is_another_subject(gates: dict[str, Any]) -> None:
    once = {"deployment": {"high": [{"role": "legal-approval", "count": 1}]}}
    plain = {"deployment": {"high": [{"role": "legal-approval"}]}}
    assert subject(POLICY | {"gates": once}) == subject(POLICY | {"gates": plain})
    assert subject(POLICY | {"gates": gates}) not in (subject(), subject(POLICY | {"gates": plain}))


def test_evidence_and_lineage_are_part_of_a_version() -> None:
    proof = Evidence(type="fairness", uri="s3://x", digest=CONTENT)
    step = LineageStep(component="training", component_version="1", input=CONTENT, output=CONTENT)
    found = {
        subject(),
        subject(evidence=(proof,)),
        subject(evidence=(proof.model_copy(update={"digest": "sha256:" + "cd" * 32}),)),
        subject(lineage=(step,)),
        subject(lineage=(step.model_copy(update={"component_version": "2"}),)),
    }
    assert len(found) == 5
    assert subject(evidence=(proof.model_copy(update={"uri": "s3://moved"}),)) == subject(evidence=(proof,))


def test_a_use_case_without_a_vendor_has_the_subject_it_always_had() -> None:
    """And who the vendor is, what of theirs is used and how they were rated are part of it."""
    own = use_case()
    acme = {"name": "Acme", "product": "Scores 3", "evaluation": {"security": "Low"}}
    known = use_case(vendor=Vendor.model_validate(acme))
    changed = [use_case(vendor=Vendor.model_validate(acme | other)) for other in ({"name": "Bcme"}, {"product": "4"}, {"evaluation": {}})]
    assert len({own, known, *changed}) == 5
    announced = acme | {"changeNotices": [{"date": "2026-01-01", "effective": "2026-03-02", "what": "x"}], "sla": {"p95": "300ms"}}
    assert use_case(vendor=Vendor.model_validate(announced)) == known
    assert use_case(vendor=None) == own


ALERTS: list[dict[str, Any]] = [{"severity": "critical"}, {"name": "ScoresShifted", "action": "RollBack"}]


def heeding(*alerts: dict[str, Any], **triggers: Any) -> str:
    return subject(POLICY | {"triggers": triggers | {"alerts": list(alerts)}})


def test_which_alerts_are_heeded_binds_and_their_order_does_not() -> None:
    assert heeding(*ALERTS) == heeding(*ALERTS[::-1])
    others = [heeding(ALERTS[0]), heeding(ALERTS[0] | {"action": "RollBack"}, ALERTS[1]), heeding({"severity": "page"}, ALERTS[1])]
    assert len({heeding(*ALERTS), *others}) == 4


def test_a_fairness_trigger_reads_as_before_there_were_alerts() -> None:
    statement = deployment_statement(policy=RolloutPolicySpec.model_validate(POLICY | {"triggers": {"fairness": FAIRNESS}}), **GIVEN)
    assert set(statement["policy"]["triggers"]) == {"fairness"}
