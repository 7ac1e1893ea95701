"""From decisions to letters. Nothing here is awaited by a pass over a model."""

import base64
import binascii
import logging
from typing import Protocol

from headgate.api.notifications import Notification, Receiver, SecretKey
from headgate.api.status import AIModelStatus
from headgate.controller.observe import Observation
from headgate.kube.errors import KubeError, Throttled, Unavailable
from headgate.kube.interface import KubeApi
from headgate.kube.resources import SECRETS
from headgate.notices.failures import RefusedError, TryAgainError
from headgate.notices.letter import Letter, Occasion, Place, letters
from headgate.notices.setting import NoticeSetting
from headgate.rollout.asking import asked_by
from headgate.rollout.decision import Announcement

log = logging.getLogger(__name__)


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


class Post(Protocol):
    """Takes letters without waiting for anything."""

    def put(self, name: str, to: Receiver, letter: Letter) -> None: ...


class Notifier:
    """Tells what was announced of a model, as its present policy says."""

    def __init__(self, post: Post, setting: NoticeSetting, environment: str) -> None:
        self._post = post
        self._setting = setting
        self._environment = environment
        self._unheard: set[str] = set()

    def tell(self, seen: Observation, after: AIModelStatus, announced: tuple[Announcement, ...]) -> None:
        """Put letters in the post and return at once."""
        policy, spec = seen.snapshot.policy.spec, seen.snapshot.spec
        wanted = policy.notifications if policy is not None else None
        if not wanted or spec is None or not self._enabled(spec.policy.name):
            return
        place = self._place(seen, after)
        for one in announced:
            for notification, letter in letters(_occasion(one, after), place, seen.snapshot.now, wanted, self._setting.dashboard):
                self._post.put(_receiver(spec.policy.name, notification), notification.to, letter)

    def _enabled(self, policy: str) -> bool:
        if not self._setting.enabled and policy not in self._unheard:
            log.warning("policy %s has notifications, but the chart's notifications.enabled is false: nothing is sent", policy)
            self._unheard.add(policy)
        return self._setting.enabled

    def _place(self, seen: Observation, after: AIModelStatus) -> Place:
        # A version that was just taken back is the candidate of the status before.
        moving = after.candidate or seen.snapshot.status.candidate
        who = moving or after.stable
        attempt = moving.attempt if moving is not None else after.attempts
        return Place(self._environment, seen.key.namespace, seen.key.name, seen.owner.uid, who.version if who is not None else "", attempt)


def _occasion(one: Announcement, after: AIModelStatus) -> Occasion:
    people = asked_by(one.reason, after)
    if people is None:
        return Occasion(one.reason, one.note, one.warning)
    return Occasion(one.reason, one.note, one.warning, people.gate, people.subject, people.roles, people.missing)


def _receiver(policy: str, notification: Notification) -> str:
    return f"{policy}/{notification.name}"
