"""Brings one letter to its receiver: reads the secret that is named, takes the channel's form, sends it once."""

from collections.abc import Awaitable, Callable

from headgate.api.notifications import CloudEvents, Email, Receiver, SecretKey, Webhook
from headgate.notices import forms
from headgate.notices.failures import RefusedError
from headgate.notices.http import Poster
from headgate.notices.letter import Letter
from headgate.notices.smtp import Mailer

ReadSecret = Callable[[SecretKey], Awaitable[str]]
"""What stands under a key of a Secret. Raises NotToldError."""


class Delivery:
    """Secrets are read anew for each letter, so that one that was exchanged counts at once, and none stays in memory."""

    def __init__(self, read: ReadSecret, poster: Poster, mailer: Mailer) -> None:
        self._read = read
        self._poster = poster
        self._mailer = mailer

    async def deliver(self, to: Receiver, letter: Letter) -> None:
        """Raises NotToldError."""
        if to.cloud_events is not None:
            await self.post_event(to.cloud_events, forms.cloud_event(letter))
        elif to.slack is not None:
            await self._post(to.slack, forms.slack(letter))
        elif to.teams is not None:
            await self._post(to.teams, forms.teams(letter))
        elif to.email is not None:
            await self._mail(to.email, letter)

    async def post_event(self, to: CloudEvents, event: forms.Json) -> None:
        """One CloudEvent, whatever it is about. Raises NotToldError."""
        address = to.url if to.url is not None else await self._address(to.secret_ref)
        await self._poster.post(address, event, forms.CLOUD_EVENT_TYPE)

    async def _post(self, to: Webhook, body: forms.Json) -> None:
        await self._poster.post(await self._address(to.secret_ref), body)

    async def _mail(self, how: Email, letter: Letter) -> None:
        password = await self._read(how.secret_ref) if how.secret_ref is not None else ""
        await self._mailer.send(how, password, forms.mail(letter, how))

    async def _address(self, ref: SecretKey | None) -> str:
        address = (await self._read(ref)).strip() if ref is not None else ""
        if not address:
            raise RefusedError("its Secret holds no address")
        return address
