# SPDX-License-Identifier: Apache-2.0
"""The module `schedule`, task by task."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ansible.collection import Collection
from tests.unit.client.fake_cloud import FakeCloud
from trove_schedules.schedules.schedule import Schedule

URL = "https://hc.test/very-secret"
DAILY = {"instance": "m", "name": "nightly", "pattern": "0 2 * * *"}


@pytest.fixture
def task(collection: Collection, cloud: FakeCloud) -> Any:
    """Runs a task on the schedule *nightly* of the instance *m*."""
    del cloud

    def run(*, check: bool = False, **options: Any) -> Any:
        return collection.module("schedule", check=check, **(DAILY | options))

    return run


def only(cloud: FakeCloud) -> Schedule:
    [found] = cloud.schedules().schedule_list()
    return found


def test_it_is_created_then_left_alone_and_changed_by_one_option(cloud: FakeCloud, task) -> None:
    planned = task(check=True, keep_last=14)
    assert (planned["changed"], planned["schedule"]) == (True, None)
    assert cloud.schedules().schedule_list() == []

    made = task(keep_last=14)
    assert made["changed"]
    assert made["diff"] == planned["diff"]
    assert made["diff"]["after"] == {"pattern": "0 2 * * *", "keep_last": 14}
    found = only(cloud)
    assert (found.name, found.keep_last, found.declared) == ("nightly", 14, False)
    assert made["schedule"]["id"] == found.id
    assert made["schedule"]["next_execution_time"] == found.next_execution_time.isoformat()

    again = task(keep_last=14)
    assert (again["changed"], again["schedule"]) == (False, made["schedule"])
    assert again["diff"] == {"before": {}, "after": {}}

    planned = task(check=True, keep_last=7)
    assert (planned["changed"], planned["schedule"]) == (True, made["schedule"])
    assert only(cloud) == found
    changed = task(keep_last=7)
    assert changed["diff"] == {"before": {"keep_last": 14}, "after": {"keep_last": 7}}
    assert (only(cloud).id, only(cloud).keep_last) == (found.id, 7)
    # What a task leaves out has its default.
    assert task()["diff"] == {"before": {"keep_last": 7}, "after": {"keep_last": None}}


def test_it_is_deleted_once(cloud: FakeCloud, task) -> None:
    cloud.schedules().schedule_create("m", "0 3 * * *", "other")
    made = task()["schedule"]
    planned = task(state="absent", check=True)
    assert (planned["changed"], planned["schedule"]) == (True, made)
    assert len(cloud.schedules().schedule_list()) == 2
    gone = task(state="absent")
    assert (gone["changed"], gone["schedule"], gone["diff"]["after"]) == (True, None, {})
    assert only(cloud).name == "other"
    again = task(state="absent")
    assert (again["changed"], again["schedule"]) == (False, None)


def test_the_schedule_of_a_deleted_instance_is_deleted_by_its_id(cloud: FakeCloud, task) -> None:
    instance = task()["schedule"]["instance"]
    cloud.instances.clear()
    assert "has the id or name 'm'" in task(state="absent")["msg"]
    assert task(state="absent", instance=instance)["changed"]
    assert not task(state="absent", instance=instance)["changed"]


def test_drills_and_a_pause_are_as_the_task_says(cloud: FakeCloud, task) -> None:
    paused = task(paused=True, drill_every="0 5 * * 0")
    assert paused["schedule"]["next_execution_time"] is None
    assert cloud.schedules().schedule_drill_show("nightly").pattern == "0 5 * * 0"
    assert not task(drill_every="0 5 * * 0")["changed"]
    assert task(paused=False, drill_every="0 5 * * 0")["diff"]["after"] == {"paused": False}


def test_a_secret_is_told_nowhere_stays_and_is_removed_by_an_empty_text(
    cloud: FakeCloud, task
) -> None:
    made = task(notify_url=URL)
    assert made["diff"]["after"]["notify_url"] == "(secret)"
    left = task()
    assert (left["changed"], only(cloud).notify_url) == (False, URL)
    other = task(notify_url=URL + "-2")
    assert other["diff"] == {
        "before": {"notify_url": "(secret)"},
        "after": {"notify_url": "(another secret)"},
    }
    removed = task(notify_url="")
    assert removed["diff"]["after"] == {"notify_url": None}
    assert only(cloud).notify_url is None
    assert "very-secret" not in str([made, left, other, removed])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"keep_last": 0}, "keep_last can't be 0; give a number from 1 to 1000"),
        ({"pattern": "0 2 * *"}, "(nightly of m): the pattern '0 2 * *' has 4 fields"),
        ({"webhook_on": "never"}, "value of webhook_on must be one of: failure, success, always"),
        ({"instance": "nobody", "state": "absent"}, "has the id or name 'nobody'"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_changed(
    cloud: FakeCloud, task, options: dict[str, Any], told: str
) -> None:
    refused = task(**options)
    assert refused["failed"]
    assert told in refused["msg"]
    assert cloud.schedules().schedule_list() == []


def test_of_two_with_the_name_none_is_deleted(cloud: FakeCloud, task) -> None:
    ids = [cloud.schedules().schedule_create("m", "0 3 * * *", "nightly").id for _ in range(2)]
    refused = task(state="absent")
    assert refused["failed"]
    assert all(each in refused["msg"] for each in ids)
    assert len(cloud.schedules().schedule_list()) == 2


def test_without_the_library_it_says_what_to_install(collection: Collection, tmp_path) -> None:
    tmp_path.joinpath("trove_schedules.py").write_text("raise ImportError('not installed')\n")
    collection.variables = {"PYTHONPATH": f"{tmp_path}:{collection.folder}"}
    try:
        refused = collection.module("schedule", **DAILY)
    finally:
        collection.variables = {}
    assert refused["failed"]
    assert "Failed to import the required Python library (trove-schedules)" in refused["msg"]
