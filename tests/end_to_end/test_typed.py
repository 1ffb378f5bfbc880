# SPDX-License-Identifier: Apache-2.0
"""The commands of the documentation that no other test types: each does what its page says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.end_to_end.cloud import LiveCloud, wait_for
from trove_minicloud.guest import instances
from trove_minicloud.guest.postgresql.server import server_of
from trove_schedules import ScheduledBackups, workbook

_JSON = ("-f", "json")
_DATABASE = {"service_type": "database"}
#: A restore, or a backup, on a busy machine.
_MADE = 300.0


def test_a_schedule_is_changed_paused_run_and_pruned(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    created = ("schedule", "create", "m", "0 2 1 1 *", "typed", "--description", "by hand", *_JSON)
    schedule = cloud.openstack(*created).json["id"]

    cloud.openstack("schedule", "set", schedule, "--pattern", "30 3 1 1 *", "--keep-last", "5")
    changed = schedules.schedule_show(schedule)
    assert (changed.pattern, changed.keep_last) == ("30 3 1 1 *", 5)
    cloud.openstack("schedule", "unset", schedule, "--description")
    assert schedules.schedule_show(schedule).description is None

    cloud.openstack("schedule", "pause", schedule)
    assert schedules.schedule_show(schedule).paused
    ran = cloud.openstack("schedule", "run", schedule, "--wait", "--timeout", "7", *_JSON)
    assert ran.json["state"] == "SUCCESS"
    assert "SUCCESS Backup complete" in ran.err
    cloud.openstack("schedule", "resume", schedule)
    assert not schedules.schedule_show(schedule).paused

    rows = cloud.run("openstack", "cron", "trigger", "list", *_JSON).json
    [pattern] = [row["Pattern"] for row in rows if schedule in row["Name"]]
    assert pattern == "10,30,50 3,4 1 1 *"  # with its further attempts, at 3:50 and 4:10
    tasks = cloud.run("openstack", "task", "execution", "list", ran.json["id"], *_JSON).json
    assert {row["Name"] for row in tasks} == {"look", "run"}

    # By its name, and again: repeated commands succeed.
    for _ in range(2):
        cloud.openstack("schedule", "set", "typed", "--drill-every", "H 4 1 1 *")
        shown = cloud.openstack("schedule", "show", "typed", *_JSON).json
        assert shown["drill_every"].endswith(" 4 1 1 *")
        assert datetime.fromisoformat(shown["next_drill"]) > datetime.now(UTC)
    for _ in range(2):
        cloud.openstack("schedule", "unset", "typed", "--drill-every")
    assert schedules.schedule_drill_show(schedule) is None

    seen = cloud.openstack("schedule", "health", "--instance", "m", "--long", *_JSON, check=False)
    [row] = [row for row in seen.json if row["ID"] == schedule]
    metrics = cloud.openstack("schedule", "metrics", "--instance", "m").out
    assert f'{{schedule="{schedule}",name="typed",' in metrics
    plugin = cloud.openstack("schedule", "health", "typed", "-f", "nagios", check=False)
    worst = {0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN"}[plugin.status]
    assert plugin.out.startswith(f"{worst} - ")
    assert row["State"] in ("OK", "RUNNING"), row

    verdicts = cloud.openstack("schedule", "prune", schedule, *_JSON).json
    assert [row["Verdict"] for row in verdicts] == ["keep"]
    cloud.openstack("schedule", "delete", schedule)


def test_a_backup_by_hand_becomes_an_instance_by_trove_s_own_commands(cloud: LiveCloud) -> None:
    def asked_for() -> Any:
        done = cloud.openstack("create", "--instance", "m", "by-hand", *_JSON, check=False)
        # On a busy machine a server may not answer the look that Trove is told of.
        assert done.status == 0 or "SHUTDOWN" in done.err, done
        return done.json if done.status == 0 else None

    asked = wait_for("instance that can be backed up", asked_for, 120)
    cloud.wait_for_backup(asked["id"], _MADE)
    backup = cloud.openstack("show", asked["id"], *_JSON).json
    assert backup["status"] == "COMPLETED"

    cloud.run(
        "openstack", "database", "instance", "create", "copy", "--flavor", "local",
        "--datastore", "postgresql", "--backup", backup["id"],
    )  # fmt: skip

    def status() -> str | None:
        """What Trove says; None where there is no such instance."""
        rows = cloud.asking.get("/instances", endpoint_filter=_DATABASE).json()["instances"]
        return next((row["status"] for row in rows if row["name"] == "copy"), None)

    wait_for("instance that serves", lambda: status() == "ACTIVE", _MADE)
    shown = cloud.run("openstack", "database", "instance", "show", "copy", *_JSON).json
    assert shown["status"] == "ACTIVE"
    cloud.run("openstack", "database", "instance", "delete", "copy")
    wait_for("end of the instance", lambda: status() is None, _MADE)
    rows = cloud.run("openstack", "database", "instance", "list", *_JSON).json
    assert "copy" not in {row["Name"] for row in rows}


def test_the_plain_file_brings_the_public_workbook_up_to_date(
    cloud: LiveCloud, tmp_path: Path
) -> None:
    file = tmp_path / "trove.yaml"
    file.write_text(workbook.text())
    admin = "minicloud-admin"
    cloud.run("openstack", "workbook", "update", str(file), "--public", cloud=admin)
    assert cloud.schedules(admin).workbook_load(public=True).action == "unchanged"


def test_a_server_that_runs_already_is_taken_in(cloud: LiveCloud, tmp_path: Path) -> None:
    server = server_of(cloud.root, instances.find(cloud.root, "m"))
    secret = tmp_path / "secret"
    secret.write_text(server.password_file.read_text().rstrip("\n").rpartition(":")[2])
    dsn = f"postgresql://{server.user}@{server.host}:{server.port}/"
    cloud.run(
        "trove-minicloud", "instance", "add", "legacy", "--dsn", dsn, "--password-file", str(secret)
    )
    try:
        backup = cloud.take_backup(instances.find(cloud.root, "legacy").id)
        assert backup["size"] > 0
    finally:
        cloud.run("trove-minicloud", "instance", "delete", "legacy")
