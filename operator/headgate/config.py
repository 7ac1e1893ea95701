"""What is configured: environment variables, and how kopf is to behave."""

import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import kopf

from headgate.kube.installed import Installed, read_installed
from headgate.kube.replays import RunnerImage
from headgate.notices.setting import NoticeSetting


class ConfigError(Exception):
    """The environment is not usable. The message names the variable and says what to set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All configuration. `environment` becomes part of every approval's subject: a staging approval never counts in production.

    `watch_namespaces` is empty for all namespaces.
    """

    namespace: str
    policy_namespace: str
    prometheus_url: str
    environment: str
    pod_name: str
    log_level: str = "INFO"
    watch_namespaces: tuple[str, ...] = ()
    probe_port: int = 8081
    metrics_port: int = 8080
    admission_prefix: str = "headgate"
    """Of the names of the chart's admission policies."""
    admission: Installed = field(default_factory=Installed)
    """Those policies, as the chart made them."""
    classification_table: str = ""
    """The ConfigMap of `namespace` that holds the classification table; empty for the built-in one."""
    trust_store_required: bool = False
    """Whether approvals above Low count only where there is a trust store."""
    hash_secrets: bool = False
    """Whether the content of a revision covers the data of its Secrets, by keyed hash."""
    monitor_interval: int = 300
    """Seconds between two looks of `monitor` at all live models."""
    search_unmanaged: bool = False
    """Whether `monitor` looks for workloads that use AI and that no AIModel owns."""
    runner: RunnerImage = field(default_factory=RunnerImage)
    """What Jobs run that compare answers."""
    notices: NoticeSetting = field(default_factory=NoticeSetting)
    """Whether notifications of policies are sent, and which Secrets they may name."""

    @property
    def kopf_namespaces(self) -> tuple[str, ...]:
        """The namespaces to watch: those of the models and that of the policies. Empty for all."""
        return tuple(sorted({*self.watch_namespaces, self.policy_namespace})) if self.watch_namespaces else ()


_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises ConfigError."""
    namespace = _required(environment, "HEADGATE_NAMESPACE", "the namespace the operator runs in")
    url = _required(environment, "HEADGATE_PROMETHEUS_URL", "where Prometheus answers, like http://prometheus.monitoring:9090")
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"HEADGATE_PROMETHEUS_URL must begin with http:// or https://, got {url!r}")
    level = (environment.get("HEADGATE_LOG_LEVEL") or "INFO").upper()
    if level not in _LEVELS:
        raise ConfigError(f"HEADGATE_LOG_LEVEL must be one of {', '.join(_LEVELS)}, got {level!r}")
    return Settings(
        namespace=namespace,
        policy_namespace=environment.get("HEADGATE_POLICY_NAMESPACE") or namespace,
        prometheus_url=url,
        environment=_required(environment, "HEADGATE_ENVIRONMENT", "the name of this environment, like production or staging"),
        pod_name=environment.get("HEADGATE_POD_NAME") or socket.gethostname(),
        log_level=level,
        watch_namespaces=_names(environment, "HEADGATE_WATCH_NAMESPACES"),
        probe_port=_port(environment, "HEADGATE_PROBE_PORT", 8081),
        metrics_port=_port(environment, "HEADGATE_METRICS_PORT", 8080),
        admission_prefix=environment.get("HEADGATE_ADMISSION_PREFIX") or "headgate",
        admission=_installed(environment),
        classification_table=environment.get("HEADGATE_CLASSIFICATION_TABLE") or "",
        trust_store_required=_flag(environment, "HEADGATE_TRUST_STORE_REQUIRED"),
        hash_secrets=_flag(environment, "HEADGATE_HASH_SECRETS"),
        monitor_interval=_seconds(environment, "HEADGATE_MONITOR_INTERVAL", 300),
        search_unmanaged=_flag(environment, "HEADGATE_SEARCH_UNMANAGED"),
        runner=RunnerImage(
            environment.get("HEADGATE_IMAGE") or "",
            environment.get("HEADGATE_IMAGE_PULL_POLICY") or "IfNotPresent",
            _names(environment, "HEADGATE_IMAGE_PULL_SECRETS"),
        ),
        notices=read_notices(environment),
    )


def read_notices(environment: Mapping[str, str]) -> NoticeSetting:
    """Raises ConfigError."""
    dashboard = environment.get("HEADGATE_DASHBOARD_URL") or ""
    if dashboard and not dashboard.startswith(("http://", "https://")):
        raise ConfigError(f"HEADGATE_DASHBOARD_URL must begin with http:// or https://, got {dashboard!r}")
    return NoticeSetting(
        enabled=_flag(environment, "HEADGATE_NOTIFICATIONS"),
        secrets=frozenset(_names(environment, "HEADGATE_NOTIFICATION_SECRETS")),
        dashboard=dashboard,
    )


def _installed(environment: Mapping[str, str]) -> Installed:
    try:
        return read_installed(environment.get("HEADGATE_ADMISSION_DIGESTS") or "")
    except ValueError as error:
        raise ConfigError(f"HEADGATE_ADMISSION_DIGESTS must be what the chart writes ({error}): helm upgrade writes it again") from error


def _required(environment: Mapping[str, str], name: str, what: str) -> str:
    value = environment.get(name) or ""
    if not value:
        raise ConfigError(f"{name} is not set: it must be {what}")
    return value


def _names(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in (environment.get(name) or "").split(",") if part.strip())


def _flag(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name) or "false"
    if text not in ("true", "false"):
        raise ConfigError(f"{name} must be true or false, got {text!r}")
    return text == "true"


def _seconds(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdigit() or not 5 <= int(text) <= 3600:
        raise ConfigError(f"{name} must be 5 to 3600 seconds, got {text!r}")
    return int(text)


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdigit() or not 0 <= int(text) <= 65535:
        raise ConfigError(f"{name} must be a port number, got {text!r}")
    return int(text)


class _NoEssence(kopf.DiffBaseStorage):
    """Nothing is kept between events. kopf's own storage copies every object five times to find changes that nobody asks about."""

    def build(self, *, body: Any, extra_fields: Any = None) -> Any:
        return {}

    def fetch(self, *, body: Any) -> Any:
        return None

    def store(self, *, body: Any, patch: Any, essence: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """on.event handlers are not retried by kopf, so there is no progress to keep, least of all on users' objects."""

    def fetch(self, *, key: Any, body: Any) -> Any:
        return None

    def store(self, *, key: Any, record: Any, body: Any, patch: Any) -> None:
        return None

    def purge(self, *, key: Any, body: Any, patch: Any) -> None:
        return None

    def touch(self, *, body: Any, patch: Any, value: Any) -> None:
        return None

    def clear(self, *, essence: Any) -> Any:
        return essence


def kopf_settings(selectors: Mapping[tuple[str, str], str]) -> kopf.OperatorSettings:
    """How kopf watches. `selectors` are label selectors by (group, plural): what is not ours never leaves the API server."""
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = _NoEssence()
    settings.persistence.progress_storage = _NoProgress()
    settings.persistence.finalizer = "headgate.dev/unused"
    # Streams that end by agreement notice a lost connection earlier than those that end by surprise.
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 5
    # Bookmarks come each minute: a stream without any is dead.
    settings.watching.inactivity_timeout = 70
    settings.watching.reconnect_backoff = 0.5
    settings.watching.chunk_size = 500
    for (group, plural), selector in selectors.items():
        settings.watching.label_selectors[group, plural] = selector
    # A worker keeps its place for idle_timeout after its last event: a limit would throttle intake to limit / idle_timeout objects/s.
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 0.5
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.networking.error_backoffs = (0.5, 1, 2, 4)
    settings.networking.enforce_retry_after = True
    # Events are written by our own recorder, which folds repeats.
    settings.posting.enabled = False
    settings.posting.loggers = False
    # One leader by Lease: peering would pause both of two equal replicas.
    settings.peering.standalone = True
    # All kinds are there before the operator is; this saves watching CRDs and namespaces, and the rights for it.
    settings.scanning.disabled = True
    settings.execution.max_workers = 2
    # Below the pod's termination grace period, so that a hung exit is ours to end.
    settings.process.ultimate_exiting_timeout = 25
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    return settings
