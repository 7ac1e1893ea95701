"""From decisions to letters. Nothing here is awaited by a pass over a model."""

import logging
from typing import Protocol

from headgate.api.notifications import Notification, Receiver
from headgate.api.status import AIModelStatus
from headgate.controller.observe import Observation
from headgate.notices.letter import Letter, Occasion, Place, letters
from headgate.notices.setting import NoticeSetting
from headgate.rollout.asking import asked_by
from headgate.rollout.decision import Announcement

log = logging.getLogger(__name__)


class Post(Protocol):
    """Takes letters without waiting for anything."""

    def put(self, name: str, to: Receiver, letter: Letter) -> None: ...


class Notifier:
    """Tells what was announced of a model, as its present policy says; where that one is gone or cannot be read, as the copy says that the
    attempt under way runs on."""

    def __init__(self, post: Post, setting: NoticeSetting, environment: str) -> None:
        self._post = post
        self._setting = setting
        self._environment = environment
        self._unheard: set[str] = set()

    def tell(self, seen: Observation, after: AIModelStatus, announced: tuple[Announcement, ...]) -> None:
        """Put letters in the post and return at once."""
        policy, wanted = _receivers(seen)
        if not wanted or not self._enabled(policy):
            return
        place = self._place(seen, after)
        for one in announced:
            for notification, letter in letters(_occasion(one, after), place, seen.snapshot.now, wanted, self._setting.dashboard):
                self._post.put(f"{policy}/{notification.name}", notification.to, letter)

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


def _receivers(seen: Observation) -> tuple[str, tuple[Notification, ...]]:
    """A policy's name and whom it tells; nobody without one."""
    snapshot = seen.snapshot
    if snapshot.policy.spec is not None:
        return seen.policy, snapshot.policy.spec.notifications or ()
    if snapshot.pinned is not None and snapshot.status.candidate is not None:
        return snapshot.status.candidate.policy, snapshot.pinned.notifications or ()
    return seen.policy, ()
