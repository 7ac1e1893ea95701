"""Queries handed to promtool all at once: it checks whole files of rules."""

from collections.abc import Iterable

import yaml


def as_rules(queries: Iterable[str]) -> str:
    """A file of recording rules, one for each query."""
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    return yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]})
