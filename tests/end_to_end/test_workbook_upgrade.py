# SPDX-License-Identifier: Apache-2.0
"""Schedules go on while the workbook is brought up to date, and when it is taken back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from keystoneauth1.session import Session

from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, finished
from tests.end_to_end.ticks import fire
from trove_schedules import ScheduledBackups

#: The workbook's first version, as it was.
FIRST = Path(__file__).with_name("workbook_1.yaml")
_WORKFLOW = {"service_type": "workflowv2"}


def _put(admin: Session, text: str) -> None:
    answer = admin.put(
        "/workbooks?scope=public",
        data=text.encode(),
        headers={"Content-Type": "text/plain"},
        endpoint_filter=_WORKFLOW,
    )
    assert answer.ok, answer.text


@pytest.fixture
def first_workbook(cloud: LiveCloud) -> Iterator[Session]:
    """The public workbook is the first version; afterwards it is the current one again."""
    admin = cloud.session("minicloud-admin")
    _put(admin, FIRST.read_text(encoding="utf-8"))
    try:
        yield admin
    finally:
        cloud.schedules("minicloud-admin").workbook_load(public=True)


def test_an_old_workbook_s_trigger_fires_after_the_upgrade_and_after_the_way_back(
    cloud: LiveCloud, schedules: ScheduledBackups, first_workbook: Session
) -> None:
    instance = cloud.create_instance("upgraded")
    schedule = str(uuid.uuid4())
    trigger = {
        "name": f"trove-backup:{instance}:{schedule}:1",
        "pattern": NEVER_SOON,
        "workflow_name": "trove.backup_create",
        "workflow_input": {
            "instance": instance,
            "name": "old",
            "description": None,
            "parent_id": None,
            "incremental": False,
            "schedule": {"id": schedule},
        },
    }
    answer = cloud.session().post("/cron_triggers", json=trigger, endpoint_filter=_WORKFLOW)
    assert answer.ok, answer.text

    loaded = cloud.schedules("minicloud-admin").workbook_load(public=True)
    assert loaded.action == "updated"
    shown = schedules.schedule_show(schedule)
    assert shown.name == "old"
    fire(cloud, shown)
    after = finished(schedules, schedule, 1)
    assert after[0].state == "SUCCESS", after[0]

    _put(first_workbook, FIRST.read_text(encoding="utf-8"))
    fire(cloud, shown)
    back = finished(schedules, schedule, len(after) + 1)
    assert back[0].state == "SUCCESS", back[0]
    schedules.schedule_delete(schedule)
