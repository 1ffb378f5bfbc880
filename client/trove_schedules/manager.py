# SPDX-License-Identifier: Apache-2.0
"""The rules of backup schedules: no HTTP and no printing here."""

from __future__ import annotations

from collections.abc import Collection, Set
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Unpack

from trove_schedules import health, workbook
from trove_schedules.arguments import checked, checked_methods
from trove_schedules.backups import retention
from trove_schedules.clients import mistral as mistral_service
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.session import open_session, require_delegable
from trove_schedules.clients.trove import Backup, Trove
from trove_schedules.drills import executions as drills, triggers as drill_triggers
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.errors import (
    ExecutionNotFoundError,
    InvalidScheduleError,
    ScheduleConflictError,
    ScheduleNotFoundError,
    ServiceUnavailableError,
)
from trove_schedules.health import judge, preflight
from trove_schedules.health.state import worst_first
from trove_schedules.health.survey import survey
from trove_schedules.ids import HasId, id_of, is_uuid
from trove_schedules.runs import history
from trove_schedules.runs.execution import ASKS_WITHIN, ScheduleExecution
from trove_schedules.schedules import pattern as cron, triggers
from trove_schedules.schedules.changing import changed, planned
from trove_schedules.schedules.names import new_schedule_id, schedule_of
from trove_schedules.schedules.options import Changes, MoreOptions
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.schedule import Schedule, ScheduleTrial

if TYPE_CHECKING:
    from keystoneauth1.session import Session
    from mistralclient.api.v2.client import Client as MistralClient


@checked
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


@checked_methods
class ScheduledBackups:
    """Create, list, show and delete backup schedules, and see and delete their executions.

    Schedules and instances are given by their id, their name or the object, executions by their id
    or the object. A name must belong to one only, and costs a list of the project's. What is not of
    the type that an argument has is an :exc:`InvalidScheduleError`, before any request.
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
        **options: Unpack[MoreOptions],
    ) -> Schedule:
        """Create a schedule that backs an instance up.

        The user's rights are delegated to Mistral by a Keystone trust: the schedule works as long
        as the user and the user's roles exist, and the login must be one that can create trusts.

        :param instance: an instance, its id or its name.
        :param pattern: five cron fields, read in UTC. ``H`` or ``H(1-4)`` for a field is a value
            that the schedule gets for good, to spread load.
        :param name: name of the backups: one line of at most 255 characters with a letter (a to z)
            or digit among them, as Trove has it.
        :param description: description of the backups: one line of at most 207 characters, because
            the schedule's marker is added to it.
        :param parent_id: a COMPLETED backup of the same instance: every run makes an increment of
            that same backup. Not together with ``incremental``.
        :param options: the other options, see the page *Options of a schedule*. None is the same
            as to leave one out.
        :raises InvalidScheduleError: an argument is wrong, or the parent can't be one.
        :raises InvalidPatternError: the pattern is not one of five fields, never runs, or leaves no
            room for the attempts.
        :raises InstanceNotFoundError: or AmbiguousNameError, of the instance.
        :raises BackupNotFoundError: of the parent.
        :raises WorkbookError: the workbook is not loaded, or too old.
        :raises NotDelegableError: this login can't create trusts.
        """
        schedule_id = new_schedule_id()
        parent = None if parent_id is None else id_of(parent_id)
        plan = planned(schedule_id, pattern, name, description, parent, options)
        mistral = self._delegable_mistral(mistral_client)
        instance_id = self._trove.instance_id(id_of(instance))
        self._check_parent(mistral, schedule_id, instance_id, plan)
        return triggers.create(mistral, schedule_id, instance_id, plan)

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
            return triggers.find_all(mistral)
        given = id_of(instance)
        if is_uuid(given):
            found = triggers.find_all(mistral, name=f"has:trove-backup:{given}:")
            if found:
                return found
        instance_id = self._trove.instance_id(given)
        if instance_id == given:
            return []
        return triggers.find_all(mistral, name=f"has:trove-backup:{instance_id}:")

    def schedule_show(
        self, schedule: str | HasId, mistral_client: MistralClient | None = None
    ) -> Schedule:
        """One schedule.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        """
        return triggers.find(self._mistral(mistral_client), id_of(schedule))

    def schedule_delete(
        self,
        schedule: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> None:
        """Delete a schedule. The backups that it made stay, and so do its executions.

        :param force: delete it while a run or a drill is in progress too, which takes its rights
            away: a drill then leaves its temporary instance behind.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        :raises ScheduleConflictError: a run is in progress.
        """
        mistral = self._mistral(mistral_client)
        schedule_id = id_of(schedule)
        try:
            found = triggers.find(mistral, schedule_id)
        except ScheduleNotFoundError:
            # A client that was killed may have left it a trigger of drills.
            if not self._stop_drills(mistral, schedule_id, force=force):
                raise
            return
        if not force:
            _refuse_while_running(mistral, self._trove, found)
            _refuse_while_drilling(mistral, found.id)
        triggers.delete(mistral, found.id)

    def execution_list(
        self,
        schedule: str | HasId,
        mistral_client: MistralClient | None = None,
        marker: str | HasId | None = "",
        limit: int | None = None,
        *,
        include_all: bool = False,
        drills_only: bool = False,
    ) -> list[ScheduleExecution]:
        """The executions of a schedule, newest first, as far back as Mistral keeps them.

        :param marker: an execution of this schedule; the list starts after it.
        :param limit: at most N executions, 1 or more; None means all.
        :param include_all: also those that found their due backup done, which ``attempts`` brings
            with it.
        :param drills_only: the schedule's restore drills instead of its runs.
        :raises InvalidScheduleError: the limit is not a positive number.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        :raises ExecutionNotFoundError: the marker is not an execution of this schedule.
        """
        if limit is not None and limit < 1:
            raise InvalidScheduleError(f"the limit {limit} is not a number of 1 or more")
        mistral = self._mistral(mistral_client)
        found = triggers.find(mistral, id_of(schedule))
        start = id_of(marker) if marker else None
        if drills_only:
            return list(islice(drills.executions(mistral, found.id, marker=start), limit))
        # What is left out is looked at all the same: all but one attempt for each due time, mostly.
        looked_at = limit if limit is None or include_all else limit * found.attempts
        executions = history.executions(mistral, found, marker=start, limit=looked_at)
        shown = (each for each in executions if include_all or not each.had_nothing_to_do)
        return list(islice(shown, limit))

    def execution_delete(
        self, execution: str | HasId, mistral_client: MistralClient | None = None
    ) -> None:
        """Delete an execution's record. The backup that it made stays.

        :raises ExecutionNotFoundError: the project has no such execution of a backup schedule.
        :raises ScheduleConflictError: it is still running.
        """
        mistral = self._mistral(mistral_client)
        found = self._find_execution(mistral, execution)
        if not found.ended:
            what_to_do = (
                "wait for its end"
                if found.in_progress(triggers.now())
                else "nothing runs in it any more, so end it first with "
                f"'openstack workflow execution update -s CANCELLED {found.id}'"
            )
            raise ScheduleConflictError(
                f"execution {found.id} is {found.state}, and only finished executions can be "
                f"deleted; {what_to_do}"
            )
        mistral.delete_execution(found.id)

    # Beyond the spec

    def schedule_set(
        self,
        schedule: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        unset: Collection[str] = (),
        force: bool = False,
        **changes: Unpack[Changes],
    ) -> Schedule:
        """Change a schedule. Its id, its history and whether it is paused stay.

        Mistral can't change a trigger, so it gets a new one and a new trust, of the user who is
        logged in now. The change itself starts no run. Where it changes nothing, because all is so
        already, no request does either.

        :param unset: names of options that the schedule is to have no more.
        :param force: change it while a run is in progress too, which takes that run's rights away.
        :param changes: what to change, by the argument names of :meth:`schedule_create`; what is
            left out or None stays. A new base, ``parent_id`` or ``incremental``, takes the place of
            the old one. New ``attempts``, or a pattern that leaves no room for the old ones, choose
            the minutes between them anew; a schedule of one attempt keeps to one.
        :raises InvalidScheduleError: no change is named, or an argument is wrong.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        :raises ScheduleConflictError: a run is in progress, or somebody else changed or deleted it.
        """
        mistral = self._delegable_mistral(mistral_client)
        found = triggers.find(mistral, id_of(schedule))
        parent = changes.get("parent_id")
        if parent is not None:
            changes["parent_id"] = id_of(parent)
        old = found.plan
        plan = changed(old, found.id, changes, unset)
        if plan == old:
            return found
        if parent is not None:
            self._check_parent(mistral, found.id, found.instance, plan)
        return self._replace(mistral, found, plan, paused=found.paused, force=force)

    def schedule_pause(
        self,
        schedule: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> Schedule:
        """Let a schedule make no backups until it is resumed. Pausing a paused one is fine.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        :raises ScheduleConflictError: a run is in progress (``force`` takes its rights away).
        """
        return self._pause(schedule, mistral_client, paused=True, force=force)

    def schedule_resume(
        self,
        schedule: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> Schedule:
        """Let a paused schedule go on, at its next due time. Resuming one that runs is fine.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        :raises ScheduleConflictError: a run is in progress (``force`` takes its rights away).
        """
        return self._pause(schedule, mistral_client, paused=False, force=force)

    def schedule_run(
        self, schedule: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleExecution:
        """Start a run now, with the rights of the user who is logged in; it counts as manual.

        It makes a backup whether or not one is due, of a paused schedule too, and is skipped only
        while another backup of the instance runs.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        """
        mistral = self._mistral(mistral_client)
        found = triggers.find(mistral, id_of(schedule))
        given = found.plan.workflow_input(found.instance, found.id, {"manual": True})
        workflow = workbook.require(mistral, workbook.RUN)
        started = mistral.start_execution(workflow, given, found.trigger_id)
        return history.of_schedule(started, found.id)

    def schedule_prune(
        self,
        schedule: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        dry_run: bool = False,
    ) -> list[retention.Verdict]:
        """Delete the backups that a schedule no longer keeps, by its own ``keep`` options.

        Every run does it after a success. By hand it is for options that are new, and for
        instances with too many backups for the workbook. Trove deletes in the background. What any
        schedule of the instance has as its parent is kept, and while a drill of the schedule is in
        progress what that may be reading.

        :param dry_run: only say what would be deleted, and why.
        :returns: what becomes of each of the schedule's backups, the newest first.
        :raises InvalidScheduleError: the schedule has no ``keep`` option.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        """
        mistral = self._mistral(mistral_client)
        found = triggers.find(mistral, id_of(schedule))
        if found.keep_last is None and found.keep_days is None:
            raise InvalidScheduleError(
                f"schedule {found.id} keeps all its backups; set keep-last or keep-days first"
            )
        now = datetime.now(UTC)
        # Asked for before the backups: what begins later finds what is judged here as it is.
        needed = {
            each.parent_id: _whose_parent(each, found)
            for each in triggers.find_all(mistral)
            if each.instance == found.instance and each.parent_id is not None
        }
        drills_now = drills.executions(mistral, found.id, running=True)
        is_drilled = any(each.in_progress(now) for each in drills_now)
        backups = self._trove.backups(found.instance)
        if is_drilled:
            needed |= retention.perhaps_read(backups, found.id, now)
        verdicts = retention.judge(
            backups,
            found.id,
            keep_last=found.keep_last,
            keep_days=found.keep_days,
            now=now,
            needed=needed,
        )
        if not dry_run:
            for verdict in verdicts:
                if verdict.expired and verdict.goes_with is None:
                    self._trove.delete_backup(verdict.backup.id)
        return verdicts

    def schedule_trial(
        self, schedule: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleTrial:
        """Let Mistral run a schedule once, soon, by a trust as it does for every due time.

        What a run by hand doesn't show is shown by this: whether Mistral may act for the user who
        is logged in. The backup that it makes is one of the schedule's. Follow it with
        :meth:`trial_execution`, and end it with :meth:`trial_end` if it has not fired.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        """
        mistral = self._delegable_mistral(mistral_client)
        return triggers.start_trial(mistral, triggers.find(mistral, id_of(schedule)))

    def schedule_drill(
        self, schedule: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleExecution:
        """Prove now that the schedule's newest completed backup restores.

        With the rights of the user who is logged in, a workflow makes a temporary instance from it
        that is like the schedule's, waits until that serves, at most 40 minutes, and deletes it.
        It counts in the project's quota meanwhile. Follow it with :meth:`execution_show`.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        """
        mistral = self._mistral(mistral_client)
        return drills.start(mistral, triggers.find(mistral, id_of(schedule)))

    def schedule_drill_every(
        self,
        schedule: str | HasId,
        pattern: str | None,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> ScheduleDrill | None:
        """Have drills done again and again, by a trust as the schedule's runs are.

        :param pattern: five cron fields, in UTC, with ``H`` as for a schedule, in the place of the
            pattern before; None stops repeating drills. The same pattern again changes nothing.
        :param force: also while a drill by the pattern before is in progress, which takes its
            rights away: it then leaves its temporary instance behind.
        :raises InvalidPatternError: the pattern is not one of five fields, or never runs.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        :raises ScheduleConflictError: a drill by the pattern before is in progress, or somebody
            else had drills done by another pattern at the same time.
        """
        schedule_id = id_of(schedule)
        if pattern is None:
            mistral = self._mistral(mistral_client)
            if not is_uuid(schedule_id):
                schedule_id = triggers.find(mistral, schedule_id).id
            if not self._stop_drills(mistral, schedule_id, force=force, by_hand_too=False):
                triggers.find(mistral, schedule_id)
            return None
        cron.validate(cron.freeze(pattern, schedule_id))
        mistral = self._delegable_mistral(mistral_client)
        found = triggers.find(mistral, schedule_id)
        before = drill_triggers.planned(mistral, found)
        if before is not None and before.pattern == cron.freeze(pattern, found.id):
            return before
        if not force:
            _refuse_while_drilling(mistral, found.id, by_hand_too=False)
        return drill_triggers.repeat(mistral, found, pattern, force=force)

    def schedule_drill_show(
        self, schedule: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleDrill | None:
        """When drills of the schedule are done, or None.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        """
        mistral = self._mistral(mistral_client)
        return drill_triggers.planned(mistral, triggers.find(mistral, id_of(schedule)))

    def trial_execution(
        self, trial: ScheduleTrial, mistral_client: MistralClient | None = None
    ) -> ScheduleExecution | None:
        """The run that a trial has brought, or None while it has not fired."""
        return history.of_trial(self._mistral(mistral_client), trial)

    def trial_end(self, trial: ScheduleTrial, mistral_client: MistralClient | None = None) -> None:
        """Delete the trigger of a trial that has not fired; one that has is gone by itself."""
        self._mistral(mistral_client).delete_cron_trigger(trial.trigger_id)

    def execution_show(
        self, execution: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleExecution:
        """One execution of any schedule of the project, even of one that is deleted.

        :raises ExecutionNotFoundError: the project has no such execution of a backup schedule.
        """
        return self._find_execution(self._mistral(mistral_client), execution)

    def workbook_load(
        self, mistral_client: MistralClient | None = None, *, public: bool = False
    ) -> workbook.Loaded:
        """Load this package's workbook into Mistral, or bring an older one up to date.

        :param public: for all projects, which only administrators may.
        :returns: what was done, see :class:`trove_schedules.workbook.Loaded`.
        :raises WorkbookError: a workbook of this name is there that must not be replaced.
        """
        return workbook.load(self._mistral(mistral_client), public=public)

    def schedule_health(
        self,
        schedules: Collection[str | HasId] = (),
        mistral_client: MistralClient | None = None,
        *,
        instance: str | HasId | None = None,
        limits: health.Limits = health.USUAL_LIMITS,
    ) -> list[health.Health]:
        """The state of schedules, and why; the worst first.

        :param schedules: which; none means every one of the project, or of the instance. One that
            is given as a :class:`Schedule` is judged as it is, and not asked for again.
        :raises ScheduleNotFoundError: the project has no such schedule. While Mistral is down,
            schedules are known by the backups that they made.
        """
        mistral, now = self._mistral(mistral_client), datetime.now(UTC)
        try:
            if schedules:
                found = [
                    each if isinstance(each, Schedule) else triggers.find(mistral, id_of(each))
                    for each in schedules
                ]
            else:
                found = self.schedule_list(instance, mistral_client)
        except ServiceUnavailableError as error:
            if error.service != "Mistral":
                raise
            wanted = {id_of(each) for each in schedules}
            return self._health_without_mistral(wanted, instance, limits, error)
        # The same one may be asked for by its id and by its name.
        found = list({each.id: each for each in found}.values())
        return survey(mistral, self._trove, found, limits, now)

    def check(
        self,
        instance: str | HasId | None = None,
        mistral_client: MistralClient | None = None,
    ) -> list[preflight.Check]:
        """Whether schedules can work here, point by point; nothing is created.

        :param instance: also whether this one can be backed up.
        """
        return preflight.checks(
            self._session,
            lambda: self._mistral(mistral_client),
            self._trove,
            None if instance is None else id_of(instance),
        )

    # Parts

    def _health_without_mistral(
        self,
        wanted: Set[str],
        instance: str | HasId | None,
        limits: health.Limits,
        why: ServiceUnavailableError,
    ) -> list[health.Health]:
        instance_id = None if instance is None else self._trove.instance_id(id_of(instance))
        made: dict[str, list[Backup]] = {}
        for backup in self._trove.backups(instance_id):
            schedule_id = schedule_of(backup.description)
            if schedule_id is None:
                continue
            # A schedule's name is that of its backups.
            if not wanted or not wanted.isdisjoint((schedule_id, backup.name)):
                made.setdefault(schedule_id, []).append(backup)
        named = {each.name for backups in made.values() for each in backups}
        wanted = made.keys() | (wanted - named)
        if not wanted:
            raise why
        now = datetime.now(UTC)
        return worst_first(
            judge.from_backups_alone(schedule_id, made.get(schedule_id, []), limits, str(why), now)
            for schedule_id in sorted(wanted)
        )

    def _pause(
        self,
        schedule: str | HasId,
        client: MistralClient | None,
        *,
        paused: bool,
        force: bool,
    ) -> Schedule:
        mistral = self._delegable_mistral(client)
        found = triggers.find(mistral, id_of(schedule))
        if found.paused == paused:
            return found
        plan = found.plan
        return self._replace(mistral, found, plan, paused=paused, force=force)

    def _replace(
        self, mistral: Mistral, found: Schedule, plan: Plan, *, paused: bool, force: bool
    ) -> Schedule:
        if not force:
            _refuse_while_running(mistral, self._trove, found)
        return triggers.replace(mistral, found, plan, paused=paused, force=force)

    @staticmethod
    def _stop_drills(
        mistral: Mistral, schedule_id: str, *, force: bool, by_hand_too: bool = True
    ) -> bool:
        """Stop repeating drills; tell whether any were repeated. The schedule may be gone."""
        if not is_uuid(schedule_id):
            return False
        if not force:
            _refuse_while_drilling(mistral, schedule_id, by_hand_too=by_hand_too)
        return drill_triggers.stop(mistral, schedule_id)

    @cached_property
    def _trove(self) -> Trove:
        return Trove(self._session, self._region_name, self._interface)

    @cached_property
    def _own_mistral(self) -> Mistral:
        return mistral_service.connect(self._session, self._region_name, self._interface)

    def _mistral(self, client: MistralClient | None) -> Mistral:
        return self._own_mistral if client is None else Mistral(client)

    def _delegable_mistral(self, client: MistralClient | None) -> Mistral:
        """Mistral, for a call that creates a trust.

        :raises NotDelegableError: the login is known to be unable to.
        """
        require_delegable(self._session)
        mistral = self._mistral(client)
        require_delegable(mistral.session)
        return mistral

    def _find_execution(self, mistral: Mistral, execution: str | HasId) -> ScheduleExecution:
        execution_id = id_of(execution)
        found = mistral.execution(execution_id) if is_uuid(execution_id) else None
        if found is None or found.workflow_name not in (workbook.WORKFLOW, workbook.DRILL):
            raise ExecutionNotFoundError(
                f"no execution of a backup schedule of this project has the id {execution_id!r}; "
                "'openstack database backup schedule execution list <schedule>' lists them"
            )
        return history.of_schedule(found)

    def _check_parent(self, mistral: Mistral, schedule_id: str, instance: str, plan: Plan) -> None:
        if plan.parent_id is None:
            return
        backup = self._trove.backup(plan.parent_id)
        if backup.instance_id != instance:
            raise InvalidScheduleError(
                f"backup {backup.id} is of instance {backup.instance_id}, not of {instance}; "
                "a parent must be a backup of the same instance"
            )
        if backup.status != "COMPLETED":
            raise InvalidScheduleError(
                f"backup {backup.id} is {backup.status}; a parent must be COMPLETED"
            )
        # The runs of a schedule keep its own parent, but know nothing of another schedule's.
        owner = schedule_of(backup.description)
        if owner is not None and owner != schedule_id:
            for each in triggers.find_all(mistral, name=f"has:{owner}"):
                if each.id == owner and (each.keep_last or each.keep_days):
                    raise InvalidScheduleError(
                        f"backup {backup.id} is of schedule {owner}, whose retention may delete it "
                        "before a run builds on it; choose a backup that was made by hand, or of a "
                        "schedule without keep options"
                    )


def _whose_parent(schedule: Schedule, pruned: Schedule) -> str:
    if schedule.id == pruned.id:
        return "the schedule's parent"
    return f"the parent of schedule {schedule.id}"


def _refuse_while_drilling(mistral: Mistral, schedule_id: str, *, by_hand_too: bool = True) -> None:
    """Refuse where a drill in progress would lose its rights, or its schedule.

    :param by_hand_too: one that was started by hand needs no trigger of drills.
    """
    now = triggers.now()
    for each in drills.executions(mistral, schedule_id, running=True):
        if each.in_progress(now) and (by_hand_too or not each.manual):
            raise ScheduleConflictError(
                f"schedule {schedule_id} has a restore drill in progress (execution {each.id}) "
                "that would leave its temporary instance behind; wait for its end, or force it"
            )


def _refuse_while_running(mistral: Mistral, trove: Trove, schedule: Schedule) -> None:
    known = {schedule.trigger_id, *schedule.earlier_trigger_ids}
    now = triggers.now()
    running = history.running(mistral, known, now)
    if running is None:
        return
    # One that should have its backup by now, while none is running and nothing is being deleted,
    # lost its engine or executor.
    if now - running.created_at > ASKS_WITHIN and not history.retains(mistral, running):
        backups = trove.backups(schedule.instance)
        if not any(
            each.running and schedule_of(each.description) == schedule.id for each in backups
        ):
            return
    raise ScheduleConflictError(
        f"schedule {schedule.id} has a run in progress (execution {running.id}) that would lose "
        "its rights; wait for its end, or force it"
    )
