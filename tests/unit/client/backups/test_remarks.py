# SPDX-License-Identifier: Apache-2.0
"""The remarks on a schedule: what is asked for them. What they say is test_warnings.py's."""

import re

import pytest

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
    assert asked == ["mistral.test", "trove.test"]


def test_where_nobody_may_see_the_quota_it_is_taken_for_the_usual_one(cloud, schedules, schedule):
    answer(cloud, 403)
    [remark] = schedules.schedule_remarks(schedule)
    assert "Trove doesn't tell the project's quota" in remark.said


def test_any_other_trouble_is_an_error(cloud, schedules, schedule):
    answer(cloud, 500)
    with pytest.raises(ServiceError):
        schedules.schedule_remarks(schedule)
