"""A key of the operator's own: random, made at the first need, and kept in a Secret that never leaves the operator's namespace."""

import base64
import binascii
import secrets
from contextlib import suppress

from headgate.kube.errors import Conflict, Invalid, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import FIELD_MANAGER, MANAGED_BY, MANAGED_BY_HEADGATE
from headgate.kube.resources import SECRETS

LENGTH = 32
_FIELD = "key"


class KeptKey:
    """The Secret `name` in `namespace`, read once."""

    def __init__(self, api: KubeApi, namespace: str, name: str) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._key = b""

    async def read(self) -> bytes:
        """LENGTH bytes. Raises KubeError, and NotLeading where the key has yet to be made."""
        if not self._key:
            self._key = await self._kept() or await self._made()
        return self._key

    async def _kept(self) -> bytes:
        try:
            stored = await self._api.get(SECRETS, self._name, self._namespace)
        except NotFound:
            return b""
        try:
            key = base64.b64decode((stored.get("data") or {}).get(_FIELD) or "", validate=True)
        except binascii.Error:
            key = b""
        if len(key) < LENGTH:
            raise Invalid(f"Secret {self._namespace}/{self._name} holds no key of {LENGTH} bytes: delete it, and a new one is made")
        return key

    async def _made(self) -> bytes:
        body = {
            "metadata": {"name": self._name, "namespace": self._namespace, "labels": {MANAGED_BY: MANAGED_BY_HEADGATE}},
            "type": "Opaque",
            "immutable": True,
            "data": {_FIELD: base64.b64encode(secrets.token_bytes(LENGTH)).decode()},
        }
        with suppress(Conflict):
            await self._api.create(SECRETS, body, field_manager=FIELD_MANAGER)
        # Of two operators that make one at a time, both use the one that was first.
        key = await self._kept()
        if not key:
            raise Conflict(f"Secret {self._namespace}/{self._name} was deleted just now", status=409)
        return key
