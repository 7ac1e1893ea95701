"""Which version of a model was tried when, how far it came, what it served, and why that ended. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus
from headgate.governance.audit_chain import Entry
from headgate.rollout.auditing import APPROVAL_COUNTED

_ENDS = frozenset(
    {
        Reason.LIVE,
        Reason.ROLLED_BACK,
        Reason.CANCELLED,
        Reason.SUPERSEDED,
        Reason.RESTORED,
        Reason.REBUILT,
        Reason.BASELINE_DEPLOYED,
        Reason.AA_TEST_ENDED,
        Reason.FROZEN,
    }
)
"""What settles how an attempt came out; the last one counts."""
_BEGINS = frozenset({Reason.STARTED, Reason.RESTORED, Reason.BASELINE_DEPLOYED, Reason.AA_TEST_STARTED})
REPLACED = "Replaced"
UNDER_WAY = "UnderWay"


@dataclass(frozen=True, slots=True)
class Share:
    """From `begin` to `end` (empty: until now) it was to get so many thousandths of the users, and copies of so many of the requests."""

    begin: str
    end: str
    users: int
    copies: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one version. Times are RFC 3339; `until` is empty while it serves or is tried."""

    attempt: int
    version: str
    revision: str
    begin: str
    until: str
    outcome: str
    why: str = ""
    by: str = ""
    approved_by: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()

    @property
    def reached(self) -> int:
        """The most thousandths of the users that it was to get."""
        return max((share.users for share in self.shares), default=0)

    def document(self) -> dict[str, Any]:
        shares = [asdict(share) for share in self.shares]
        told = {
            "attempt": self.attempt,
            "version": self.version,
            "revision": self.revision,
            "from": self.begin,
            "until": self.until or None,
        }
        more = {"outcome": self.outcome, "why": self.why, "by": self.by, "approvedBy": list(self.approved_by)}
        return told | more | {"reachedPermille": self.reached, "shares": shares}


def from_audit(entries: Sequence[Entry]) -> tuple[Attempt, ...]:
    """Every attempt that the audit tells of, oldest first."""
    told = [(number, mine) for number, mine in _by_attempt(entries) if any(entry.get("revision") for entry in mine)]
    moves = [entry for entry in entries if "traffic" in entry]
    found = []
    for k, (number, mine) in enumerate(told):
        revision = _first(mine, "revision")
        # Tried again, its share is that of the later attempt from then on.
        again = next((later[0]["time"] for _, later in told[k + 1 :] if _first(later, "revision") == revision), "")
        found.append(_attempt(number, revision, mine, tuple(_shares(moves, revision, mine[0]["time"], again))))
    return tuple(found)


def _by_attempt(entries: Sequence[Entry]) -> list[tuple[int, list[Entry]]]:
    """In order. The audit outlives its model: one of the same name that comes later counts its attempts from 1 again."""
    found: dict[tuple[int, int], list[Entry]] = {}
    life, newest = 0, 0
    for entry in entries:
        number = entry["id"]["attempt"]
        if entry["what"] in _BEGINS:
            known = (one["what"] for one in found.get((life, 1), ()))
            life += number == 1 and (newest > 1 or entry["what"] in known)
            newest = number
        found.setdefault((life, number), []).append(entry)
    return [(number, mine) for (_, number), mine in sorted(found.items())]


def _attempt(number: int, revision: str, mine: Sequence[Entry], shares: tuple[Share, ...]) -> Attempt:
    last = next((entry for entry in reversed(mine) if entry["what"] in _ENDS), None)
    gone = shares[-1].end if shares else last["time"] if last is not None else ""
    outcome = last["what"] if last is not None else UNDER_WAY
    if outcome == Reason.LIVE and gone:
        outcome = REPLACED
    return Attempt(
        attempt=number,
        version=_first(mine, "version"),
        revision=revision,
        begin=mine[0]["time"],
        until=gone,
        outcome=outcome,
        why=last.get("why", "") if last is not None else "",
        by=last.get("by", "") if last is not None else "",
        approved_by=tuple(dict.fromkeys(entry["why"].partition(" until ")[0] for entry in mine if entry["what"] == APPROVAL_COUNTED)),
        shares=shares,
    )


def _first(entries: Sequence[Entry], name: str) -> str:
    return str(next((entry[name] for entry in entries if entry.get(name)), ""))


def _shares(moves: Sequence[Entry], revision: str, begin: str, again: str) -> Iterator[Share]:
    """What `revision` was to get from `begin` on; a change that leaves its share as it is is none."""
    mine = [entry for entry in moves if entry["time"] >= begin and (not again or entry["time"] < again)]
    steps: list[tuple[str, int, int]] = []
    for entry in mine:
        step = (entry["traffic"]["after"].get(revision, 0), entry["traffic"]["mirrored"].get(revision, 0))
        if not steps or steps[-1][1:] != step:
            steps.append((entry["time"], *step))
    ends: list[tuple[str, int, int]] = [(again, 0, 0)]
    for (time, users, copies), (following, _, _) in pairwise(steps + ends):
        if users or copies:
            yield Share(time, following, users, copies)


def from_status(status: AIModelStatus) -> tuple[Attempt, ...]:
    """What the status still knows, oldest first: for those who may not read the audit. Attempts of live versions are not told there."""
    found = [
        Attempt(0, one.version, one.revision, "", one.until.isoformat(), REPLACED if one.was_live else str(Reason.ROLLED_BACK))
        for one in status.past
        if one.was_live
    ]
    found += [
        Attempt(
            one.attempt, one.version, one.revision, "", one.at.isoformat(), str(Reason.ROLLED_BACK), f"{one.cause}: {one.message}", one.by
        )
        for one in status.blocked
    ]
    now = status.traffic.shares
    if (stable := status.stable) is not None:
        since = stable.live_since.isoformat()
        shares = (Share(since, "", now.get(stable.revision, 0)),)
        found.append(Attempt(0, stable.version, stable.revision, since, "", str(Reason.LIVE), shares=shares))
    if (moving := status.candidate) is not None:
        counted = moving.gate.counted if moving.gate else ()
        approved = tuple(words.partition(" until ")[0] for words in counted)
        began = moving.started.isoformat()
        shares = (Share(began, "", now.get(moving.revision, 0)),)
        found.append(Attempt(moving.attempt, moving.version, moving.revision, began, "", UNDER_WAY, approved_by=approved, shares=shares))
    return tuple(sorted(found, key=lambda one: one.until or "9999"))
