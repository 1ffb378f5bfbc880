# SPDX-License-Identifier: Apache-2.0
"""A mini cloud to rely on: one program's fault is that program's, and is told.

Its own mini cloud looks again at what is ready every second, and runs behind a proxy that nobody
serves.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench import first_start
from tests.end_to_end.cloud import (
    BIN,
    NEVER_SOON,
    LiveCloud,
    hung_tool,
    new_cloud,
    run_by_hand,
    wait_for,
)
from trove_minicloud.guest import instances
from trove_minicloud.guest.postgresql.binaries import FOLDER_VARIABLE, server_programs
from trove_minicloud.root import ROOT_VARIABLE, Root
from trove_minicloud.stores import room
from trove_minicloud.supervision import log_files
from trove_minicloud.supervision.supervisor import ASK_VARIABLE

#: A request that goes to it is refused at once.
_PROXY = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}


def _environment(root: Root, **more: str) -> dict[str, str]:
    gone = ("OS_", "no_proxy", "NO_PROXY")
    own = {name: value for name, value in os.environ.items() if not name.startswith(gone)}
    return own | {ROOT_VARIABLE: str(root.path), ASK_VARIABLE: "1"} | _PROXY | more


def _shell(root: Root, command: str, **more: str) -> str:
    """What the command prints in a shell that needs a proxy."""
    path = f"{BIN}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        env=_environment(root, PATH=path, **more),
        text=True,
        capture_output=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _programs_folder(root: Root) -> Path:
    return root.path.parent / "postgresql"


def _disk(root: Root) -> Path:
    """Of the backups."""
    return root.path.parent / "disk"


def _up(root: Root) -> None:
    _disk(root).mkdir(exist_ok=True)
    _shell(
        root,
        f"trove-minicloud up --detach --store-dir {_disk(root)}",
        **{FOLDER_VARIABLE: str(_programs_folder(root))},
    )


@pytest.fixture(scope="module")
def cloud() -> Iterator[LiveCloud]:
    def up(root: Root) -> None:
        first_start.prepare(root)
        folder = _programs_folder(root)
        folder.mkdir()
        for program in server_programs(root).folder.iterdir():
            (folder / program.name).symlink_to(program)
        _up(root)

    with new_cloud(up) as live:
        yield live


def _status(cloud: LiveCloud) -> dict[str, Any]:
    return json.loads(cloud.run("trove-minicloud", "status", "-f", "json").out)


def _row(cloud: LiveCloud, program: str) -> dict[str, Any]:
    [row] = [row for row in _status(cloud)["programs"] if row["program"].startswith(program)]
    return row


def _trove_sees(cloud: LiveCloud, instance_id: str) -> str:
    answer = cloud.asking.get(
        f"/instances/{instance_id}", endpoint_filter={"service_type": "database"}
    )
    return str(answer.json()["instance"]["status"])


@contextmanager
def _unreadable(file: Path) -> Iterator[None]:
    """Meanwhile a folder is in the file's place."""
    aside = file.with_suffix(".aside")
    file.rename(aside)
    file.mkdir()
    try:
        yield
    finally:
        file.rmdir()
        aside.rename(file)


def test_a_user_behind_a_proxy_types_every_kind_of_command(cloud: LiveCloud) -> None:
    listed = _shell(
        cloud.root,
        'eval "$(trove-minicloud env)"\n'
        "openstack database instance list -f value -c Name\n"
        "openstack --os-cloud minicloud-admin project list -f value -c Name\n"
        "trove list\n"
        "trove-minicloud instance list -f json",
    )
    assert listed.splitlines()[0] == "m"
    assert {"admin", "demo", "service"} <= set(listed.splitlines())
    assert json.loads(listed[listed.index("[\n") :])[0]["name"] == "m"


def test_an_instance_that_can_not_be_read_runs_on_and_stays_in_trove(cloud: LiveCloud) -> None:
    instance = instances.find(cloud.root, "m")
    server = cloud.process(f"postgresql-{instance.id}")
    with _unreadable(instance.folder(cloud.root) / "instance.json"):
        wait_for("status that tells it", lambda: "Is a directory" in _status(cloud)["error"], 60)
        log = cloud.root.log("trove")
        complaint = f"instance {instance.id} can't be read"
        wait_for("look of Trove's", lambda: complaint in log.read_text(), 60)
        assert server.is_running()
        assert _trove_sees(cloud, instance.id) == "ACTIVE"
    wait_for("status without it", lambda: not _status(cloud)["error"], 60)
    assert cloud.process(f"postgresql-{instance.id}").pid == server.pid
    cloud.take_backup(instance.id)


def test_an_instance_written_by_a_newer_version_runs_on(cloud: LiveCloud) -> None:
    instance = instances.find(cloud.root, "m")
    file = instance.folder(cloud.root) / "instance.json"
    server = cloud.process(f"postgresql-{instance.id}")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"colour": "blue"}))
    cloud.take_backup(instance.id)
    assert cloud.process(f"postgresql-{instance.id}").pid == server.pid


def test_a_database_that_can_not_be_asked_does_not_end_the_others(cloud: LiveCloud) -> None:
    instance = instances.find(cloud.root, "m")
    name = f"postgresql-{instance.id}"
    keystone, supervisor = cloud.process("keystone"), cloud.supervisor()
    psql = _programs_folder(cloud.root) / "psql"
    real = psql.readlink()
    psql.unlink()
    try:
        gone = cloud.process(name)
        gone.kill()

        def told() -> bool:
            row = _row(cloud, name)
            return row["restarts"] == 1 and "psql" in row["reason"]

        wait_for("status that says why", told, 120)
        assert (supervisor.is_running(), keystone.is_running()) == (True, True)
    finally:
        psql.symlink_to(real)
    wait_for("database that is asked again", lambda: _row(cloud, name)["state"] == "ready", 120)
    assert "ended by signal 9" in _row(cloud, name)["reason"]


def test_the_room_on_the_disk_is_the_only_limit(cloud: LiveCloud) -> None:
    project = cloud.asking.get_project_id()
    answer = cloud.session("minicloud-admin").get(
        f"/mgmt/quotas/{project}", endpoint_filter={"service_type": "database"}
    )
    limits = {row["resource"]: row["limit"] for row in answer.json()["quotas"]}
    assert (limits["backups"], limits["instances"]) == (-1, -1)


def test_a_disk_without_room_ends_backups_and_restores_and_no_database(cloud: LiveCloud) -> None:
    instance = instances.find(cloud.root, "m")
    before = cloud.take_backup(instance.id)
    assert _status(cloud)["room"]["nights"] > 0
    # As if so little of the disk were free.
    room.keep(cloud.root, 2**40)
    try:
        assert _status(cloud)["room"]["nights"] == 0
        refused = cloud.wait_for_backup(cloud.ask_for_backup(instance.id))
        assert refused["status"] == "FAILED"
        assert "stay for the databases" in cloud.failure(instance.id)
        restored = cloud.run(
            "trove-minicloud", "restore", before["id"], "--name", "no", check=False
        )
        assert restored.status == 1
        assert "The restore needs about" in restored.err
        with cloud.connect("m") as connection:
            connection.execute("create table goes_on as select 1")
    finally:
        room.keep(cloud.root, 0)
    cloud.take_backup(instance.id)


def test_a_disk_of_backups_that_is_away_loses_none(cloud: LiveCloud) -> None:
    instance = instances.find(cloud.root, "m").id
    before = cloud.take_backup(instance)
    backups = _disk(cloud.root) / "backups"
    away = backups.rename(backups.with_name("away"))
    try:
        failed = cloud.wait_for_backup(cloud.ask_for_backup(instance))
        assert failed["status"] == "FAILED"
        assert "mount its disk" in cloud.failure(instance)
    finally:
        away.rename(backups)
    cloud.take_backup(instance)
    assert (backups / instance / f"{before['id']}.json").exists()
    cloud.restore(before["id"], "again")
    cloud.delete_instance("again")


def test_a_full_log_is_put_aside_and_its_program_writes_on(cloud: LiveCloud) -> None:
    log = cloud.root.log("trove")
    with log.open("ab") as stream:
        stream.write(b"much\n" * (log_files.LIMIT // 5 + 1))
    wait_for("log that was put aside", lambda: log.stat().st_size < log_files.LIMIT, 60)
    assert log_files.aside(log).stat().st_size > log_files.LIMIT
    backup = cloud.take_backup(instances.find(cloud.root, "m").id)
    assert f"Backup {backup['id']} " in log.read_text()


def test_a_service_that_hangs_is_restarted_and_schedules_run_again(cloud: LiveCloud) -> None:
    schedules = cloud.schedules()
    schedule = schedules.schedule_create("m", NEVER_SOON, "goes-on")
    hung = cloud.process("keystone")
    os.utime(cloud.root.service("keystone"), (0, 0))
    installed = sorted(cloud.root.cache.rglob("*"))
    others = [cloud.process(name).pid for name in ("mistral", "trove")]
    hung.suspend()
    wait_for("status that tells it", lambda: _row(cloud, "keystone")["state"] == "silent", 120)
    cloud.wait_for_restart("keystone", hung)
    assert "did not answer 3 times in a row" in _row(cloud, "keystone")["reason"]
    assert [cloud.process(name).pid for name in ("mistral", "trove")] == others
    # What it remembers of the installed packages was still good. (Below /tmp it remembers nothing.)
    assert sorted(cloud.root.cache.rglob("*")) == installed
    assert run_by_hand(schedules, schedule.id).state == "SUCCESS"
    schedules.schedule_delete(schedule)


def test_a_killed_supervisor_is_started_anew_and_schedules_go_on(cloud: LiveCloud) -> None:
    schedules = cloud.schedules()
    schedule = schedules.schedule_create("m", NEVER_SOON, "after-the-death", attempts=1)
    dead, keystone = cloud.supervisor(), cloud.process("keystone")
    dead.kill()

    def back() -> bool:
        up = _status(cloud)["state"] == "running"
        return up and cloud.supervisor() != dead and cloud.is_whole()

    wait_for("cloud that is up again by itself", back, 240)
    assert not keystone.is_running()
    cloud.start_instance("m")
    assert run_by_hand(schedules, schedule.id).state == "SUCCESS"
    schedules.schedule_delete(schedule)


def test_what_a_killed_supervisor_left_is_taken_over_with_the_files_of_another_version(
    cloud: LiveCloud,
) -> None:
    left = instances.find(cloud.root, "m")
    server = cloud.process(f"postgresql-{left.id}")
    supervisor = cloud.supervisor()
    cloud.keeper().kill()
    supervisor.kill()
    assert _status(cloud)["state"] == "killed"
    assert server.is_running()
    file = cloud.root.settings_file
    values = json.loads(file.read_text())
    del values["trove_port"]
    file.write_text(json.dumps(values | {"colour": "blue"}))

    _up(cloud.root)
    assert not server.is_running()
    cloud.start_instance("m")
    LiveCloud(cloud.root).take_backup(left.id)


def test_down_waits_for_a_running_backup(cloud: LiveCloud) -> None:
    # The test before has moved Trove to another port.
    live = LiveCloud(cloud.root)
    backup = live.ask_for_backup(instances.find(cloud.root, "m").id)
    tool = hung_tool(live, "m")
    down = subprocess.Popen(
        [str(BIN / "trove-minicloud"), "down"],
        env=_environment(cloud.root),
        text=True,
        stdout=subprocess.PIPE,
    )
    assert down.stdout is not None
    with down.stdout as said:
        assert said.readline() == f"waiting for the end of backup {backup} of instance m\n"
        tool.resume()
        assert "is down" in said.read()
    assert down.wait(60) == 0
    _up(cloud.root)
    assert live.wait_for_backup(backup)["status"] == "COMPLETED"
