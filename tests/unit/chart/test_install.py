"""The Job that applies what values ask for: it waits for what is on its way, and says what is refused."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.resources import POLICY, TRUST_STORE
from tests.unit.controller.fake_cluster import FakeCluster, Write

from headgate.chart.install import FIELD_MANAGER, TRIES, InstallError, install, read_objects
from headgate.kube.errors import Forbidden, Invalid, KubeError, NotFound
from headgate.kube.resources import ROLLOUT_POLICIES, TRUST_STORES

NOT_SERVED = NotFound("404 page not found", status=404)
NO_NAMESPACE = NotFound('namespaces "rules" not found', status=404, reason="NotFound")
NO_RIGHT = Forbidden("rolloutpolicies is forbidden", status=403)
INVALID = Invalid("spec.stages: minDuration is too short", status=422)


class Bench:
    """A cluster that answers the first `times` writes with `error`."""

    def __init__(self, error: KubeError | None = None, times: int = 0) -> None:
        self.api = FakeCluster()
        self.slept: list[float] = []
        self._left = times
        self._error = error
        self.api.refuse = self._refuse

    def _refuse(self, write: Write) -> KubeError | None:
        self._left -= 1
        return self._error if self._left >= 0 else None

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def install(self) -> None:
        asyncio.run(install(self.api, (POLICY, TRUST_STORE), self._sleep))


def test_what_values_say_wins_over_what_was_there(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench()
    bench.api.put(ROLLOUT_POLICIES, {**POLICY, "spec": {**POLICY["spec"], "lapseGrace": "1h"}})
    bench.install()
    applied = bench.api.find(ROLLOUT_POLICIES, "standard", "headgate-system")
    assert applied is not None
    assert applied["spec"] == POLICY["spec"]
    assert bench.api.find(TRUST_STORES, "headgate", "headgate-system") is not None
    assert capsys.readouterr().out.splitlines() == [
        "applied RolloutPolicy headgate-system/standard",
        "applied TrustStore headgate-system/headgate",
    ]
    assert FIELD_MANAGER == "headgate-chart"


@pytest.mark.parametrize("error", [NOT_SERVED, NO_RIGHT], ids=["kind not served yet", "role not known yet"])
def test_what_is_on_its_way_is_waited_for(error: KubeError) -> None:
    bench = Bench(error, times=3)
    bench.install()
    assert len(bench.slept) == 3
    assert bench.api.find(ROLLOUT_POLICIES, "standard", "headgate-system") is not None


@pytest.mark.parametrize(("error", "tries"), [(INVALID, 1), (NO_NAMESPACE, 1), (NOT_SERVED, TRIES), (NO_RIGHT, TRIES)], ids=str)
def test_what_is_refused_is_told_with_the_servers_words(error: KubeError, tries: int) -> None:
    bench = Bench(error, times=1_000)
    with pytest.raises(InstallError, match="RolloutPolicy headgate-system/standard: ") as told:
        bench.install()
    assert str(error) in str(told.value)
    assert len(bench.slept) == tries - 1


def _written(folder: Path, name: str, body: object) -> None:
    (folder / name).write_text(yaml.safe_dump(body))


def test_objects_are_read_by_file_name(tmp_path: Path) -> None:
    _written(tmp_path, "trust-store.yaml", TRUST_STORE)
    _written(tmp_path, "policy-standard.yaml", POLICY)
    (tmp_path / "..data").mkdir()
    assert read_objects(tmp_path) == (POLICY, TRUST_STORE)


@pytest.mark.parametrize(
    ("fill", "words"),
    [
        (lambda folder: None, "nothing to install"),
        (lambda folder: _written(folder, "a.yaml", {"kind": "ClusterRole"}), "a.yaml: kind ClusterRole is not one of"),
        (lambda folder: _written(folder, "a.yaml", []), "kind None"),
    ],
)
def test_nothing_else_is_installed(tmp_path: Path, fill: Callable[[Path], None], words: str) -> None:
    fill(tmp_path)
    with pytest.raises(InstallError, match=words):
        read_objects(tmp_path)
