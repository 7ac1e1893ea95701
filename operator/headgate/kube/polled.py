"""One object that is looked at now and then, instead of being watched: there are few of these, and a watch of each costs more."""

import logging

from headgate.kube.errors import KubeError, NotFound
from headgate.kube.interface import KubeApi, Object
from headgate.kube.resources import Resource

log = logging.getLogger(__name__)


class PolledObject:
    """What was seen last. While the API server cannot be asked, that stands; `known` is False before the first answer."""

    def __init__(self, api: KubeApi, resource: Resource, name: str, namespace: str, called: str) -> None:
        """`called`: what it is, for the log, like `the trust store`."""
        self._api = api
        self._resource = resource
        self._name = name
        self._namespace = namespace
        self._called = called
        self._version = ""
        self.known = False
        self.body: Object | None = None
        """None if there is no such object, and before the first answer."""

    async def look(self) -> bool:
        """Whether it is another one than before: made, changed, gone, or seen for the first time. An object without a resourceVersion is
        always another one."""
        try:
            body = await self._api.get(self._resource, self._name, self._namespace)
        except NotFound:
            return self._seen(None, "")
        except KubeError as error:
            log.warning("%s could not be read: %s", self._called, error)
            return False
        return self._seen(body, str(body["metadata"].get("resourceVersion") or ""))

    def _seen(self, body: Object | None, version: str) -> bool:
        same = self.known and version == self._version and (body is None) == (self.body is None) and (bool(version) or body is None)
        self.known, self.body, self._version = True, body, version
        return not same
