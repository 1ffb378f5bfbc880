# SPDX-License-Identifier: Apache-2.0
"""A test of a webhook: what Mistral is asked for."""

import json

import pytest

from trove_schedules import workbook
from trove_schedules.errors import InvalidScheduleError, WorkbookMissingError

URL = "https://chat.test/hook?token=1"


@pytest.fixture
def told(cloud, schedules, schedule):
    cloud.mistral.add_workflow(cloud.project, name=workbook.WEBHOOK)
    return schedules.schedule_set(schedule, webhook_url=URL, webhook_format="slack")


def test_mistral_sends_a_test_and_its_outcome_can_be_followed(cloud, schedules, told):
    started = schedules.webhook_test(told.name)
    [row] = cloud.mistral.rows("executions")
    assert row["workflow_name"] == workbook.WEBHOOK
    given = json.loads(row["input"])
    schedule = given.pop("schedule")
    assert (schedule["id"], schedule["webhook_url"]) == (told.id, URL)
    assert schedule["webhook_format"] == "slack"
    assert given == {"instance": told.instance, "name": told.name, "test": True}
    assert schedules.execution_show(started.id).id == started.id
    assert schedules.execution_list(told) == [], "it is no run"


def test_a_policy_has_a_webhook_too(cloud, schedules, told):
    cloud.mistral.add_workflow(cloud.project, name=workbook.POLICY)
    policy = schedules.policy_create("all", "0 2 * * *", webhook_url=URL)
    schedules.webhook_test(policy)
    given = json.loads(cloud.mistral.rows("executions")[-1]["input"])
    schedule = given.pop("schedule")
    assert (schedule["id"], schedule["webhook_url"]) == (policy.id, URL)
    assert given == {"instance": "*", "name": "all", "test": True}
    other = schedules.policy_create("other", "0 2 * * *")
    with pytest.raises(InvalidScheduleError, match=f"^policy {other.id} has no webhook"):
        schedules.webhook_test("other")


def test_a_schedule_without_a_webhook_is_refused(cloud, schedules, schedule):
    with pytest.raises(InvalidScheduleError, match=r"has no webhook; give it one with 'set"):
        schedules.webhook_test(schedule)
    assert cloud.mistral.rows("executions") == []


def test_without_its_workflow_the_error_says_how_to_load_it(cloud, schedules, told):
    cloud.mistral.remove("workflows", cloud.mistral.rows("workflows")[-1])
    with pytest.raises(WorkbookMissingError, match=r"backup_webhook.*workbook load"):
        schedules.webhook_test(told)


def test_the_options_of_a_webhook_are_kept_only_with_its_url(cloud, schedules, told):
    def kept():
        [trigger] = cloud.mistral.rows("cron_triggers")
        return json.loads(trigger["workflow_input"])["schedule"]

    assert (kept()["webhook_url"], kept()["webhook_format"]) == (URL, "slack")
    assert "webhook_on" not in kept(), "it is the usual one"
    schedules.schedule_set(told, unset=["webhook_url"])
    assert not [name for name in kept() if name.startswith("webhook")]
