# SPDX-License-Identifier: Apache-2.0
"""Where a schedule's backups are stored: what is asked of Mistral, and what its runs get."""

import json

import pytest

from trove_schedules.clients.mistral import Mistral
from trove_schedules.errors import InvalidScheduleError


@pytest.fixture
def taken(monkeypatch):
    """What Mistral's action takes; the actions that it was asked for."""
    inputs = {"name", "instance", "swift_container"}
    asked = []

    def action_inputs(self, name):
        asked.append(name)
        return inputs

    monkeypatch.setattr(Mistral, "action_inputs", action_inputs)
    return asked


def test_the_runs_get_what_was_chosen(cloud, schedules, instance, taken):
    made = schedules.schedule_create(instance, "0 2 * * *", "n", swift_container="orders")
    assert made.swift_container == "orders"
    [trigger] = cloud.mistral.rows("cron_triggers")
    assert json.loads(trigger["workflow_input"])["schedule"]["swift_container"] == "orders"
    assert taken == ["trove.backups_create"]


def test_where_nothing_is_chosen_nothing_is_asked(schedules, instance, taken):
    made = schedules.schedule_create(instance, "0 2 * * *", "n", keep_last=3)
    schedules.schedule_set(made, keep_last=4)
    assert taken == []


def test_what_the_action_does_not_take_is_refused_with_the_reason(
    cloud, schedules, instance, taken
):
    with pytest.raises(InvalidScheduleError, match="storage-driver can't be chosen in this cloud"):
        schedules.schedule_create(instance, "0 2 * * *", "n", storage_driver="swift")
    assert cloud.mistral.rows("cron_triggers") == []
    made = schedules.schedule_create(instance, "0 2 * * *", "n")
    with pytest.raises(InvalidScheduleError, match="the python-troveclient on its executors"):
        schedules.schedule_set(made, storage_driver="swift", swift_container="orders")
    assert schedules.schedule_show(made).swift_container is None


def test_a_file_that_chooses_it_is_refused_too(cloud, schedules, instance, taken):
    entry = {"name": "n", "instance": instance, "pattern": "0 2 * * *", "storage_driver": "swift"}
    [step] = schedules.schedule_steps({"schedules": [entry]})
    with pytest.raises(InvalidScheduleError, match="storage-driver can't be chosen in this cloud"):
        schedules.schedule_apply(step)
    assert cloud.mistral.rows("cron_triggers") == []


def test_pausing_asks_for_nothing_of_it(schedules, instance, taken):
    made = schedules.schedule_create(instance, "0 2 * * *", "n", swift_container="orders")
    schedules.schedule_pause(made)
    assert taken == ["trove.backups_create"]


def test_it_can_be_unset(schedules, instance, taken):
    made = schedules.schedule_create(instance, "0 2 * * *", "n", swift_container="orders")
    assert schedules.schedule_set(made, unset=["swift_container"]).swift_container is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"swift_container": ""}, "the swift-container '' is not one that Trove takes"),
        ({"swift_container": "a/b"}, "the swift-container 'a/b' is not one that Trove takes"),
        ({"swift_container": "a b"}, "is not one that Trove takes"),
        ({"swift_container": "a;b"}, "is not one that Trove takes"),
        ({"swift_container": "a\n"}, "is not one that Trove takes"),
        ({"swift_container": "c" * 257}, "257 characters long; at most 256 fit"),
        ({"storage_driver": "swift'"}, "is not one that Trove takes"),
        ({"storage_driver": "d" * 65}, "at most 64 fit"),
    ],
)
def test_what_trove_would_refuse_is_refused_before_any_request(cloud, schedules, options, words):
    with pytest.raises(InvalidScheduleError, match=words):
        schedules.schedule_create("m", "0 2 * * *", "n", **options)
    assert cloud.mock.request_history == []
