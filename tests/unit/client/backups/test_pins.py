# SPDX-License-Identifier: Apache-2.0
"""Backups that a schedule keeps whatever its rules say."""

import json

import pytest

from trove_schedules.backups import pins
from trove_schedules.errors import (
    BackupNotFoundError,
    InvalidScheduleError,
    ScheduleConflictError,
)
from trove_schedules.schedules.names import marker


@pytest.fixture
def schedule(schedules, instance):
    return schedules.schedule_create(instance, "0 2 * * *", "nightly", keep_last=1)


@pytest.fixture
def made(cloud, schedule):
    """Four backups of the schedule, one a day; the second builds on the first."""
    made = [
        cloud.add_backup(
            schedule.instance,
            description=marker(schedule.id),
            created=f"2026-01-0{day}T02:00:00",
            updated=f"2026-01-0{day}T02:01:00",
        )
        for day in (1, 2, 3, 4)
    ]
    cloud.backups[1]["parent_id"] = made[0]
    return made


def triggers(cloud):
    return cloud.mistral.rows("cron_triggers")


def test_what_is_pinned_stays_with_what_it_builds_on(cloud, schedules, schedule, made):
    schedules.schedule_pin(schedule, made[1])
    verdicts = {each.backup.id: each for each in schedules.schedule_prune(schedule)}
    assert [each for each in made if verdicts[each].expired] == [made[2]]
    assert (verdicts[made[1]].kept_by, verdicts[made[1]].reason) == (("pin",), "it is pinned")
    assert verdicts[made[0]].kept_by == ("chain",)


def test_the_schedules_input_holds_the_pins_for_its_runs(cloud, schedules, schedule, made):
    schedules.schedule_pin(schedule, made[1])
    pinned = schedules.schedule_pin(schedule.id, made[0])
    assert pinned.pinned == (made[1], made[0])
    [trigger] = triggers(cloud)
    assert json.loads(trigger["workflow_input"])["schedule"]["pinned"] == [made[1], made[0]]
    assert pinned.input_by_hand()["schedule"]["pinned"] == [made[1], made[0]]
    assert schedules.schedule_show(schedule) == pinned
    assert (pinned.plan, pinned.paused) == (schedule.plan, False)


def test_pins_stay_where_the_schedule_is_changed_paused_and_resumed(schedules, schedule, made):
    schedules.schedule_pin(schedule, made[1])
    schedules.schedule_set(schedule, keep_last=2)
    schedules.schedule_pause(schedule)
    assert schedules.schedule_pin(schedule, made[2]).paused
    assert schedules.schedule_resume(schedule).pinned == (made[1], made[2])


def test_an_unpinned_backup_is_left_to_the_rules(cloud, schedules, schedule, made):
    schedules.schedule_pin(schedule, made[1])
    unpinned = schedules.schedule_unpin(schedule, made[1])
    assert unpinned.pinned == ()
    assert "pinned" not in unpinned.input["schedule"]
    assert sum(each.expired for each in schedules.schedule_prune(schedule)) == 3


def test_to_say_it_again_changes_nothing(cloud, schedules, schedule, made):
    once = schedules.schedule_pin(schedule, made[1])
    assert schedules.schedule_pin(schedule, made[1]) == once
    assert schedules.schedule_unpin(schedule, made[0]) == once


def test_a_pinned_backup_that_is_gone_can_be_unpinned(cloud, schedules, schedule, made):
    schedules.schedule_pin(schedule, made[3])
    cloud.backups.pop()
    assert schedules.schedule_unpin(schedule, made[3]).pinned == ()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"description": None}, "is not one of schedule"),
        ({"description": marker("11111111-be9b-49c1-a2f7-ca6c1213896f")}, "is not one of schedule"),
        ({"status": "FAILED"}, "is FAILED; only a COMPLETED one can be pinned"),
        ({"status": "SAVING"}, "is SAVING; only a COMPLETED one can be pinned"),
    ],
)
def test_what_is_not_the_schedules_or_not_completed_is_refused(
    cloud, schedules, schedule, values, words
):
    given = {"description": marker(schedule.id)} | values
    backup = cloud.add_backup(schedule.instance, **given)
    with pytest.raises(InvalidScheduleError, match=words):
        schedules.schedule_pin(schedule, backup)
    assert schedules.schedule_show(schedule).pinned == ()


def test_an_unknown_backup_is_not_found(schedules, schedule):
    with pytest.raises(BackupNotFoundError):
        schedules.schedule_pin(schedule, "11111111-be9b-49c1-a2f7-ca6c1213896f")


def test_there_are_only_so_many(monkeypatch, schedules, schedule, made):
    monkeypatch.setattr(pins, "MOST", 1)
    schedules.schedule_pin(schedule, made[0])
    with pytest.raises(InvalidScheduleError, match="more can't be; unpin one"):
        schedules.schedule_pin(schedule, made[1])


def test_a_run_in_progress_is_not_robbed_of_its_rights(cloud, schedules, schedule, made):
    cloud.mistral.add_execution(cloud.project, schedule.trigger_id, state="RUNNING")
    with pytest.raises(ScheduleConflictError):
        schedules.schedule_pin(schedule, made[0])
    assert schedules.schedule_pin(schedule, made[0], force=True).pinned == (made[0],)
