# SPDX-License-Identifier: Apache-2.0
"""From a table that is gone to its rows; that its backup stays; and a source that is gone.

That full backups and increments of both datastores come back with their rows is test_chain.py's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, run_by_hand, wait_for
from trove_minicloud import settings
from trove_schedules import ScheduledBackups, ScheduleExecution
from trove_schedules.workbook import HOLD

#: A restore, on a busy machine.
_RESTORED = 300


@dataclass(frozen=True)
class Lossy:
    """A schedule that keeps one backup, of a database whose table was dropped after that."""

    cloud: LiveCloud
    api: ScheduledBackups
    schedule: str
    backup: str
    #: A moment between the backup and the loss.
    before: datetime

    def run(self) -> ScheduleExecution:
        return run_by_hand(self.api, self.schedule)

    def backups(self) -> set[str]:
        return {each.id for each in self.api.backup_list("lossy")}


@pytest.fixture(scope="module")
def lossy(cloud: LiveCloud, schedules: ScheduledBackups) -> Iterator[Lossy]:
    cloud.create_instance("lossy")
    with cloud.connect("lossy") as connection:
        connection.execute("create table orders as select generate_series(1, 3) as n")
    schedule = schedules.schedule_create("lossy", "0 0 1 1 *", "lossy", keep_last=1)
    backup = run_by_hand(schedules, schedule.id).backup_id
    before = datetime.now(UTC)
    with cloud.connect("lossy") as connection:
        connection.execute("drop table orders")
    yield Lossy(cloud, schedules, schedule.id, str(backup), before)
    schedules.schedule_delete(schedule, force=True)


def test_the_rows_of_a_moment_come_back_and_their_backup_stays_until_then(lossy: Lossy) -> None:
    restore = lossy.api.schedule_restore(lossy.schedule, "again", at=lossy.before)
    assert (restore.backup.id, restore.remark) == (lossy.backup, "")
    # Mistral's own verdict is of a database that has lost its table.
    after = lossy.run()
    waits = "Backup complete, but retention waits for the end of a restore"
    assert after.output["status"] == waits
    assert lossy.backup in lossy.backups()

    made = wait_for(
        "the restored instance",
        lambda: next(
            (each for each in [lossy.api.schedule_restore_progress(restore)] if each.ended), None
        ),
        _RESTORED,
    )
    assert made.ready, made.fault
    with lossy.cloud.connect("again") as connection:
        [(rows,)] = connection.execute("select count(*) from orders").fetchall()
    assert rows == 3
    held = lossy.cloud.asking.get(
        f"/executions?workflow_name=eq:{HOLD}", endpoint_filter={"service_type": "workflowv2"}
    )
    assert held.json()["executions"] == []

    newest = lossy.run()
    assert newest.output["status"] == "Backup complete"
    wait_for("retention", lambda: lossy.backups() == {newest.backup_id}, _RESTORED)


def test_without_its_source_a_backup_needs_a_flavor(lossy: Lossy) -> None:
    cloud = lossy.cloud
    cloud.delete_instance("lossy")
    wait_for("end of the source", lambda: "lossy" not in lossy.api.instance_names().values(), 120)
    command = ("schedule", "restore", lossy.schedule, "found", "--wait", "-f", "json")
    refused = cloud.openstack(*command, check=False)
    assert refused.status == 1
    assert "is gone, and nothing else says what the new one should be like" in refused.err
    assert "give its flavor" in refused.err
    # Instances of a mini cloud have no volumes.
    done = cloud.openstack(*command, "--flavor", settings.FLAVOR_ID, "--volume-size", "0")
    assert done.json["datastore"] == "postgresql"
    assert done.json["status"] in ("ACTIVE", "HEALTHY"), json.dumps(done.json)


def test_an_instance_of_a_policy_is_restored_by_name_and_by_id_when_it_is_gone(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    instance = cloud.create_instance("brief")
    cloud.openstack("policy", "create", "fleet", NEVER_SOON, "--match", "brief")
    cloud.openstack("policy", "run", "fleet", "--wait")
    command = ("policy", "restore", "fleet", "brief-again", "-f", "json", "--instance")
    planned = cloud.openstack(*command, "brief", "--dry-run").json
    assert (planned["source"], planned["missing"]) == (instance, None)

    cloud.delete_instance("brief")
    wait_for("end of it", lambda: "brief" not in schedules.instance_names().values(), 120)
    refused = cloud.openstack(*command, "brief", check=False)
    assert refused.status == 1
    assert f"of these the policy has backups: {instance} (newest backup" in refused.err
    flavor = ("--flavor", settings.FLAVOR_ID, "--volume-size", "0")
    done = cloud.openstack(*command, instance, *flavor, "--wait")
    assert done.json["status"] in ("ACTIVE", "HEALTHY"), json.dumps(done.json)
    assert done.json["backup_id"] == planned["backup_id"]
    cloud.openstack("policy", "delete", "fleet")
