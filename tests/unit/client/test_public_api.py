# SPDX-License-Identifier: Apache-2.0
"""The public API: what programs that were written for it rely on."""

import inspect

import pytest

from trove_schedules import Schedule, ScheduledBackups, ScheduleExecution

#: The spec's methods, as they can be called by position and by name.
SIGNATURES = {
    "schedule_create": "(self, instance, pattern, name, description=None, parent_id=None, "
    "mistral_client=None, *, timezone=None, incremental=None, full_every=None, "
    "keep_last=None, keep_days=None, "
    "keep_hourly=None, keep_daily=None, keep_weekly=None, keep_monthly=None, keep_yearly=None, "
    "swift_container=None, storage_driver=None, attempts=None, retry_every=None, deadline=None, "
    "notify_url=None, notify_start=None, notify_success=None, notify_fail=None, "
    "webhook_url=None, webhook_on=None, webhook_format=None)",
    "schedule_list": "(self, instance=None, mistral_client=None)",
    "schedule_show": "(self, schedule, mistral_client=None)",
    "schedule_delete": "(self, schedule, mistral_client=None, *, force=False)",
    "execution_list": "(self, schedule, mistral_client=None, marker='', limit=None, *, "
    "include_all=False, drills_only=False, instance=None)",
    "execution_delete": "(self, execution, mistral_client=None)",
}
#: What a schedule and an execution tell.
ATTRIBUTES = {
    Schedule: [
        *("id", "name", "instance", "pattern", "description", "parent_id", "incremental"),
        *("keep_hourly", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly", "rules"),
        *("swift_container", "storage_driver"),
        *("full_every", "keep_last", "keep_days", "attempts", "retry_every", "deadline", "paused"),
        *("created_at", "updated_at", "next_execution_time", "input", "changed_at", "owed_since"),
        *("next_firing", "generation", "trigger_id", "earlier_trigger_ids", "notify_url"),
        *("notify_start", "notify_success", "notify_fail", "plan", "project_id"),
        "declared",
        *("webhook_url", "webhook_on", "webhook_format"),
        *("pinned", "pins", "input_by_hand", "timezone", "offsets", "due_times", "kind", "noun"),
    ],
    ScheduleExecution: [
        *("id", "schedule_id", "backup_id", "manual", "created_at", "updated_at", "state"),
        *("state_info", "output", "ended", "had_nothing_to_do", "in_progress", "instance"),
        "started_by",
    ],
}
#: The options beyond the spec, which ``create`` takes by name.
OPTIONS = {
    "incremental": True,
    "full_every": 7,
    "keep_last": 3,
    "keep_days": 30,
    "keep_hourly": 24,
    "keep_daily": 7,
    "keep_weekly": 4,
    "keep_monthly": 12,
    "keep_yearly": 2,
    "attempts": 2,
    "retry_every": 10,
    "deadline": 60,
    "notify_url": "https://hc.test/1",
    "notify_start": "-",
    "notify_success": "/ok",
    "notify_fail": "/no",
    "webhook_url": "https://chat.test/1?token=2",
    "webhook_on": "always",
    "webhook_format": "slack",
}


@pytest.mark.parametrize(("name", "wanted"), SIGNATURES.items())
def test_the_specs_methods_keep_their_signatures(name, wanted):
    signature = inspect.signature(getattr(ScheduledBackups, name))
    bare = [
        each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()
    ]
    assert str(inspect.Signature(bare)) == wanted


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_the_values_keep_their_attributes(kind):
    assert set(ATTRIBUTES[kind]) == {each for each in dir(kind) if not each.startswith("_")}


def test_every_option_is_taken_by_name_and_told_by_the_schedule(schedules, instance):
    made = schedules.schedule_create(instance, "0 2 * * *", "nightly", "words", None, **OPTIONS)
    assert {name: getattr(made, name) for name in OPTIONS} == OPTIONS
    assert {name: getattr(made.plan, name) for name in OPTIONS} == OPTIONS
    assert schedules.schedule_show(made) == made


def test_what_is_none_is_as_if_it_were_left_out(schedules, instance):
    made = schedules.schedule_create(instance, "0 2 * * *", "n", **dict.fromkeys(OPTIONS))
    plain = schedules.schedule_create(instance, "0 2 * * *", "n")
    assert made.plan == plain.plan


@pytest.mark.parametrize("misspelt", ["keep_lats", "patern"])
def test_a_misspelt_option_is_a_type_error_and_no_request(cloud, schedules, misspelt):
    with pytest.raises(TypeError, match=misspelt):
        schedules.schedule_create("m", "0 2 * * *", "n", **{misspelt: 3})
    assert cloud.mock.request_history == []


@pytest.mark.parametrize("misspelt", ["keep_lats", "instance"])
def test_a_misspelt_change_is_a_type_error_and_no_request(cloud, schedules, misspelt):
    with pytest.raises(TypeError, match=misspelt):
        schedules.schedule_set("n", **{misspelt: "m"})
    assert cloud.mock.request_history == []
