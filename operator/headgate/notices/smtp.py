"""One mail by SMTP, in a thread: the standard library waits, and the loop must not."""

import asyncio
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

from headgate.api.notifications import Email, Encryption
from headgate.notices.failures import NotToldError, RefusedError, TryAgainError

_THREADS = 2
"""Of their own: a server that hangs must not keep other work from the loop's threads."""


class Mailer:
    """`timeout`: seconds for each step of the conversation. `trusted`: whose certificates count; the system's if left out."""

    def __init__(self, *, timeout: float = 10.0, trusted: ssl.SSLContext | None = None) -> None:
        self._timeout = timeout
        self._trusted = trusted
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="smtp")

    async def send(self, how: Email, password: str, message: EmailMessage) -> None:
        """To everybody that the message names. Raises NotToldError; if the server takes it for some of them only, that is enough."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._converse, how, password, message)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _converse(self, how: Email, password: str, message: EmailMessage) -> None:
        try:
            with self._connected(how) as server:
                if how.username is not None:
                    server.login(how.username, password)
                server.send_message(message)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _failure(error) from error

    def _connected(self, how: Email) -> smtplib.SMTP:
        context = self._trusted or ssl.create_default_context()
        if how.encryption is Encryption.TLS:
            return smtplib.SMTP_SSL(how.host, how.port, timeout=self._timeout, context=context)
        server = smtplib.SMTP(how.host, how.port, timeout=self._timeout)
        if how.encryption is Encryption.START_TLS:
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server


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
