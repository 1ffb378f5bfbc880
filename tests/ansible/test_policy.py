# SPDX-License-Identifier: Apache-2.0
"""The module `policy`, task by task."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ansible.collection import Collection
from tests.unit.client.fake_cloud import FakeCloud

FLEET = {"name": "fleet", "pattern": "0 2 * * *", "match": ["db-*"]}


@pytest.fixture
def task(collection: Collection, cloud: FakeCloud) -> Any:
    """Runs a task on the policy *fleet*."""
    del cloud

    def run(*, check: bool = False, **options: Any) -> Any:
        return collection.module("policy", check=check, **(FLEET | options))

    return run


def test_it_is_created_then_left_alone_changed_and_deleted(cloud: FakeCloud, task) -> None:
    planned = task(check=True)
    assert (planned["changed"], planned["policy"]) == (True, None)
    assert cloud.schedules().policy_list() == []

    made = task()
    assert (made["changed"], made["diff"]) == (True, planned["diff"])
    assert made["diff"]["after"] == {"pattern": "0 2 * * *", "match": ["db-*"]}
    [found] = cloud.schedules().policy_list()
    assert (found.id, found.declared) == (made["policy"]["id"], False)
    assert (made["policy"]["match"], made["policy"]["max_parallel"]) == (["db-*"], 5)

    again = task()
    assert (again["changed"], again["policy"]) == (False, made["policy"])

    changed = task(match=["db-*", "m"])
    assert changed["diff"] == {"before": {"match": ["db-*"]}, "after": {"match": ["db-*", "m"]}}
    [found] = cloud.schedules().policy_list()
    assert (found.id, found.selection.match) == (made["policy"]["id"], ("db-*", "m"))

    assert task(state="absent", check=True)["policy"]["id"] == found.id
    assert task(state="absent")["changed"]
    assert cloud.schedules().policy_list() == []
    assert not task(state="absent")["changed"]


def test_a_wrong_value_is_refused(cloud: FakeCloud, task) -> None:
    refused = task(max_parallel=51)
    assert refused["failed"]
    assert "max_parallel can't be 51; give a number from 1 to 50" in refused["msg"]
    assert cloud.schedules().policy_list() == []
