"""Mail, against a real server."""

import asyncio
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.unit.notices.post import letter

from headgate.api.notifications import Email
from headgate.notices.failures import NotToldError, RefusedError, TryAgainError
from headgate.notices.forms import mail
from headgate.notices.smtp import Mailer

PASSWORD = "p4ssword-nobody-may-see"


class Mailbox:
    """A mail server that answers DATA and RCPT as told."""

    def __init__(self, *, data: str = "250 taken", rcpt: str = "250 OK") -> None:
        self.taken: list[Envelope] = []
        self.logins: list[tuple[str, bool]] = []
        self._data = data
        self._rcpt = rcpt

    async def handle_RCPT(  # noqa: N802  as the library names it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self._rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  as the library names it
        if self._data.startswith("250"):
            self.taken.append(envelope)
        return self._data

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"headgate", PASSWORD.encode())
        self.logins.append((mechanism, known))
        return AuthResult(success=known, handled=False)


@contextmanager
def running(box: Mailbox, *, ssl_context: ssl.SSLContext | None = None, **options: Any) -> Iterator[int]:
    """The port of the server. aiosmtpd's own controller takes no port that the system chooses."""
    loop, started, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    ports: list[int] = []

    async def serve() -> None:
        made = await loop.create_server(
            lambda: SMTP(box, hostname="mail.test", loop=loop, timeout=5, **options), "127.0.0.1", 0, ssl=ssl_context
        )
        ports.append(made.sockets[0].getsockname()[1])
        started.set()
        await over.wait()
        made.close()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait(5)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def offering(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def email(port: int, **fields: Any) -> Email:
    plain = {"host": "127.0.0.1", "port": port, "encryption": "None", "sender": "headgate@bank.example", "to": ["dana@bank.example"]}
    return Email.model_validate(plain | fields)


LOGIN = {"username": "headgate", "secretRef": {"name": "mail", "key": "password"}}


def send(how: Email, password: str = "", trusted: Path | None = None, timeout: float = 5.0) -> None:
    mailer = Mailer(timeout=timeout, trusted=ssl.create_default_context(cafile=str(trusted)) if trusted else None)
    try:
        asyncio.run(mailer.send(how, password, mail(letter(), how)))
    finally:
        mailer.close()


def test_a_letter_arrives_at_everybody() -> None:
    box = Mailbox()
    with running(box) as port:
        send(email(port, to=["dana@bank.example", "sam@bank.example"]))
    (taken,) = box.taken
    assert (taken.mail_from, taken.rcpt_tos) == ("headgate@bank.example", ["dana@bank.example", "sam@bank.example"])
    assert b"waits for approval" in (taken.original_content or b"")


@pytest.mark.parametrize("encryption", ["StartTLS", "TLS"])
def test_the_password_travels_encrypted(encryption: str, certificate: Path) -> None:
    box = Mailbox()
    started = {"tls_context": offering(certificate), "auth_required": True}
    options = started if encryption == "StartTLS" else {"ssl_context": offering(certificate), "auth_require_tls": False}
    with running(box, authenticator=box.authenticate, **options) as port:
        send(email(port, encryption=encryption, **LOGIN), PASSWORD, certificate)
    assert len(box.taken) == 1
    assert PASSWORD.encode() not in (box.taken[0].original_content or b"")
    assert [known for _, known in box.logins] == [True]


def test_a_wrong_password_is_not_tried_again(certificate: Path) -> None:
    box = Mailbox()
    options = {"authenticator": box.authenticate, "auth_required": True, "tls_context": offering(certificate)}
    with running(box, **options) as port, pytest.raises(RefusedError, match="username and password") as caught:
        send(email(port, encryption="StartTLS", **LOGIN), "wr0ng", certificate)
    assert "wr0ng" not in str(caught.value)
    assert box.taken == []


def test_nothing_is_sent_in_the_clear_where_encryption_was_asked_for() -> None:
    box = Mailbox()
    clear = {"authenticator": box.authenticate, "auth_require_tls": False}
    with running(box, **clear) as port, pytest.raises(RefusedError, match="no encryption"):
        send(email(port, encryption="StartTLS", **LOGIN), PASSWORD)
    assert (box.taken, box.logins) == ([], [])


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path) -> None:
    box = Mailbox()
    with running(box, tls_context=offering(certificate)) as port, pytest.raises(RefusedError, match="not trusted"):
        send(email(port, encryption="StartTLS"))
    assert box.taken == []


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"data": "451 later"}, TryAgainError),
        ({"data": "554 never"}, RefusedError),
        ({"rcpt": "550 nobody here"}, RefusedError),
        ({"rcpt": "450 mailbox busy"}, TryAgainError),
    ],
)
def test_an_answer_says_whether_to_try_again(answers: dict[str, str], kind: type[NotToldError]) -> None:
    with running(Mailbox(**answers)) as port, pytest.raises(kind) as caught:
        send(email(port))
    assert "dana@bank.example" not in str(caught.value)


def test_a_server_that_never_speaks_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TryAgainError, match="no conversation"):
        send(email(silent.getsockname()[1]), timeout=0.2)


@contextmanager
def tarpit() -> Iterator[int]:
    """The port of a server whose greeting never ends: a byte at a time, so that no single step is slow."""
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while not over.wait(0.05):
                connection.sendall(b"2")

    def serve(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        timer = threading.Timer(30, over.set)
        timer.start()
        try:
            yield listening.getsockname()[1]
        finally:
            timer.cancel()
            over.set()


def test_a_server_that_keeps_talking_is_left_and_its_thread_ends() -> None:
    mailer = Mailer(limit=0.5)
    with tarpit() as port:
        how = email(port)
        with pytest.raises(TryAgainError, match=r"not done within 0\.5 s"):
            asyncio.run(mailer.send(how, "", mail(letter(), how)))
        mailer.close()
        for thread in [thread for thread in threading.enumerate() if thread.name.startswith("smtp")]:
            thread.join(20)
            assert not thread.is_alive()


def test_servers_that_keep_talking_keep_no_other_mail_waiting() -> None:
    box, mailer = Mailbox(), Mailer()

    async def scene(slow: Email, quick: Email) -> None:
        hanging = [asyncio.create_task(mailer.send(slow, "", mail(letter(), slow))) for _ in range(8)]
        await asyncio.sleep(0.1)
        await asyncio.wait_for(mailer.send(quick, "", mail(letter(), quick)), 9)
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)

    with tarpit() as slow, running(box) as quick:
        asyncio.run(scene(email(slow), email(quick)))
    mailer.close()
    assert len(box.taken) == 1
