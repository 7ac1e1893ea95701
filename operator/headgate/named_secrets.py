"""Addresses and passwords of receivers, read by name: for the operator and for the monitor."""

import base64
import binascii

from headgate.api.notifications import SecretKey
from headgate.kube.errors import KubeError, Throttled, Unavailable
from headgate.kube.interface import KubeApi
from headgate.kube.resources import SECRETS
from headgate.notices.failures import RefusedError, TryAgainError
from headgate.notices.setting import NoticeSetting


class NamedSecrets:
    """Secrets of one namespace, of which only those that the chart names are read: else whoever writes a policy could have any Secret of
    that namespace sent anywhere, the operator's own keys included."""

    def __init__(self, api: KubeApi, namespace: str, setting: NoticeSetting) -> None:
        self._api = api
        self._namespace = namespace
        self._setting = setting

    async def read(self, ref: SecretKey) -> str:
        """Raises NotToldError."""
        if ref.name not in self._setting.secrets:
            raise RefusedError(f"Secret {ref.name} is not listed in the chart's notifications.secrets: add it there")
        try:
            body = await self._api.get(SECRETS, ref.name, self._namespace)
        except (Unavailable, Throttled) as error:
            raise TryAgainError(f"Secret {self._namespace}/{ref.name} cannot be read now") from error
        except KubeError as error:
            raise RefusedError(f"Secret {self._namespace}/{ref.name} cannot be read: {type(error).__name__}") from error
        text = (body.get("data") or {}).get(ref.key)
        if text is None:
            raise RefusedError(f"Secret {self._namespace}/{ref.name} has no key {ref.key}")
        try:
            return base64.b64decode(text, validate=True).decode().strip()
        except (binascii.Error, UnicodeDecodeError):
            raise RefusedError(f"Secret {self._namespace}/{ref.name}: {ref.key} is no text") from None
