"""Names that a shell offers, from the cluster."""

import asyncio

import typer

from headgate.cli.cluster import Access, Cluster, run

_PATIENCE = 2.0
"""Seconds. Whoever presses the tab key does not wait longer."""


def model_names(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Models that begin so, with their phase. Nothing where the cluster does not answer in time, or refuses."""
    given = context.params
    access = Access(given.get("namespace"), given.get("context"), given.get("as_user"))

    async def listed(cluster: Cluster) -> list[tuple[str, str]]:
        async with asyncio.timeout(_PATIENCE):
            views = await cluster.models(access.where)
        return [(view.name, str(view.status.phase)) for view in views if view.name.startswith(incomplete)]

    try:
        return run(access, listed)
    except Exception:  # a completion that fails must not write into what somebody is typing
        return []
