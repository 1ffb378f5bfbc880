# SPDX-License-Identifier: Apache-2.0
"""Schedules made and changed, whoever asks for it: a command, a program or a file."""

from __future__ import annotations

from dataclasses import replace

from trove_schedules.backups import parents, stores
from trove_schedules.clients.services import Services
from trove_schedules.drills import repeating
from trove_schedules.runs.progress import refuse_while_running
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.policy import Policy, PolicyPlan
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.triggers import replacing


def create(
    services: Services,
    schedule_id: str,
    instance_id: str,
    plan: Plan,
    *,
    paused: bool = False,
    declared: bool = False,
) -> Schedule:
    """A new schedule.

    :param plan: checked.
    :raises BackupNotFoundError: of its parent.
    :raises InvalidScheduleError: its parent can't be one, or this cloud can't store its backups
        where the plan says.
    """
    stores.require(services.mistral, plan)
    if plan.parent_id is not None:
        parents.check(services, plan.parent_id, schedule_id=schedule_id, instance_id=instance_id)
    return replacing.create(
        services.mistral, schedule_id, instance_id, plan, paused=paused, declared=declared
    )


def pause(services: Services, schedule: Schedule, *, paused: bool, force: bool) -> Schedule:
    """The schedule paused or resumed; the same where it is.

    :raises ScheduleConflictError: a run is in progress, or somebody else changed or deleted it.
    """
    if schedule.paused == paused:
        return schedule
    return change(
        services, schedule, schedule.plan, paused=paused, declared=schedule.declared, force=force
    )


def replan(services: Services, schedule: Schedule, plan: Plan, *, force: bool) -> Schedule:
    """The schedule with another plan; the same where it has that, and its offsets are right.

    :param plan: checked.
    :raises BackupNotFoundError: or another error, as of :func:`change`.
    """
    if plan == schedule.plan and plan.offsets() == schedule.offsets:
        return schedule
    return change(
        services, schedule, plan, paused=schedule.paused, declared=schedule.declared, force=force
    )


def change(
    services: Services,
    schedule: Schedule,
    plan: Plan,
    *,
    paused: bool,
    declared: bool,
    force: bool = False,
) -> Schedule:
    """The schedule with another plan, or paused or resumed, or declared.

    :param plan: checked.
    :raises BackupNotFoundError: of a new parent.
    :raises InvalidScheduleError: a new parent can't be one, or this cloud can't store the backups
        where a new plan says.
    :raises ScheduleConflictError: a run is in progress, or somebody else changed or deleted it.
    """
    if isinstance(schedule, Policy) and isinstance(plan, PolicyPlan):
        # First, so that a change that is killed on the way still has to be made.
        _have_drills_follow(services, schedule, plan, force=force)
    if plan != schedule.plan:
        stores.require(services.mistral, plan)
    if plan.parent_id not in (None, schedule.parent_id):
        parents.check(
            services, plan.parent_id, schedule_id=schedule.id, instance_id=schedule.instance
        )
    return replacing.replace(
        services, schedule, plan, paused=paused, declared=declared, force=force
    )


def _have_drills_follow(
    services: Services, policy: Policy, plan: PolicyPlan, *, force: bool
) -> None:
    """Have the repeated drills of a policy go by another selection."""
    if plan.selection == policy.selection:
        return
    if not force:
        refuse_while_running(services, policy)
    repeating.follow(services.mistral, replace(policy, selection=plan.selection))
