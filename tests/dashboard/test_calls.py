# SPDX-License-Identifier: Apache-2.0
"""How many requests a page costs: as many for a thousand rows as for one."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.dashboard.examples import (
    BACKUP,
    INDEX,
    KEYSTONE,
    MISTRAL,
    ORDERS,
    PROJECT,
    TROVE,
    backup,
)
from trove_schedules.schedules.names import marker

SCHEDULE = "55555555-5555-4555-8555-555555555555"
TRIGGER = "66666666-6666-4666-8666-666666666666"
LISTS = ("", f"{SCHEDULE}/executions/", f"{SCHEDULE}/drills/")


def _trigger(schedule: str, trigger: str) -> dict[str, Any]:
    return {
        "id": trigger,
        "name": f"trove-backup:{ORDERS}:{schedule}:1",
        "pattern": "0 2 * * *",
        "workflow_name": "trove.backup_create",
        "workflow_input": json.dumps({"instance": ORDERS, "name": "nightly"}),
        "created_at": "2020-01-01 00:00:00",
        "updated_at": None,
        "next_execution_time": "2030-01-01 02:00:00",
        "project_id": PROJECT,
    }


def _execution(workflow: str) -> dict[str, Any]:
    triggered_by = {"type": "cron_trigger", "id": TRIGGER}
    return {
        "id": str(uuid.uuid4()),
        "workflow_name": workflow,
        "description": json.dumps({"triggered_by": triggered_by}),
        "input": json.dumps({"schedule": {"id": SCHEDULE}}),
        "output": json.dumps({"status": "Skipped: another backup of the instance is running"}),
        "state": "SUCCESS",
        "state_info": None,
        "created_at": "2029-12-31 02:00:00",
        "updated_at": "2029-12-31 02:00:04",
        "project_id": PROJECT,
    }


def _prepare(services: Any, rows: int) -> None:
    triggers = [_trigger(str(uuid.uuid4()), str(uuid.uuid4())) for _ in range(rows - 1)]
    every = [_trigger(SCHEDULE, TRIGGER), *triggers]

    def cron_triggers(request: Any, _context: Any) -> dict[str, Any]:
        name = request.qs.get("name", [""])[0].removeprefix("has:")
        return {"cron_triggers": [each for each in every if name in each["name"]]}

    def executions(request: Any, _context: Any) -> dict[str, Any]:
        limit = int(request.qs["limit"][0])
        asked = request.qs.get("workflow_name", ["eq:trove.backup_create"])[0]
        workflow = asked.removeprefix("eq:")
        found = [_execution(workflow) for _ in range(min(rows, limit))]
        answer: dict[str, Any] = {"executions": found}
        return answer | ({"next": "more"} if rows > limit else {})

    services.get(f"{MISTRAL}/cron_triggers", json=cron_triggers)
    services.get(f"{MISTRAL}/executions", json=executions)
    services.get(f"{TROVE}/mgmt/quotas/{PROJECT}", json={"quotas": []})


def _prepare_restore(services: Any) -> None:
    """A backup of the schedule, and what it was made of."""
    made = backup(BACKUP, ORDERS, "COMPLETED") | {"description": marker(SCHEDULE)}
    services.get(f"{TROVE}/backups", json={"backups": [made], "links": []})
    source = {"id": ORDERS, "name": "orders", "status": "ACTIVE"}
    services.get(f"{TROVE}/instances/{ORDERS}", json={"instance": source})


@pytest.mark.parametrize(
    ("page", "calls"),
    [
        # The triggers.
        ("", 1),
        # After the list: the instances' names.
        ("instance_names/", 1),
        # The trigger for the schedule, and again for its executions and its drills' pattern; these
        # two; the drills in progress; the instance's name and its backups; for the state the
        # project's drills, its backups and its quota, whether the instance is there and, because
        # one is missed, the executions.
        (f"{SCHEDULE}/", 13),
        # The trigger.
        (f"{SCHEDULE}/edit/", 1),
        # The trigger, twice as before; the executions.
        (f"{SCHEDULE}/executions/", 3),
        # The same, for the project's drills.
        (f"{SCHEDULE}/drills/", 3),
        # The trigger, twice; that of the drills.
        (f"{SCHEDULE}/drills/repeat/", 3),
        # The trigger; the newest backup, the instance, its name, and the backups to choose from.
        (f"{SCHEDULE}/restore/", 5),
        # The instances and the backups to choose from.
        ("create/", 2),
        # After the list: the triggers, the project's drills, its backups and its quota; which
        # instances are there, and, because backups are missed, the executions.
        ("states/", 6),
    ],
)
@pytest.mark.parametrize("rows", [1, 1000])
def test_a_page_costs_the_same_few_requests_whatever_the_number_of_rows(
    client: Any, trove: Any, page: str, calls: int, rows: int
) -> None:
    _prepare(trove, rows)
    if page.endswith("/restore/"):
        _prepare_restore(trove)
    # The most that Horizon lets a user have.
    client.cookies["API_RESULT_PAGE_SIZE"] = "1000"
    trove.reset_mock()
    response = client.get(f"{INDEX}{page}")
    assert response.status_code == 200
    urls = [each.url for each in trove.request_history if not each.url.startswith(KEYSTONE)]
    assert len(urls) == calls, urls
    shown = rows if page in LISTS else 0
    assert response.content.decode().count("data-object-id=") == shown


@pytest.mark.parametrize("rows", [1, 1000])
def test_what_protects_each_instance_costs_the_same_few_requests(
    client: Any, trove: Any, rows: int
) -> None:
    _prepare(trove, rows)
    trove.reset_mock()
    assert client.get("/project/backup_coverage/").status_code == 200
    assert client.get("/project/backup_coverage/instances/").status_code == 200
    urls = [each.url for each in trove.request_history if not each.url.startswith(KEYSTONE)]
    # The instances, the triggers of schedules and of policies, the backups and the drills; then as
    # the list asks for its states.
    assert len(urls) == 5 + 6, urls


def test_what_is_said_of_a_form_costs_a_few_requests(client: Any, trove: Any) -> None:
    _prepare(trove, 20)
    trove.reset_mock()
    typed = {
        "instance": ORDERS,
        "name": "nightly",
        "pattern": "0 2 * * *",
        "timezone": "UTC",
        "webhook_on": "failure",
        "webhook_format": "json",
    }
    said = client.post(f"{INDEX}remarks/", typed).json()["remarks"]
    assert any("no rule of retention" in each["said"] for each in said)
    assert any("at the same times" in each["said"] for each in said)
    urls = [each.url for each in trove.request_history if not each.url.startswith(KEYSTONE)]
    # The policies, the triggers of the instance's schedules, and the quota.
    assert len(urls) == 3, urls


def _policy(services: Any, policies: int, instances: int) -> str:
    """Prepare policies and instances, and return the address of the page of one."""
    policy = _trigger(SCHEDULE, TRIGGER) | {
        "name": f"trove-policy:*:{SCHEDULE}:1",
        "workflow_name": "trove.backup_policy",
        "workflow_input": json.dumps({"name": "nightly", "selection": {}}),
    }
    others = [policy | {"name": f"trove-policy:*:{uuid.uuid4()}:1"} for _ in range(policies - 1)]
    services.get(f"{MISTRAL}/cron_triggers", json={"cron_triggers": [policy, *others]})
    every = [{"id": str(uuid.uuid4()), "name": "x", "status": "ACTIVE"} for _ in range(instances)]
    services.get(f"{TROVE}/instances", json={"instances": every})
    times = {"created": "2029-01-01T00:00:00", "updated": "2029-01-01T00:00:00"}
    services.get(f"{TROVE}/instances/detail", json={"instances": [row | times for row in every]})
    services.get(f"{MISTRAL}/executions", json={"executions": []})
    services.get(f"{TROVE}/mgmt/quotas/{PROJECT}", json={"quotas": []})
    return f"/project/backup_policies/{SCHEDULE}/"


@pytest.mark.parametrize(("policies", "instances"), [(1, 1), (1000, 1), (1, 1000), (30, 30)])
def test_policies_cost_the_same_few_requests(
    client: Any, trove: Any, policies: int, instances: int
) -> None:
    page = _policy(trove, policies, instances)
    index = "/project/backup_policies/"
    for address, calls in (
        # The triggers.
        (index, 1),
        # After the list: the triggers, the instances, the backups, the drills and the quota.
        (f"{index}states/", 5),
        # The trigger, and that of its drills; its executions, the drills in progress; for the state
        # the instances, the backups, the project's drills and the quota; the trigger and the
        # instances for what a run takes; and the newest backups.
        (page, 11),
        # The trigger.
        (f"{page}edit/", 1),
    ):
        trove.reset_mock()
        assert client.get(address).status_code == 200
        urls = [each.url for each in trove.request_history if not each.url.startswith(KEYSTONE)]
        assert len(urls) == calls, urls
