# SPDX-License-Identifier: Apache-2.0
"""Values that the tests of the panels share."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests import examples
from trove_schedules import Schedule, ScheduleExecution
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.health import Health, State

KEYSTONE = "http://keystone.test"
TROVE = "http://trove.test"
MISTRAL = "http://mistral.test/v2"
PROJECT = "project-id"
ORDERS = "11111111-1111-4111-8111-111111111111"
LEGACY = "22222222-2222-4222-8222-222222222222"
BACKUP = "33333333-3333-4333-8333-333333333333"
FAILED_BACKUP = "44444444-4444-4444-8444-444444444444"
INDEX = "/project/backup_schedules/"
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def service(kind: str, url: str) -> dict[str, Any]:
    endpoints = [
        {"interface": "public", "region_id": "RegionOne", "region": "RegionOne", "url": url}
    ]
    return {"type": kind, "name": kind, "endpoints": endpoints}


CATALOG = [
    service("identity", f"{KEYSTONE}/v3"),
    service("database", TROVE),
    service("workflowv2", MISTRAL),
    service("compute", "http://nova.test/v2.1"),
]


def keystone_version() -> dict[str, Any]:
    links = [{"rel": "self", "href": f"{KEYSTONE}/v3"}]
    return {"version": {"id": "v3.14", "status": "stable", "links": links}}


def instances() -> dict[str, Any]:
    return {"instances": [{"id": ORDERS, "name": "orders"}, {"id": LEGACY, "name": "legacy"}]}


def backups() -> dict[str, Any]:
    return {
        "backups": [backup(BACKUP, ORDERS, "COMPLETED"), backup(FAILED_BACKUP, ORDERS, "FAILED")]
    }


def backup(backup_id: str, instance: str, status: str) -> dict[str, Any]:
    return {
        "id": backup_id,
        "name": f"backup-{status.lower()}",
        "instance_id": instance,
        "status": status,
        "created": "2029-12-31T02:00:00",
        "size": 0.5,
    }


def schedule(name: str = "nightly", **changes: Any) -> Schedule:
    fields: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "name": name,
        "instance": ORDERS,
        "created_at": NOW - timedelta(days=9),
        "next_execution_time": NOW + timedelta(days=1),
        "trigger_id": str(uuid.uuid4()),
    }
    return examples.schedule(**fields | changes)


def execution(state: str = "SUCCESS", minutes_ago: int = 5, **changes: Any) -> ScheduleExecution:
    started = NOW - timedelta(minutes=minutes_ago)
    fields: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "schedule_id": None,
        "backup_id": BACKUP if state == "SUCCESS" else None,
        "manual": False,
        "created_at": started,
        "updated_at": started + timedelta(seconds=4),
        "state": state,
        "state_info": "… msg='Trove said no']" if state == "ERROR" else None,
        "output": {"status": "Backup complete"} if state == "SUCCESS" else {},
    }
    return ScheduleExecution(**fields | changes)


def drill(**changes: Any) -> ScheduleDrill:
    fields: dict[str, Any] = {
        "schedule_id": str(uuid.uuid4()),
        "pattern": "7 4 * * 0",
        "next_execution_time": NOW + timedelta(days=5),
        "trigger_id": str(uuid.uuid4()),
    }
    return ScheduleDrill(**fields | changes)


def health(state: State = State.OK, reason: str = "last backup 5 min ago") -> Health:
    return Health(
        schedule_id="",
        instance=ORDERS,
        name="nightly",
        state=state,
        reason=reason,
        last_success=None,
        age=None,
        next_execution_time=None,
        missed=0,
        chain_depth=0,
        kept=0,
        quota_left=None,
    )


def texts(response: Any) -> list[str]:
    """What the user is told beside the page."""
    return [str(message) for message in response.context["messages"]]
