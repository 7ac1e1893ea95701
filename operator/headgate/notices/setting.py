"""What the operator's configuration says of notifications."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NoticeSetting:
    """`secrets`: the Secrets of the policy namespace that receivers may name; no other one is read, whatever a policy says. `dashboard`: an
    address in which {namespace} and {model} are filled in; empty for no link."""

    enabled: bool = False
    secrets: frozenset[str] = frozenset()
    dashboard: str = ""
