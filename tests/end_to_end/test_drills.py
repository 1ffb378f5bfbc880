# SPDX-License-Identifier: Apache-2.0
"""Drills on real servers: one that passes, a flipped byte, a killed drill, a stranger."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import trove_schedules
from tests.end_to_end.cloud import LiveCloud, wait_for
from tests.end_to_end.damage import flipped_byte
from tests.end_to_end.databases import DATABASES, Database, require
from tests.end_to_end.ticks import fire, hurried
from trove_minicloud.guest import instances
from trove_schedules import ScheduledBackups, ScheduleExecution
from trove_schedules.errors import ScheduleNotFoundError
from trove_schedules.health import Health, State
from trove_schedules.workbook import DRILL

_DATABASE = {"service_type": "database"}
_WORKFLOW = {"service_type": "workflowv2"}
#: A restore, and its looks, on a busy machine.
_DRILLED = 300.0
#: Seconds between a run's looks at an instance or a backup, which would be up to 30.
_LOOKS = 3.0


@dataclass(frozen=True)
class Drilled:
    """A schedule with one completed backup."""

    cloud: LiveCloud
    api: ScheduledBackups
    database: Database
    instance: str
    schedule: str

    def run(self) -> str:
        """One more backup, by the schedule; its id."""
        started = self.api.schedule_run(self.schedule)
        ended = self.ended(started)
        assert ended.state == "SUCCESS", ended.state_info
        assert ended.backup_id is not None
        return ended.backup_id

    def drill(self) -> ScheduleExecution:
        return self.ended(self.api.schedule_drill(self.schedule))

    def ended(self, started: ScheduleExecution) -> ScheduleExecution:
        def over() -> ScheduleExecution | None:
            found = self.api.execution_show(started.id)
            return found if found.ended else None

        with hurried(self.cloud, _LOOKS):
            return wait_for(f"end of execution {started.id}", over, _DRILLED)

    def health(self) -> Health:
        [found] = self.api.schedule_health([self.schedule])
        return found

    def write(self, *statements: str) -> None:
        instance = instances.load(self.cloud.root, self.instance)
        with (
            self.database.connect(self.cloud.root, instance) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)

    def check(self, *options: str) -> str:
        """Show or change what restored copies are asked."""
        command = ("trove-minicloud", "instance", "check", self.instance)
        return self.cloud.run(*command, *options).out

    def expect(self, rows: int) -> None:
        query = ("--query", "select count(*) from orders", "--database", self.database.place)
        assert query[1] in self.check(*query, "--expect", str(rows))

    def temporary(self) -> list[dict[str, Any]]:
        """The instances that drills of this schedule have made, and that Trove still has."""
        answer = self.cloud.session().get("/instances", endpoint_filter=_DATABASE)
        prefix = f"trove-drill-{self.schedule}-"
        return [each for each in answer.json()["instances"] if each["name"].startswith(prefix)]


@pytest.fixture(scope="module", params=DATABASES, ids=lambda database: database.name)
def drilled(request: pytest.FixtureRequest, cloud: LiveCloud) -> Iterator[Drilled]:
    database: Database = request.param
    require(database)
    name = f"drilled-{database.name}"
    instance = cloud.create_instance(name, database.name)
    api = cloud.schedules()
    # Yearly: its runs are those by hand.
    schedule = api.schedule_create(instance, "0 0 1 1 *", name)
    yield Drilled(cloud, api, database, instance, schedule.id)
    api.schedule_delete(schedule, force=True)
    cloud.delete_instance(name)


def test_a_drill_passes_until_one_meets_a_flipped_byte_or_a_wrong_answer_and_health_tells(
    drilled: Drilled,
) -> None:
    assert drilled.drill().output["status"].startswith("Skipped: none of the instance's")
    drilled.write("create table orders (n int)", "insert into orders values (1), (2), (3)")
    drilled.expect(3)
    backup = drilled.run()
    passed = drilled.drill()
    assert passed.state == "SUCCESS", passed.state_info
    assert passed.output["status"].startswith(f"Drill passed: backup {backup} restored in ")
    restored = passed.output["restored"]
    assert restored["state"] in ("ACTIVE", "HEALTHY")
    assert restored["users"] >= 1
    assert (restored["lacks"], len(restored["source"])) == (
        [],
        restored["databases"] + restored["users"],
    )
    assert drilled.temporary() == []
    found = drilled.health()
    assert (found.state, found.proven_backup) == (State.OK, backup)
    assert found.last_proven is not None
    log = drilled.cloud.run("trove-minicloud", "logs", "trove").out
    assert re.search(rf"from backup {backup} of .* holds 3 rows in 1 tables: .*orders 3\n", log)
    assert f"the check of drilled-{drilled.database.name} is answered as expected" in log

    backup = drilled.run()
    file = Path(drilled.cloud.backup(backup)["locationRef"].removeprefix("file://"))
    with flipped_byte(file):
        failed = drilled.drill()
    assert failed.state == "ERROR"
    assert f"{file} is damaged: its sha256" in (failed.state_info or "")
    assert drilled.temporary() == []
    assert not list(drilled.cloud.root.instances.glob(".new-*"))
    sick = drilled.health()
    assert sick.state == State.FAILED
    assert f"Backup {backup} does not restore." in sick.reason
    assert "is damaged" in sick.reason
    assert sick.last_proven == found.last_proven

    backup = drilled.run()
    # The newest backup doesn't hold this row.
    drilled.write("insert into orders values (4)")
    drilled.expect(4)
    failed = drilled.drill()
    assert failed.state == "ERROR"
    assert drilled.temporary() == []
    sick = drilled.health()
    assert sick.state == State.FAILED
    assert (
        f"Backup {backup} does not restore. The check of drilled-{drilled.database.name} is"
        " answered with '3' instead of '4': select count(*) from orders"
    ) in " ".join(sick.reason.split())
    assert "asked nothing" in drilled.check("--clear")

    drilled.write("create database newer")
    cloud, instance = drilled.cloud, drilled.instance
    listed = cloud.run("openstack", "database", "db", "list", instance, "-f", "json").json
    assert "newer" in [each["Name"] for each in listed]
    lacking = drilled.drill()
    assert lacking.state == "SUCCESS", lacking.state_info
    assert lacking.output["status"].endswith(", without database newer, which the instance has now")
    assert drilled.health().state == State.OK, "nobody knows that it is older than the backup"
    # A drill before the backup has seen it, so the backup should have it.
    drilled.write("drop database newer")
    # Trove and Mistral tell whole seconds: a backup of the drill's second may be the older one.
    time.sleep(1)
    backup = drilled.run()
    drilled.write("create database newer")
    assert drilled.drill().output["restored"]["lacks"] == ["database newer"]
    sick = drilled.health()
    assert sick.state == State.FAILED
    assert f"backup {backup} restores without database newer" in sick.reason
    drilled.run()
    assert drilled.drill().output["restored"]["lacks"] == []
    assert drilled.health().state == State.OK


def test_what_a_killed_drill_leaves_is_removed_by_the_next(drilled: Drilled) -> None:
    if not drilled.health().kept:
        drilled.run()
    supervisor = drilled.cloud.supervisor()
    # Who starts the server of the instance, which would end the drill.
    supervisor.suspend()
    try:
        started = drilled.api.schedule_drill(drilled.schedule)
        wait_for("instance of the drill", lambda: drilled.temporary() or None, _DRILLED)
        drilled.cloud.session().put(
            f"/executions/{started.id}",
            data=json.dumps({"state": "CANCELLED"}),
            headers={"content-type": "application/json"},
            endpoint_filter=_WORKFLOW,
        )
        [left] = drilled.temporary()
    finally:
        supervisor.resume()
    wait_for("end of making", lambda: drilled.temporary()[0]["status"] == "ACTIVE", _DRILLED)

    assert drilled.drill().state == "SUCCESS"
    assert drilled.temporary() == []
    assert not (drilled.cloud.root.instances / left["id"]).exists()


def test_another_tenant_can_not_drill(drilled: Drilled) -> None:
    session, _user = drilled.cloud.new_tenant()
    with pytest.raises(ScheduleNotFoundError):
        trove_schedules.connect(session=session).schedule_drill(drilled.schedule)


def test_a_drill_by_a_pattern_is_done_by_a_trust(cloud: LiveCloud) -> None:
    api = cloud.schedules()
    instance = instances.find(cloud.root, "m").id
    schedule = api.schedule_create(instance, "0 0 1 1 *", "drilled-every")
    drilled = Drilled(cloud, api, DATABASES[0], instance, schedule.id)
    drilled.run()
    cloud.openstack("schedule", "set", schedule.id, "--drill-every", "0 3 1 1 *")
    [trigger] = [
        each["id"]
        for each in cloud.triggers()
        if schedule.id in each["name"] and each["workflow_name"] == DRILL
    ]
    fire(cloud, trigger)

    def passed() -> ScheduleExecution | None:
        found = api.execution_list(schedule, drills_only=True)
        return next((each for each in found if each.ended), None)

    with hurried(cloud, _LOOKS):
        done = wait_for("drill by its trigger", passed, _DRILLED)
    assert done.state == "SUCCESS", done.state_info
    assert done.manual is False
    assert done.output["status"].startswith("Drill passed")
    shown = cloud.openstack("schedule", "show", schedule.id, "-f", "json").json
    assert (shown["drill_every"], shown["proven_backup"]) == ("0 3 1 1 *", done.backup_id)
    assert datetime.fromisoformat(shown["next_drill"]) > done.created_at
    api.schedule_drill_every(schedule, None)
    api.schedule_delete(schedule)
    assert not [each for each in cloud.triggers() if schedule.id in each["name"]]
