"""The operator's parts, put together: which part is given which. Nothing is started here."""

import asyncio
from collections.abc import Callable

from headgate.config import Settings
from headgate.controller.alerts import AlertReader
from headgate.controller.announcing import Announcer
from headgate.controller.apply import Applier
from headgate.controller.audit import AuditTrail
from headgate.controller.bypass import Bypass
from headgate.controller.cache import Cache
from headgate.controller.capacity import CapacityWriter
from headgate.controller.checkpoints import Checkpoints
from headgate.controller.classification import ClassificationTable
from headgate.controller.clock import ClockWatch
from headgate.controller.configuration import Configurations
from headgate.controller.enforcement import Enforcement
from headgate.controller.facts import ModelKey
from headgate.controller.freeze import EACH, ClusterFreeze
from headgate.controller.intake import Intake
from headgate.controller.judging import Judging
from headgate.controller.kinds import Kinds
from headgate.controller.last_seen import left_behind
from headgate.controller.literacy import LiteracyReader
from headgate.controller.manifests import Manifests
from headgate.controller.noise import NoiseReader
from headgate.controller.notifying import Notifier
from headgate.controller.orphans import Orphans
from headgate.controller.ownership import OwnershipWriter
from headgate.controller.probes import Health, Heartbeat
from headgate.controller.queue import Priority, Queue
from headgate.controller.reconcile import Reconciler, Setting
from headgate.controller.refusals import Refusals
from headgate.controller.replays import ReplayWriter
from headgate.controller.secret_hashes import SecretHashes
from headgate.controller.traffic import TrafficWriter
from headgate.controller.trust import TrustReader
from headgate.controller.watching import Watching
from headgate.kube.client import KubeClient
from headgate.kube.events import EventRecorder
from headgate.kube.fence import fenced
from headgate.kube.lease import Clocks
from headgate.named_secrets import NamedSecrets
from headgate.notices.delivery import Delivery
from headgate.notices.http import Poster
from headgate.notices.outbox import Outbox
from headgate.notices.smtp import Mailer
from headgate.prometheus.alerts import AlertsSource
from headgate.prometheus.client import PrometheusClient
from headgate.prometheus.decisions import Decisions
from headgate.prometheus.pods import StablePods
from headgate.prometheus.profiles import PROFILES
from headgate.prometheus.sampler import Sampler
from headgate.prometheus.segments import Segments
from headgate.prometheus.totals import TotalsSampler
from headgate.prometheus.values import Values
from headgate.telemetry import Telemetry

PERIOD = 300.0
"""Seconds between full lists."""
LEASE = "headgate"


class Parts:
    """Everything but kopf and the lease: what simulations put together in the same way. `leading` is asked before each write."""

    def __init__(
        self,
        settings: Settings,
        api: KubeClient,
        prometheus: PrometheusClient,
        leading: Callable[[], bool],
        clocks: Clocks | None = None,
        *,
        period: float = PERIOD,
    ) -> None:
        clocks = clocks or Clocks()
        wall, monotonic = clocks.wall, clocks.monotonic
        self.telemetry = Telemetry()
        prometheus.tell(self.telemetry.answered)
        self.cache = Cache(policy_namespace=settings.policy_namespace, wall=wall)
        self.queue: Queue[ModelKey] = Queue(rank=self._rank, jitter=clocks.jitter)
        self.intake = Intake(api, self.cache, self.queue, namespaces=settings.kopf_namespaces, period=period, monotonic=monotonic)
        self.clock = ClockWatch(wall, monotonic)
        self.enforcement = Enforcement(
            api,
            wall,
            lambda: self.cache.sequence,
            heard=self.clock.hear,
            prefix=settings.admission_prefix,
            installed=settings.admission,
            earlier=lambda: left_behind(api, settings.namespace, LEASE),
        )
        self.bypass = Bypass(api, self.cache, self.intake.enqueue, namespaces=settings.kopf_namespaces)
        writer = fenced(api, leading)
        hashes = SecretHashes(writer, settings.namespace) if settings.hash_secrets else None
        self.configurations = Configurations(api, self.cache, self.intake.enqueue, hashes=hashes)
        self.freeze = ClusterFreeze(api, settings.policy_namespace, wall)
        self.table = ClassificationTable(api, settings.namespace, settings.classification_table)
        self.trust = TrustReader(api, settings.policy_namespace, settings.environment, required=settings.trust_store_required)
        self.literacy = LiteracyReader(api, settings.policy_namespace)
        self.checkpoints = Checkpoints(writer, self.cache, monotonic=monotonic)
        samplers = {name: Sampler(prometheus, profile) for name, profile in PROFILES.items()}
        self.judging = Judging(
            self.cache,
            samplers,
            self.checkpoints.recall,
            self.queue.add,
            wall=lambda: wall().timestamp(),
            decisions=Sampler(prometheus, Decisions()),
            segments=Sampler(prometheus, Segments()),
            measured=self.telemetry.queried,
        )
        pods = Sampler(prometheus, StablePods())
        values = Sampler(prometheus, Values())
        self.noise = NoiseReader(self.judging, pods, values, wall=lambda: wall().timestamp(), measured=self.telemetry.queried)
        self.kinds = Kinds(api, monotonic=monotonic)
        traffic = TrafficWriter(writer, self.cache, Refusals(monotonic=monotonic))
        events = EventRecorder(writer, settings.pod_name, clocks=clocks)
        totals = {name: TotalsSampler(prometheus, profile) for name, profile in PROFILES.items()}
        self.watching = Watching(self.cache, totals, self.queue.add, wall=lambda: wall().timestamp(), measured=self.telemetry.queried)
        self.alerts = AlertReader(self.cache, AlertsSource(prometheus), self.queue.add, wall=lambda: wall().timestamp())
        self.audit = AuditTrail(writer, settings.namespace, self.queue.add)
        self.poster, self.mailer = Poster(), Mailer()
        secrets = NamedSecrets(api, settings.policy_namespace, settings.notices)
        self.outbox = Outbox(
            Delivery(secrets.read, self.poster, self.mailer).deliver,
            told=self.telemetry.notified,
            dropped=self.telemetry.notification_dropped,
            monotonic=monotonic,
        )
        self.applier = Applier(
            writer,
            self.cache,
            traffic,
            CapacityWriter(writer, self.cache, Refusals(monotonic=monotonic), Manifests(writer, self.cache, self.configurations)),
            OwnershipWriter(writer, self.cache),
            Announcer(writer, self.cache, events, Notifier(self.outbox, settings.notices, settings.environment)),
            ReplayWriter(writer, self.cache, Refusals(monotonic=monotonic), settings.runner),
            self.audit,
        )
        self.orphans = Orphans(writer, self.cache, traffic, events, self.kinds, wall=wall, monotonic=monotonic)
        setting = Setting(settings.environment, settings.policy_namespace, not settings.watch_namespaces, wall)
        self.reconciler = Reconciler(
            self.cache,
            self.queue,
            self.judging,
            self.watching,
            self.applier,
            self.orphans,
            self.enforcement,
            setting,
            self.telemetry,
            alerts=self.alerts,
            audit=self.audit,
            bypass=self.bypass,
            configurations=self.configurations,
            freeze=self.freeze,
            table=self.table,
            trust=self.trust,
            literacy=self.literacy,
            clock=self.clock,
        )
        self.heartbeat = Heartbeat(monotonic, self.telemetry)
        self.health = Health(self.intake, self.heartbeat, period, self.kinds)
        self.telemetry.watch(
            queue_depth=lambda: len(self.queue),
            watch_age=lambda: self.intake.age,
            orphans=lambda: len(self.orphans.serving),
            kinds_missing=lambda: bool(self.kinds.problem),
            governance_enforced=lambda: not self.enforcement.problem,
            clock_trusted=lambda: not self.clock.doubted,
        )

    async def close(self, patience: float) -> None:
        """Send what is being sent, for at most `patience` seconds."""
        await self.outbox.close(patience)
        await self.poster.close()
        self.mailer.close()

    def _rank(self, key: ModelKey) -> Priority:
        harm = self.watching.fires(key) or self.judging.harms(key) or self.alerts.fires(key)
        return Priority.HARM if harm else self.intake.rank(key)

    async def check_enforcement(self) -> None:
        """Every model shows whether governance is enforced: all are decided anew when that changes, else those that waited for a look."""
        waiting = self.enforcement.asked()
        if await self.enforcement.check():
            self.decide_all()
        else:
            self.intake.enqueue(waiting)

    async def run_enforcement(self) -> None:
        """Until cancelled."""
        while True:
            await self.enforcement.due()
            await self.check_enforcement()

    async def run_calendar(self) -> None:
        """Until cancelled: what is under way is decided anew when a freeze begins or ends, or the clock was put right; every model when
        the classification table changed, other persons are trusted, or other assessments of them are there."""
        while True:
            await asyncio.sleep(EACH)
            if await self.table.look():
                self.decide_all()
            before = self.clock.doubted
            if await self.freeze.look() or (self.clock.look() is not None) != before:
                self.intake.enqueue(set(self.cache.moving))
            if await self.trust.look():
                self.decide_all()
            if await self.literacy.look():
                self.decide_all()

    def decide_all(self) -> None:
        """Models in rollout first, then what deleted models left behind."""
        self.intake.enqueue(sorted(self.cache.models, key=lambda key: key not in self.cache.moving))
        self.intake.enqueue(sorted(self.cache.orphans))
