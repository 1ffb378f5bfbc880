# SPDX-License-Identifier: Apache-2.0
"""Whom runs tell how they stand: real pings from Mistral to a server on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, hung_tool, run_by_hand, wait_for
from tests.end_to_end.lacking import lacks
from tests.tls_receiver import tls_receiver
from trove_minicloud.supervision import ports
from trove_schedules import ScheduledBackups


class Watcher(ThreadingHTTPServer):
    """Writes down who pinged it, and what it was sent.

    Nobody who asks for /hang is answered before the test is over.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.pings: list[str] = []
        self.sent: list[Any] = []
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Watcher

    def do_HEAD(self) -> None:
        self.server.pings.append(self.path)
        if self.path.startswith("/hang"):
            self.server.over.wait()
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        self.server.sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        if self.path.startswith("/hang"):
            self.server.over.wait()
        self.send_response(500 if self.path.startswith("/refuse") else 200)
        self.end_headers()
        if self.path.startswith("/large"):
            self.wfile.write(b"x" * 2_200_000)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    with Watcher() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


def test_a_watcher_hears_of_a_success_and_of_a_failure_and_can_not_harm_a_run(
    cloud: LiveCloud, schedules: ScheduledBackups, watcher: Watcher
) -> None:
    cloud.create_instance("watched")
    schedule = schedules.schedule_create(
        "watched", NEVER_SOON, "watched", notify_url=watcher.url("/check")
    )
    assert run_by_hand(schedules, schedule.id).state == "SUCCESS"
    assert watcher.pings == ["/check/start", "/check"]

    watcher.pings.clear()
    started = schedules.schedule_run(schedule)
    hung_tool(cloud, "watched").kill()
    assert run_by_hand(schedules, started).state == "ERROR"
    assert watcher.pings == ["/check/start", "/check/fail"]

    watcher.pings.clear()
    schedules.schedule_set(
        schedule, notify_url=watcher.url("/hang"), notify_start="-", notify_success="?status=up"
    )
    assert run_by_hand(schedules, schedule.id).output["status"] == "Backup complete"
    assert watcher.pings == ["/hang?status=up"]
    schedules.schedule_delete(schedule)


def test_a_webhook_hears_what_became_of_a_run_and_can_not_harm_it(
    cloud: LiveCloud, schedules: ScheduledBackups, watcher: Watcher, tmp_path: Path
) -> None:
    secret = watcher.url("/hook?token=1")
    schedule = schedules.schedule_create(
        "m", NEVER_SOON, "told", webhook_url=secret, webhook_on="always"
    )
    run = run_by_hand(schedules, schedule.id)
    [sent] = watcher.sent
    assert (sent["schedule"], sent["outcome"], sent["reason"]) == (schedule.id, "success", None)
    assert sent["backup"]["id"] == run.backup_id
    assert sent["backup"]["size"] > 0

    for path, status in (("/hook?token=1", 0), ("/refuse", 1), ("/large", 1)):
        schedules.schedule_set(schedule, name=f"told of {path[1:5]}", webhook_url=watcher.url(path))
        watcher.sent.clear()
        tested = cloud.openstack("schedule", "notify", "test", schedule.id, check=False)
        assert tested.status == status, tested.err
        [sent] = watcher.sent
        assert sent["outcome"] == "test"
    assert run_by_hand(schedules, schedule.id).output["status"] == "Backup complete"
    with tls_receiver(tmp_path) as untrusted:
        schedules.schedule_set(schedule, webhook_url=untrusted.url)
        tested = cloud.openstack("schedule", "notify", "test", schedule.id, check=False)
        assert tested.status == 1, tested.err
        assert untrusted.sent == []
    schedules.schedule_set(schedule, webhook_url=watcher.url("/hang"))
    assert run_by_hand(schedules, schedule.id).output["status"] == "Backup complete"
    schedules.schedule_delete(schedule)


@pytest.fixture
def alertmanager(cloud: LiveCloud, tmp_path: Path) -> Iterator[str]:
    """The URL of Debian's Alertmanager, which tells nobody."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        lacks("there is no prometheus-alertmanager; apt-get install prometheus-alertmanager")
    [port] = ports.choose(1, cloud.root)
    address = f"127.0.0.1:{port}"
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    command = [
        program,
        f"--config.file={config}",
        f"--storage.path={tmp_path}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    log = tmp_path / "alertmanager.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output) as server,
    ):
        url = f"http://{address}/api/v2/alerts"
        try:
            wait_for(f"Alertmanager, see {log}", lambda: _alerts(url) is not None, 60)
            yield url
        finally:
            server.terminate()


def _alerts(url: str) -> list[dict[str, Any]] | None:
    try:
        found: list[dict[str, Any]] = requests.get(url, timeout=10).json()
    except requests.RequestException:
        return None
    return found


def test_alertmanager_gets_an_alert_that_the_next_success_ends(
    schedules: ScheduledBackups, cloud: LiveCloud, alertmanager: str
) -> None:
    schedule = schedules.schedule_create(
        "m",
        NEVER_SOON,
        "alerting",
        webhook_url=alertmanager,
        webhook_on="always",
        webhook_format="alertmanager",
    )
    tested = cloud.openstack("schedule", "notify", "test", schedule.id)
    assert "Webhook delivered, answered by HTTP 200" in tested.out
    [alert] = _alerts(alertmanager) or []
    assert alert["labels"] == {
        "alertname": "TroveBackupFailed",
        "schedule": schedule.id,
        "name": "alerting",
        "instance": schedule.instance,
    }
    assert alert["annotations"]["summary"] == "This is a test of the webhook of alerting."
    assert run_by_hand(schedules, schedule.id).state == "SUCCESS"
    wait_for("end of the alert", lambda: _alerts(alertmanager) == [], 60)
    schedules.schedule_delete(schedule)
