# SPDX-License-Identifier: Apache-2.0
"""What services are asked for by who looks at other projects."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
import requests_mock

from tests.mistral_api import URL as MISTRAL_URL
from tests.unit.client.fake_cloud import TROVE_URL, FakeCloud
from trove_schedules.health import State
from trove_schedules.manager import ScheduledBackups
from trove_schedules.schedules.names import TriggerName

THEIRS = "their-project"
INSTANCE = "5328f62a-d999-4be3-90bb-83cc6af4469c"
SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"


@pytest.fixture
def asked() -> Any:
    """An administrator, and all that is asked of Mistral and Trove, with their project's rows."""
    with requests_mock.Mocker() as mock:
        cloud = FakeCloud(mock)
        trigger = {
            "id": "t", "name": str(TriggerName(1, SCHEDULE, INSTANCE)), "pattern": "0 2 * * *",
            "workflow_name": "trove.backup_create", "created_at": "2026-01-01 00:00:00",
            "updated_at": None, "next_execution_time": "2999-01-01 02:00:00",
            "workflow_input": json.dumps({"instance": INSTANCE, "name": "theirs"}),
            "project_id": THEIRS,
        }  # fmt: skip
        mock.get(f"{MISTRAL_URL}/cron_triggers", json={"cron_triggers": [trigger]})
        mock.get(f"{MISTRAL_URL}/executions", json={"executions": []})
        root = f"{TROVE_URL}/{cloud.project}"
        mock.get(f"{root}/backups", json={"backups": []})
        mock.get(f"{root}/mgmt/instances", json={"instances": [{"id": INSTANCE, "name": "m"}]})
        mock.get(f"{root}/instances/{INSTANCE}", json={"instance": {"id": INSTANCE, "name": "m"}})
        mock.get(f"{root}/mgmt/quotas/{THEIRS}", json={"quotas": []})

        def queries(path: str) -> list[dict[str, list[str]]]:
            return [each.qs for each in mock.request_history if each.path.endswith(path)]

        yield cloud.schedules(), queries, mock


def test_all_projects_are_asked_for_and_each_schedule_says_its_own(asked: Any) -> None:
    schedules, queries, mock = asked
    [found] = schedules.overview().schedule_list()
    assert (found.id, found.project_id) == (SCHEDULE, THEIRS)
    [query] = queries("/cron_triggers")
    assert query["all_projects"] == ["true"]
    assert "project_id" not in query
    [health] = schedules.overview().schedule_health()
    assert health.project_id == THEIRS
    assert health.quota_left is None
    assert health.state == State.LOST
    assert all(each["all_projects"] == ["true"] for each in queries("/executions"))
    assert all(each["all_projects"] == ["true"] for each in queries("/backups"))
    assert not [each for each in mock.request_history if "quotas" in each.path]


def test_another_project_is_asked_for_by_its_id(asked: Any) -> None:
    schedules, queries, mock = asked
    overview = schedules.overview(project=THEIRS)
    overview.schedule_health()
    for path in ("/cron_triggers", "/executions", "/backups"):
        assert queries(path), path
        assert all(each["project_id"] == [THEIRS] for each in queries(path)), path
    assert [each for each in mock.request_history if each.path.endswith(f"/quotas/{THEIRS}")]


def test_instances_of_others_are_listed_as_trove_lets_administrators(asked: Any) -> None:
    schedules, queries, _ = asked
    assert schedules.overview().instance_names() == {INSTANCE: "m"}
    assert schedules.overview(project=THEIRS).instance_names() == {INSTANCE: "m"}
    assert queries("/mgmt/instances") == [
        {"deleted": ["false"], "limit": ["100"]},
        {"deleted": ["false"], "limit": ["100"], "project_id": [THEIRS]},
    ]


def test_instances_are_looked_up_on_more_pages_than_a_user_reads(asked: Any) -> None:
    schedules, queries, mock = asked
    instances = [str(uuid.uuid4()) for _ in range(40)]
    rows = [
        {
            "id": f"t{instance}", "name": str(TriggerName(1, str(uuid.uuid4()), instance)),
            "pattern": "0 2 * * *", "workflow_name": "trove.backup_create",
            "created_at": "2026-01-01 00:00:00", "updated_at": None,
            "next_execution_time": "2999-01-01 02:00:00",
            "workflow_input": json.dumps({"instance": instance, "name": "theirs"}),
            "project_id": THEIRS,
        }
        for instance in instances
    ]  # fmt: skip
    mock.get(f"{MISTRAL_URL}/cron_triggers", json={"cron_triggers": rows})

    def page(request: Any, _: Any) -> dict[str, Any]:
        at = int(request.qs.get("marker", ["0"])[0])
        found = [{"id": each, "name": "m"} for each in instances[at : at + 2]]
        following = {"rel": "next", "href": f"http://trove.test/?marker={at + 2}"}
        links = [following] if at + 2 < len(instances) else []
        return {"instances": found, "links": links}

    mock.get(re.compile("/mgmt/instances"), json=page)
    found = schedules.overview().schedule_health()
    assert len(found) == 40
    # A user's list is read for ten pages.
    assert len(queries("/mgmt/instances")) > 10
    assert not [each for each in found if "not looked up" in each.reason]


def test_who_only_looks_tidies_nothing(asked: Any) -> None:
    schedules, _, mock = asked
    rows = [
        {
            "id": f"t{number}", "name": str(TriggerName(number, SCHEDULE, INSTANCE)),
            "pattern": "0 2 * * *", "workflow_name": "trove.backup_create",
            "created_at": "2026-01-01 00:00:00", "updated_at": None,
            "next_execution_time": "2999-01-01 02:00:00", "workflow_input": "{}",
            "project_id": THEIRS,
        }
        for number in (1, 2)
    ]  # fmt: skip
    mock.get(f"{MISTRAL_URL}/cron_triggers", json={"cron_triggers": rows})
    [found] = schedules.overview().schedule_list()
    assert found.generation == 2
    asked_for = [each for each in mock.request_history if "/auth/" not in each.path]
    assert {each.method for each in asked_for} == {"GET"}


def test_it_has_nothing_that_changes(schedules: ScheduledBackups, cloud: FakeCloud) -> None:
    overview = schedules.overview()
    public = {name for name in dir(overview) if not name.startswith("_")}
    assert public == {
        *("schedule_list", "schedule_health", "check", "coverage", "instance_names", "report"),
        *("policy_health", "snapshot"),
    }
    with pytest.raises(TypeError):
        schedules.overview(uuid.uuid4())  # type: ignore[misc]
