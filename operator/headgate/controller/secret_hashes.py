"""Whether a Secret changed, without giving away what is in it: a keyed hash, whose key never leaves the operator's namespace."""

import base64
import binascii
import hashlib
import hmac
import secrets
from contextlib import suppress

from headgate.api.digests import canonical
from headgate.controller.facts import Body
from headgate.kube.errors import Conflict, Invalid, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import FIELD_MANAGER, MANAGED_BY, MANAGED_BY_HEADGATE
from headgate.kube.resources import SECRETS

KEY_SECRET = "headgate-secret-hashes"
_FIELD = "key"
_LENGTH = 32


class SecretHashes:
    """A plain digest of a short password can be looked up; an HMAC needs the key. The key is made at the first need and kept in a
    Secret: with another key every hash would be another, and with it every revision that refers to a Secret."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        """`namespace` is the operator's."""
        self._api = api
        self._namespace = namespace
        self._key = b""

    async def of(self, body: Body) -> str:
        """Of a Secret's data. Raises KubeError, and NotLeading where the key has yet to be made."""
        if not self._key:
            self._key = await self._kept() or await self._made()
        named = {"namespace": body["metadata"].get("namespace"), "name": body["metadata"]["name"], "data": body.get("data") or {}}
        return "hmac-sha256:" + hmac.new(self._key, canonical(named), hashlib.sha256).hexdigest()

    async def _kept(self) -> bytes:
        try:
            stored = await self._api.get(SECRETS, KEY_SECRET, self._namespace)
        except NotFound:
            return b""
        try:
            key = base64.b64decode((stored.get("data") or {}).get(_FIELD) or "", validate=True)
        except binascii.Error:
            key = b""
        if len(key) < _LENGTH:
            raise Invalid(f"Secret {self._namespace}/{KEY_SECRET} holds no key of {_LENGTH} bytes: delete it, and a new one is made")
        return key

    async def _made(self) -> bytes:
        body = {
            "metadata": {"name": KEY_SECRET, "namespace": self._namespace, "labels": {MANAGED_BY: MANAGED_BY_HEADGATE}},
            "type": "Opaque",
            "immutable": True,
            "data": {_FIELD: base64.b64encode(secrets.token_bytes(_LENGTH)).decode()},
        }
        with suppress(Conflict):
            await self._api.create(SECRETS, body, field_manager=FIELD_MANAGER)
        # Of two operators that make one at a time, both use the one that was first.
        key = await self._kept()
        if not key:
            raise Conflict(f"Secret {self._namespace}/{KEY_SECRET} was deleted just now", status=409)
        return key
