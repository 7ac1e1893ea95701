"""Who counts for which role when each role needs a different person."""

from collections.abc import Mapping, Sequence


def distinct_persons(candidates: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """A role-to-person assignment that fills as many roles as possible with different persons (maximum bipartite matching by
    augmenting paths). `candidates` lists the persons of each role, preferred first; the order of both decides among equals.
    """
    role_of: dict[str, str] = {}
    for role in candidates:
        _seat(role, candidates, role_of, set())
    return {role: chosen for chosen, role in role_of.items()}


def _seat(role: str, candidates: Mapping[str, Sequence[str]], role_of: dict[str, str], tried: set[str]) -> bool:
    """Find a person for `role`, moving others to their next choice where that makes room. Roles are few: recursion is shallow."""
    for candidate in candidates[role]:
        if candidate in tried:
            continue
        tried.add(candidate)
        if candidate not in role_of or _seat(role_of[candidate], candidates, role_of, tried):
            role_of[candidate] = role
            return True
    return False
