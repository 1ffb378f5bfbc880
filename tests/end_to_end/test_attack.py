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
from tests.end_to_end.cloud import FIRING_TIMEOUT, NEVER_SOON, LiveCloud, finished, wait_for
from trove_schedules import Schedule, ScheduledBackups, workbook
from trove_schedules.errors import (
    ExecutionNotFoundError,
    InstanceNotFoundError,
    ScheduleConflictError,
    ScheduleNotFoundError,
)

#: It says everything that YAQL, Jinja, LIKE or a shell could read something else in.
STRANGE = "100%_ <% 1 + 1 %> {{ 1 + 1 }} $(id) '\"; [schedule x] é"
_WORKFLOW = {"service_type": "workflowv2"}
_DATABASE = {"service_type": "database"}


@pytest.fixture(scope="module")
def victim(cloud: LiveCloud) -> Iterator[Schedule]:
    """A schedule that Mistral fires while the tests of this file run."""
    schedules = cloud.schedules()
    made = schedules.schedule_create("m", "* * * * *", STRANGE, STRANGE, keep_last=40)
    yield made

    def deleted() -> bool:
        try:
            schedules.schedule_delete(made)
        except ScheduleConflictError:  # its last run is in progress
            return False
        return True

    wait_for("end of the last run", deleted, 300)


@pytest.fixture(scope="module")
def stranger(cloud: LiveCloud) -> Session:
    """The login of a member of another project."""
    session, _ = cloud.new_tenant()
    return session


class TestAnotherTenant:
    def test_none_of_the_commands_reaches_a_foreign_schedule(
        self, schedules: ScheduledBackups, victim: Schedule, stranger: Session
    ) -> None:
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
        public = workbook.require(schedules._own_mistral)
        started = schedules.schedule_run(victim)
        row = cloud.session().get(f"/executions/{started.id}", endpoint_filter=_WORKFLOW).json()
        assert row["workflow_id"] == public
        # Also by the trust, at the next tick.
        known = {each.id for each in schedules.execution_list(victim, include_all=True)}

        def fired() -> Any:
            found = schedules.execution_list(victim, include_all=True)
            return [each for each in found if each.id not in known]

        (fresh, *_) = wait_for("next firing", fired, FIRING_TIMEOUT)
        row = cloud.session().get(f"/executions/{fresh.id}", endpoint_filter=_WORKFLOW).json()
        assert row["workflow_id"] == public
