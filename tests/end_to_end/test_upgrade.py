# SPDX-License-Identifier: Apache-2.0
"""`up` on what the OpenStack release before has left, and the way back."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests import upgrades
from tests.end_to_end.cloud import LiveCloud, finished, remove
from tests.end_to_end.folders import passable_folder
from trove_minicloud.cloud import daemon, versions
from trove_minicloud.files import read_json
from trove_minicloud.guest import instances
from trove_minicloud.guest.accounts import give_to
from trove_minicloud.guest.postgresql import binaries, server, server_config
from trove_minicloud.guest.tools import run
from trove_minicloud.root import Root
from trove_minicloud.services.backend import SERVICES
from trove_minicloud.services.preparation import database_file


def _be_left_now(root: Root) -> None:
    """It was left in November 2026: since then a firing was due, and its runs have expired."""
    file = database_file(root.service("mistral"))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(
            "update cron_triggers_v2 set next_execution_time = datetime('now', '+1 day')"
            " where next_execution_time < '9999-01-01'"  # '9999' would be a number, below any text
        )
        database.execute(
            "update workflow_executions_v2 set created_at = datetime('now', '-1 hour'),"
            " updated_at = datetime('now', '-1 hour')"
        )


@pytest.fixture
def root() -> Iterator[Root]:
    """What release 2026.1 left, with new data for its instance."""
    root = Root.at(passable_folder() / "cloud")
    try:
        root.prepare()
        upgrades.lay("2026.1", root)
        _be_left_now(root)
        root.prepare()
        [instance] = instances.all_instances(root)
        programs, user, data = (
            binaries.server_programs(root),
            binaries.account(),
            instance.data(root),
        )
        data.parent.chmod(0o711)
        data.mkdir(mode=0o700)
        give_to(user, data)
        run(server.initdb_command(programs, data), data.parent, user=user)
        server_config.write(data, server_config.settings(instance.port, programs.major, {}))
        give_to(user, data)
        server.set_passwords(programs, data.parent, instance, {})
        yield root
    finally:
        remove(root)


def _databases(root: Root) -> list[list[str]]:
    found = []
    for name in SERVICES:
        with closing(sqlite3.connect(database_file(root.service(name)))) as connection:
            found.append(list(connection.iterdump()))
    return found


def test_schedules_go_on_after_an_upgrade_and_after_the_way_back(root: Root) -> None:
    before, noted = _databases(root), read_json(root.path / "versions.json")
    daemon.up(root, print)
    cloud = LiveCloud(root)
    schedules = cloud.schedules()
    cloud.schedules("minicloud-admin").workbook_load(public=True)
    found = {each.name: each for each in schedules.schedule_list()}
    assert {name: each.paused for name, each in found.items()} == {
        "nightly": False,
        "weekly": True,
    }
    assert [each.state for each in schedules.execution_list(found["nightly"])] == ["SUCCESS"] * 2
    # The backups that the nightly one builds on are not in what was kept of that root.
    schedules.schedule_run(found["weekly"])
    [run] = finished(schedules, found["weekly"].id, 1)
    assert run.state == "SUCCESS", run.state_info
    assert run.backup_id is not None
    assert cloud.backup(run.backup_id)["status"] == "COMPLETED"

    daemon.down(root, 300)
    [copy] = (root.path / "before-upgrade").iterdir()
    commands = versions.way_back(root, copy).splitlines()[1:]
    subprocess.run(["sh", "-e", "-c", "\n".join(commands)], check=True)
    assert _databases(root) == before
    assert read_json(root.path / "versions.json") == noted

    daemon.up(root, print)
    found = {each.name: each for each in cloud.schedules().schedule_list()}
    assert schedules.execution_list(found["weekly"]) == []
    schedules.schedule_run(found["weekly"])
    assert finished(schedules, found["weekly"].id, 1)[0].state == "SUCCESS"
