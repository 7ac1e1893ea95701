"""Who could decide in somebody else's name, or do away with what stops them: RBAC read as far as that question goes. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from headgate.cli.doctor.check import Check, ok, unseen, warn
from headgate.cli.doctor.facts import Bindings, Facts

Rule = Mapping[str, Any]

_MOST_NAMED = 8
_SYSTEM = ("system:",)
_CLUSTER_ADMINS = "system:masters"


def subjects(facts: Facts) -> Iterator[Check]:
    """One check for each way around the gates."""
    if facts.rbac.value is None:
        yield unseen("subjects", facts.rbac)
        return
    listed = facts.trust_store.value is not None
    for topic, means, todo, allows in _WAYS:
        found = holders(facts.rbac.value, allows, _own(facts))
        if not found:
            yield ok(topic, "nobody but the cluster's own administrators and controllers")
            continue
        named = "; ".join(found[:_MOST_NAMED]) + (f"; and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else "")
        kept = " (the trust store still says which persons count)" if listed and allows is _approves_by_wildcard else ""
        yield warn(topic, f"{means}{kept}: {named}", todo)


def holders(rbac: Bindings, allows: Callable[[Rule], bool], own: str) -> list[str]:
    """Each subject with a role that has such a rule, and by which binding. Kubernetes' own and `own` (the operator) are left out."""
    cluster_roles = {_name(role) for role in rbac.cluster_roles if _allows(role, allows)}
    roles = {(_namespace(role), _name(role)) for role in rbac.roles if _allows(role, allows)}
    found: dict[str, list[str]] = {}
    for binding in (*rbac.cluster_role_bindings, *rbac.role_bindings):
        reference = binding.get("roleRef") or {}
        kind, name, where = reference.get("kind"), reference.get("name"), _namespace(binding)
        if (kind == "ClusterRole" and name in cluster_roles) or (kind == "Role" and (where, name) in roles):
            by = f"{name} in {where}" if where else str(name)
            for subject in binding.get("subjects") or ():
                if (who := _subject(subject)) and who != own:
                    found.setdefault(who, []).append(by)
    return [f"{who} (by {', '.join(dict.fromkeys(by))})" for who, by in sorted(found.items())]


def _own(facts: Facts) -> str:
    return facts.operator.value.user if facts.operator.value else ""


def _subject(subject: Mapping[str, Any]) -> str:
    """As the API server names it; empty for Kubernetes' own."""
    kind, name, namespace = subject.get("kind"), str(subject.get("name") or ""), str(subject.get("namespace") or "")
    if kind == "ServiceAccount":
        return "" if namespace == "kube-system" else f"system:serviceaccount:{namespace}:{name}"
    everybody = name in ("system:authenticated", "system:unauthenticated", "system:anonymous", "system:serviceaccounts")
    if name.startswith(_SYSTEM) and not everybody and not name.startswith("system:serviceaccounts:"):
        return ""
    return f"{kind} {name}"


def _allows(role: Mapping[str, Any], allows: Callable[[Rule], bool]) -> bool:
    return any(allows(rule) for rule in role.get("rules") or ())


def _has(rule: Rule, field: str, *wanted: str) -> bool:
    given = rule.get(field) or ()
    return "*" in given or any(one in given for one in wanted)


def _approves_by_wildcard(rule: Rule) -> bool:
    """A right to every role at once: each approver role of the chart names one."""
    decided = _has(rule, "apiGroups", "headgate.dev") and _has(rule, "resources", "governanceapprovals") and _has(rule, "verbs", "approve")
    return decided and not rule.get("resourceNames")


def _impersonates(rule: Rule) -> bool:
    return _has(rule, "apiGroups", "") and _has(rule, "resources", "users", "groups") and _has(rule, "verbs", "impersonate")


def _hands_out(rule: Rule) -> bool:
    roles = ("roles", "clusterroles")
    return (
        _has(rule, "apiGroups", "rbac.authorization.k8s.io") and _has(rule, "resources", *roles) and _has(rule, "verbs", "escalate", "bind")
    )


def _switches_off(rule: Rule) -> bool:
    kinds = ("validatingadmissionpolicies", "validatingadmissionpolicybindings")
    changes = _has(rule, "verbs", "update", "patch", "delete", "deletecollection")
    return _has(rule, "apiGroups", "admissionregistration.k8s.io") and _has(rule, "resources", *kinds) and changes


def _name(thing: Mapping[str, Any]) -> str:
    return str(thing["metadata"]["name"])


def _namespace(thing: Mapping[str, Any]) -> str:
    return str(thing["metadata"].get("namespace") or "")


_WAYS: tuple[tuple[str, str, str, Callable[[Rule], bool]], ...] = (
    (
        "wildcards",
        "may approve as every role",
        "give approvers the ClusterRoles headgate-approver-ROLE, and others no * over headgate.dev",
        _approves_by_wildcard,
    ),
    ("impersonate", "may act, and so approve, as anybody", "take the verb impersonate away, or limit it by resourceNames", _impersonates),
    ("escalate and bind", "may give themselves every role", "take the verbs escalate and bind away", _hands_out),
    (
        "admission",
        "may switch the admission policies off",
        "leave these to the account that installs the chart; the operator notices and closes the gates",
        _switches_off,
    ),
)
