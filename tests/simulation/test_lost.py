"""What the simulation may ask for after a status was lost."""

import json

import pytest
from tests.simulation.lost import lose

from headgate.kube.labels import BLOCKED

STATUS = {"attempts": 2, "stable": {"revision": "aaaaaaaa"}, "blocked": [{"revision": "bbbbbbbb"}, {"revision": "cccccccc"}]}
ROUTE = {"metadata": {"annotations": {BLOCKED: json.dumps([{"revision": "bbbbbbbb"}])}}, "spec": {"rules": []}}


@pytest.mark.parametrize(("behind", "known"), [(False, {"bbbbbbbb", "cccccccc"}), (True, {"bbbbbbbb"})])
def test_what_a_refused_route_never_learnt_is_not_asked_for(behind: bool, known: set[str]) -> None:
    lost = lose(None, STATUS, ROUTE, deleted=False, behind=behind)
    assert lost is not None
    assert lost.blocked == known


def test_without_a_route_that_was_refused_nothing_is_known() -> None:
    lost = lose(None, STATUS, None, deleted=False, behind=True)
    assert lost is not None
    assert not lost.blocked
