"""Five promotions and five rollbacks under 300 requests a second of all kinds: no user request fails, no stream is cut."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.conftest import Bed

from demo.__main__ import PATH
from demo.kubectl import remove
from demo.traffic import Load, Rates
from fleet.model import DRAIN, Model, prepare, statuses
from fleet.policy import policy, stage
from fleet.release import Course, Release
from fleet.users import Fleet

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

NAMESPACE = "switches"
SHARES = (10, 25, 50, 75)
MODELS = {Model(NAMESPACE, f"switched-at-{share}", replicas=2): stage(share) for share in (*SHARES, 99)}
RATES = Rates(http1=200, http2=98, streams=2)
MOST_SECONDS = 240


@pytest.fixture
def models() -> Iterator[None]:
    """Five models with v1 live, identical in all their versions."""
    prepare(NAMESPACE, policy("switches", SHARES, seconds=6))
    drive([Course(model, iter([Release("v1", "switches")])) for model in MODELS])
    yield
    remove(NAMESPACE)


def drive(courses: list[Course]) -> None:
    """All models through their releases, side by side."""
    until = time.monotonic() + MOST_SECONDS
    while True:
        seen = statuses(NAMESPACE)
        for course in courses:
            course.step(seen.get(course.model.name, {}))
        if all(course.finished for course in courses):
            return
        assert time.monotonic() < until, {course.model.name: seen.get(course.model.name) for course in courses if not course.finished}
        time.sleep(0.5)


@pytest.mark.usefixtures("models")
def test_no_switch_fails_a_request_or_cuts_a_stream(bed: Bed, tmp_path: Path) -> None:
    """Each model's v2 is halted by a person in a stage of its own, and v3 goes live. What they did before is what lasts longest:
    the load generator waits for the streams that are open at its end."""
    courses = [Course(model, iter([Release("v2", "switches", halt_at=at), Release("v3", "switches")])) for model, at in MODELS.items()]
    load = Load(bed.load, bed.gateway + PATH, [model.host for model in MODELS], Fleet(tmp_path / "requests.jsonl"), RATES)
    with load as users:
        drive(courses)
    assert [[release.ends for release in course.done] for course in courses] == [["RolledBack", "Live"]] * 5

    assert users.failed == []
    assert load.summary["pending"] == 0
    assert load.summary["sent"] == sum(users.kinds.values())
    assert load.summary["rate"] > 295
    assert set(users.kinds) == {"http1", "http2", "stream-http1", "stream-http2"}
    for model in MODELS:
        for version in ("v1", "v2", "v3"):
            assert users.of(model.host, version).kinds["http1"] > 0
            assert users.of(model.host, version).kinds["http2"] > 0
        assert users.of(model.host, "v3").last > max(users.of(model.host, version).last for version in ("v1", "v2"))
    # Streams went on on versions that got no new request, nearly as long as a stream lasts.
    outlived = [longer for model in MODELS for version in ("v1", "v2") for longer in users.of(model.host, version).outlived()]
    assert len(outlived) > 10
    assert 45 < max(outlived) < DRAIN
