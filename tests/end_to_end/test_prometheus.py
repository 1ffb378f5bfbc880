# SPDX-License-Identifier: Apache-2.0
"""An alert as it arrives: from the timer's unit by way of node_exporter and Prometheus.

The rules are those of monitoring/, with a shorter ``for``. Each alert is printed: ``pytest -rP``
shows them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import time
from typing import Any

import pytest
import yaml

from tests.docs.pages import REPOSITORY
from tests.end_to_end.cloud import BIN, LiveCloud, finished, hung_tool, wait_for
from tests.end_to_end.lacking import lacks
from tests.end_to_end.ticks import fire, hurried, just_due, owe
from trove_minicloud import settings
from trove_minicloud.supervision import ports
from trove_schedules import Schedule, ScheduledBackups

UNIT = REPOSITORY / "deploy" / "systemd" / "trove-backup-metrics.service"
RULES = REPOSITORY / "monitoring" / "alerts.yaml"
_PROGRAMS = ("prometheus", "prometheus-node-exporter")
#: Seconds for an alert to arrive; it takes about three.
_PATIENCE = 60


@dataclass
class Monitoring:
    """node_exporter and Prometheus.

    :ivar file: what the unit writes, which node_exporter reads.
    :ivar target: node_exporter's address.
    """

    file: Path
    target: str
    alerts: list[dict[str, Any]]
    logs: Path

    def arrives(self, name: str, **labels: str) -> dict[str, Any]:
        """The alert of this name and these labels, once Prometheus has sent it."""
        wanted = {"alertname": name, **labels}

        def found() -> dict[str, Any] | None:
            return next((each for each in self.alerts if wanted.items() <= each["labels"].items()),
                        None)  # fmt: skip

        try:
            alert = wait_for(f"alert {wanted}", found, _PATIENCE)
        except AssertionError as error:
            said = [log.read_text(errors="replace")[-2000:] for log in self.logs.glob("*.log")]
            told = "\n".join([str(error), f"arrived: {self.alerts}", *said])
            raise AssertionError(told) from None
        print(json.dumps({key: alert[key] for key in ("labels", "annotations")}, indent=2))  # noqa: T201
        return alert


@pytest.fixture
def failing(cloud: LiveCloud, schedules: ScheduledBackups) -> Schedule:
    """A schedule whose last backup failed."""
    schedule = schedules.schedule_create("m", just_due(), "nightly", attempts=1)
    owe(cloud, schedule)
    fire(cloud, schedule)
    hung_tool(cloud, "m").kill()
    with hurried(cloud):
        finished(schedules, schedule.id, 1)
    return schedule


@pytest.fixture
def monitoring(cloud: LiveCloud, tmp_path: Path) -> Iterator[Monitoring]:
    for program in _PROGRAMS:
        if shutil.which(program) is None:
            lacks(f"{program}, of Debian's package of that name")
    exporter, prometheus, manager = (f"127.0.0.1:{port}" for port in ports.choose(3, cloud.root))
    folder = tmp_path / "node_exporter"
    folder.mkdir()
    rules = RULES.read_text(encoding="utf-8")
    tmp_path.joinpath("rules.yaml").write_text(re.sub(r"\bfor: \S+", "for: 2s", rules))
    config = tmp_path / "prometheus.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": ["rules.yaml"],
                "scrape_configs": [
                    {"job_name": "node", "static_configs": [{"targets": [exporter]}]}
                ],
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [manager]}]}]},
            }
        )
    )
    with (
        _alertmanager(manager) as alerts,
        _running(
            tmp_path, "prometheus-node-exporter", f"--web.listen-address={exporter}",
            "--collector.disable-defaults", "--collector.textfile",
            f"--collector.textfile.directory={folder}",
        ),
        _running(
            tmp_path, "prometheus", f"--web.listen-address={prometheus}", f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'series'}",
        ),
    ):  # fmt: skip
        yield Monitoring(folder / "trove.prom", exporter, alerts, tmp_path)


def test_the_alert_that_arrives_names_the_database(
    cloud: LiveCloud, failing: Schedule, monitoring: Monitoring
) -> None:
    _run_unit(cloud, monitoring)
    alert = monitoring.arrives("TroveBackupScheduleNeedsHelp", schedule=failing.id)
    labels = {key: value for key, value in alert["labels"].items() if key != "project_id"}
    assert labels == {
        "alertname": "TroveBackupScheduleNeedsHelp",
        "severity": "critical",
        "schedule": failing.id,
        "name": "nightly",
        "state": "FAILED",
        "instance_id": failing.instance,
        "instance_name": "m",
        "project_name": settings.PROJECT,
        # Of the target, which would be ours by the name exported_instance if both had it.
        "instance": monitoring.target,
        "job": "node",
    }
    assert alert["annotations"] == {
        "summary": f"Backups of m ({failing.instance}) by schedule nightly are FAILED",
        "description": f"openstack database backup schedule health {failing.id} says why.",
    }
    # A timer that has died is told of too.
    long_ago = time() - timedelta(hours=2).total_seconds()
    os.utime(monitoring.file, (long_ago, long_ago))
    monitoring.arrives("TroveBackupHealthOutdated", file=str(monitoring.file))


def _run_unit(cloud: LiveCloud, monitoring: Monitoring) -> None:
    """Run what the timer runs, with its login in a file of its own."""
    known = yaml.safe_load(cloud.root.clouds_file.read_text())["clouds"]
    clouds_file = monitoring.logs / "clouds.yaml"
    clouds_file.touch(0o600)
    clouds_file.write_text(yaml.safe_dump({"clouds": {"monitoring": known["minicloud-admin"]}}))
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    options = [line.partition("=")[::2] for line in lines if "=" in line]
    given = dict(value.split("=") for key, value in options if key == "Environment")
    [command] = [value for key, value in options if key == "ExecStart"]
    assert given.keys() == {"OS_CLOUD", "PROM"}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
    done = subprocess.run(
        shlex.split(command),
        env=inherited
        | given
        | {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PROM": str(monitoring.file),
            "OS_CLIENT_CONFIG_FILE": str(clouds_file),
        },
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@contextmanager
def _alertmanager(address: str) -> Iterator[list[dict[str, Any]]]:
    """What Prometheus sends the Alertmanager at this address."""
    alerts: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            alerts.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: pytest shows what arrived."""

    host, _, port = address.partition(":")
    with ThreadingHTTPServer((host, int(port)), Receiver) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield alerts
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def _running(folder: Path, program: str, *options: str) -> Iterator[None]:
    """A program of Debian's, which says what it has to say in a file of the folder."""
    with folder.joinpath(f"{program}.log").open("wb") as log:
        process = subprocess.Popen([program, *options], stdout=log, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)
