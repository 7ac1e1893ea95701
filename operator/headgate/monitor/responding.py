"""Does what drift calls for: each thing once, whatever fails or restarts in between. What only the operator may do is asked of it.

What was done stands in `status.drift`, which nobody else writes. It is written last: killed before, the same is done again, and each of
these does nothing the second time.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Generic, Literal, Protocol, TypedDict, TypeVar

from pydantic import ValidationError

from headgate.api.notifications import Notification
from headgate.api.responses import Action, DriftStatus, Severity
from headgate.api.retraining import Retraining
from headgate.kube.errors import KubeError, NotFound
from headgate.kube.interface import KubeApi
from headgate.kube.labels import FIELD_MANAGER, Owner
from headgate.kube.resources import AIMODELS, CONFIG_MAPS
from headgate.kube.retraining import Request, request_name
from headgate.kube.review_mode import review_mode_map, review_mode_name
from headgate.monitor.retraining import Asked, Retrainer
from headgate.monitoring.response import Done, Response, Responses, due
from headgate.notices.failures import NotToldError
from headgate.review.modes import ReviewMode

log = logging.getLogger(__name__)

MANAGER = "headgate-monitor-drift"
"""Of status.drift alone."""
_QUIET = (None, Severity.LOW, Severity.UNKNOWN)


class _Asks(TypedDict):
    freeze: Literal["Requested"] | None
    roll_back: str | None


class Watched(Protocol):
    """What is needed of a ServingModel. `key` is namespace and name, `told` the severity that stands in status.drift."""

    @property
    def key(self) -> tuple[str, str]: ...
    @property
    def uid(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def told(self) -> Severity | None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What policy and model say is to be done: `receivers` are the policy's notifications."""

    table: Responses
    retraining: Retraining | None = None
    receivers: tuple[Notification, ...] = ()


Model = TypeVar("Model", bound=Watched)


class Responding(Generic[Model]):
    """Called after every assessment. Raises nothing that the monitor would have to handle: what failed is done at the next."""

    def __init__(self, api: KubeApi, retrainer: Retrainer, wanted: Callable[[Model], Wanted], wall: Callable[[], datetime]) -> None:
        self._api = api
        self._retrainer = retrainer
        self._wanted = wanted
        self._wall = wall
        self._unsettled: set[tuple[str, str]] = set()
        self._unasked: dict[tuple[str, str], str] = {}
        """Why nobody could be asked for a new version, as last logged."""

    async def respond(self, model: Model, response: Response) -> None:
        key = model.key
        cleared = model.told is Severity.UNKNOWN and response.severity is Severity.LOW
        if response.severity in _QUIET and model.told in _QUIET and not cleared and key not in self._unsettled:
            return
        self._unsettled.add(key)
        try:
            await self._answer(model, response, self._wanted(model))
        except NotFound:
            self._unsettled.discard(key)
        except KubeError as error:
            log.warning("to be tried again: %s", error, extra=_about(model))
        else:
            self._unsettled.discard(key)

    async def _answer(self, model: Model, response: Response, wanted: Wanted) -> None:
        before, now = await self._said_before(model), self._wall()
        if (before is None or before.severity is Severity.LOW) and response.severity in _QUIET:
            # What failed before it could be told may have been half done.
            await self._review(model, response, now)
            return
        asked = await self._asked(model, response, wanted, before)
        actions = due(response, _done(before, asked), wanted.table, now)
        changed = before is None or before.severity is not response.severity
        # What could not be measured for a while may have drifted all the time.
        began = before.since if before is not None and before.severity is not Severity.LOW else now
        await self._review(model, response, now)
        retraining, failed = "", ""
        if Action.RETRAIN in actions:
            retraining, failed = await self._retrain(model, response, wanted, asked, (began, now))
        done = tuple(action for action in actions if action is not Action.RETRAIN or retraining)
        if done or changed:
            await self._say(model, _word(model, response, before, done, (began, now), retraining, failed))
        elif before is not None and (standing := before.model_copy(update=_asks(model, response, before))) != before:
            # The table was edited, or the proof for a rollback came or went. It is no news: the operator does it, and tells nobody again.
            await self._say(model, standing)

    async def _said_before(self, model: Model) -> DriftStatus | None:
        namespace, name = model.key
        found = (await self._api.get(AIMODELS, name, namespace)).get("status") or {}
        try:
            return DriftStatus.model_validate(found["drift"]) if found.get("drift") else None
        except ValidationError:
            log.warning("status.drift cannot be read, and is written anew", extra=_about(model))
            return None

    async def _asked(self, model: Model, response: Response, wanted: Wanted, before: DriftStatus | None) -> Asked:
        if Action.RETRAIN not in response.actions or wanted.retraining is None:
            # Nobody to ask, so there is nothing to be done about it.
            return Asked(open=True)
        found = await self._retrainer.before(*model.key) if wanted.retraining.job_template is not None else Asked()
        said = before.retraining_asked if before is not None else None
        return replace(found, last=max((moment for moment in (found.last, said) if moment is not None), default=None))

    async def _review(self, model: Model, response: Response, now: datetime) -> None:
        """The ConfigMap says the mode, whoever changed or deleted it. Where the mode never was another, there is none. What cannot be
        measured is no all-clear: the mode stays."""
        if response.severity is Severity.UNKNOWN:
            return
        namespace, name = model.key
        mode = ReviewMode.ALL if Action.REVIEW_MODE in response.actions else ReviewMode.LOW_CONFIDENCE
        try:
            found = await self._api.get(CONFIG_MAPS, review_mode_name(name), namespace)
        except NotFound:
            found = {"data": {"mode": str(ReviewMode.LOW_CONFIDENCE)}}
        if (found.get("data") or {}).get("mode") == str(mode):
            return
        body = review_mode_map(namespace, name, mode, now.isoformat(), response.why, _owner(model))
        await self._api.apply(CONFIG_MAPS, body, field_manager=FIELD_MANAGER, force=True)

    async def _retrain(
        self, model: Model, response: Response, wanted: Wanted, asked: Asked, times: tuple[datetime, datetime]
    ) -> tuple[str, str]:
        """The request's name, or why nobody could be asked: that must not keep the rest from being told. `times`: when the drift began,
        and now."""
        assert wanted.retraining is not None, "_asked says so"
        began, now = times
        request = _request(model, response, began, asked.last)
        try:
            if asked.barred is not None:
                raise asked.barred
            await self._retrainer.ask(request, wanted.retraining, wanted.receivers, _owner(model), now)
        except (KubeError, NotToldError) as error:
            return "", self._unasked_words(model, str(error))
        self._unasked.pop(model.key, None)
        return request.name, ""

    def _unasked_words(self, model: Model, why: str) -> str:
        """Logged when it changes: it is tried again at every look, and is often a setting that stays."""
        words = f"nobody could be asked for a new version: {why}"
        if self._unasked.get(model.key) != words:
            log.warning("%s", words, extra=_about(model))
            self._unasked[model.key] = words
        return f"; {words}"

    async def _say(self, model: Model, said: DriftStatus) -> None:
        namespace, name = model.key
        document = {"drift": said.model_dump(mode="json", by_alias=True, exclude_none=True)}
        await self._api.patch_status(AIMODELS, name, namespace, document, field_manager=MANAGER)


def _request(model: Watched, response: Response, began: datetime, last: datetime | None) -> Request:
    """`last`: when was asked before. Until it is known that somebody was asked, the name stays the same."""
    namespace, name = model.key
    occasion = "\0".join((model.uid, model.revision, f"{began:%F}", last.isoformat() if last else ""))
    return Request(
        name=request_name(name, hashlib.sha256(occasion.encode()).hexdigest()),
        namespace=namespace,
        model=name,
        revision=model.revision,
        priority=str(response.priority or ""),
        severity=str(response.severity),
        why=response.why[:1024],
    )


def _word(
    model: Watched,
    response: Response,
    before: DriftStatus | None,
    done: tuple[Action, ...],
    times: tuple[datetime, datetime],
    retraining: str,
    failed: str,
) -> DriftStatus:
    """`times`: when the drift began, and now."""
    began, now = times
    takes_back = Action.ROLLBACK in done
    return DriftStatus(
        severity=response.severity,
        since=began,
        at=now,
        why=f"{response.why[: 1024 - len(failed[:400])]}{failed[:400]}",
        actions=done,
        release=_day(response.release) if takes_back else before.release if before else "",
        retraining=retraining or (before.retraining if before else ""),
        retraining_asked=now if retraining else before.retraining_asked if before else None,
        **_asks(model, response, before),
    )


def _asks(model: Watched, response: Response, before: DriftStatus | None) -> _Asks:
    """What the operator is to do as long as it stands. What cannot be measured changes nothing of it."""
    if response.severity is Severity.UNKNOWN and before is not None:
        return {"freeze": before.freeze, "roll_back": before.roll_back if before.roll_back == model.revision else None}
    return {
        "freeze": "Requested" if Action.FREEZE in response.actions else None,
        "roll_back": model.revision if Action.ROLLBACK in response.actions else None,
    }


def _done(before: DriftStatus | None, asked: Asked) -> Done:
    if before is None:
        return Done(retraining_open=asked.open, retraining_asked=asked.last)
    released = (date.fromisoformat(before.release),) if before.release else ()
    return Done(before.severity, asked.open, asked.last, released)


def _day(release: date | None) -> str:
    return release.isoformat() if release is not None else ""


def _owner(model: Watched) -> Owner:
    return Owner(AIMODELS.api_version, AIMODELS.kind, model.key[1], model.uid)


def _about(model: Watched) -> dict[str, str]:
    return {"namespace": model.key[0], "model": model.key[1]}
