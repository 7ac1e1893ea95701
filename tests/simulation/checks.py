"""What must hold at every event of every trace. Each check has a name; a broken one ends the trace with a message."""

import math
from typing import TYPE_CHECKING, Any

from tests.simulation.approved import Decided, unapproved
from tests.simulation.audited import Audited
from tests.simulation.faults import Call
from tests.simulation.gateway import shares
from tests.simulation.governed import UNSEEN, is_readable
from tests.simulation.lost import Lost, lose, taken_back, wrongs
from tests.simulation.policies import FALLBACK, MODEL, NAMESPACE
from tests.simulation.sized import Sized
from tests.simulation.staged import Staged, names, taken
from tests.simulation.standin import Health
from tests.simulation.versions import GOOD

from headgate.controller.freeze import EACH
from headgate.kube.resources import (
    AIMODELS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    GOVERNANCE_APPROVALS,
    HORIZONTAL_POD_AUTOSCALERS,
    HTTP_ROUTES,
    LEASES,
    TRUST_STORES,
)

if TYPE_CHECKING:
    from tests.simulation.replica import Replica
    from tests.simulation.world import World

Object = dict[str, Any]

SCRAPE = 1.0
RENEW_DEADLINE = 10.0
_RESOLUTION = 0.05
_GATED = ("Rollout", "First")
_STOPS = ("Halt", "Rollback", "Reject", "Revoke")
_TELLING = 30
"""Requests from which on the policies' guards say anything. A share that people made in the route may bring fewer."""


class Broken(AssertionError):  # noqa: N818  a finding, not a fault of the simulation
    """An invariant does not hold. `name` is the check's."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


class Checks:
    """Told of every write, every request of a user, and every second."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.broken: Broken | None = None
        self.allowed: set[str] = set()
        """Revisions that users may reach: dropped once they have none and their attempt is over."""
        self.decided: list[Decided] = []
        self.writes = 0
        self.last_write = 0.0
        self._sent: dict[str, float] = {}
        self._renewed: dict[str, float] = {}
        self._users: dict[str, tuple[float, float]] = {}
        self._was_served = False
        self._lowered_by_hand: set[str] = set()
        self._unserved = 0
        self._lost: Lost | None = None
        self._trusted_since = 0.0
        """From when on the operator knows by what to verify signatures; never, while the trust store cannot be read."""
        self._was_live: set[str] = set()
        self._health = Health(world)
        self._audited = Audited(world)
        self._staged = Staged(world)
        self._sized = Sized(world)
        self.harm: list[tuple[str, float]] = []
        """How long each harmful candidate had users in undisturbed time."""

    def fail(self, name: str, message: str) -> None:
        if self.broken is None:
            self.broken = Broken(name, f"{message} (at {self._world.now():.3f} s)")
            self._world.say(f"BROKEN {self.broken}")

    # -- processes --

    def part_ended(self, name: str, error: BaseException | None) -> None:
        if error is not None or name != "lease":
            self.fail("parts-keep-running", f"{name} of the operator ended by itself: {error!r}")

    def write_begins(self, replica: "Replica", call: Call) -> None:
        """Before anything is sent: may this process write?"""
        now = self._world.now()
        if call.plural == LEASES.plural:
            self._sent[replica.identity] = now
            return
        leaders = [other.identity for other in self._world.replicas if other.leading]
        if len(leaders) > 1:
            self.fail("one-leader", f"{' and '.join(leaders)} both lead")
        renewed = self._renewed.get(replica.identity)
        if renewed is None or now - renewed >= RENEW_DEADLINE + _RESOLUTION:
            self.fail("no-write-without-lease", f"{replica.identity} sends {call} without the lease")

    # -- writes --

    def written(self, plural: str, old: Object | None, new: Object | None, by: "tuple[Replica, Call] | None") -> None:
        """`by` is None for everybody but the operator."""
        if by is None:
            self._written_by_others(plural, old, new)
            return
        if plural == LEASES.plural:
            self._renewed[by[0].identity] = self._sent.get(by[0].identity, self._world.now())
            return
        self.writes += 1
        self.last_write = self._world.now()
        if plural == HTTP_ROUTES.plural:
            self._route(old, new)
        elif plural == AIMODELS.plural and old is not None and new is not None:
            self._status(old.get("status") or {}, new.get("status") or {})
        elif plural == DEPLOYMENTS.plural:
            self._deployment(old, new)
        elif plural == HORIZONTAL_POD_AUTOSCALERS.plural:
            self._sized.written(old, new)
        elif plural == CONFIG_MAPS.plural:
            self._audited.written(old, new)
        elif plural == GOVERNANCE_APPROVALS.plural and new is not None:
            self._answered(new["metadata"]["name"], (new.get("status") or {}).get("state", ""))

    def _answered(self, name: str, state: str) -> None:
        """Nothing that was written while nobody proved authors counts, not even for a moment."""
        if UNSEEN in name and state in ("Counted", "TakenUp"):
            self.fail("proven-only", f"{name} is {state}, and nobody knows who wrote it")

    def _written_by_others(self, plural: str, old: Object | None, new: Object | None) -> None:
        if plural == GOVERNANCE_APPROVALS.plural and old is None and new is not None:
            self.decided.append(Decided(new["metadata"]["name"], new["spec"], self._world.now()))
        elif plural == GOVERNANCE_APPROVALS.plural and old is not None and new is None:
            for one in self.decided:
                if one.name == old["metadata"]["name"]:
                    one.gone = self._world.now()
        elif plural == HTTP_ROUTES.plural and old is not None and new is not None:
            self._edited(shares(old), shares(new))
        elif plural == TRUST_STORES.plural and new is not None:
            self._trusted_since = self._world.now() + EACH if is_readable(new) else math.inf
        elif plural == AIMODELS.plural and old is not None and not ((new or {}).get("status") or {}).get("attempts"):
            self._forgotten(old.get("status") or {}, deleted=new is None)

    def _route(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            self.fail("always-served", "the route was deleted")
            return
        before, after = shares(old), shares(new)
        if sum(after.values()) not in (0, 1000):
            self.fail("weights-sum", f"weights of the route sum to {sum(after.values())}")
        status = self._world.status
        for revision, weight in after.items():
            if weight > before.get(revision, 0) and revision == FALLBACK:
                self._stands_in(weight, status)
            elif weight > before.get(revision, 0):
                self._raised(revision, before.get(revision, 0), weight, status)

    def _edited(self, before: dict[str, int], after: dict[str, int]) -> None:
        """Somebody who may halt takes users off the candidate in the route itself."""
        candidate = (self._world.status.get("candidate") or {}).get("revision", "")
        if after.get(candidate, 0) < before.get(candidate, 0):
            self._lowered_by_hand.add(candidate)

    def _raised(self, revision: str, before: int, weight: int, status: Object) -> None:
        world = self._world
        stable, candidate = status.get("stable") or {}, status.get("candidate") or {}
        words = f"revision {revision} goes from {before} to {weight}"
        if any(entry["revision"] == revision for entry in status.get("blocked") or ()):
            self.fail("blocked-stays-off", f"{words} although it is blocked")
        if revision == stable.get("revision"):
            self._given_back(revision, words)
        if revision == stable.get("revision") or (not status.get("attempts") and revision in self._was_live):
            self.allowed.add(revision)
            return
        if revision in self._lowered_by_hand:
            self.fail("orders-obeyed", f"{words} although somebody took users off it by hand")
        if not world.pods.served_within(revision, 3.0 if not world.disturbed_within(3.0) else 90.0):
            self.fail("endpoints-first", f"{words} without a ready pod")
        self._audited.raised(revision, weight)
        self._sized.rises(revision, weight)
        recorded = sum(slot["weight"] for slot in (status.get("traffic") or {}).get("slots") or () if slot["revision"] == revision)
        proven = any(entry["revision"] == revision and entry.get("wasLive") for entry in status.get("past") or ())
        # A write may arrive when the status that it was decided with is gone.
        if recorded < weight and not proven and self._lost is None:
            self.fail("recorded-ahead", f"{words}, but the status knows of {recorded}")
        stands_in = (status.get("failover") or {}).get("to") == "Candidate"
        if candidate.get("revision") == revision and candidate.get("kind") in _GATED and not stands_in:
            wrong = unapproved(world, self.decided, candidate)
            if wrong:
                self.fail("approved-only", f"{words}: {wrong}")
        self.allowed.add(revision)

    def _given_back(self, stable: str, words: str) -> None:
        """Where nobody decided anything, and a version that does no harm has users and pods, they stay until the stable one has pods."""
        world = self._world
        losing = {place.revision for place in world.gateway.taken.slots} - {stable}
        kept = any(world.people.behaviour(one) is GOOD and world.pods.ready(one) for one in losing)
        ordered = self._lowered_by_hand or any(one.spec["decision"] in _STOPS for one in self.decided)
        patience = 90.0 if world.faults.weather.api or world.faults.weather.watch else 1.5
        if kept and not ordered and not world.plan.fallback and not world.pods.served_within(stable, patience):
            self.fail("endpoints-first", f"{words} without a ready pod, and takes users off one that has some")

    def _stands_in(self, weight: int, status: Object) -> None:
        """The fallback gets users only while nothing that is approved can answer."""
        if why := self._health.needless(status):
            self.fail("fallback-last", f"the fallback gets {weight} thousandths although {why}")
        self.allowed.add(FALLBACK)

    def _deployment(self, old: Object | None, new: Object | None) -> None:
        if old is None:
            return
        left = int(new["spec"].get("replicas", 1)) if new is not None else 0
        before, name = int(old["spec"].get("replicas", 1)), old["metadata"]["name"]
        scaled = self._world.server.find(HORIZONTAL_POD_AUTOSCALERS, name, NAMESPACE) is not None
        if new is not None and scaled and before and left != before and not self._world.disturbed_within(10.0):
            self.fail("sizes-left-alone", f"Deployment {name} goes from {before} to {left} pods although an autoscaler sets its size")
        if left > 0 or int(old["spec"].get("replicas", 1)) == 0:
            return
        revision = old["metadata"]["name"].rpartition("-")[2]
        taken = self._world.gateway.taken
        if any(place.revision == revision for place in taken.slots):
            self.fail("serving-kept", f"revision {revision} loses its pods while the gateway sends users to it")

    # -- status --

    def _forgotten(self, status: Object, *, deleted: bool) -> None:
        """Somebody wiped the status, or deleted the model with it."""
        # What was written a moment ago, by a process that is gone or waits, the route does not know yet.
        behind = self._world.route_behind or self._world.disturbed_within(10.0)
        self._world.disturb(10.0)
        self._audited.forgotten()
        self._staged.forgotten()
        route = self._world.server.find(HTTP_ROUTES, MODEL, NAMESPACE)
        self._lost = lose(self._lost, status, route, deleted=deleted, behind=behind)
        self._lowered_by_hand &= {entry["revision"] for entry in status.get("blocked") or ()}

    def _status(self, old: Object, new: Object) -> None:
        self._was_live |= {(new.get("stable") or {}).get("revision", "")} - {""}
        if self._lost is not None and not old.get("attempts") and new.get("attempts"):
            route = self._world.server.find(HTTP_ROUTES, MODEL, NAMESPACE)
            for name, message in wrongs(self._lost, new, shares(route), self._world.policy, taken_back(self._world, self.decided, new)):
                self.fail(name, message)
            self._lost = None
        self._keeps(old, new)
        self._audited.status(new)
        self._users_left(old, new)
        self._staged.status(old, new)
        before = old.get("candidate") or {}
        if before and (new.get("stable") or {}).get("revision") == before.get("revision") != (old.get("stable") or {}).get("revision"):
            self._goes_live(before, new)

    def _keeps(self, old: Object, new: Object) -> None:
        for key, most in (("latches", 32), ("takenUp", 64)):
            lost = names(old.get(key)) - names(new.get(key))
            if lost and len(new.get(key) or ()) < most:
                self.fail("nothing-lost", f"status.{key} forgot {sorted(lost)}")
        retried = {
            revision for revision, count in (new.get("retries") or {}).items() if count > (old.get("retries") or {}).get(revision, 0)
        }
        self._lowered_by_hand -= retried
        kept = {entry["revision"] for entry in new.get("blocked") or ()}
        for entry in old.get("blocked") or ():
            if entry["revision"] not in kept | retried and len(kept) < 10:
                self.fail("nothing-lost", f"revision {entry['revision']} is not blocked any more, and nobody retried it")
        if new.get("attempts", 0) < old.get("attempts", 0):
            self.fail("nothing-lost", "the number of attempts went down")
        gone = (old.get("stable") or {}).get("revision", "")
        if gone and not new.get("stable") and not (self._world.plan.fallback and gone in kept):
            self.fail("nothing-lost", "the stable version was forgotten")
        paused = old.get("paused")
        same = (old.get("candidate") or {}).get("attempt") == (new.get("candidate") or {}).get("attempt", -1)
        if paused and not new.get("paused") and same and not taken(old, new, "resume"):
            self.fail("nothing-lost", "a Pause ended without a Resume")

    def _users_left(self, old: Object, new: Object) -> None:
        """First users leave a bad version, then it is written down why."""
        known = {(entry["revision"], entry["attempt"]) for entry in old.get("blocked") or ()}
        route = self._world.server.find(HTTP_ROUTES, MODEL, NAMESPACE)
        for entry in new.get("blocked") or ():
            if (entry["revision"], entry["attempt"]) in known or not new.get("stable"):
                continue
            left = shares(route).get(entry["revision"], 0)
            if self._world.writer is not None and not self._world.writer[0].knows(route):
                continue
            if left and entry["revision"] != new["stable"]["revision"] and not self._world.route_denied:
                self.fail("users-leave-first", f"revision {entry['revision']} is recorded as blocked while {left} thousandths go to it")

    def _goes_live(self, candidate: Object, new: Object) -> None:
        acts = self._world.people.behaviour(candidate["revision"])
        proven = candidate["kind"] == "Rollout" and not candidate.get("inconclusiveAccepted")
        if proven and acts.harmful and not acts.good_for and not any("promote" in name for name in names(new.get("takenUp"))):
            self.fail("harm-never-live", f"{acts.name} (revision {candidate['revision']}) went live")

    # -- users --

    def user_requests(self, revision: str, number: int, now: float) -> None:
        if revision not in self.allowed:
            self.fail("approved-only", f"{number} requests of users reach revision {revision}, which nobody let them")

    def each_second(self) -> None:
        world, status = self._world, self._world.status
        unserved = world.gateway.served.unserved
        if self._was_served and unserved > self._unserved:
            self.fail("always-served", "requests of users reach no version at all")
        # Of a first version whose route the gateway never took, nobody was served before.
        served = bool(status.get("stable")) and bool(world.gateway.taken.slots)
        self._was_served, self._unserved = self._was_served or served, unserved
        self._forbid(status)
        self._health.note()
        self._orders(status)
        self._latches(status)
        self._harm(status)

    def _forbid(self, status: Object) -> None:
        """Whoever has no users any more, and is not on its way, gets them by a new decision alone."""
        server, gateway = self._world.server, self._world.gateway
        present = {revision for revision, weight in shares(server.find(HTTP_ROUTES, MODEL, NAMESPACE)).items() if weight}
        present |= {place.revision for place in gateway.taken.slots}
        self.allowed &= present | {(status.get(part) or {}).get("revision", "") for part in ("stable", "candidate")}

    def _orders(self, status: Object) -> None:
        """A Halt or Rollback of the candidate empties it within a bound, if it was there for as long."""
        world, candidate = self._world, status.get("candidate")
        if not candidate or not status.get("stable") or candidate["kind"] == "Restore":
            return
        target = {"revision": candidate["revision"], "attempt": candidate["attempt"]}
        for one in self.decided:
            if one.spec["decision"] not in ("Halt", "Rollback") or one.spec.get("target") != target:
                continue
            since, until = max(one.created, world.disturbed_until), world.now() if one.gone is None else one.gone
            if until - since > world.order_bound:
                self.fail("orders-obeyed", f"{one.name} is {world.now() - one.created:.1f} s old, and {candidate['version']} goes on")

    def _latches(self, status: Object) -> None:
        """A Reject or Revoke that was there for a while is remembered, whatever becomes of its object."""
        if not status:
            return
        world, known = self._world, names(status.get("latches"))
        for one in self.decided:
            if one.spec["decision"] not in ("Reject", "Revoke") or one.name in known or len(known) >= 32:
                continue
            if one.gone is not None:
                continue
            # Who signed is not known before that.
            known_from = self._trusted_since if one.spec.get("signature") else 0.0
            if world.now() - max(one.created, world.disturbed_until, known_from) > world.order_bound:
                self.fail("negatives-latched", f"{one.name} is {world.now() - one.created:.1f} s old and not in status.latches")

    def _harm(self, status: Object) -> None:
        """A harmful candidate leaves within its bound, beside a stable version that does no harm."""
        world, candidate, stable = self._world, status.get("candidate") or {}, status.get("stable") or {}
        now, revision = world.now(), candidate.get("revision", "")
        with_users = {place.revision for place in world.gateway.taken.slots if place.share} - {stable.get("revision")}
        for gone in set(self._users) - with_users:
            acts = world.people.behaviour(gone)
            since, _ = self._users.pop(gone)
            if acts.harmful:
                self.harm.append((acts.name, now - max(since, world.disturbed_until)))
        for one in sorted(with_users):
            acts = world.people.behaviour(one)
            first = world.gateway.first.get(one, now) + acts.good_for
            since, _ = self._users.setdefault(one, (now, 0.0))
            if not acts.harmful or not stable or one != revision or candidate.get("kind") == "Restore":
                continue
            if world.people.behaviour(stable["revision"]).failing > 0.05 or not world.pods.ready(stable["revision"]):
                self._users[one] = (now, 0.0)
                continue
            spent = now - max(since, first, world.disturbed_until)
            bound = world.harm_bound(acts)
            if world.gateway.requests_in(bound, one) < _TELLING:
                continue
            if spent > bound:
                self.fail(
                    "harm-leaves", f"{acts.name} (revision {one}) has had users for {spent:.1f} s of fair time; the bound is {bound:.1f} s"
                )

    # -- the end --

    def at_rest(self, status: Object) -> None:
        """Nothing moves any more: the cluster is as the status says."""
        self._audited.at_rest(status)
        world = self._world
        route = world.server.find(HTTP_ROUTES, MODEL, NAMESPACE)
        traffic = status.get("traffic") or {}
        recorded = {slot["revision"]: slot["weight"] for slot in traffic.get("slots") or ()}
        if traffic.get("fallback"):
            recorded[FALLBACK] = traffic["fallback"]["weight"]
        if shares(route) != recorded:
            self.fail("route-as-recorded", f"the route says {shares(route)}, the status {recorded}")
        for revision, weight in recorded.items():
            if weight and revision != FALLBACK and world.server.find(DEPLOYMENTS, f"{MODEL}-{revision}", NAMESPACE) is None:
                self.fail("serving-kept", f"revision {revision} has {weight} and no Deployment")
