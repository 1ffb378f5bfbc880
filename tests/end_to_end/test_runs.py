# SPDX-License-Identifier: Apache-2.0
"""What a firing of a cron trigger does, when all is well and when it is not."""

from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.cloud import (
    NEVER_SOON,
    LiveCloud,
    finished,
    hung_tool,
    run_by_hand,
    wait_for,
)
from tests.end_to_end.ticks import fire, hurried
from trove_schedules import ScheduledBackups
from trove_schedules.errors import InvalidScheduleError, ScheduleConflictError
from trove_schedules.schedules.names import marker

_TEXT = 'it\'s <% env() %> {{ nothing }} <% 1 + 1 %> "quoted" é😀'


def test_a_backup_carries_its_schedule_and_its_texts_unchanged(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    texts = (f"name {_TEXT}", f"described {_TEXT}")
    schedule = schedules.schedule_create("m", NEVER_SOON, *texts, attempts=1)
    fire(cloud, schedule)
    run = finished(schedules, schedule.id, 1)[0]
    schedules.schedule_delete(schedule)
    backup = cloud.backup(run.backup_id)
    assert (run.state, run.output["status"]) == ("SUCCESS", "Backup complete")
    assert run.schedule_id == schedule.id
    assert backup["status"] == "COMPLETED"
    assert backup["name"] == f"name {_TEXT}"
    assert backup["description"] == f"described {_TEXT} {marker(schedule.id)}"
    assert Path(backup["locationRef"].removeprefix("file://")).stat().st_size > 0
    assert schedules.execution_show(run.id) == run, "an execution outlives its schedule"


@pytest.fixture(scope="module")
def stopped(cloud: LiveCloud) -> str:
    """An instance whose database is stopped: its runs try again, and so go on for a while."""
    instance = cloud.create_instance("down")
    cloud.stop_instance("down")
    return instance


def test_a_schedule_with_a_run_in_progress_is_not_deleted_unless_forced(
    cloud: LiveCloud, schedules: ScheduledBackups, stopped: str
) -> None:
    schedule = schedules.schedule_create(stopped, NEVER_SOON, "busy", attempts=1)
    fire(cloud, schedule)
    running = wait_for(
        "running execution",
        lambda: [e for e in schedules.execution_list(schedule) if e.state == "RUNNING"],
        120,
    )[0]
    with pytest.raises(ScheduleConflictError, match=running.id):
        schedules.schedule_delete(schedule)
    with pytest.raises(ScheduleConflictError, match="RUNNING"):
        schedules.execution_delete(running)
    schedules.schedule_delete(schedule, force=True)
    assert schedules.schedule_list(stopped) == []


def test_a_stopped_database_makes_the_run_an_error_that_says_why_and_the_next_one_works(
    cloud: LiveCloud, schedules: ScheduledBackups, stopped: str
) -> None:
    schedule = schedules.schedule_create(stopped, NEVER_SOON, "down", attempts=1)
    fire(cloud, schedule)
    with hurried(cloud):
        [failed] = finished(schedules, schedule.id, 1)
    assert failed.state == "ERROR"
    assert "is not currently available" in (failed.state_info or ""), failed
    assert "SHUTDOWN" in (failed.state_info or ""), failed
    cloud.run("trove-minicloud", "instance", "start", "down")
    fire(cloud, schedule)
    [good, _failed] = finished(schedules, schedule.id, 2)
    assert good.state == "SUCCESS"
    assert good.backup_id
    schedules.schedule_delete(schedule)


def test_a_second_run_skips_while_a_backup_runs(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    first = schedules.schedule_create("m", NEVER_SOON, "first")
    started = schedules.schedule_run(first)
    tool = hung_tool(cloud, "m")
    second = schedules.schedule_create("m", NEVER_SOON, "second", attempts=1)
    try:
        fire(cloud, second)
        [skipped] = finished(schedules, second.id, 1)
    finally:
        schedules.schedule_delete(second, force=True)
        tool.resume()
    done = run_by_hand(schedules, started)
    schedules.schedule_delete(first)
    assert (done.state, done.output["status"]) == ("SUCCESS", "Backup complete")
    assert skipped.state == "SUCCESS"
    assert skipped.output["status"] == f"Skipped: backup {done.backup_id} is running"


def test_a_cloud_killed_in_mid_backup_says_failed_and_goes_on(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    schedule = schedules.schedule_create("m", NEVER_SOON, "killed", attempts=1)
    fire(cloud, schedule)
    hung_tool(cloud, "m")
    backup = cloud.building()
    _kill_everything(cloud)
    cloud.run("trove-minicloud", "up", "--detach")
    assert cloud.backup(backup)["status"] == "FAILED"
    assert list(cloud.root.backups.glob(f"*/{backup}*")) == []
    with pytest.raises(InvalidScheduleError, match="FAILED"):
        schedules.schedule_create("m", "0 2 * * *", "no", parent_id=backup)
    before = {each.id for each in schedules.execution_list(schedule)}
    fire(cloud, schedule)

    def a_new_success() -> bool:
        return any(
            each.id not in before and each.state == "SUCCESS" and each.backup_id
            for each in schedules.execution_list(schedule)
        )

    wait_for("success after the restart", a_new_success, 300)
    schedules.schedule_delete(schedule, force=True)


def _kill_everything(cloud: LiveCloud) -> None:
    """SIGKILL the keeper and all that it started, down to the guest's tools."""
    keeper = cloud.keeper()
    family = [keeper, *keeper.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):  # the services end with their supervisor
            process.kill()
    psutil.wait_procs(family, timeout=60)
