# SPDX-License-Identifier: Apache-2.0
"""Health as the API gives it: what is asked of whom; which state it is, is test_health.py's."""

from datetime import timedelta

import pytest
import requests

from tests.mistral_api import RefusedError
from tests.unit.client.fake_cloud import TROVE_URL, use_clock
from tests.unit.client.rows import UNKNOWN, change_triggers, triggers
from trove_schedules.errors import (
    InstanceNotFoundError,
    ScheduleNotFoundError,
    ServiceUnavailableError,
)
from trove_schedules.health import Limits, State
from trove_schedules.schedules.names import marker


@pytest.fixture(autouse=True)
def quota(cloud):
    cloud.quotas.append({"resource": "backups", "limit": 50, "in_use": 1, "reserved": 0})


@pytest.fixture
def backup(cloud, schedule):
    return cloud.add_backup(schedule.instance, description=marker(schedule.id))


def refuse(*_):
    raise requests.exceptions.ConnectionError("refused")


def test_every_schedule_of_an_instance_or_of_the_project_is_judged(cloud, schedules, schedule):
    other = schedules.schedule_create(cloud.add_instance("other"), "0 2 * * *", "other")
    both = {each.schedule_id for each in schedules.schedule_health()}
    assert both == {schedule.id, other.id}
    [found] = schedules.schedule_health(instance="other")
    assert (found.schedule_id, found.quota_left) == (other.id, 49)
    [found] = schedules.schedule_health([schedule.id])
    assert (found.schedule_id, found.name) == (schedule.id, "nightly")
    with pytest.raises(ScheduleNotFoundError):
        schedules.schedule_health([schedule.id, UNKNOWN])


def test_the_same_one_asked_for_twice_is_told_of_once(schedules, schedule):
    asked = [schedule.id, schedule.id, schedule.name, schedule]
    assert [each.schedule_id for each in schedules.schedule_health(asked)] == [schedule.id]


def test_the_size_of_the_newest_completed_backup_is_told(cloud, schedules, schedule):
    def add(status, size, day):
        cloud.add_backup(
            schedule.instance,
            status,
            description=marker(schedule.id),
            size=size,
            created=f"2026-01-0{day}T02:00:00",
        )

    assert schedules.schedule_health()[0].last_size is None
    add("COMPLETED", 1.5, 1)
    add("COMPLETED", 2.5, 2)
    add("FAILED", None, 3)
    assert schedules.schedule_health()[0].last_size == 2.5


def test_a_schedule_that_is_at_hand_is_not_asked_for_again(cloud, schedules, schedule):
    schedules.schedule_pause(schedule)
    before = len(cloud.mock.request_history)
    [found] = schedules.schedule_health([schedules.schedule_show(schedule)])
    assert found.state == State.PAUSED
    asked = [each.path for each in cloud.mock.request_history[before:]]
    assert len([path for path in asked if "cron_triggers" in path]) == 1, asked


def test_the_worst_comes_first(cloud, schedules, schedule, instance, monkeypatch):
    paused = schedules.schedule_create(instance, "0 3 * * *", "paused")
    schedules.schedule_pause(paused)
    never = schedules.schedule_create(instance, "0 0 1 1 *", "never", attempts=1)
    # By then the nightly one has missed due times, and the yearly one none yet.
    cloud.mistral.wait(days=9)
    use_clock(monkeypatch, lambda: cloud.mistral.now, ["lists"])
    found = schedules.schedule_health()
    assert [each.schedule_id for each in found] == [schedule.id, paused.id, never.id]
    assert [each.state.exit_status for each in found] == [2, 1, 0]


def test_a_trove_that_is_down_makes_all_of_them_unknown(cloud, schedules, schedule):
    cloud.mock.get(f"{TROVE_URL}/{cloud.project}/backups", exc=requests.exceptions.ConnectionError)
    [found] = schedules.schedule_health()
    assert (found.schedule_id, found.state) == (schedule.id, State.UNKNOWN)
    assert "Trove" in found.reason


@pytest.mark.parametrize("status", [403, 500])
def test_a_quota_that_can_t_be_read_is_not_known_and_costs_nothing_else(
    cloud, schedules, schedule, backup, status
):
    address = f"{TROVE_URL}/{cloud.project}/mgmt/quotas/{cloud.project}"
    cloud.mock.get(address, status_code=status, json={"forbidden": {"message": "no"}})
    schedules.schedule_pause(schedule)
    [found] = schedules.schedule_health()
    assert (found.state, found.kept, found.quota_left) == (State.PAUSED, 1, None)
    assert "; the quota of backups can't be read: Trove: show quotas failed" in found.reason


def test_while_mistral_is_down_a_schedule_is_known_by_its_backups(
    cloud, schedules, schedule, backup
):
    cloud.mistral.before = refuse
    for given in ((), [schedule.id]):
        [found] = schedules.schedule_health(given)
        assert (found.schedule_id, found.kept) == (schedule.id, 1)
        assert "Mistral" in found.reason
    [found] = schedules.schedule_health([schedule.name])
    assert (found.schedule_id, found.kept) == (schedule.id, 1)
    [found] = schedules.schedule_health(["unknown name"])
    assert (found.schedule_id, found.state) == ("unknown name", State.UNKNOWN)
    days = Limits(max_age=timedelta(days=40000))
    without, known = schedules.schedule_health([schedule.id, UNKNOWN], limits=days)
    assert (known.schedule_id, known.state, known.kept) == (schedule.id, State.OK, 1)
    # One that has no backup is not left out: nobody can say that it needs none.
    assert (without.schedule_id, without.state, without.instance) == (UNKNOWN, State.UNKNOWN, "")
    assert "no completed backup; its schedule can't be read: Mistral: " in without.reason
    # It may be paused, or deleted: nobody can say that its backup is too old.
    [old] = schedules.schedule_health([schedule.id], limits=Limits(max_age=timedelta(minutes=1)))
    assert (old.state, old.kept) == (State.UNKNOWN, 1)


def test_while_mistral_is_down_and_no_schedule_made_a_backup_the_command_fails(
    cloud, schedules, schedule
):
    cloud.mistral.before = refuse
    with pytest.raises(ServiceUnavailableError, match="Mistral"):
        schedules.schedule_health()


def fail(*_):
    raise RefusedError(500, "oops")


@pytest.mark.parametrize("trouble", [refuse, fail])
def test_drills_that_can_t_be_looked_at_are_told_and_cost_nothing_else(
    cloud, schedules, schedule, backup, trouble
):
    other = schedules.schedule_create(cloud.add_instance("other"), "0 2 * * *", "other")

    def before(method, path):
        if path == "/executions":
            trouble()

    cloud.mistral.before = before
    for given in ((), schedules.schedule_list()):
        found = schedules.schedule_health(given)
        assert {each.schedule_id for each in found} == {schedule.id, other.id}
        assert all("; drills can't be read: Mistral: " in each.reason for each in found)


def test_a_change_pays_off_nothing(cloud, schedules, schedule):
    change_triggers(cloud, created_at="2025-01-01")
    [before] = schedules.schedule_health()
    assert before.missed > 0
    schedules.schedule_set(schedule, notify_url="https://hc.test/x")
    [after] = schedules.schedule_health()
    assert (after.state, after.missed) == (before.state, before.missed)
    changed = schedules.schedule_set(schedule, pattern="0 3 * * *")
    assert changed.owed_since >= cloud.mistral.now - timedelta(seconds=3)
    [row] = triggers(cloud)
    change_triggers(
        cloud,
        created_at="2999-01-01",
        workflow_input=row["workflow_input"].replace("2026-01-01T", "2999-01-01T"),
        next_execution_time="2999-01-01 03:00:00",
    )
    [anew] = schedules.schedule_health()
    assert (anew.state, anew.missed) == (State.PENDING, 0)


def test_however_often_a_schedule_was_changed_few_requests_tell_why_it_missed(
    cloud, schedules, schedule
):
    for n in range(20):
        schedules.schedule_set(schedule, name=f"n{n}")
    [row] = triggers(cloud)
    change_triggers(
        cloud,
        created_at="2025-01-01",
        workflow_input=row["workflow_input"].replace("2026-01-01T", "2025-01-01T"),
        next_execution_time="2999-01-01",
    )
    cloud.mistral.requests.clear()
    [found] = schedules.schedule_health()
    assert found.state == State.LOST
    # One of them is for drills.
    assert cloud.mistral.count("GET", "/executions") == 2


def test_an_empty_name_of_an_instance_is_not_every_instance(schedules, schedule):
    for look in (schedules.schedule_health, schedules.schedule_list):
        with pytest.raises(InstanceNotFoundError, match="''"):
            look(instance="")
