"""Webhooks, against a real server."""

import asyncio
import threading
from typing import Any

import pytest
from tests.unit.notices.post import letter, receiver
from tests.unit.replay.servers import serving

from headgate.api.notifications import SecretKey
from headgate.notices.delivery import Delivery
from headgate.notices.failures import NotToldError, RefusedError, TryAgainError
from headgate.notices.http import Poster
from headgate.notices.smtp import Mailer

TOKEN = "T0KEN-nobody-may-see"
REF = {"secretRef": {"name": "hooks", "key": "risk"}}


def deliver(address: str, to: dict[str, Any], *, timeout: float = 5.0) -> None:
    async def read(ref: SecretKey) -> str:
        assert (ref.name, ref.key) == ("hooks", "risk")
        return f"{address}/{TOKEN}"

    async def scene() -> None:
        poster, mailer = Poster(timeout=timeout), Mailer()
        try:
            await Delivery(read, poster, mailer).deliver(receiver(**to), letter())
        finally:
            await poster.close()
            mailer.close()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("to", "media", "marks"),
    [
        ({"slack": REF}, "application/json", "blocks"),
        ({"teams": REF}, "application/json", "attachments"),
        ({"cloudEvents": REF}, "application/cloudevents+json", "specversion"),
    ],
)
def test_a_letter_arrives_in_the_form_of_its_channel(to: dict[str, Any], media: str, marks: str) -> None:
    seen: list[tuple[str, str, Any, dict[str, str]]] = []

    def take(method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        seen.append((method, path, body, headers))
        return 202, b""

    with serving(take) as address:
        deliver(address, to)
    ((method, path, body, headers),) = seen
    assert (method, path, headers["content-type"]) == ("POST", f"/{TOKEN}", media)
    assert marks in body
    assert TOKEN not in str(body)


def test_an_address_in_the_policy_needs_no_secret() -> None:
    seen: list[str] = []
    with serving(lambda method, path, body, headers: (seen.append(path), (200, b""))[1]) as address:
        deliver("", {"cloudEvents": {"url": f"{address}/broker"}})
    assert seen == ["/broker"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, TryAgainError), (503, TryAgainError), (429, TryAgainError), (408, TryAgainError), (400, RefusedError), (404, RefusedError)],
)
def test_an_answer_says_whether_to_try_again_and_gives_no_address_away(status: int, kind: type[NotToldError]) -> None:
    with serving(lambda *request: (status, TOKEN.encode())) as address, pytest.raises(kind) as caught:
        deliver(address, {"slack": REF})
    assert str(status) in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_redirect_is_not_followed() -> None:
    with serving(lambda *request: (302, b"")) as address, pytest.raises(RefusedError, match="302"):
        deliver(address, {"slack": REF})


def test_a_receiver_that_never_answers_is_left() -> None:
    over = threading.Event()

    def hang(*request: Any) -> tuple[int, bytes]:
        over.wait(20)
        return 200, b""

    with serving(hang) as address:
        with pytest.raises(TryAgainError, match="no answer"):
            deliver(address, {"slack": REF}, timeout=0.2)
        over.set()


def test_nobody_there_is_worth_another_try() -> None:
    with serving(lambda *request: (200, b"")) as address:
        pass
    with pytest.raises(TryAgainError, match="no connection") as caught:
        deliver(address, {"slack": REF})
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("address", ["not an address", "ftp://example", "http://[::1", "", " "])
def test_a_secret_that_holds_no_address_is_not_tried_again(address: str) -> None:
    async def read(ref: SecretKey) -> str:
        return address

    async def scene() -> None:
        poster, mailer = Poster(), Mailer()
        try:
            await Delivery(read, poster, mailer).deliver(receiver(slack=REF), letter())
        finally:
            await poster.close()
            mailer.close()

    with pytest.raises(RefusedError) as caught:
        asyncio.run(scene())
    assert not address.strip() or address not in str(caught.value)
