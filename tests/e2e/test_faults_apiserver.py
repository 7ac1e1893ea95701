"""The API server itself: restarted, compacted, and closing watches. What others use as well, so nothing else runs meanwhile."""

import json
import subprocess
from collections.abc import Iterator

import pytest
from tests.e2e.conftest import Bed
from tests.e2e.scenes import Ground, failed_by_switches, first_versions

from faults.site import Site, at_stage, is_back

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
MODEL = "watched"


@pytest.fixture
def site(ground: Ground) -> Iterator[Site]:
    with ground.site("faults-apiserver", seconds=10) as site:
        site.replicas["one"].start()
        first_versions(site, [MODEL])
        yield site


def compact(bed: Bed) -> None:
    """Forget every version of every object but the newest. Only the test bed of host processes has an etcd that we may ask."""

    def etcd(path: str, body: object) -> dict[str, dict[str, str]]:
        command = ["nsenter", "--net=/run/netns/hg", "curl", "-sf", "-m", "10", f"http://127.0.0.1:2379/v3/{path}", "-d", json.dumps(body)]
        answer: dict[str, dict[str, str]] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return answer

    revision = etcd("maintenance/status", {})["header"]["revision"]
    etcd("kv/compaction", {"revision": revision, "physical": True})


def test_watches_that_end_in_any_way_delay_nothing(ground: Ground, site: Site) -> None:
    with ground.users(site, [MODEL], each=60) as users:
        site.release(MODEL, "v2")
        site.until(60, "v2 in canary", lambda: at_stage(site.status(MODEL), "v2"))
        for how in ("expire", "cut", "expire"):
            assert site.api["one"].end_watches(how) > 5
            site.until(20, "watches again", lambda: site.api["one"].watches > 5)
        site.until(90, "v2 live", lambda: site.live(MODEL, "v2"))
        site.api["one"].end_watches("expire")
        site.release(MODEL, "v3", ERROR_RATE="1")
        site.until(60, "v3 back", lambda: is_back(site.status(MODEL), "v3"))
    assert failed_by_switches(users) == []
    assert site.replicas["one"].starts == 1
    assert site.replicas["one"].exit_code is None


def test_a_restarted_and_compacted_api_server_stops_no_rollout(bed: Bed, ground: Ground, site: Site) -> None:
    replica, proxy = site.replicas["one"], site.api["one"]
    with ground.users(site, [MODEL], each=60) as users:
        site.release(MODEL, "v2")
        site.until(60, "v2 in canary", lambda: at_stage(site.status(MODEL), "v2"))
        # What the operator has seen last is forgotten before it can ask what came after it.
        proxy.break_by({"kind": "refuse"})
        compact(bed)
        subprocess.run([str(bed.ctl), "stop", "apiserver"], check=True, timeout=60)
        subprocess.run([str(bed.ctl), "start", "apiserver"], check=True, timeout=60)
        proxy.break_by()

        def again() -> None:
            if replica.exit_code is not None:
                replica.start()

        site.until(120, "v2 live", lambda: reachable(site, "v2"), again)
    assert failed_by_switches(users) == []
    assert site.status(MODEL)["attempts"] == 2


def reachable(site: Site, version: str) -> bool:
    """Whether the version is live; False while the API server is not there."""
    from demo.kubectl import CommandError

    try:
        return site.live(MODEL, version)
    except CommandError:
        return False
