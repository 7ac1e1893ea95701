"""Storing what was decided: records that wait in status become entries of their model's audit chain, each exactly once.

A status says what is to be stored, and its resourceVersion lets only one of two processes say it. An append rests on the segment's
resourceVersion, or makes a segment whose name nobody has: of two writers one is refused, and looks again. What is in the chain already
is known by what it says, so a process that died after any write is followed by one that repeats nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from headgate.api.audit import AuditHead, AuditRecord
from headgate.api.digests import sha256
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus
from headgate.controller.facts import ModelKey
from headgate.controller.kept_key import KeptKey
from headgate.controller.queue import Priority, Queue
from headgate.governance.audit_chain import Anchor, Append, Tail, appends, genesis, identity, identity_of
from headgate.governance.audit_seal import signed_head
from headgate.kube.audit_segments import entries_of, number_of, segment, segment_name, selector, tail_of
from headgate.kube.errors import Conflict, KubeError, NotFound
from headgate.kube.fence import NotLeading
from headgate.kube.interface import KubeApi, Object
from headgate.kube.labels import FIELD_MANAGER
from headgate.kube.resources import CONFIG_MAPS
from headgate.rollout.snapshot import AuditBreak, AuditState, Problem

log = logging.getLogger(__name__)

KEY_SECRET = "headgate-audit-key"
_PATIENCE = 10.0
_PAUSE = 5.0
"""Seconds after which what failed is tried again."""
_TRIES = 2
_WORKERS = 4


@dataclass(slots=True)
class _Chain:
    """What is known of one model's chain. Without a tail it has yet to be looked at, or has to be again."""

    tail: Tail | None = None
    version: str = ""
    """resourceVersion of the segment that is written to."""
    identities: frozenset[str] = field(default_factory=frozenset)
    """Of entries that the chain has and that may still wait in status."""
    state: AuditState = field(default_factory=AuditState)


class AuditTrail:
    """The chains of all models, written beside decisions and never in their way. Nothing here is lost by a restart."""

    def __init__(self, api: KubeApi, namespace: str, wake: Callable[[ModelKey, Priority], None]) -> None:
        """`namespace` is the operator's. `wake` is called for a model whose decisions were stored, or can no longer be."""
        self._api = api
        self._namespace = namespace
        self._wake = wake
        self._key = KeptKey(api, namespace, KEY_SECRET)
        self._chains: dict[ModelKey, _Chain] = {}
        self._queue: Queue[ModelKey] = Queue()
        self.waiting: dict[ModelKey, AIModelStatus] = {}
        """Statuses whose records are to be stored."""

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_WORKERS):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self.handle(key)
            finally:
                self._queue.done(key)

    def state(self, key: ModelKey) -> AuditState:
        """For the next Snapshot."""
        chain = self._chains.get(key)
        return chain.state if chain is not None else AuditState()

    def forget(self, key: ModelKey) -> None:
        """The model is gone. What waits is stored all the same, and its chain goes on if a model of that name comes again."""
        if key not in self.waiting:
            self._chains.pop(key, None)

    def stored(self, key: ModelKey, status: AIModelStatus) -> bool:
        """Whether all that waits in `status` is in the chain. What is not is put in line; `wake` tells when to ask again."""
        chain = self._chains.get(key)
        if chain is None:
            if not status.pending_audit:
                return True
            chain = self._chains[key] = _Chain()
        wanted = {identity_of(record, _named(key)) for record in status.pending_audit}
        if wanted <= chain.state.stored:
            chain.state = replace(chain.state, stored=frozenset(wanted))
            return True
        self.waiting[key] = status
        if chain.state.problem is None:
            self._queue.add(key)
        return False

    async def handle(self, key: ModelKey) -> None:
        """Store what waits of one model, or say why that is not possible and try again later."""
        status = self.waiting.pop(key, None)
        if status is None:
            return
        chain = self._chains.setdefault(key, _Chain())
        before = chain.state.problem
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._store(key, chain, {identity_of(record, _named(key)): record for record in status.pending_audit}, status.audit)
        except Exception as error:
            # Whether the last request took effect is not known.
            chain.tail = None
            self.waiting.setdefault(key, status)
            self._queue.add_after(key, _PAUSE)
            if isinstance(error, NotLeading):
                return
            why = str(error) or f"no answer within {_PATIENCE:g} s"
            log.error("the audit cannot be written: %s", why, exc_info=not _expected(error), extra={"model": _named(key)})
            message = f"decisions cannot be recorded in the audit, so nothing rises until they are: {why}"
            chain.state = replace(chain.state, problem=Problem(Reason.AUDIT_UNAVAILABLE, message[:1000]))
        if before is None or chain.state.problem is None:
            self._wake(key, Priority.ROLLOUT)

    async def _store(self, key: ModelKey, chain: _Chain, waiting: dict[str, AuditRecord], known: AuditHead | None) -> None:
        for attempt in range(_TRIES):
            if chain.tail is None:
                await self._look(key, chain, known)
            records = [record for name, record in waiting.items() if name not in chain.identities]
            try:
                await self._append(key, chain, records)
            except Conflict:
                # A request of ours whose answer was lost, or that of a process that died.
                chain.tail = None
                if attempt + 1 == _TRIES:
                    raise
            else:
                break
        assert chain.tail is not None
        chain.identities = frozenset(waiting)
        chain.state = replace(chain.state, head=chain.tail.head, stored=frozenset(waiting), problem=None)

    async def _append(self, key: ModelKey, chain: _Chain, records: list[AuditRecord]) -> None:
        assert chain.tail is not None
        seed = await self._key.read()
        for write in appends(records, _named(key), chain.tail):
            stored = await self._write(key, chain.version, write, seed)
            chain.tail, chain.version = write.after, stored["metadata"]["resourceVersion"]
            log.info("audited", extra={"model": _named(key), "sequence": chain.tail.sequence, "hash": chain.tail.hash})

    async def _write(self, key: ModelKey, version: str, write: Append, seed: bytes) -> Object:
        head = signed_head(Anchor(_named(key), write.after.sequence, write.after.hash), seed)
        body = segment(write, head, self._namespace, key.namespace, key.name)
        if write.begins:
            return await self._api.create(CONFIG_MAPS, body, field_manager=FIELD_MANAGER)
        body["metadata"] = {"resourceVersion": version}
        name = segment_name(key.namespace, key.name, write.segment)
        return await self._api.patch(CONFIG_MAPS, name, self._namespace, body, field_manager=FIELD_MANAGER)

    async def _look(self, key: ModelKey, chain: _Chain, known: AuditHead | None) -> None:
        """Find the end of the chain, and whether it is the one that the status knows."""
        segments = await self._segments(key, known)
        entries = {sequence: entry for one in segments for sequence, entry in entries_of(one).items()}
        chain.identities = frozenset(identity(entry) for entry in entries.values() if entry is not None)
        newest = segments[-1] if segments else None
        tail = tail_of(newest, key.namespace, key.name) if newest is not None else Tail(0, genesis(_named(key)))
        if known is not None and sha256(entries.get(known.sequence)) != known.hash:
            words = f"entry {known.sequence} of the audit is not what was stored: it was changed or deleted; it had the hash {known.hash}"
            log.critical(words, extra={"model": _named(key)})
            chain.state = replace(chain.state, broken=AuditBreak(known, words))
            if tail.sequence < known.sequence or entries[tail.sequence] is None:
                # A hole that everybody sees, in a segment of its own.
                tail = Tail(max(known.sequence, tail.sequence), known.hash, max(known.segment, tail.segment))
        chain.tail, chain.version = tail, newest["metadata"]["resourceVersion"] if newest is not None else ""

    async def _segments(self, key: ModelKey, known: AuditHead | None) -> list[Object]:
        """The segment of the known head and all later ones; all that there are where none is known, or that one is gone."""
        found: list[Object] = []
        number = known.segment if known is not None else 0
        while known is not None:
            try:
                found.append(await self._api.get(CONFIG_MAPS, segment_name(key.namespace, key.name, number), self._namespace))
            except NotFound:
                break
            if not found[-1].get("immutable"):
                return found
            number += 1
        if found:
            return found
        listed = await self._api.list(CONFIG_MAPS, self._namespace, labels=selector(key.namespace, key.name))
        return sorted((one for one in listed.items if number_of(one)), key=number_of)


def _expected(error: Exception) -> bool:
    return isinstance(error, KubeError | TimeoutError)


def _named(key: ModelKey) -> str:
    return f"{key.namespace}/{key.name}"
