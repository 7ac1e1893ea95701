"""Each alert through the real chain: an exporter, Prometheus with the chart's rules, Alertmanager, a webhook. Nothing waits but for facts.

Only `for` is shortened: what is provoked here lasts seconds. That alerts do not fire too early is what promtool's tests are about.
"""

import json
import queue
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.alerts.rules import alerts, groups

ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
PROMETHEUS = shutil.which("prometheus")
PATIENCE = 100.0
"""Seconds for all alerts together, on a busy machine."""

pytestmark = pytest.mark.skipif(
    PROMETHEUS is None or ALERTMANAGER is None, reason="needs prometheus and alertmanager on the PATH, as the test bed has them"
)

ONE = 'namespace="lending",model="credit"'


class Site(ThreadingHTTPServer):
    """The operator's metrics as they would be in trouble, and the webhook that hears of it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.heard: queue.Queue[dict[str, Any]] = queue.Queue()
        self.leading = True
        self._scrapes = 0

    def page(self) -> str:
        """Grows with each scrape where a counter has to."""
        self._scrapes += 1
        now, grows = time.time(), self._scrapes
        samples = {
            f'headgate_last_rollback_timestamp_seconds{{{ONE},cause="Guard"}}': now - 60,
            f'headgate_phase{{{ONE},phase="AwaitingDeployment"}}': 1,
            f"headgate_phase_since_timestamp_seconds{{{ONE}}}": now - 2 * 86_400,
            'headgate_phase{namespace="lending",model="fraud",phase="Frozen"}': 1,
            f'headgate_verdict{{{ONE},verdict="NoData"}}': 1,
            f'headgate_traffic_weight{{{ONE},slot="fallback"}}': 1000,
            f'headgate_approval_expires_timestamp_seconds{{{ONE},gate="UseCase"}}': now + 20 * 86_400,
            'headgate_approval_expires_timestamp_seconds{namespace="lending",model="fraud",gate="UseCase"}': now + 3 * 86_400,
            'headgate_approval_expires_timestamp_seconds{namespace="lending",model="churn",gate="Deployment"}': now + 3600,
            f"headgate_break_glass{{{ONE}}}": 1,
            f"headgate_vendor_change{{{ONE}}}": 1,
            "headgate_governance_enforced": 0,
            f"headgate_unwanted_traffic_weight{{{ONE}}}": 50,
            f"headgate_audit_broken{{{ONE}}}": 1,
            f"headgate_audit_pending{{{ONE}}}": 3,
            'headgate_prometheus_queries_total{result="Unreachable"}': grows,
            "headgate_leader": self.leading,
            "headgate_clock_trusted": 0,
            "headgate_queue_depth": 3,
            'headgate_reconcile_total{result="error"}': 0 if self.leading else grows,
            'headgate_notifications_total{channel="slack",result="failed"}': grows,
            f'headgate_monitor_verdict{{{ONE},kind="drift",verdict="Violated"}}': 1,
            f'headgate_monitor_verdict{{{ONE},kind="fairness",verdict="Violated"}}': 1,
            f'headgate_monitor_verdict{{{ONE},kind="oversight",verdict="Violated"}}': 1,
            f'headgate_monitor_verdict{{{ONE},kind="vendor",verdict="Violated"}}': 1,
            "headgate_monitor_last_success_timestamp_seconds": now - 7200,
        }
        return "".join(f"{series} {float(value)}\n" for series, value in samples.items())


class _Answers(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self._answer(self.server.page().encode())

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for alert in told["alerts"]:
            self.server.heard.put(alert)
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is that of the standard library
        """Nobody reads it."""


@contextmanager
def serving() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


@contextmanager
def running(*command: str, log: Path) -> Iterator[None]:
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            yield
        finally:
            process.kill()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def hurried() -> dict[str, Any]:
    """The rules with nothing to wait for, evaluated each second."""
    rules = [{**group, "interval": "1s", "rules": [{**rule, "for": "0s"} for rule in group["rules"]]} for group in groups()]
    return {"groups": rules}


@contextmanager
def chain(folder: Path) -> Iterator[Site]:
    """Everything on loopback."""
    assert PROMETHEUS is not None
    assert ALERTMANAGER is not None
    with ExitStack() as open_things:
        site = open_things.enter_context(serving())
        alertmanager, prometheus = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        here = f"127.0.0.1:{site.server_address[1]}"
        route = {"receiver": "webhook", "group_by": ["..."], "group_wait": "1s", "group_interval": "1s", "repeat_interval": "1h"}
        receiver = {"name": "webhook", "webhook_configs": [{"url": f"http://{here}/", "send_resolved": False}]}
        (folder / "alertmanager.yml").write_text(yaml.safe_dump({"route": route, "receivers": [receiver]}))
        (folder / "rules.yaml").write_text(yaml.safe_dump(hurried()))
        settings = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "900ms", "evaluation_interval": "1s"},
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
            "rule_files": [str(folder / "rules.yaml")],
            "scrape_configs": [{"job_name": "headgate", "honor_labels": True, "static_configs": [{"targets": [here]}]}],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
        open_things.enter_context(
            running(
                ALERTMANAGER,
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address={alertmanager}",
                "--cluster.listen-address=",
                log=folder / "alertmanager.log",
            )
        )
        open_things.enter_context(
            running(
                PROMETHEUS,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'prometheus'}",
                f"--web.listen-address={prometheus}",
                log=folder / "prometheus.log",
            )
        )
        yield site


def test_each_alert_reaches_a_webhook(tmp_path: Path) -> None:
    awaited = {(rule["alert"], rule["labels"]["severity"]) for rule in alerts()}
    heard: dict[tuple[str, str], dict[str, Any]] = {}
    deadline = time.monotonic() + PATIENCE
    with chain(tmp_path) as site:
        while awaited - heard.keys():
            try:
                alert = site.heard.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                log = (tmp_path / "prometheus.log").read_text()[-2000:]
                pytest.fail(f"never heard of: {sorted(awaited - heard.keys())}\n{log}")
            labels = alert["labels"]
            heard[labels["alertname"], labels["severity"]] = alert
            if labels["alertname"] == "HeadgateQueueStuck":
                # A queue is stuck at a leader only, so nobody leads from now on.
                site.leading = False
    for alert in heard.values():
        assert alert["status"] == "firing"
        words = " ".join(alert["annotations"].values())
        assert "{{" not in words
        assert "error expanding" not in words, words
        assert "<no value>" not in words, words
