# SPDX-License-Identifier: Apache-2.0
"""Retention by hand: what is asked of Trove; which backups go is test_retention.py's."""

import pytest

from trove_schedules.errors import InvalidScheduleError, ScheduleNotFoundError
from trove_schedules.model import marker


@pytest.fixture
def schedules(cloud):
    return cloud.schedules()


@pytest.fixture
def instance(cloud):
    return cloud.add_instance("m")


def create(schedules, instance, **options):
    return schedules.schedule_create(instance, "0 2 * * *", "nightly", **options)


def add_backups(cloud, schedule, days, **values):
    """One a day from the first of January on."""
    return [
        cloud.add_backup(
            schedule.instance,
            description=marker(schedule.id),
            created=f"2026-01-{day:02}T02:00:00",
            updated=f"2026-01-{day:02}T02:01:00",
            **values,
        )
        for day in range(1, days + 1)
    ]


def deleted(cloud):
    return [
        each.path.rpartition("/")[2]
        for each in cloud.mock.request_history
        if each.netloc == "trove.test" and each.method == "DELETE"
    ]


def test_what_is_no_longer_kept_is_deleted(cloud, schedules, instance):
    schedule = create(schedules, instance, keep_last=2)
    made = add_backups(cloud, schedule, 4)
    by_hand = cloud.add_backup(instance)
    verdicts = schedules.schedule_prune(schedule)
    assert [(each.backup.id, each.expired) for each in verdicts] == [
        (made[3], False),
        (made[2], False),
        (made[1], True),
        (made[0], True),
    ]
    assert deleted(cloud) == [made[1], made[0]]
    assert {each["id"] for each in cloud.backups} == {made[2], made[3], by_hand}


def test_more_than_the_workbook_dares_to_judge_are_no_trouble(cloud, schedules, instance):
    schedule = create(schedules, instance, keep_last=2)
    made = add_backups(cloud, schedule, 4)
    for _ in range(1500):
        cloud.add_backup(instance)
    schedules.schedule_prune(schedule)
    assert deleted(cloud) == [made[1], made[0]]


def test_what_builds_on_a_deleted_one_is_left_to_trove(cloud, schedules, instance):
    schedule = create(schedules, instance, keep_days=1)
    first, second, _newest = add_backups(cloud, schedule, 3)
    cloud.backups[1]["parent_id"] = first
    verdicts = schedules.schedule_prune(schedule.id)
    assert deleted(cloud) == [first]
    assert [each.goes_with for each in verdicts if each.backup.id == second] == [first]


def test_a_dry_run_deletes_nothing_and_tells_the_same(cloud, schedules, instance):
    schedule = create(schedules, instance, keep_last=1)
    add_backups(cloud, schedule, 3)
    dry = schedules.schedule_prune(schedule, dry_run=True)
    assert deleted(cloud) == []
    assert dry == schedules.schedule_prune(schedule)


def test_a_schedule_that_keeps_everything_can_not_be_pruned(cloud, schedules, instance):
    schedule = create(schedules, instance)
    add_backups(cloud, schedule, 3)
    with pytest.raises(InvalidScheduleError, match="keeps all its backups"):
        schedules.schedule_prune(schedule)
    assert deleted(cloud) == []


def test_an_unknown_schedule_is_not_found(schedules):
    with pytest.raises(ScheduleNotFoundError):
        schedules.schedule_prune("00000000-0000-4000-8000-000000000000")
