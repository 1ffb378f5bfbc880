# SPDX-License-Identifier: Apache-2.0
"""The rules of backup schedules: no HTTP and no printing here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from trove_schedules import pattern as cron, workbook
from trove_schedules.clients import mistral as mistral_service
from trove_schedules.clients.mistral import CronTrigger, Execution, Mistral
from trove_schedules.clients.session import open_session, require_delegable
from trove_schedules.clients.trove import Trove
from trove_schedules.errors import (
    ExecutionNotFoundError,
    InvalidScheduleError,
    ScheduleConflictError,
    ScheduleNotFoundError,
)
from trove_schedules.model import (
    Schedule,
    ScheduleExecution,
    TriggerName,
    is_uuid,
    marker as schedule_marker,
    new_schedule_id,
)

if TYPE_CHECKING:
    from keystoneauth1.session import Session
    from mistralclient.api.v2.client import Client as MistralClient

#: What Trove takes for a backup's name and for its description (trove/common/apischema.py).
MAX_TEXT = 255
_TEXT = re.compile(r"^.*[0-9a-zA-Z]+.*$")


class HasId(Protocol):
    """Anything with an ``id``: a Schedule, an execution, a troveclient instance or backup."""

    @property
    def id(self) -> str: ...


def connect(
    cloud: str | None = None,
    *,
    session: Session | None = None,
    region_name: str | None = None,
    interface: str | None = None,
) -> ScheduledBackups:
    """Connect to a cloud.

    :param cloud: an entry of clouds.yaml; without it and without a session, the ``OS_CLOUD`` or
        other ``OS_*`` variables say which cloud.
    :param session: a keystoneauth session to use as it is, instead of a cloud.
    :param region_name: overrides the configuration's region.
    :param interface: ``public``, ``internal`` or ``admin``; overrides the configuration's.
    :raises AuthenticationError: no such cloud. A wrong password shows at the first request.
    """
    if session is None:
        session, configured_region, configured_interface = open_session(cloud)
        region_name = region_name or configured_region
        interface = interface or configured_interface
    elif cloud is not None:
        raise InvalidScheduleError(f"give either cloud ({cloud!r}) or session, not both")
    return ScheduledBackups(session, region_name=region_name, interface=interface)


class ScheduledBackups:
    """Create, list, show and delete backup schedules, and see and delete their executions.

    Schedules and executions are given by their id or by the object, instances also by name.
    ``mistral_client`` may be a python-mistralclient client to use instead of the session's own
    Mistral. Every method may raise, besides what it names, :exc:`AuthenticationError` and
    :exc:`ServiceError` (or a kind of it).
    """

    def __init__(
        self,
        session: Session,
        *,
        region_name: str | None = None,
        interface: str | None = None,
    ) -> None:
        self._session = session
        self._region_name = region_name
        self._interface = interface

    # The spec's methods

    def schedule_create(
        self,
        instance: str | HasId,
        pattern: str,
        name: str,
        description: str | None = None,
        parent_id: str | HasId | None = None,
        mistral_client: MistralClient | None = None,
        *,
        incremental: bool = False,
    ) -> Schedule:
        """Create a schedule that backs an instance up.

        The user's rights are delegated to Mistral by a Keystone trust: the schedule works as long
        as the user and the user's roles exist, and the login must be one that can create trusts.

        :param instance: an instance, its id or its name.
        :param pattern: five cron fields, read in UTC.
        :param name: name of the backups: one line of at most 255 characters with a letter (a to z)
            or digit among them, as Trove has it.
        :param description: description of the backups: one line of at most 207 characters, because
            the schedule's marker is added to it.
        :param parent_id: a COMPLETED backup of the same instance: every run makes an increment of
            that same backup. Not together with ``incremental``.
        :param incremental: each run makes an increment of the newest completed backup of the
            instance (a full one where there is none).
        :raises InvalidScheduleError: an argument is wrong, or the parent can't be one.
        :raises InvalidPatternError: the pattern is not one of five fields, or never runs.
        :raises InstanceNotFoundError: or AmbiguousNameError, of the instance.
        :raises BackupNotFoundError: of the parent.
        :raises WorkbookError: the workbook is not loaded, or too old.
        :raises NotDelegableError: this login can't create trusts.
        """
        pattern = cron.validate(pattern)
        schedule_id = new_schedule_id()
        _check_text("name", name)
        if description is not None:
            _check_text("description", description, f" {schedule_marker(schedule_id)}")
        parent = None if parent_id is None else _id_of(parent_id)
        if parent is not None and incremental:
            raise InvalidScheduleError(
                f"parent {parent} and incremental exclude each other: a parent is one fixed base "
                "for every run, incremental builds on the newest backup"
            )
        require_delegable(self._session)

        mistral = self._mistral(mistral_client)
        require_delegable(mistral.session)
        instance_id = self._trove.instance_id(_id_of(instance))
        if parent is not None:
            self._check_parent(parent, instance_id)
        workflow_id = workbook.require(mistral)
        trigger = mistral.create_cron_trigger(
            str(TriggerName(1, schedule_id, instance_id)),
            workflow_id,
            pattern,
            {
                "instance": instance_id,
                "name": name,
                "description": description,
                "parent_id": parent,
                "incremental": incremental,
                "schedule": {"id": schedule_id},
            },
        )
        return _schedule(schedule_id, trigger)

    def schedule_list(
        self, instance: str | HasId | None = None, mistral_client: MistralClient | None = None
    ) -> list[Schedule]:
        """Every backup schedule of an instance, or of the project, the next to run first.

        Schedules that python-troveclient made are listed only where no instance is given: Mistral
        can't be asked for those of one instance.

        :raises InstanceNotFoundError: or AmbiguousNameError. An id whose instance is gone is not
            an error while it has schedules.
        """
        mistral = self._mistral(mistral_client)
        if instance is None:
            return self._schedules(mistral)
        given = _id_of(instance)
        if is_uuid(given):
            found = self._schedules(mistral, name=f"has:trove-backup:{given}:")
            if found:
                return found
        instance_id = self._trove.instance_id(given)
        if instance_id == given:
            return []
        return self._schedules(mistral, name=f"has:trove-backup:{instance_id}:")

    def schedule_show(
        self, schedule: str | HasId, mistral_client: MistralClient | None = None
    ) -> Schedule:
        """One schedule.

        :raises ScheduleNotFoundError: the project has no such schedule.
        """
        return self._find(self._mistral(mistral_client), schedule)[0]

    def schedule_delete(
        self,
        schedule: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> None:
        """Delete a schedule. The backups that it made stay, and so do its executions.

        :param force: delete it while a run is in progress too, which takes that run's rights away.
        :raises ScheduleNotFoundError: the project has no such schedule.
        :raises ScheduleConflictError: a run is in progress.
        """
        mistral = self._mistral(mistral_client)
        found = self._find(mistral, schedule)
        if not force:
            for each in found:
                _refuse_while_running(mistral, each)
        for each in found:
            mistral.delete_cron_trigger(each.trigger_id)

    def execution_list(
        self,
        schedule: str | HasId,
        mistral_client: MistralClient | None = None,
        marker: str | HasId | None = "",
        limit: int | None = None,
    ) -> list[ScheduleExecution]:
        """The executions of a schedule, newest first, as far back as Mistral keeps them.

        :param marker: an execution of this schedule; the list starts after it.
        :param limit: at most so many, 1 or more; None means all.
        :raises InvalidScheduleError: the limit is not a positive number.
        :raises ScheduleNotFoundError: the project has no such schedule.
        :raises ExecutionNotFoundError: the marker is not an execution of this schedule.
        """
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise InvalidScheduleError(f"the limit {limit!r} is not a number of 1 or more")
        mistral = self._mistral(mistral_client)
        found = self._find(mistral, schedule)[0]
        start = _id_of(marker) if marker else None
        if start is not None:
            at = mistral.execution(start) if is_uuid(start) else None
            if at is None or at.trigger_id != found.trigger_id:
                raise ExecutionNotFoundError(
                    f"the marker {start!r} is not an execution of schedule {found.id}; "
                    "give the id of one that it listed before"
                )
        executions = _executions(mistral, found, start, limit)
        return [_schedule_execution(each, found.id) for each in islice(executions, limit)]

    def execution_delete(
        self, execution: str | HasId, mistral_client: MistralClient | None = None
    ) -> None:
        """Delete an execution's record. The backup that it made stays.

        :raises ExecutionNotFoundError: the project has no such execution of a backup schedule.
        :raises ScheduleConflictError: it is still running.
        """
        mistral = self._mistral(mistral_client)
        found = self._find_execution(mistral, execution)
        if found.state not in ("SUCCESS", "ERROR", "CANCELLED"):
            raise ScheduleConflictError(
                f"execution {found.id} is {found.state}; only finished executions can be deleted"
            )
        mistral.delete_execution(found.id)

    # Beyond the spec

    def execution_show(
        self, execution: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleExecution:
        """One execution of any schedule of the project, even of one that is deleted.

        :raises ExecutionNotFoundError: the project has no such execution of a backup schedule.
        """
        found = self._find_execution(self._mistral(mistral_client), execution)
        return _schedule_execution(found, None)

    def workbook_load(
        self, mistral_client: MistralClient | None = None, *, public: bool = False
    ) -> workbook.Loaded:
        """Load this package's workbook into Mistral, or bring an older one up to date.

        :param public: for all projects, which only administrators may.
        :returns: what was done, see :class:`trove_schedules.workbook.Loaded`.
        :raises WorkbookError: a workbook of this name is there that must not be replaced.
        """
        return workbook.load(self._mistral(mistral_client), public=public)

    # Parts

    @cached_property
    def _trove(self) -> Trove:
        return Trove(self._session, self._region_name, self._interface)

    @cached_property
    def _own_mistral(self) -> Mistral:
        return mistral_service.connect(self._session, self._region_name, self._interface)

    def _mistral(self, client: MistralClient | None) -> Mistral:
        return self._own_mistral if client is None else Mistral(client)

    def _schedules(self, mistral: Mistral, **filters: str) -> list[Schedule]:
        """The schedules behind the triggers that fit, each one's newest generation only."""
        newest: dict[str, tuple[TriggerName, CronTrigger]] = {}
        for name, trigger in _backup_triggers(mistral, **filters):
            if name.schedule not in newest or name > newest[name.schedule][0]:
                newest[name.schedule] = (name, trigger)
        schedules = [_schedule(name.schedule, trigger) for name, trigger in newest.values()]
        return sorted(schedules, key=lambda each: (str(each.next_execution_time), each.id))

    def _find(self, mistral: Mistral, schedule: str | HasId) -> list[Schedule]:
        """All generations of a schedule, the newest first."""
        schedule_id = _id_of(schedule)
        found = []
        if is_uuid(schedule_id):
            found = [
                (name, trigger)
                for name, trigger in _backup_triggers(mistral, name=f"has:{schedule_id}")
                if name.schedule == schedule_id
            ]
        if not found:
            raise ScheduleNotFoundError(
                f"no backup schedule of this project has the id {schedule_id!r}; "
                "'openstack database backup schedule list' lists them"
            )
        found.sort(key=lambda each: each[0], reverse=True)
        return [_schedule(schedule_id, trigger) for _, trigger in found]

    def _find_execution(self, mistral: Mistral, execution: str | HasId) -> Execution:
        execution_id = _id_of(execution)
        found = mistral.execution(execution_id) if is_uuid(execution_id) else None
        if found is None or found.workflow_name != workbook.WORKFLOW:
            raise ExecutionNotFoundError(
                f"no execution of a backup schedule of this project has the id {execution_id!r}; "
                "'openstack database backup schedule execution list <schedule>' lists them"
            )
        return found

    def _check_parent(self, parent: str, instance_id: str) -> None:
        backup = self._trove.backup(parent)
        if backup.instance_id != instance_id:
            raise InvalidScheduleError(
                f"backup {parent} is of instance {backup.instance_id}, not of {instance_id}; "
                "a parent must be a backup of the same instance"
            )
        if backup.status != "COMPLETED":
            raise InvalidScheduleError(
                f"backup {parent} is {backup.status}; a parent must be COMPLETED"
            )


def _id_of(given: str | HasId) -> str:
    return given if isinstance(given, str) else given.id


def _check_text(what: str, text: str, addition: str = "") -> None:
    """Refuse now what Trove would refuse at every run."""
    if not isinstance(text, str):
        raise InvalidScheduleError(f"the {what} must be a text, not {text!r}")
    longest = MAX_TEXT - len(addition)
    if len(text) > longest:
        raise InvalidScheduleError(
            f"the {what} is {len(text)} characters long; at most {longest} fit"
        )
    if _TEXT.search(text + addition) is None:
        raise InvalidScheduleError(
            f"the {what} {text!r} is not one that Trove takes: a single line with at least one "
            "letter (a to z) or digit"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidScheduleError(f"the {what} {text!r} is not valid Unicode: {error}") from None


def _backup_triggers(mistral: Mistral, **filters: str) -> Iterator[tuple[TriggerName, CronTrigger]]:
    for trigger in mistral.cron_triggers(workflow_name=f"eq:{workbook.WORKFLOW}", **filters):
        name = TriggerName.parse(trigger.name)
        if name is not None and trigger.pattern is not None:
            yield name, trigger


def _executions(
    mistral: Mistral,
    schedule: Schedule,
    marker: str | None = None,
    limit: int | None = None,
    **filters: str,
) -> Iterator[Execution]:
    """What a schedule's trigger started; the filter also finds texts that merely look like it."""
    found = mistral.executions(
        description=f"has:{schedule.trigger_id}", marker=marker, limit=limit, **filters
    )
    return (each for each in found if each.trigger_id == schedule.trigger_id)


def _refuse_while_running(mistral: Mistral, schedule: Schedule) -> None:
    running = next(_executions(mistral, schedule, limit=1, state="RUNNING"), None)
    if running is not None:
        raise ScheduleConflictError(
            f"schedule {schedule.id} has a run in progress (execution {running.id}) that would "
            "lose its rights; wait for its end, or force it"
        )


def _schedule(schedule_id: str, trigger: CronTrigger) -> Schedule:
    given = trigger.input
    return Schedule(
        id=schedule_id,
        name=str(given.get("name") or ""),
        instance=str(given.get("instance") or ""),
        pattern=trigger.pattern or "",
        description=given.get("description"),
        parent_id=given.get("parent_id"),
        incremental=bool(given.get("incremental")),
        created_at=trigger.created_at,
        updated_at=trigger.updated_at,
        next_execution_time=trigger.next_execution_time,
        input=given,
        trigger_id=trigger.id,
    )


def _schedule_execution(execution: Execution, schedule_id: str | None) -> ScheduleExecution:
    given = execution.input.get("schedule")
    if schedule_id is None and isinstance(given, dict):
        schedule_id = given.get("id")
    return ScheduleExecution(
        id=execution.id,
        schedule_id=schedule_id,
        backup_id=execution.output.get("backup_id"),
        created_at=execution.created_at,
        updated_at=execution.updated_at,
        state=execution.state,
        state_info=execution.state_info,
        output=execution.output,
    )
