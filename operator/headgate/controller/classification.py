"""The classification table in force: the built-in one, or that of a ConfigMap in the operator's namespace."""

import logging

from headgate.governance.classification import BY_DEFAULT, TableState
from headgate.governance.classification_table import table_of
from headgate.kube.interface import KubeApi
from headgate.kube.polled import PolledObject
from headgate.kube.resources import CONFIG_MAPS

log = logging.getLogger(__name__)

KEY = "table.yaml"
"""Where the ConfigMap keeps the table."""


class ClassificationTable:
    """The present answer. An own table that is not there, or cannot be read, is no reason to go back to the built-in one, which may be
    milder: then nothing is classified. When the API server cannot be asked, the last answer stands."""

    def __init__(self, api: KubeApi, namespace: str, config_map: str) -> None:
        """`config_map` is empty for the built-in table."""
        self._where = f"the classification table in ConfigMap {namespace}/{config_map}"
        self._object = PolledObject(api, CONFIG_MAPS, config_map, namespace, self._where) if config_map else None
        self.state = TableState(None, f"{self._where} has not been read yet") if config_map else BY_DEFAULT

    async def look(self) -> bool:
        """Whether the answer changed."""
        if self._object is None or not await self._object.look():
            return False
        before, body = self.state, self._object.body
        if body is None:
            self.state = TableState(None, f"{self._where} does not exist: create it, or leave out the chart value that names it")
        else:
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
