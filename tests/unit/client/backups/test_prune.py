# SPDX-License-Identifier: Apache-2.0
"""Retention by hand: what is asked of Trove; which backups go is test_retention.py's."""

import json
from datetime import UTC, datetime

import pytest

from tests.unit.client.fake_cloud import use_clock
from trove_schedules import workbook
from trove_schedules.errors import InvalidScheduleError, ScheduleNotFoundError
from trove_schedules.schedules.names import marker


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


def test_the_schedules_parent_and_what_that_builds_on_stay(cloud, schedules, instance):
    schedule = create(schedules, instance, keep_last=2)
    made = add_backups(cloud, schedule, 5)
    cloud.backups[1]["parent_id"] = made[0]
    schedules.schedule_set(schedule, parent_id=made[1])
    verdicts = {each.backup.id: each for each in schedules.schedule_prune(schedule)}
    assert deleted(cloud) == [made[2]]
    assert verdicts[made[1]].reason == "the schedule's parent"
    assert verdicts[made[0]].reason == f"backup {made[1]} builds on it"


@pytest.mark.parametrize("legacy", [False, True])
def test_the_parents_of_the_instances_other_schedules_stay(cloud, schedules, instance, legacy):
    schedule = create(schedules, instance)
    made = add_backups(cloud, schedule, 3)
    other = create(schedules, instance, parent_id=made[0])
    if legacy:
        cloud.mistral.change("cron_triggers", {"id": other.trigger_id}, name=other.id)
    schedule = schedules.schedule_set(schedule, keep_last=1)
    verdicts = {each.backup.id: each for each in schedules.schedule_prune(schedule)}
    assert deleted(cloud) == [made[1]]
    assert verdicts[made[0]].reason == f"the parent of schedule {other.id}"


class TestDrilled:
    """While a drill of the schedule is in progress, what it may be reading stays."""

    #: Two days ago, the last hour's three, and one just now; each completed a minute later.
    TIMES = ("2026-01-08T02:00", "2026-01-10T01:10", "2026-01-10T01:40", "2026-01-10T02:00")

    @pytest.fixture
    def made(self, cloud, schedules, instance, monkeypatch):
        use_clock(
            monkeypatch,
            lambda: datetime(2026, 1, 10, 2, 5, tzinfo=UTC),
            ("backups.pruning", "drills.executions"),
        )
        self.schedule = create(schedules, instance, keep_last=1)
        return [
            cloud.add_backup(
                instance,
                description=marker(self.schedule.id),
                created=f"{time}:00",
                updated=f"{time}:59",
            )
            for time in self.TIMES
        ]

    def add_drill(self, cloud, *, of=None, **values):
        given = {"schedule": {"id": of or self.schedule.id}}
        cloud.mistral.add_execution(
            cloud.project,
            "t",
            workflow_name=workbook.DRILL,
            input=json.dumps(given),
            **({"state": "RUNNING", "created_at": "2026-01-10 01:30:00"} | values),
        )

    def test_what_was_the_newest_within_the_hour_stays(self, cloud, schedules, made):
        self.add_drill(cloud)
        verdicts = {each.backup.id: each for each in schedules.schedule_prune(self.schedule)}
        assert deleted(cloud) == []
        for backup in made[:3]:
            assert verdicts[backup].reason == "a drill may be reading it"

    def test_what_was_older_then_goes(self, cloud, schedules, made):
        self.add_drill(cloud)
        cloud.backups[1].update(created="2026-01-09T02:00:00", updated="2026-01-09T02:00:59")
        schedules.schedule_prune(self.schedule)
        assert deleted(cloud) == [made[0]]

    @pytest.mark.parametrize(
        "drill",
        [
            {"of": "11111111-1111-4111-8111-111111111111"},
            {"state": "SUCCESS"},
            {"created_at": "2026-01-10 00:30:00"},
        ],
        ids=["another schedule's", "ended", "nobody will end it"],
    )
    def test_other_drills_read_none_of_it(self, cloud, schedules, made, drill):
        self.add_drill(cloud, **drill)
        schedules.schedule_prune(self.schedule)
        assert deleted(cloud) == made[2::-1]
