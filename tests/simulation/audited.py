"""What must hold of the audit at every write: entries are only added, each once, ahead of users, and none that was decided is missing."""

from typing import TYPE_CHECKING, Any

from tests.simulation.policies import MODEL, NAMESPACE, PLATFORM

from headgate.api.audit import AuditRecord
from headgate.governance.audit_chain import Entry, identity, identity_of, read, verify
from headgate.kube.audit_segments import AUDITED, lines_of
from headgate.kube.resources import CONFIG_MAPS

if TYPE_CHECKING:
    from tests.simulation.world import World

Object = dict[str, Any]

_NAMED = f"{NAMESPACE}/{MODEL}"


class Audited:
    """Told of every write of a segment and of a status, and of every weight that rises."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._decided: set[str] = set()
        """Records that a status was seen with."""
        self._excused: set[str] = set()
        """Decisions of people that were there when a status was lost: what waited in it about them is gone."""

    def written(self, old: Object | None, new: Object | None) -> None:
        if AUDITED not in ((new or old or {})["metadata"].get("labels") or {}):
            return
        before, after = (old or {}).get("data") or {}, (new or {}).get("data") or {}
        changed = [key for key, text in before.items() if key.isdigit() and after.get(key) != text]
        if changed or new is None or (old or {}).get("immutable"):
            self._world.checks.fail("audit-only-grows", f"entries {changed} were changed, or their segment was sealed")
        lines = self._lines()
        for finding in verify(lines, _NAMED):
            self._world.checks.fail("audit-whole", finding)
        told = [identity(entry) for entry in self._entries()]
        if len(set(told)) < len(told):
            self._world.checks.fail("audited-once", f"an entry is repeated: {lines[-1]}")

    def status(self, new: Object) -> None:
        for record in new.get("pendingAudit") or ():
            self._decided.add(identity_of(AuditRecord.model_validate(record), _NAMED))

    def forgotten(self) -> None:
        """The status is gone, and with it what waited in it."""
        self._decided &= {identity(entry) for entry in self._entries()}
        self._excused |= {one.name for one in self._world.checks.decided}

    def raised(self, revision: str, weight: int) -> None:
        told = [entry["traffic"]["after"].get(revision, 0) for entry in self._entries() if "traffic" in entry]
        if max(told, default=0) < weight:
            self._world.checks.fail("audited-ahead", f"revision {revision} gets {weight}, and the audit knows of {max(told, default=0)}")

    def at_rest(self, status: Object) -> None:
        told = {identity(entry) for entry in self._entries()}
        if lost := self._decided - told:
            self._world.checks.fail("audited-all", f"{len(lost)} of {len(self._decided)} decisions are not in the audit")
        if status.get("pendingAudit"):
            self._world.checks.fail("audited-all", "records wait in a status at rest")
        by = {entry.get("approval") for entry in self._entries()}
        for name in (*(latch["name"] for latch in status.get("latches") or ()), *(status.get("takenUp") or ())):
            if name not in by | self._excused:
                self._world.checks.fail("audited-all", f"{name} is in status, and not in the audit")
        if (status.get("audit") or {}).get("sequence", 0) != len(self._lines()):
            self._world.checks.fail("audited-all", f"status knows of another head than the {len(self._lines())} entries")

    def _entries(self) -> list[Entry]:
        return [entry for line in self._lines() if (entry := read(line)) is not None]

    def _lines(self) -> list[str]:
        stored = self._world.server._store.shelves[CONFIG_MAPS.qualified].objects.items()
        return lines_of(body for name, body in stored if PLATFORM in name and AUDITED in (body["metadata"].get("labels") or {}))
