# SPDX-License-Identifier: Apache-2.0
"""Tenant against tenant, on the real services."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from keystoneauth1 import exceptions
from keystoneauth1.session import Session

import trove_schedules
from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, finished, run_by_hand, wait_for
from tests.end_to_end.ticks import fire
from trove_schedules import Schedule, ScheduledBackups, workbook
from trove_schedules.errors import (
    ExecutionNotFoundError,
    InstanceNotFoundError,
    ScheduleNotFoundError,
)

#: It says everything that YAQL, Jinja, LIKE or a shell could read something else in.
STRANGE = "100%_ <% 1 + 1 %> {{ 1 + 1 }} $(id) '\"; [schedule x] é"
_WORKFLOW = {"service_type": "workflowv2"}
_DATABASE = {"service_type": "database"}


@pytest.fixture(scope="module")
def victim(cloud: LiveCloud) -> Iterator[Schedule]:
    """A schedule that Mistral fires when the tests of this file say so."""
    schedules = cloud.schedules()
    made = schedules.schedule_create("m", NEVER_SOON, STRANGE, STRANGE, keep_last=40, attempts=1)
    yield made
    schedules.schedule_delete(made)


@pytest.fixture(scope="module")
def stranger(cloud: LiveCloud) -> Session:
    """The login of a member of another project."""
    session, _ = cloud.new_tenant()
    return session


class TestAnotherTenant:
    def test_none_of_the_commands_reaches_a_foreign_schedule(
        self,
        cloud: LiveCloud,
        schedules: ScheduledBackups,
        victim: Schedule,
        stranger: Session,
    ) -> None:
        fire(cloud, victim)
        (run, *_) = finished(schedules, victim.id, 1)
        theirs = trove_schedules.connect(session=stranger)
        before = schedules.schedule_show(victim)
        on_schedules: list[Callable[[Any], Any]] = [
            theirs.schedule_show,
            theirs.schedule_run,
            theirs.schedule_trial,
            theirs.schedule_pause,
            theirs.schedule_resume,
            theirs.schedule_prune,
            theirs.execution_list,
            lambda id: theirs.schedule_set(id, name="mine"),
            lambda id: theirs.schedule_set(id, name="mine", force=True),
            lambda id: theirs.schedule_health([id]),
            lambda id: theirs.schedule_delete(id, force=True),
        ]
        for call in on_schedules:
            with pytest.raises(ScheduleNotFoundError, match=victim.id):
                call(victim.id)
        for call in (theirs.execution_show, theirs.execution_delete):
            with pytest.raises(ExecutionNotFoundError, match=run.id):
                call(run.id)
        assert theirs.schedule_list() == theirs.schedule_health() == []
        for pattern in ("m", victim.instance, "%", "_", "trove-backup:%"):
            with pytest.raises(InstanceNotFoundError):
                theirs.schedule_list(pattern)
        after = schedules.schedule_show(victim)
        assert (after.trigger_id, after.input) == (before.trigger_id, before.input)

    def test_a_trigger_of_the_same_name_and_an_execution_that_claims_it_stay_apart(
        self, cloud: LiveCloud, schedules: ScheduledBackups, victim: Schedule, stranger: Session
    ) -> None:
        """Names and descriptions are whatever a user writes, also those of other projects."""
        trigger = next(row for row in cloud.triggers() if row["id"] == victim.trigger_id)
        forged = {
            "name": trigger["name"][:-1] + "9",
            "workflow_name": "trove.backup_create",
            "workflow_input": trigger["workflow_input"],
            "pattern": NEVER_SOON,
        }
        stranger.post("/cron_triggers", json=forged, endpoint_filter=_WORKFLOW)
        with pytest.raises(exceptions.HttpError):
            stranger.post(
                "/cron_triggers", json=forged | {"scope": "public"}, endpoint_filter=_WORKFLOW
            )
        note = {"triggered_by": {"type": "cron_trigger", "id": victim.trigger_id}}
        started = stranger.post(
            "/executions",
            json={
                "workflow_name": "trove.backup_create",
                "input": trigger["workflow_input"],
                "description": json.dumps(note),
            },
            endpoint_filter=_WORKFLOW,
        ).json()
        admin = cloud.schedules("minicloud-admin")
        for who in (schedules, admin):
            listed = {each.trigger_id for each in who.schedule_list()}
            assert listed == ({victim.trigger_id} if who is schedules else set())
        assert schedules.schedule_show(victim).generation == 1
        assert started["id"] not in {each.id for each in schedules.execution_list(victim)}
        with pytest.raises(ExecutionNotFoundError):
            admin.execution_show(started["id"])

        # It runs with its own project's rights, and Trove knows no such instance there.
        def ended() -> Any:
            row = stranger.get(f"/executions/{started['id']}", endpoint_filter=_WORKFLOW).json()
            return row if row["state"] in ("SUCCESS", "ERROR") else None

        assert wait_for("end of the forged run", ended, 300)["state"] == "ERROR"

    def test_a_workbook_of_the_same_name_is_refused_beside_the_public_one(
        self, cloud: LiveCloud, schedules: ScheduledBackups, victim: Schedule, stranger: Session
    ) -> None:
        evil = workbook.text().replace("trove.backups_create", "trove.backups_delete")
        headers = {"content-type": "text/plain"}
        with pytest.raises(exceptions.Forbidden):
            # Mistral itself refuses it, beside the public one.
            stranger.post("/workbooks", data=evil, headers=headers, endpoint_filter=_WORKFLOW)
        public = workbook.require(schedules._own.mistral)
        started = run_by_hand(schedules, victim.id)
        row = cloud.session().get(f"/executions/{started.id}", endpoint_filter=_WORKFLOW).json()
        assert row["workflow_id"] == public
        # Also by the trust, at the next tick.
        known = len(finished(schedules, victim.id, 1))
        fire(cloud, victim)
        (fresh, *_) = finished(schedules, victim.id, known + 1)
        row = cloud.session().get(f"/executions/{fresh.id}", endpoint_filter=_WORKFLOW).json()
        assert row["workflow_id"] == public
