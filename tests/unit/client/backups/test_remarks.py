# SPDX-License-Identifier: Apache-2.0
"""The remarks on a schedule: what is asked for them. What they say is test_warnings.py's."""

import re

import pytest

from trove_schedules import workbook
from trove_schedules.errors import ServiceError


@pytest.fixture
def schedule(schedules, instance):
    return schedules.schedule_create(instance, "0 2 * * *", "nightly", keep_last=7)


def set_quota(cloud, limit):
    cloud.quotas = [{"resource": "backups", "limit": limit, "in_use": 1, "reserved": 0}]


def answer(cloud, status):
    """Have Trove answer with a status where it is asked for the quota."""
    cloud.mock.get(re.compile("mgmt/quotas"), status_code=status)


@pytest.mark.parametrize(
    ("limit", "warning", "words"),
    [(8, False, "quota is 8 backups"), (7, True, "quota is 7 backups"), (-1, False, "no quota")],
)
def test_the_quota_is_the_projects(cloud, schedules, schedule, limit, warning, words):
    set_quota(cloud, limit)
    [remark] = schedules.schedule_remarks(schedule.id)
    assert remark.warning is warning
    assert words in remark.said


def test_the_instances_schedules_and_the_quota_are_asked_for(cloud, schedules, schedule, instance):
    set_quota(cloud, 50)
    other = schedules.schedule_create(instance, schedule.pattern, "again")
    schedules.schedule_create(cloud.add_instance("n"), schedule.pattern, "elsewhere")
    before = len(cloud.mock.request_history)
    _, warning = schedules.schedule_remarks(schedule)
    assert other.id in warning.said
    asked = [each.netloc for each in cloud.mock.request_history[before:]]
    # The policies, and the instance's schedules.
    assert asked == ["mistral.test", "mistral.test", "trove.test"]


def test_a_policy_that_takes_the_instance_is_told(cloud, schedules):
    set_quota(cloud, 50)
    cloud.mistral.add_workflow(cloud.project, name=workbook.POLICY)
    instance = cloud.add_instance("orders", status="ACTIVE")
    schedule = schedules.schedule_create(instance, "0 2 * * *", "nightly", keep_last=7)
    same = schedules.policy_create("all", "0 2 * * *", keep_last=1)
    other = schedules.policy_create("hourly", "0 * * * *", keep_last=1)
    schedules.policy_create("elsewhere", "0 2 * * *", match=["users"], keep_last=1)
    _, *found = schedules.schedule_remarks(schedule)
    assert sorted(((each.warning, each.said) for each in found), reverse=True) == [
        (
            True,
            f"policy {same.id} (all) backs up the same instance at the same times, and Trove makes "
            "one backup of an instance at a time: each time one of the two has to wait or is "
            "skipped",
        ),
        (
            False,
            f"policy {other.id} (hourly) backs up the same instance too, at other times: each "
            "makes and keeps backups of its own",
        ),
    ]


def test_where_nobody_may_see_the_quota_it_is_taken_for_the_usual_one(cloud, schedules, schedule):
    answer(cloud, 403)
    [remark] = schedules.schedule_remarks(schedule)
    assert "Trove doesn't tell the project's quota" in remark.said


def test_any_other_trouble_is_an_error(cloud, schedules, schedule):
    answer(cloud, 500)
    with pytest.raises(ServiceError):
        schedules.schedule_remarks(schedule)
