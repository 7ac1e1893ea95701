"""What the soak does when the kubelet has no figures for a moment."""

import json

import pytest

from demo.kubectl import CommandError
from soak import measure
from soak.measure import Meter


class Kubelet:
    """Fails `times` before it answers, as it does while a container goes."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self, *arguments: str) -> str:
        if "nodes" in arguments:
            return json.dumps({"items": [{"metadata": {"name": "node"}}]})
        self.left -= 1
        if self.left >= 0:
            raise CommandError("failed to decode container metrics")
        return json.dumps({"pods": []})


def _usage(monkeypatch: pytest.MonkeyPatch, times: int) -> object:
    monkeypatch.setattr(measure, "kubectl", Kubelet(times))
    return Meter("http://127.0.0.1:1")._usage()


def test_a_container_that_goes_meanwhile_ends_no_soak(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _usage(monkeypatch, 2) == []


def test_a_kubelet_without_figures_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="decode"):
        _usage(monkeypatch, 99)
