"""Whether a Secret changed, without giving away what is in it: a keyed hash, whose key never leaves the operator's namespace."""

import hashlib
import hmac

from headgate.api.digests import canonical
from headgate.controller.facts import Body
from headgate.controller.kept_key import KeptKey
from headgate.kube.interface import KubeApi

KEY_SECRET = "headgate-secret-hashes"


class SecretHashes:
    """A plain digest of a short password can be looked up; an HMAC needs the key. With another key every hash would be another, and with it
    every revision that refers to a Secret."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        """`namespace` is the operator's."""
        self._key = KeptKey(api, namespace, KEY_SECRET)

    async def of(self, body: Body) -> str:
        """Of a Secret's data. Raises KubeError, and NotLeading where the key has yet to be made."""
        key = await self._key.read()
        named = {"namespace": body["metadata"].get("namespace"), "name": body["metadata"]["name"], "data": body.get("data") or {}}
        return "hmac-sha256:" + hmac.new(key, canonical(named), hashlib.sha256).hexdigest()
