"""Whether the monitor sends anything, as the chart's values say."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from tests.unit.controller.fake_cluster import FakeCluster

from headgate.api.notifications import Notification
from headgate.api.retraining import Retraining
from headgate.config import Settings, read_settings
from headgate.kube.labels import Owner
from headgate.kube.retraining import Request
from headgate.monitor.app import retrainer_of
from headgate.notices.failures import RefusedError
from headgate.notices.http import Poster

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
RECEIVERS = (Notification.model_validate({"name": "trainer", "to": {"cloudEvents": {"url": "http://train.example"}}}),)
REQUEST = Request("credit-retrain-00000000", "lending", "credit", "1a2b3c4d", "Urgent", "Critical", "psi 0.41 of income")
OWNER = Owner("headgate.dev/v1alpha1", "AIModel", "credit", "uid-1")


def settings(notifications: str) -> Settings:
    environment = {"HEADGATE_NAMESPACE": "h", "HEADGATE_PROMETHEUS_URL": "http://p", "HEADGATE_ENVIRONMENT": "test"}
    return read_settings(environment | {"HEADGATE_NOTIFICATIONS": notifications})


def ask(how: Settings) -> list[httpx.Request]:
    """What is posted. Raises what asking raises."""
    seen: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204)

    retrainer = retrainer_of(how, FakeCluster(), Poster(transport=httpx.MockTransport(take)))
    try:
        asyncio.run(retrainer.ask(REQUEST, Retraining.model_validate({"receiver": "trainer"}), RECEIVERS, OWNER, NOW))
    finally:
        assert len(seen) == how.notices.enabled
    return seen


def test_who_trains_is_asked_where_notifications_are_switched_on() -> None:
    (request,) = ask(settings("true"))
    assert request.url == "http://train.example"


def test_nothing_is_posted_where_notifications_are_switched_off() -> None:
    with pytest.raises(RefusedError, match=r"the chart's notifications.enabled is false"):
        ask(settings(""))
