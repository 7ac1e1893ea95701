"""One mail by SMTP, in a thread: the standard library waits, and the loop must not."""

import asyncio
import smtplib
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

from headgate.api.notifications import Email, Encryption
from headgate.notices.failures import NotToldError, RefusedError, TryAgainError
from headgate.notices.outbox import Limits

_THREADS = Limits().receivers
"""One for each receiver, made when it is needed: no mail waits for another's server. Of their own, and not the loop's."""


class Mailer:
    """`timeout`: seconds for each step of the conversation, `limit`: for the whole of it. A server that says a byte now and then would keep
    every step alive. `trusted`: whose certificates count; the system's if left out."""

    def __init__(self, *, timeout: float = 10.0, limit: float = 30.0, trusted: ssl.SSLContext | None = None) -> None:
        self._timeout = timeout
        self._limit = limit
        self._trusted = trusted
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="smtp")

    async def send(self, how: Email, password: str, message: EmailMessage) -> None:
        """To everybody that the message names. Raises NotToldError; if the server takes it for some of them only, that is enough."""
        line = _Line()
        talk = asyncio.get_running_loop().run_in_executor(self._threads, self._converse, line, how, password, message)
        try:
            async with asyncio.timeout(self._limit):
                await talk
        except TimeoutError as error:
            raise TryAgainError(f"the mail server was not done within {self._limit:g} s") from error
        finally:
            line.cut()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _converse(self, line: "_Line", how: Email, password: str, message: EmailMessage) -> None:
        try:
            with self._connected(line, how) as server:
                if how.username is not None:
                    server.login(how.username, password)
                server.send_message(message)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _failure(error) from error

    def _connected(self, line: "_Line", how: Email) -> smtplib.SMTP:
        context = self._trusted or ssl.create_default_context()
        if how.encryption is Encryption.TLS:
            return _EncryptedTalk(line, how.host, how.port, timeout=self._timeout, context=context)
        server = _Talk(line, how.host, how.port, timeout=self._timeout)
        if how.encryption is Encryption.START_TLS:
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server


class _Line:
    """The connection of one conversation, which another thread may cut. What is cut stays so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: socket.socket | None = None
        self._over = False

    def hold(self, connection: socket.socket | None) -> None:
        with self._lock:
            self._held = connection
            if self._over:
                self._shut()

    def cut(self) -> None:
        """Whoever reads from it or writes to it gets an error at once."""
        with self._lock:
            self._over = True
            self._shut()

    def _shut(self) -> None:
        if self._held is not None:
            # OSError: it is closed already. Not the method of an encrypted one, which is not made for two threads.
            with suppress(OSError):
                socket.socket.shutdown(self._held, socket.SHUT_RDWR)


class _Talk(smtplib.SMTP):
    """Holds the line at each answer: the connection is made with the greeting, and another one with encryption."""

    def __init__(self, line: _Line, *args: Any, **options: Any) -> None:
        self._line = line
        super().__init__(*args, **options)

    def getreply(self) -> tuple[int, bytes]:
        self._line.hold(self.sock)
        return super().getreply()

    def close(self) -> None:
        # Its number may soon be that of another connection.
        self._line.hold(None)
        super().close()


class _EncryptedTalk(_Talk, smtplib.SMTP_SSL):
    """From the first byte."""


def _failure(error: Exception) -> NotToldError:
    """4xx of SMTP is for now, 5xx for ever. Answers may quote addresses: only codes are told."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = sorted({code for code, _ in error.recipients.values()})
        told = f"the mail server takes none of the recipients ({', '.join(map(str, codes))})"
        return RefusedError(told) if codes and all(code >= 500 for code in codes) else TryAgainError(told)
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
        return RefusedError(f"the mail server does not take username and password ({error.smtp_code})")
    if isinstance(error, smtplib.SMTPResponseException):
        told = f"the mail server answered {error.smtp_code}"
        return RefusedError(told) if error.smtp_code >= 500 else TryAgainError(told)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return RefusedError("the mail server offers no encryption or no login: set encryption to what it has")
    if isinstance(error, ssl.SSLCertVerificationError):
        return RefusedError("the mail server's certificate is not trusted")
    if isinstance(error, ValueError):
        return RefusedError("username or password cannot be sent: only ASCII is")
    return TryAgainError(f"no conversation with the mail server ({type(error).__name__})")
