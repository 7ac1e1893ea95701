"""What one operator leaves to the next about the policy on approvals: an annotation of their Lease.

A process that begins to look finds what is there, and not whether somebody changed it and put it back while no operator ran.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from headgate.kube.errors import NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import PREFIX
from headgate.kube.lease_record import remarks_in
from headgate.kube.resources import LEASES

_ANNOTATION = PREFIX + "approvals-policy"


@dataclass(frozen=True, slots=True)
class LastSeen:
    """`seals` of the policy and of what binds it, as the last look found them, which began at `at` by the API server's clock."""

    seals: frozenset[tuple[str, int]]
    at: datetime

    def annotations(self) -> Mapping[str, str]:
        """As the leader writes them with each renewal."""
        return {_ANNOTATION: json.dumps({"at": self.at.isoformat(), "seals": sorted(self.seals)})}


async def left_behind(api: KubeApi, namespace: str, lease: str) -> LastSeen | None:
    """What the leader before has seen; None where it said nothing that can be read. Raises KubeError."""
    try:
        return _read(remarks_in(await api.get(LEASES, lease, namespace)))
    except NotFound:
        return None


def _read(remarks: Mapping[str, str]) -> LastSeen | None:
    try:
        told = json.loads(remarks[_ANNOTATION])
        seals, at = frozenset((str(uid), int(generation)) for uid, generation in told["seals"]), datetime.fromisoformat(told["at"])
    except (KeyError, TypeError, ValueError):
        return None
    return LastSeen(seals, at) if at.tzinfo is not None else None
