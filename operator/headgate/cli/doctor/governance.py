"""Checks of what approvals rest on: admission policies, the trust store, the operator's rights. Pure."""

from collections.abc import Iterator

from pydantic import ValidationError

from headgate.api.faults import first_fault
from headgate.api.trust_store import TRUST_STORE, TrustStoreSpec
from headgate.cli.doctor.check import Check, fail, ok, unseen, warn
from headgate.cli.doctor.facts import Facts, Operator, Right
from headgate.kube.admission import OPTIONAL, AdmissionPolicies, required, standing
from headgate.kube.installed import Installed, read_installed

_INSTALL = "install the chart's admission policies again (helm upgrade, admission.enabled: true)"


def governance(facts: Facts) -> Iterator[Check]:
    yield from _admission(facts)
    yield _trust_store(facts)
    yield _policies(facts)
    yield _rights(facts)


def _admission(facts: Facts) -> Iterator[Check]:
    topic = "admission policies"
    for asked in (facts.admission_policies, facts.admission_bindings):
        if asked.value is None:
            yield unseen(topic, asked)
            return
    policies, bindings = facts.admission_policies.value or (), facts.admission_bindings.value or ()
    prefix = facts.operator.value.prefix if facts.operator.value else "headgate"
    installed = _installed(facts)
    problem = standing(policies, bindings, prefix, installed).problem
    if problem:
        yield fail(topic, f"{problem.partition(': install')[0]}: nothing proves who approves, so gates stay closed", _INSTALL)
    else:
        yield ok(topic, f"{len(required(prefix, installed))} are there and deny")
    found = AdmissionPolicies(policies, bindings, prefix, installed)
    faults = [fault for short in OPTIONAL if (fault := found.fault(short))]
    if faults and not problem:
        yield warn("admission of freezes and trust", f"{'; '.join(faults)}: RBAC alone says who may freeze and who is trusted", _INSTALL)


def _installed(facts: Facts) -> Installed:
    """By the operator's own configuration; where that cannot be read, only what plainly weakens a policy is found."""
    try:
        return read_installed(facts.operator.value.setting("ADMISSION_DIGESTS") if facts.operator.value else "")
    except ValueError:
        return Installed()


def _trust_store(facts: Facts) -> Check:
    topic, asked = "trust store", facts.trust_store
    required = facts.operator.value is not None and facts.operator.value.setting("TRUST_STORE_REQUIRED") == "true"
    if asked.value is None:
        if not asked.missing:
            return unseen(topic, asked)
        if required:
            return fail(
                topic, "the chart requires one, and there is none: gates above Low stay closed", f"apply a TrustStore {TRUST_STORE}"
            )
        said = "there is none: whoever the API server takes for a person is one, and --as makes anybody anybody"
        return warn(topic, said, "write a TrustStore, and set trustStore.required: true in the chart's values")
    try:
        store = TrustStoreSpec.model_validate(asked.value.get("spec") or {})
    except ValidationError as error:
        return fail(
            topic, f"it cannot be read: {first_fault(error, 'spec')}: gates above Low stay closed", "repair it: kubectl headgate lint"
        )
    untrained = [one.name for one in store.persons if facts.now >= one.training_valid_until]
    if untrained:
        said = f"the training of {', '.join(untrained)} is over: their approvals do not count"
        return warn(topic, said, "renew it, and write the new trainingValidUntil")
    if not required:
        said = f"{len(store.persons)} persons; it is not required, so deleting it opens what it closes"
        return warn(topic, said, "set trustStore.required: true in the chart's values")
    return ok(topic, f"{len(store.persons)} persons")


def _policies(facts: Facts) -> Check:
    topic, policies = "policies", facts.policies.value
    if policies is None:
        return unseen(topic, facts.policies)
    if policies.unread:
        said = f"{', '.join(policies.unread)} cannot be read by this release: no version of their models starts"
        return fail(topic, said, "kubectl get rop -o yaml | kubectl headgate lint - says what is wrong")
    return ok(topic, f"{len(policies.intervals)} can be read")


def _rights(facts: Facts) -> Check:
    topic, asked = "operator's rights", facts.refused_rights
    if asked.value is None:
        return unseen(topic, asked)
    if asked.value:
        user = facts.operator.value.user if facts.operator.value else "the operator"
        return fail(topic, f"{user} may not {'; '.join(map(str, asked.value))}", "install the chart's roles again (helm upgrade)")
    return ok(topic, "it may do all that it has to")


_SERVING = (
    ("headgate.dev", "aimodels", ("list", "watch")),
    ("headgate.dev", "aimodels/status", ("patch",)),
    ("headgate.dev", "governanceapprovals", ("list", "watch")),
    ("headgate.dev", "governanceapprovals/status", ("patch",)),
    ("apps", "deployments", ("list", "watch", "create", "patch", "delete")),
    ("apps", "controllerrevisions", ("get", "create", "patch")),
    ("autoscaling", "horizontalpodautoscalers", ("create", "patch", "delete")),
    ("", "services", ("list", "create", "patch", "delete")),
    ("", "configmaps", ("list", "create", "patch", "delete")),
    ("", "pods", ("list", "watch")),
    ("batch", "jobs", ("list", "create", "delete")),
    ("gateway.networking.k8s.io", "httproutes", ("list", "watch", "create", "patch", "delete")),
    ("events.k8s.io", "events", ("create", "patch")),
)


def needed_rights(operator: Operator, namespace: str) -> Iterator[Right]:
    """What the operator has to be allowed: where models are served, where policies are, and in its own `namespace`."""
    for where in filter(None, operator.setting("WATCH_NAMESPACES").split(",")) if operator.setting("WATCH_NAMESPACES") else ("",):
        for group, resource, verbs in _SERVING:
            yield from (Right(verb, group, resource, where) for verb in verbs)
    policies = operator.setting("POLICY_NAMESPACE") or namespace
    yield Right("list", "headgate.dev", "rolloutpolicies", policies)
    yield Right("get", "headgate.dev", "truststores", policies, TRUST_STORE)
    yield Right("patch", "coordination.k8s.io", "leases", namespace, "headgate")
    yield Right("create", "", "configmaps", namespace)
    yield Right("list", "admissionregistration.k8s.io", "validatingadmissionpolicies")
    yield Right("list", "admissionregistration.k8s.io", "validatingadmissionpolicybindings")
