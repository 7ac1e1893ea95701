"""The faulty proxy as a process, and its orders."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

Fault = dict[str, Any]
"""One fault as hack/faultproxy/faults.go describes it, like `{"kind": "hang"}`."""


@dataclass(frozen=True, slots=True)
class Write:
    """A request that was to change something, as it was answered. `time` in Unix seconds.

    `broken`: a fault refused it, or kept back the answer.
    """

    time: float
    method: str
    path: str
    status: int
    lease: bool
    broken: bool


class Proxy:
    """Stands before `upstream`, an API server (`kind` api) or a Prometheus (`kind` prometheus). Without orders all passes."""

    def __init__(self, binary: Path, kind: str, upstream: str, authorities: Path | None = None) -> None:
        command = [str(binary), "-kind", kind, "-upstream", upstream, *(("-ca", str(authorities)) if authorities else ())]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        with self._process.stdout as output:
            told = json.loads(output.readline())
        self.url: str = told["listen"]
        self._control: str = told["control"]

    def break_by(self, *faults: Fault) -> None:
        """What is broken from now on; without faults nothing is. The first that fits a request has the say."""
        self._order("PUT", "/faults", list(faults))

    def end_watches(self, how: str) -> int:
        """`expire`: by the server's 410; `cut`: by a lost connection. How many there were."""
        return int(self._order("POST", f"/watches/{how}"))

    @property
    def watches(self) -> int:
        """How many are open."""
        return int(self._order("GET", "/watches"))

    def stop_after(self, writes: int, without: str = "") -> None:
        """Let so many writes through, then nothing any more; the last one is not answered. 0: all passes.

        Not counted are those of leases, and those whose path the regular expression `without` matches.
        """
        self._order("PUT", f"/stop-after/{writes}?" + urlencode({"without": without}))

    @property
    def stopped(self) -> bool:
        """Whether the last write that may pass was carried out."""
        return bool(self._order("GET", "/writes")["stopped"])

    @property
    def writes(self) -> Sequence[Write]:
        """All so far, in order."""
        return [Write(**entry) for entry in self._order("GET", "/writes")["writes"]]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _order(self, method: str, path: str, body: object = None) -> Any:
        request = Request(self._control + path, json.dumps(body).encode(), method=method)
        with urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None
