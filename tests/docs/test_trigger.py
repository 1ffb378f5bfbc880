# SPDX-License-Identifier: Apache-2.0
"""The page of the trigger says what ``create`` makes, and what is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests_mock
import yaml

from tests.docs.pages import REPOSITORY
from tests.unit.client.fake_cloud import FakeCloud
from trove_schedules import workbook
from trove_schedules.coverage import Cover
from trove_schedules.schedules.options import OPTIONS
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.schedules.selection import SELECTING

PAGE = REPOSITORY.joinpath("docs", "reference", "trigger.md").read_text(encoding="utf-8")
INPUT, OF_POLICY = (
    json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
)


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with requests_mock.Mocker() as mock:
        cloud = FakeCloud(mock)
        cloud.mistral.add_workflow(cloud.project)
        cloud.mistral.add_workflow(cloud.project, name=workbook.POLICY)
        cloud.add_instance("m", id=INPUT["instance"])
        yield cloud


def _add(cloud: FakeCloud, name: str, pattern: str, given: Any) -> Schedule:
    cloud.mistral.add_trigger(
        cloud.project, name, pattern=pattern, workflow_input=json.dumps(given)
    )
    [found] = cloud.schedules().schedule_list()
    return found


def test_the_example_is_what_create_makes(cloud: FakeCloud) -> None:
    options = {name: INPUT["schedule"][name] for name in OPTIONS if name in INPUT["schedule"]}
    pattern = options.pop("pattern")
    made = cloud.schedules().schedule_create(
        INPUT["instance"], pattern, INPUT["name"], attempts=1, **options
    )
    [row] = cloud.mistral.rows("cron_triggers")
    assert row["name"] == f"trove-backup:{INPUT['instance']}:{made.id}:1"
    assert (row["pattern"], row["workflow_name"]) == (pattern, workbook.WORKFLOW)
    given = json.loads(row["workflow_input"])
    own = {"id": made.id, "owed_since": given["schedule"]["owed_since"]}
    assert given == INPUT | {"schedule": INPUT["schedule"] | own}
    assert list(given) == list(INPUT)


def test_the_example_of_a_policy_is_what_create_makes(cloud: FakeCloud) -> None:
    said, selection = OF_POLICY["schedule"], OF_POLICY["selection"]
    chosen = {name: selection[name] for name in SELECTING if name in selection}
    made = cloud.schedules().policy_create(
        OF_POLICY["name"], said["pattern"], attempts=1, keep_last=said["keep_last"], **chosen
    )
    [row] = cloud.mistral.rows("cron_triggers")
    assert row["name"] == f"trove-policy:*:{made.id}:1"
    assert (row["pattern"], row["workflow_name"]) == (said["pattern"], workbook.POLICY)
    given = json.loads(row["workflow_input"])
    own = {"id": made.id, "owed_since": given["schedule"]["owed_since"]}
    assert given == OF_POLICY | {"schedule": said | own}
    assert list(given) == list(OF_POLICY)


def test_the_example_of_a_policy_is_read_as_the_policy_that_it_says(cloud: FakeCloud) -> None:
    said = OF_POLICY["schedule"]
    cloud.mistral.add_trigger(
        cloud.project,
        f"trove-policy:*:{said['id']}:1",
        pattern=said["pattern"],
        workflow_name=workbook.POLICY,
        workflow_input=json.dumps(OF_POLICY),
    )
    [found] = cloud.schedules().policy_list()
    assert (found.id, found.name, found.keep_last) == (said["id"], OF_POLICY["name"], 14)
    assert found.selection.written() == OF_POLICY["selection"]
    assert found.selection.match == ("orders-*",)


def test_the_example_is_read_as_the_schedule_that_it_says(cloud: FakeCloud) -> None:
    said = INPUT["schedule"]
    found = _add(cloud, f"trove-backup:{INPUT['instance']}:{said['id']}:1", said["pattern"], INPUT)
    assert (found.id, found.instance, found.name) == (said["id"], INPUT["instance"], INPUT["name"])
    assert (found.keep_last, found.owed_since.isoformat()) == (14, said["owed_since"])
    assert found.input == INPUT
    assert cloud.schedules().schedule_set(found, keep_last=7).id == said["id"]


def test_a_trigger_of_texts_is_a_schedule_and_the_workflow_takes_it(cloud: FakeCloud) -> None:
    block = PAGE.partition('"openstack_workflow_cron_trigger_v2"')[2]
    given = dict(re.findall(r'^    (\w+) += "(.*)"$', block, re.MULTILINE))
    [pattern] = re.findall(r'^  pattern +?= "(.*)"$', block, re.MULTILINE)
    inputs = yaml.safe_load(workbook.text())["workflows"]["backup_create"]["input"]
    assert list(given) == [each for each in inputs if isinstance(each, str)]
    found = _add(cloud, INPUT["schedule"]["id"], pattern, given)
    assert (found.instance, found.name, found.generation) == (INPUT["instance"], "nightly", 0)
    [covered] = cloud.schedules().coverage()
    assert covered.state == Cover.PROTECTED
