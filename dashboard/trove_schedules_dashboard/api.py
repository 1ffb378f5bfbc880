# SPDX-License-Identifier: Apache-2.0
"""All that the panels ask of services: the only caller of trove_schedules in here.

Everything raises ``ScheduledBackupError`` or a kind of it, and nothing else on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from horizon.utils.memoized import memoized
from keystoneauth1.access import AccessInfoV3
from keystoneauth1.identity.access import AccessInfoPlugin
from keystoneauth1.session import Session

import trove_schedules
from trove_schedules import (
    Backup,
    Policy,
    Schedule,
    ScheduledBackups,
    ScheduleExecution,
    ScheduleRestore,
)
from trove_schedules.coverage import Coverage
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.health import Health, PolicyHealth
from trove_schedules.runs.reason import reason
from trove_schedules.schedules import firing, pattern as cron, zones
from trove_schedules.schedules.changing import planned
from trove_schedules.schedules.due import DueTimes
from trove_schedules.schedules.names import EVERY, marker, schedule_of
from trove_schedules.schedules.notify import check_notify_url, check_url
from trove_schedules.schedules.options import OPTIONS, STORES
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.policy import PolicyPlan
from trove_schedules.schedules.selection import Candidate, Selection
from trove_schedules.schedules.text import check_store, check_text
from trove_schedules.schedules.warnings import Remark

#: Seconds before a service that doesn't answer counts as down: a page can't wait longer.
TIMEOUT = 20
#: How many of the newest backups a page looks at; Trove's default quota of a project is 50.
BACKUPS = 200

#: The id of no schedule, for which H has a value too.
EXAMPLE = "00000000-0000-4000-8000-000000000000"


# Schedules and executions


def schedule_list(request: HttpRequest, instance: str | None = None) -> list[Schedule]:
    """Every schedule of the project, or of one instance (its id)."""
    return _schedules(request).schedule_list(instance)


def schedule_show(request: HttpRequest, schedule_id: str) -> Schedule:
    return _schedules(request).schedule_show(schedule_id)


def schedule_create(request: HttpRequest, instance: str, pattern: str, **options: Any) -> Schedule:
    return _schedules(request).schedule_create(instance, pattern, **options)


def schedule_set(
    request: HttpRequest, schedule_id: str, unset: Collection[str], changes: dict[str, Any]
) -> Schedule:
    return _schedules(request).schedule_set(schedule_id, unset=unset, **changes)


def remarks(request: HttpRequest, schedule: Schedule) -> list[Remark]:
    """What people should know of a schedule or policy that they have created or changed."""
    if isinstance(schedule, Policy):
        return _schedules(request).policy_remarks(schedule)
    return _schedules(request).schedule_remarks(schedule)


def draft_remarks(
    request: HttpRequest, old: Schedule | None, instance: str, pattern: str, **options: Any
) -> list[Remark]:
    """What people should know of a schedule that they are about to create, or to change.

    :param old: as it is, if it is one that is there.
    :param instance: :data:`EVERY` for a policy, whose options include its selection.
    :raises InvalidScheduleError: something in it is wrong.
    """
    name, description = options.pop("name"), options.pop("description")
    schedule_id = old.id if old else EXAMPLE
    parent_id = old.parent_id if old else None
    kind = PolicyPlan if instance == EVERY else Plan
    plan = planned(schedule_id, pattern, name, description, parent_id, options, kind)
    now = datetime.now(UTC)
    values = dict(
        id=schedule_id,
        instance=instance,
        paused=False,
        created_at=now,
        updated_at=None,
        next_execution_time=None,
        input={},
        changed_at=now,
        owed_since=now,
        next_firing=None,
        generation=1,
        trigger_id="",
        earlier_trigger_ids=(),
        pinned=old.pinned if old else (),
        **{name: getattr(plan, name) for name in OPTIONS},
    )
    if isinstance(plan, PolicyPlan):
        return remarks(request, Policy(**values, selection=plan.selection))
    return remarks(request, Schedule(**values))


def schedule_pin(request: HttpRequest, schedule_id: str, backup_id: str) -> None:
    _schedules(request).schedule_pin(schedule_id, backup_id)


def schedule_unpin(request: HttpRequest, schedule_id: str, backup_id: str) -> None:
    _schedules(request).schedule_unpin(schedule_id, backup_id)


def schedule_pause(request: HttpRequest, schedule_id: str) -> None:
    _schedules(request).schedule_pause(schedule_id)


def schedule_resume(request: HttpRequest, schedule_id: str) -> None:
    _schedules(request).schedule_resume(schedule_id)


def schedule_run(request: HttpRequest, schedule_id: str) -> None:
    _schedules(request).schedule_run(schedule_id)


def schedule_delete(request: HttpRequest, schedule_id: str) -> None:
    _schedules(request).schedule_delete(schedule_id)


def schedule_health(request: HttpRequest, schedule: Schedule) -> Health:
    """The state of one schedule; it costs as many requests as that of all."""
    (found,) = _schedules(request).schedule_health([schedule])
    return found


def health_list(request: HttpRequest, instance: str | None = None) -> list[Health]:
    """The state of every schedule of the project, or of one instance (its id), the worst first."""
    return _schedules(request).schedule_health(instance=instance)


def coverage(request: HttpRequest) -> list[Coverage]:
    """What protects each instance of the project."""
    return _schedules(request).coverage()


def policy_health(request: HttpRequest, policies: Collection[Policy]) -> list[PolicyHealth]:
    """The state of these policies and of each of their instances, the worst first."""
    return _schedules(request).policy_health(policies) if policies else []


def policy_health_list(request: HttpRequest) -> list[PolicyHealth]:
    """The same of every policy of the project."""
    return _schedules(request).policy_health()


def policy_list(request: HttpRequest) -> list[Policy]:
    """Every policy of the project."""
    return _schedules(request).policy_list()


def policy_show(request: HttpRequest, policy_id: str) -> Policy:
    return _schedules(request).policy_show(policy_id)


def policy_create(request: HttpRequest, name: str, pattern: str, **options: Any) -> Policy:
    return _schedules(request).policy_create(name, pattern, **options)


def policy_set(
    request: HttpRequest, policy_id: str, unset: Collection[str], changes: dict[str, Any]
) -> Policy:
    return _schedules(request).policy_set(policy_id, unset=unset, **changes)


def policy_pause(request: HttpRequest, policy_id: str) -> None:
    _schedules(request).policy_pause(policy_id)


def policy_resume(request: HttpRequest, policy_id: str) -> None:
    _schedules(request).policy_resume(policy_id)


def policy_run(request: HttpRequest, policy_id: str) -> None:
    _schedules(request).policy_run(policy_id)


def policy_delete(request: HttpRequest, policy_id: str) -> None:
    _schedules(request).policy_delete(policy_id)


def policy_preview(request: HttpRequest, policy_id: str) -> list[Candidate]:
    """What a run that began now would do with each instance of the project."""
    return _schedules(request).policy_preview(policy_id)


def schedule_drill(request: HttpRequest, schedule_id: str) -> None:
    _schedules(request).schedule_drill(schedule_id)


def schedule_drill_every(
    request: HttpRequest, schedule_id: str, pattern: str | None
) -> ScheduleDrill | None:
    """Have drills done by this pattern, or no more by any."""
    return _schedules(request).schedule_drill_every(schedule_id, pattern)


def schedule_drill_show(request: HttpRequest, schedule_id: str) -> ScheduleDrill | None:
    """When drills of the schedule are done, or None."""
    return _schedules(request).schedule_drill_show(schedule_id)


def policy_drill(request: HttpRequest, policy_id: str) -> None:
    _schedules(request).policy_drill(policy_id)


def policy_drill_every(
    request: HttpRequest, policy_id: str, pattern: str | None
) -> ScheduleDrill | None:
    """Have the instances of a policy drilled in turn by this pattern, or no more by any."""
    return _schedules(request).policy_drill_every(policy_id, pattern)


def policy_drill_show(request: HttpRequest, policy: str | Policy) -> ScheduleDrill | None:
    """When the instances of a policy are drilled in turn, or None."""
    return _schedules(request).policy_drill_show(policy)


def drill_in_progress(request: HttpRequest, schedule_id: str) -> ScheduleExecution | None:
    """The drill of a schedule or policy that has not ended, or None."""
    return _schedules(request).drill_in_progress(schedule_id)


def restore(
    request: HttpRequest,
    schedule_id: str,
    name: str,
    backup_id: str,
    instance: str | None,
    like: dict[str, Any],
) -> ScheduleRestore:
    """Have Trove make an instance from a backup; what is None is as of the one backed up.

    :param instance: of a policy, the one that was backed up; None for a schedule.
    """
    schedules = _schedules(request)
    if instance is None:
        return schedules.schedule_restore(schedule_id, name, backup=backup_id, **like)
    return schedules.policy_restore(schedule_id, name, instance=instance, backup=backup_id, **like)


def restore_plan(
    request: HttpRequest,
    schedule_id: str,
    backup_id: str | None,
    instance: str | None,
    *,
    of_policy: bool,
) -> ScheduleRestore:
    """What a restore of a backup, or of the newest one, would make.

    :param instance: of a policy, the one that was backed up; None: that of the backup.
    """
    schedules, name = _schedules(request), schedule_id
    if not of_policy:
        return schedules.schedule_restore(schedule_id, name, backup=backup_id, dry_run=True)
    return schedules.policy_restore(
        schedule_id, name, instance=instance, backup=backup_id, dry_run=True
    )


def execution_list(
    request: HttpRequest,
    schedule: str | Policy,
    marker: str = "",
    limit: int | None = None,
    *,
    drills_only: bool = False,
    instance: str | None = None,
) -> list[ScheduleExecution]:
    """The executions after the marker, newest first: the schedule's runs, or its drills.

    :param schedule: its id, or a policy.
    :param instance: of a policy, those of this one of its instances (its id).
    """
    return _schedules(request).execution_list(
        schedule, marker=marker, limit=limit, drills_only=drills_only, instance=instance
    )


def execution_show(request: HttpRequest, execution_id: str) -> ScheduleExecution:
    return _schedules(request).execution_show(execution_id)


def execution_delete(request: HttpRequest, execution_id: str) -> None:
    _schedules(request).execution_delete(execution_id)


def why_failed(execution: ScheduleExecution) -> str | None:
    """The one line that people need of what Mistral says about a failed run."""
    return reason(execution.state_info)


def check_pattern(pattern: str) -> None:
    """Refuse what schedules don't take.

    :raises InvalidPatternError: it is not one that they take.
    """
    next_runs(pattern, zones.USUAL, 1)


def check_zone(name: str) -> None:
    """Refuse what is not the name of a time zone.

    :raises InvalidScheduleError: the database of time zones has no such zone.
    """
    zones.check(name)


#: The options, besides the pattern and the time zone, that have a check of their own.
_CHECKS: dict[str, Callable[[str], None]] = {
    "name": partial(check_text, "name"),
    "description": partial(check_text, "description", addition=f" {marker(EXAMPLE)}"),
    **{
        name: partial(check_store, name.replace("_", "-"), longest=OPTIONS[name].most or 0)
        for name in STORES
    },
    "notify_url": check_notify_url,
    "webhook_url": partial(check_url, "webhook URL"),
}
CHECKED = frozenset(_CHECKS)


def check_option(name: str, value: str) -> None:
    """Refuse what one of the options CHECKED can't be.

    :raises InvalidScheduleError: it can't.
    """
    _CHECKS[name](value)


def check_selection(options: dict[str, Any]) -> None:
    """Refuse what the selection of a policy can't be.

    :raises InvalidScheduleError: one of these options is wrong.
    """
    Selection().with_options(options).check()


def usual_attempts(pattern: str) -> dict[str, str]:
    """The attempts of a valid pattern where nobody has said, and the minutes between them."""
    usual = firing.usual_attempts(pattern)
    return {"attempts": str(usual.number), "retry_every": str(usual.every)}


def next_runs(pattern: str, zone: str, count: int) -> tuple[list[datetime], bool]:
    """The next times, in UTC, at which a schedule of the pattern in a time zone is due.

    :returns: the times, and whether they are an example: each schedule gets its own value for H.
    :raises InvalidPatternError: it is not one that schedules take.
    :raises InvalidScheduleError: there is no such time zone.
    """
    zones.check(zone)
    frozen = cron.freeze(pattern, EXAMPLE)
    now = datetime.now(UTC)
    runs = DueTimes(cron.validate(frozen), zones.current(zone, now)).after(now)
    # A name such as @daily is written out, and the same for each schedule.
    hashed = not pattern.strip().startswith("@") and frozen.split() != pattern.split()
    return list(islice(runs, count)), hashed


def local_time(zone: str, time: datetime) -> str | None:
    """A time on the clocks of a zone, such as ``02:00 CEST``; None for UTC."""
    return zones.told(zone, time)


# Instances and backups


def instance_names(request: HttpRequest) -> dict[str, str]:
    """The names of all instances of the project, by id."""
    return _schedules(request).instance_names()


def instance_name(request: HttpRequest, instance_id: str) -> str:
    """The name of one instance; its id where it is gone."""
    return _schedules(request).instance_name(instance_id) or instance_id


def completed_of(schedule: Schedule, backups: Collection[Backup]) -> list[Backup]:
    """Those of these backups that the schedule or policy has made, and that can be restored."""
    return [
        each
        for each in backups
        if each.status == "COMPLETED" and schedule_of(each.description) == schedule.id
    ]


def backup_list(request: HttpRequest, instance_id: str | None = None) -> list[Backup]:
    """The newest backups of the project or of one instance, newest first, by one request."""
    return _schedules(request).backup_list(instance_id, limit=BACKUPS)


# Sessions


@memoized
def _schedules(request: HttpRequest) -> ScheduledBackups:
    return trove_schedules.connect(
        session=_session(request),
        region_name=request.user.services_region,
        interface=settings.OPENSTACK_ENDPOINT_TYPE,
    )


@memoized
def _session(request: HttpRequest) -> Session:
    """A session on the token and the catalog that Horizon has: it costs Keystone no request."""
    user = request.user
    token = {
        "user": {"id": user.id, "name": user.username, "domain": {"id": user.user_domain_id}},
        "project": {"id": user.project_id, "name": user.project_name},
        "catalog": user.service_catalog,
        "expires_at": user.token.expires.isoformat(),
    }
    access = AccessInfoV3({"token": token}, auth_token=user.token.id)
    verify = not settings.OPENSTACK_SSL_NO_VERIFY and (settings.OPENSTACK_SSL_CACERT or True)
    auth = AccessInfoPlugin(access, settings.OPENSTACK_KEYSTONE_URL)
    return Session(auth, verify=verify, timeout=TIMEOUT)
