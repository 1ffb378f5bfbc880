# SPDX-License-Identifier: Apache-2.0
"""The public API: each method finds what it was given, and has a rule's module do the rest.

More than 300 lines, because it holds the documentation of all methods.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Unpack

from trove_schedules import health, making, workbook
from trove_schedules.arguments import checked, checked_methods
from trove_schedules.backups import pins, pruning, remarks, restoring, retention
from trove_schedules.backups.restore import Like, ScheduleRestore
from trove_schedules.clients.scope import Scope
from trove_schedules.clients.services import Services
from trove_schedules.clients.session import open_session
from trove_schedules.coverage import Coverage
from trove_schedules.declared import Action, Step, document, steps
from trove_schedules.drills import executions as drills, repeating
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.errors import InvalidScheduleError, ScheduleNotFoundError
from trove_schedules.health import preflight, proving
from trove_schedules.health.check import Check
from trove_schedules.ids import HasId, id_if_any, id_of, is_uuid
from trove_schedules.overview import Overview, Snapshot
from trove_schedules.policies import Policies
from trove_schedules.report import report as reporting
from trove_schedules.report.report import Report
from trove_schedules.runs import history, records, webhook
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.runs.progress import refuse_while_running
from trove_schedules.schedules.changing import changed, planned
from trove_schedules.schedules.names import POLICY, new_schedule_id
from trove_schedules.schedules.options import Changes, MoreOptions
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.schedule import Schedule, ScheduleTrial
from trove_schedules.schedules.warnings import Remark
from trove_schedules.triggers import finding, replacing, trial as trials

if TYPE_CHECKING:
    from datetime import datetime

    from keystoneauth1.session import Session
    from mistralclient.api.v2.client import Client as MistralClient

    from trove_schedules.clients.instances import InstanceDetails
    from trove_schedules.clients.mistral import Mistral
    from trove_schedules.clients.trove import Backup


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
class ScheduledBackups(Policies):
    """Create, list, show and delete backup schedules and policies, and see their executions.

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
        self._where = session, region_name, interface
        self._own = Services.of(*self._where)

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
        :param pattern: five cron fields, read in the time zone of the option ``timezone``. ``H`` or
            ``H(1-4)`` for a field is a value that the schedule gets for good, to spread load. Or a
            name such as ``@daily``.
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
        plan = planned(schedule_id, pattern, name, description, id_if_any(parent_id), options)
        services = self._to_delegate(mistral_client)
        instance_id = services.trove.instance_id(id_of(instance))
        return making.create(services, schedule_id, instance_id, plan)

    def schedule_list(
        self, instance: str | HasId | None = None, mistral_client: MistralClient | None = None
    ) -> list[Schedule]:
        """Every backup schedule of an instance, or of the project, the next to run first.

        Schedules that python-troveclient made are listed only where no instance is given: Mistral
        can't be asked for those of one instance.

        :raises InstanceNotFoundError: or AmbiguousNameError. An id whose instance is gone is not
            an error while it has schedules.
        """
        return finding.find_each(self._own.through(mistral_client), (), id_if_any(instance))

    def schedule_show(
        self, schedule: str | HasId, mistral_client: MistralClient | None = None
    ) -> Schedule:
        """One schedule.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        """
        return finding.find(self._mistral(mistral_client), id_of(schedule))

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
        services = self._own.through(mistral_client)
        mistral, schedule_id = services.mistral, id_of(schedule)
        try:
            found = finding.find(mistral, schedule_id)
        except ScheduleNotFoundError:
            # A client that was killed may have left it a trigger of drills.
            if not is_uuid(schedule_id) or not repeating.stop(mistral, schedule_id, force=force):
                raise
            return
        if not force:
            refuse_while_running(services, found)
            drills.refuse_while_drilling(mistral, found.id)
        replacing.delete(mistral, found.id)

    def execution_list(
        self,
        schedule: str | HasId,
        mistral_client: MistralClient | None = None,
        marker: str | HasId | None = "",
        limit: int | None = None,
        *,
        include_all: bool = False,
        drills_only: bool = False,
        instance: str | HasId | None = None,
    ) -> list[ScheduleExecution]:
        """The executions of a schedule, newest first, as far back as Mistral keeps them.

        :param schedule: or a policy; one that is given as a :class:`Policy` is not asked for again.
        :param marker: an execution of this schedule; the list starts after it.
        :param limit: at most N executions, 1 or more; None means all.
        :param include_all: also those that found their due backup done, which ``attempts`` brings
            with it.
        :param drills_only: the schedule's drills instead of its runs.
        :param instance: of a policy, the runs of this one of its instances, which are parts of the
            policy's. One that is gone is given by its id.
        :raises InvalidScheduleError: the limit is not a positive number, or an instance is given
            for what is no policy.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        :raises InstanceNotFoundError: or AmbiguousNameError, of the instance's name.
        :raises ExecutionNotFoundError: the marker is not an execution of this schedule.
        """
        if limit is not None:
            _check_limit(limit)
        services = self._own.through(mistral_client)
        mistral = services.mistral
        found = finding.find_either(mistral, schedule)
        start = id_of(marker) if marker else None
        if drills_only:
            return list(islice(drills.executions(mistral, found.id, marker=start), limit))
        part = id_if_any(instance)
        if part is not None and not isinstance(found, Policy):
            raise InvalidScheduleError(
                f"schedule {found.id} is of one instance; only a policy's executions can be those "
                "of an instance"
            )
        if part is not None and not is_uuid(part):
            part = services.trove.instance_id(part)
        return records.listed(
            mistral, found, marker=start, limit=limit, include_all=include_all, instance=part
        )

    def drill_in_progress(
        self, schedule: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleExecution | None:
        """The drill of a schedule or policy that still does something, or None.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of a name. An id is taken as it is.
        """
        mistral, schedule_id = self._mistral(mistral_client), id_of(schedule)
        if not is_uuid(schedule_id):
            schedule_id = finding.find_either(mistral, schedule_id).id
        return drills.in_progress(mistral, schedule_id)

    def execution_delete(
        self, execution: str | HasId, mistral_client: MistralClient | None = None
    ) -> None:
        """Delete an execution's record. The backup that it made stays.

        :raises ExecutionNotFoundError: the project has no such execution of a backup schedule.
        :raises ScheduleConflictError: it is still running.
        """
        mistral = self._mistral(mistral_client)
        records.delete(mistral, records.find(mistral, id_of(execution)))

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
        already, no request does either. Any change renews the offsets of the schedule's time zone,
        and so does one to the time zone that it has.

        :param unset: names of options to remove.
        :param force: change it while a run is in progress too, which takes that run's rights away.
        :param changes: what to change, by the argument names of :meth:`schedule_create`; what is
            left out or None stays. A new base, ``parent_id`` or ``incremental``, takes the place of
            the old one. New ``attempts``, or a pattern that leaves no room for the old ones, choose
            the minutes between them anew; a schedule of one attempt keeps to one.
        :raises InvalidScheduleError: no change is named, or an argument is wrong.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        :raises ScheduleConflictError: a run is in progress, or somebody else changed or deleted it.
        """
        services = self._to_delegate(mistral_client)
        found = finding.find(services.mistral, id_of(schedule))
        parent = changes.get("parent_id")
        if parent is not None:
            changes["parent_id"] = id_of(parent)
        plan = changed(found.plan, found.id, changes, unset)
        return making.replan(services, found, plan, force=force)

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
        return records.start(mistral, finding.find(mistral, id_of(schedule)))

    def schedule_prune(
        self,
        schedule: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        dry_run: bool = False,
    ) -> list[retention.Verdict]:
        """Delete the backups that a schedule no longer keeps, by its own ``keep`` options.

        Every run does it after a success. By hand it is for options that are new, and for
        instances with too many backups for the workbook. Trove deletes in the background. What is
        pinned is kept, what any schedule of the instance has as its parent, and while a drill or a
        restore of the schedule is in progress what that may be reading.

        :param dry_run: only say what would be deleted, and why.
        :returns: what becomes of each of the schedule's backups and what keeps it, the newest
            first.
        :raises InvalidScheduleError: the schedule has no ``keep`` option.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        """
        services = self._own.through(mistral_client)
        found = finding.find(services.mistral, id_of(schedule))
        return pruning.prune(services, found, dry_run=dry_run)

    def schedule_pin(
        self,
        schedule: str | HasId,
        backup: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> Schedule:
        """Keep a backup of a schedule whatever its rules say, with all that it builds on.

        That changes the schedule, as :meth:`schedule_set` does. Pinning it again is fine.

        :param backup: a COMPLETED backup of this schedule, or its id.
        :param force: change the schedule while a run is in progress too.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        :raises BackupNotFoundError: of the backup.
        :raises InvalidScheduleError: it isn't a completed backup of the schedule, or 50 are pinned.
        :raises ScheduleConflictError: a run is in progress, or somebody else changed the schedule.
        """
        services = self._to_delegate(mistral_client)
        found = finding.find(services.mistral, id_of(schedule))
        return pins.pin(services, found, id_of(backup), force=force)

    def schedule_unpin(
        self,
        schedule: str | HasId,
        backup: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> Schedule:
        """Leave a pinned backup to the schedule's rules again, also one that is gone.

        Unpinning one that isn't pinned is fine.

        :param force: change the schedule while a run is in progress too.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        :raises ScheduleConflictError: a run is in progress, or somebody else changed the schedule.
        """
        services = self._to_delegate(mistral_client)
        found = finding.find(services.mistral, id_of(schedule))
        return pins.unpin(services, found, id_of(backup), force=force)

    def schedule_remarks(
        self, schedule: str | HasId, mistral_client: MistralClient | None = None
    ) -> list[Remark]:
        """What people should know of a schedule that they have created or changed.

        How many backups it has at once at most, against the project's quota, and the traps that it
        is in: nothing is ever deleted, the deadline cuts attempts off, another schedule of the
        instance is due at the same times, a policy takes the instance. The commands and the
        dashboard say it; nothing of it is refused.

        :param schedule: one that is given as a :class:`Schedule` is not asked for again.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        """
        services = self._own.through(mistral_client)
        return remarks.of(services, finding.find_unless_given(services.mistral, schedule))

    def schedule_trial(
        self, schedule: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleTrial:
        """Let Mistral run a schedule once, soon, by a trust as it does for every due time.

        What a run by hand doesn't show is shown by this: whether Mistral may act for the user who
        is logged in. The backup that it makes is one of the schedule's. Follow it with
        :meth:`trial_execution`, and end it with :meth:`trial_end` if it has not fired.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        """
        mistral = self._to_delegate(mistral_client).mistral
        return trials.start(mistral, finding.find(mistral, id_of(schedule)))

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
        return drills.start(mistral, finding.find(mistral, id_of(schedule)))

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
                schedule_id = finding.find(mistral, schedule_id).id
            # One that is gone may have left a trigger of drills.
            if not repeating.stop(mistral, schedule_id, force=force, by_hand_too=False):
                finding.find(mistral, schedule_id)
            return None
        repeating.check(pattern, schedule_id)
        mistral = self._to_delegate(mistral_client).mistral
        found = finding.find(mistral, schedule_id)
        return repeating.repeat(mistral, found, pattern, force=force)

    def schedule_drill_show(
        self, schedule: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleDrill | None:
        """When drills of the schedule are done, or None.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        """
        mistral = self._mistral(mistral_client)
        return repeating.repeated(mistral, finding.find_unless_given(mistral, schedule))

    def schedule_restore(
        self,
        schedule: str | HasId,
        name: str,
        mistral_client: MistralClient | None = None,
        *,
        at: str | datetime | None = None,
        backup: str | HasId | None = None,
        dry_run: bool = False,
        report: Callable[[str], object] | None = None,
        **like: Unpack[Like],
    ) -> ScheduleRestore:
        """Make a new instance from a schedule's backup, like the one that was backed up.

        Trove makes it in the background; follow it with :meth:`schedule_restore_progress`. It is
        not public. While it reads its backup, at most six hours, the schedule's retention deletes
        nothing. Mistral is asked for the schedule only. By its id a schedule that is gone is
        restored too, and any while Mistral is down.

        :param name: of the new instance, which no other of the project may have.
        :param at: the newest completed backup that holds nothing of later than this is restored;
            None means the newest of all. A datetime, or a text of ISO 8601; without an offset it is
            in the schedule's time zone, and in UTC where only the schedule's id is known.
        :param backup: one of the schedule's backups, or of its instance's, in place of a time.
        :param dry_run: only say what would be made. What is missing then is no error.
        :param report: is called with what comes back and what is lost, before anything is changed.
        :param like: what is to differ from the instance that was backed up: ``flavor``,
            ``network`` and ``configuration`` (ids), ``volume_size`` (gigabytes; 0 is no volume),
            ``datastore_version`` (name or id). If that instance is gone, the backup tells the
            datastore and the least size of the volume.
        :raises InvalidScheduleError: an argument is wrong, or nothing tells what is missing.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        :raises BackupNotFoundError: no backup fits.
        """
        return restoring.restore(
            self._own.through(mistral_client),
            id_of(schedule),
            name,
            at=at,
            backup=id_if_any(backup),
            like=like,
            dry_run=dry_run,
            report=report or (lambda _: None),
        )

    def schedule_restore_progress(
        self, restore: ScheduleRestore, mistral_client: MistralClient | None = None
    ) -> InstanceDetails:
        """The instance that a restore makes, as Trove shows it now.

        Once it is ready or has failed, retention may delete the backup again.

        :raises InstanceNotFoundError: somebody has deleted it.
        """
        return restoring.progress(self._own.through(mistral_client), restore)

    def webhook_test(
        self, schedule: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleExecution:
        """Have Mistral send a test to a schedule's webhook, in the schedule's format.

        Follow it with :meth:`execution_show`: it is a SUCCESS if the webhook answers by HTTP 2xx.

        :param schedule: or a policy; one that is given as a :class:`Policy` is not asked for again.
        :raises InvalidScheduleError: the schedule has no webhook.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the schedule.
        """
        mistral = self._mistral(mistral_client)
        return webhook.test(mistral, finding.find_either(mistral, schedule))

    def trial_execution(
        self, trial: ScheduleTrial, mistral_client: MistralClient | None = None
    ) -> ScheduleExecution | None:
        """The run that a trial has brought, or None while it has not fired."""
        return history.of_trial(self._mistral(mistral_client), trial)

    def trial_end(self, trial: ScheduleTrial, mistral_client: MistralClient | None = None) -> bool:
        """Delete the trigger of a trial that has not fired; one that has is gone by itself.

        :returns: whether it had not fired.
        """
        return self._mistral(mistral_client).delete_cron_trigger(trial.trigger_id)

    def execution_show(
        self, execution: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleExecution:
        """One execution of any schedule or policy of the project, even of one that is deleted.

        :raises ExecutionNotFoundError: the project has no such execution of a backup schedule.
        """
        return records.find(self._mistral(mistral_client), id_of(execution))

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
        now = self.snapshot(mistral_client)
        return now.schedule_health(schedules, instance=instance, limits=limits)

    def coverage(
        self,
        mistral_client: MistralClient | None = None,
        *,
        exclude: Collection[str] = (),
        max_age: timedelta | None = None,
    ) -> list[Coverage]:
        """What protects each instance of the project, those that nothing protects first.

        :param exclude: patterns of the names or ids of instances that need no backups, with ``*``,
            ``?`` and ``[…]`` as shells have them.
        :param max_age: an instance is STALE where its newest completed backup is older than this,
            whoever made that; or where it has none, and a schedule for longer than this.
        """
        return self.snapshot(mistral_client).coverage(exclude=exclude, max_age=max_age)

    def snapshot(self, mistral_client: MistralClient | None = None) -> Snapshot:
        """Health and coverage at one moment: lists that both need are read once."""
        return Snapshot(self._own.through(mistral_client))

    def check(
        self,
        instance: str | HasId | None = None,
        mistral_client: MistralClient | None = None,
    ) -> list[Check]:
        """Whether schedules can work here, point by point; nothing is created.

        :param instance: also whether this one can be backed up.
        """
        return list(preflight.checks(self._own.through(mistral_client), id_if_any(instance)))

    def prove(
        self,
        mistral_client: MistralClient | None = None,
        *,
        report: Callable[[str], object] | None = None,
    ) -> Iterator[Check]:
        """Yield the links between a due time and Trove, until one is missing.

        Mistral fires a trigger once, by a trust of this user, and its workflow asks Trove for its
        limits. That takes three minutes, at most four. No schedule or workbook is needed. Whatever
        is created is deleted in the end, also where the caller stops before.

        :param report: is called with what is waited for, every three seconds.
        """
        return proving.prove(self._own.through(mistral_client), report or (lambda _: None))

    def report(
        self,
        schedules: Collection[str | HasId] = (),
        mistral_client: MistralClient | None = None,
        *,
        since: datetime,
        exclude: Collection[str] = (),
    ) -> Report:
        """What schedules promised since a time, and what became of each due time.

        It is told by Trove's backups and Mistral's executions as they are now. So it can't tell of
        schedules that are deleted, and of due times only as far back as one of the two has a trace.

        :param schedules: which; none means every one of the project.
        :param since: an aware time, at most three years ago.
        :param exclude: see :meth:`coverage`, which is in the report on every schedule.
        :raises InvalidScheduleError: the time is not one of these.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of a schedule.
        """
        return reporting.make(self._own.through(mistral_client), schedules, since, exclude)

    def overview(self, *, project: str | None = None) -> Overview:
        """The schedules of all projects, or of another one, as an administrator may see them.

        :param project: the id of one; None means all.
        """
        scope = Scope(all_projects=project is None, project_id=project)
        return Overview(Services.of(*self._where, scope))

    # Schedules in a file

    def schedule_steps(
        self,
        declared: Mapping[str, Any],
        mistral_client: MistralClient | None = None,
        *,
        prune: bool = False,
        mark: bool = True,
    ) -> list[Step]:
        """What has to be done so that the project's schedules and policies are as a file says.

        Nothing is changed: :meth:`schedule_apply` does it, step by step. An entry is for the
        schedule of its instance and name, or for the policy of its name. It says all: what it
        leaves out has its default, but secret options and ``paused`` stay as they are. Of a list,
        ``schedules`` or ``policies``, that the file doesn't have, nothing is looked at.

        :param declared: what the file holds, see :func:`trove_schedules.declared.schema`.
        :param prune: also delete what no entry of a list names, of what a file has made or taken
            over.
        :param mark: mark what entries name as declared, so that ``prune`` may delete it later.
            Without it, a mark that is there stays.
        :returns: a step for each entry, in their order, and then the deletions.
        :raises InvalidScheduleError: an entry is wrong, or two are for one schedule. No value of a
            secret option is told.
        :raises InstanceNotFoundError: or AmbiguousNameError, of an instance.
        :raises AmbiguousNameError: an entry fits several schedules.
        """
        entries = document.read(declared)
        services, kinds = self._own.through(mistral_client), document.kinds(declared)
        return steps.steps(services, entries, kinds, prune=prune, mark=mark)

    def schedule_apply(
        self, step: Step, mistral_client: MistralClient | None = None
    ) -> Schedule | None:
        """Do what a step of :meth:`schedule_steps` says; what it is for as it is then, or None.

        If it is cut off anywhere, new steps for the same file do what is left.

        :raises ScheduleConflictError: a run is in progress, or somebody else changed or deleted the
            schedule since.
        :raises InvalidScheduleError: or BackupNotFoundError, of a parent.
        :raises WorkbookError: the workbook is not loaded, or too old.
        :raises NotDelegableError: this login can't create trusts.
        """
        if step.plan is None:
            delete = self.policy_delete if step.is_of_policy else self.schedule_delete
            delete(step.schedule_id, mistral_client)
            return None
        if step.action == Action.KEEP:
            return step.schedule
        return steps.make(self._to_delegate(mistral_client), step, step.plan)

    def schedule_export(
        self, mistral_client: MistralClient | None = None, *, secrets: bool = False
    ) -> str:
        """A file, in YAML, that declares the project's schedules and policies as they are.

        :param secrets: also write secret options; a comment says where they are left out.
        :raises AmbiguousNameError: an instance has several schedules of a name, or several policies
            have one.
        """
        services = self._own.through(mistral_client)
        found = finding.find_all(services.mistral)
        policies = finding.find_policies(services.mistral)
        drills = repeating.every(services.mistral)
        if policies:
            drills |= repeating.every(services.mistral, POLICY)
        patterns = {key: each.pattern for key, each in drills.items()}
        names = services.trove.instance_names() if found else {}
        return document.written([*found, *policies], names, patterns, secrets=secrets)

    # What schedules are of, and what they have made

    def instance_names(self) -> dict[str, str]:
        """The names of the project's instances, by their ids."""
        return self._own.trove.instance_names()

    def instance_name(self, instance: str | HasId) -> str | None:
        """The name of one instance, given by its id; None where the project has none of this id."""
        return self._own.trove.instance_name(id_of(instance))

    def backup_list(self, instance: str | HasId | None = None, *, limit: int = 50) -> list[Backup]:
        """The newest backups of the project or of one instance, whoever made them, newest first.

        :param limit: the N that were updated last, by one request; 1 or more.
        :raises InvalidScheduleError: the limit is not a positive number.
        :raises InstanceNotFoundError: or AmbiguousNameError, where a name is given.
        """
        _check_limit(limit)
        trove = self._own.trove
        given = id_if_any(instance)
        if given is not None and not is_uuid(given):
            given = trove.instance_id(given)
        return trove.newest_backups(limit, given)

    # Parts

    def _pause(
        self,
        schedule: str | HasId,
        client: MistralClient | None,
        *,
        paused: bool,
        force: bool,
    ) -> Schedule:
        services = self._to_delegate(client)
        found = finding.find(services.mistral, id_of(schedule))
        return making.pause(services, found, paused=paused, force=force)

    def _mistral(self, client: MistralClient | None) -> Mistral:
        return self._own.through(client).mistral


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise InvalidScheduleError(f"the limit {limit} is not a number of 1 or more")
