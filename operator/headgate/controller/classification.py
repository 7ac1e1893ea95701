"""The classification table in force: the built-in one, or that of a ConfigMap in the operator's namespace."""

import logging

from headgate.governance.classification import BY_DEFAULT, TableState
from headgate.governance.classification_table import table_of
from headgate.kube.errors import KubeError, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.resources import CONFIG_MAPS

log = logging.getLogger(__name__)

KEY = "table.yaml"
"""Where the ConfigMap keeps the table."""


class ClassificationTable:
    """The present answer. An own table that is not there, or cannot be read, is no reason to go back to the built-in one, which may be
    milder: then nothing is classified. When the API server cannot be asked, the last answer stands."""

    def __init__(self, api: KubeApi, namespace: str, config_map: str) -> None:
        """`config_map` is empty for the built-in table."""
        self._api = api
        self._namespace = namespace
        self._config_map = config_map
        self._where = f"the classification table in ConfigMap {namespace}/{config_map}"
        self._version = ""
        self.state = TableState(None, f"{self._where} has not been read yet") if config_map else BY_DEFAULT

    async def look(self) -> bool:
        """Whether the answer changed."""
        if not self._config_map:
            return False
        before = self.state
        try:
            body = await self._api.get(CONFIG_MAPS, self._config_map, self._namespace)
        except NotFound:
            self._version = ""
            self.state = TableState(None, f"{self._where} does not exist: create it, or leave out the chart value that names it")
        except KubeError as error:
            log.warning("%s could not be read: %s", self._where, error)
        else:
            version = str(body["metadata"].get("resourceVersion") or "")
            if not version or version != self._version:
                self._version = version
                self.state = self._read((body.get("data") or {}).get(KEY))
        if self.state != before and self.state.problem:
            log.error(self.state.problem)
        return self.state != before

    def _read(self, text: str | None) -> TableState:
        if text is None:
            return TableState(None, f"{self._where} has no key {KEY}: gates stay closed until it has")
        try:
            return TableState(table_of(text))
        except ValueError as error:
            return TableState(None, f"{self._where} cannot be used ({error}): gates stay closed until it is corrected"[:1000])
