# SPDX-License-Identifier: Apache-2.0
"""What was wrong once, and was seen on the real services only."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from bench.history import execution_row, insert_rows
from tests.end_to_end.cloud import LiveCloud, wait_for
from tests.end_to_end.ticks import fire, mistral_database, owe
from trove_schedules import Schedule, ScheduledBackups, ScheduleExecution
from trove_schedules.errors import ScheduleNotFoundError


def run_of(cloud: LiveCloud, schedule: Schedule, started: datetime) -> None:
    """Write a run of the schedule that nobody ends, and have the schedule owe what was due then."""
    owe(cloud, schedule, started - timedelta(hours=1))
    with mistral_database(cloud) as database:
        database.row_factory = sqlite3.Row
        query = "select * from cron_triggers_v2 where id = ?"
        trigger = dict(database.execute(query, [schedule.trigger_id]).fetchone())
        run = execution_row(trigger, 0, started.replace(tzinfo=None), trigger["project_id"])
        run |= {"state": "RUNNING", "output": "{}", "updated_at": run["created_at"]}
        insert_rows(database, "workflow_executions_v2", [run])


def test_schedules_of_an_instance_that_is_deleted_are_named_and_orphaned(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    instance = cloud.create_instance("doomed")
    schedule = schedules.schedule_create(instance, "0 2 1 1 *", "doomed")
    refused = cloud.run("trove-minicloud", "instance", "delete", "doomed", check=False)
    assert refused.status != 0
    assert schedule.id in refused.err
    cloud.run("trove-minicloud", "instance", "delete", "--force", "doomed")

    def orphaned() -> bool:
        # Trove sees it a moment later.
        return schedules.schedule_health([schedule.id])[0].state == "ORPHANED"

    wait_for("health that sees it", orphaned, 120)
    seen = cloud.openstack("schedule", "health", schedule.id, "-f", "json", check=False)
    assert (seen.status, [row["State"] for row in seen.json]) == (2, ["ORPHANED"])
    checked = cloud.openstack("schedule", "check", "-f", "json", check=False)
    assert any(schedule.id in row["Detail"] for row in checked.json if row["Result"] != "OK")
    schedules.schedule_delete(schedule)


@pytest.mark.parametrize(("minutes", "state"), [(5, "RUNNING"), (30, "FAILED")])
def test_a_run_that_nobody_ends_is_evidence_while_it_can_still_bring_a_backup(
    cloud: LiveCloud, schedules: ScheduledBackups, minutes: int, state: str
) -> None:
    due = (datetime.now(UTC) - timedelta(minutes=minutes)).replace(second=0, microsecond=0)
    schedule = schedules.schedule_create("m", f"{due:%M %H} * * *", "hung", attempts=1)
    run_of(cloud, schedule, due)
    [health] = schedules.schedule_health([schedule.id])
    assert health.state == state, health
    schedules.schedule_delete(schedule, force=True)


def test_a_run_that_is_older_than_any_refuses_no_change(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    schedule = schedules.schedule_create("m", "0 2 1 1 *", "hung")
    run_of(cloud, schedule, datetime.now(UTC) - timedelta(hours=2))
    changed = schedules.schedule_set(schedule, name="free")
    assert schedules.schedule_pause(changed).paused
    schedules.schedule_delete(schedule)
    with pytest.raises(ScheduleNotFoundError):
        schedules.schedule_show(schedule)


def test_attempts_of_before_do_nothing_and_a_change_keeps_those_to_come(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    # One of them was a minute ago: none comes by itself for five minutes.
    due = (datetime.now(UTC) - timedelta(minutes=1)).minute
    while due > 45:  # all attempts in one hour
        due -= 7
    schedule = schedules.schedule_create("m", f"{due} * * * *", "edges", attempts=3, retry_every=7)
    fire(cloud, schedule)

    def ended() -> list[ScheduleExecution]:
        found = schedules.execution_list(schedule, include_all=True)
        return [each for each in found if each.ended]

    [run] = wait_for("run", ended, 120)
    assert run.output["status"].startswith("Skipped: nothing was due")
    before = schedules.schedule_show(schedule).next_firing
    assert schedules.schedule_set(schedule, description="changed").next_firing == before
    schedules.schedule_delete(schedule)
