# SPDX-License-Identifier: Apache-2.0
"""The public API of policies: what schedules have, for many instances at once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Unpack

from trove_schedules import health, making
from trove_schedules.arguments import checked_methods
from trove_schedules.backups import pins, pruning, remarks, restoring, retention
from trove_schedules.backups.restore import Like, ScheduleRestore
from trove_schedules.drills import executions as drills, repeating, turns
from trove_schedules.errors import ScheduleNotFoundError
from trove_schedules.health.policies import health_of_policies
from trove_schedules.ids import HasId, id_if_any, id_of, is_uuid
from trove_schedules.lists import Lists
from trove_schedules.runs import records
from trove_schedules.runs.progress import refuse_while_running
from trove_schedules.schedules.changing import changed, planned
from trove_schedules.schedules.names import EVERY, POLICY, new_schedule_id
from trove_schedules.schedules.policy import (
    Policy,
    PolicyChanges,
    PolicyOptions,
    PolicyPlan,
    check_changes,
)
from trove_schedules.schedules.selection import Candidate
from trove_schedules.schedules.warnings import Remark
from trove_schedules.triggers import finding, replacing

if TYPE_CHECKING:
    from datetime import datetime

    from mistralclient.api.v2.client import Client as MistralClient

    from trove_schedules.clients.services import Services
    from trove_schedules.drills.drill import ScheduleDrill
    from trove_schedules.runs.execution import ScheduleExecution


@checked_methods
class Policies:
    """The methods of :class:`ScheduledBackups` that create, list, change and delete policies.

    A policy is a schedule for many instances: each of its runs lists the project's instances and
    backs those up that it selects. So an instance that is new is backed up without anybody's hand,
    and has backups, retention and health of its own. Policies are given by their id, their name or
    the object.
    """

    _own: Services

    def policy_create(
        self,
        name: str,
        pattern: str,
        description: str | None = None,
        mistral_client: MistralClient | None = None,
        **options: Unpack[PolicyOptions],
    ) -> Policy:
        """Create a policy that backs up the instances of the project that it selects.

        As for :meth:`schedule_create`, the user's rights are delegated to Mistral. No instance
        needs to be there yet.

        :param name: name of the backups, which is the policy's too.
        :param pattern: when all its instances are due, as of a schedule.
        :param description: description of the backups.
        :param options: the other options: those of a schedule without ``parent_id``, and which
            instances are taken, see the page *Options of a schedule*. None is the same as to leave
            one out.
        :raises InvalidScheduleError: an argument is wrong.
        :raises InvalidPatternError: the pattern is not one of five fields, never runs, or leaves no
            room for the attempts.
        :raises WorkbookError: the workbook is not loaded, or too old.
        :raises NotDelegableError: this login can't create trusts.
        """
        policy_id = new_schedule_id()
        plan = planned(policy_id, pattern, name, description, None, options, PolicyPlan)
        services = self._to_delegate(mistral_client)
        return finding.policy_in(making.create(services, policy_id, EVERY, plan))

    def policy_list(self, mistral_client: MistralClient | None = None) -> list[Policy]:
        """Every policy of the project, the next to run first."""
        return finding.find_policies(self._own.through(mistral_client).mistral)

    def policy_show(
        self, policy: str | HasId, mistral_client: MistralClient | None = None
    ) -> Policy:
        """One policy.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        """
        return finding.find_policy(self._own.through(mistral_client).mistral, id_of(policy))

    def policy_set(
        self,
        policy: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        unset: Collection[str] = (),
        force: bool = False,
        **changes: Unpack[PolicyChanges],
    ) -> Policy:
        """Change a policy, as :meth:`schedule_set` changes a schedule.

        What it selects is looked at in each run, so a change of that counts from the next one. The
        backups of an instance that it no longer selects stay.

        :param unset: names of options to remove.
        :param force: change it while a run is in progress too, which takes that run's rights away.
        :param changes: what to change, by the argument names of :meth:`policy_create`. Patterns and
            datastores take the place of all those before.
        :raises InvalidScheduleError: no change is named, or an argument is wrong.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        :raises ScheduleConflictError: a run is in progress, or somebody else changed or deleted it.
        """
        check_changes(changes)
        services = self._to_delegate(mistral_client)
        found = finding.find_policy(services.mistral, id_of(policy))
        plan = changed(found.plan, found.id, changes, unset)
        return finding.policy_in(making.replan(services, found, plan, force=force))

    def policy_pause(
        self,
        policy: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> Policy:
        """Let a policy make no backups until it is resumed. Pausing a paused one is fine.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        :raises ScheduleConflictError: a run is in progress (``force`` takes its rights away).
        """
        return self._pause_policy(policy, mistral_client, paused=True, force=force)

    def policy_resume(
        self,
        policy: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> Policy:
        """Let a paused policy go on, at its next due time. Resuming one that runs is fine.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        :raises ScheduleConflictError: a run is in progress (``force`` takes its rights away).
        """
        return self._pause_policy(policy, mistral_client, paused=False, force=force)

    def policy_delete(
        self,
        policy: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> None:
        """Delete a policy. The backups that it made stay, and so do its executions.

        :param force: delete it while a run or a drill is in progress too, which takes its rights
            away: a drill then leaves its temporary instance behind.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        :raises ScheduleConflictError: a run is in progress.
        """
        services = self._own.through(mistral_client)
        policy_id = id_of(policy)
        try:
            found = finding.find_policy(services.mistral, policy_id)
        except ScheduleNotFoundError:
            # A client that was killed may have left it a trigger of drills.
            if not is_uuid(policy_id) or not repeating.stop(
                services.mistral, policy_id, POLICY, force=force
            ):
                raise
            return
        if not force:
            refuse_while_running(services, found)
            drills.refuse_while_drilling(services.mistral, found.id, noun=found.noun)
        replacing.delete(services.mistral, found.id, found.noun)

    def policy_run(
        self, policy: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleExecution:
        """Start a run now, with the rights of the user who is logged in; it counts as manual.

        It makes a backup of each instance that it selects, whether or not one is due.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        """
        mistral = self._own.through(mistral_client).mistral
        return records.start(mistral, finding.find_policy(mistral, id_of(policy)))

    def policy_preview(
        self, policy: str | HasId, mistral_client: MistralClient | None = None
    ) -> list[Candidate]:
        """The instances of the project, and what a run that began now would do with each.

        :returns: those first that are taken, then those that can't be backed up now, then those
            that are left on purpose; in each part by name.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        """
        services = self._own.through(mistral_client)
        selection = finding.find_policy(services.mistral, id_of(policy)).selection
        return selection.candidates(services.trove.instances())

    def policy_remarks(
        self, policy: str | HasId, mistral_client: MistralClient | None = None
    ) -> list[Remark]:
        """What people should know of a policy that they have created or changed.

        How many backups it has at once at most, of all instances that it takes now, against the
        project's quota; whether it takes none; whether the deadline cuts attempts off; which other
        schedules and policies back up the same instances.

        :param policy: one that is given as a :class:`Policy` is not asked for again.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        """
        services = self._own.through(mistral_client)
        found = finding.find_policy_unless_given(services.mistral, policy)
        return remarks.of_policy(services, found)

    def policy_prune(
        self,
        policy: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        dry_run: bool = False,
    ) -> list[retention.Verdict]:
        """Delete the backups that a policy no longer keeps: of each instance by the policy's rules.

        As :meth:`schedule_prune` does, also of instances that are gone or no longer selected.

        :param dry_run: only say what would be deleted, and why.
        :returns: what becomes of each of the policy's backups and what keeps it, by instance, the
            newest first.
        :raises InvalidScheduleError: the policy has no ``keep`` option.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        """
        services = self._own.through(mistral_client)
        found = finding.find_policy(services.mistral, id_of(policy))
        return pruning.prune(services, found, dry_run=dry_run)

    def policy_pin(
        self,
        policy: str | HasId,
        backup: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> Policy:
        """Keep a backup of a policy whatever its rules say, as :meth:`schedule_pin` does.

        :param backup: a COMPLETED backup that this policy made of any instance, or its id.
        :param force: change the policy while a run is in progress too.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        :raises BackupNotFoundError: of the backup.
        :raises InvalidScheduleError: it isn't a completed backup of the policy, or 50 are pinned.
        :raises ScheduleConflictError: a run is in progress, or somebody else changed the policy.
        """
        services = self._to_delegate(mistral_client)
        found = finding.find_policy(services.mistral, id_of(policy))
        return finding.policy_in(pins.pin(services, found, id_of(backup), force=force))

    def policy_unpin(
        self,
        policy: str | HasId,
        backup: str | HasId,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> Policy:
        """Leave a pinned backup to the policy's rules again, also one that is gone.

        Unpinning one that isn't pinned is fine.

        :param force: change the policy while a run is in progress too.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        :raises ScheduleConflictError: a run is in progress, or somebody else changed the policy.
        """
        services = self._to_delegate(mistral_client)
        found = finding.find_policy(services.mistral, id_of(policy))
        return finding.policy_in(pins.unpin(services, found, id_of(backup), force=force))

    def policy_restore(
        self,
        policy: str | HasId,
        name: str,
        mistral_client: MistralClient | None = None,
        *,
        instance: str | HasId | None = None,
        at: str | datetime | None = None,
        backup: str | HasId | None = None,
        dry_run: bool = False,
        report: Callable[[str], object] | None = None,
        **like: Unpack[Like],
    ) -> ScheduleRestore:
        """Make a new instance from a backup that a policy has of one of its instances.

        As :meth:`ScheduledBackups.schedule_restore` does for a schedule; follow it with
        :meth:`ScheduledBackups.schedule_restore_progress`.

        :param instance: which of them; one that is gone by its id, or by a name that one of the
            policy's runs has told. None: that of the backup.
        :param backup: one of the policy's backups, or of the instance that is given.
        :raises InvalidScheduleError: an argument is wrong, neither instance nor backup is given, or
            nothing tells what is missing.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        :raises InstanceNotFoundError: or AmbiguousNameError, of the instance's name.
        :raises BackupNotFoundError: no backup fits.
        """
        return restoring.restore(
            self._own.through(mistral_client),
            id_of(policy),
            name,
            of_policy=True,
            instance=id_if_any(instance),
            at=at,
            backup=id_if_any(backup),
            like=like,
            dry_run=dry_run,
            report=report or (lambda _: None),
        )

    def policy_drill(
        self,
        policy: str | HasId,
        instance: str | HasId | None = None,
        mistral_client: MistralClient | None = None,
    ) -> ScheduleExecution:
        """Prove now that the newest completed backup of one instance of a policy restores.

        As :meth:`schedule_drill` does. Called again and again, it gets round to all instances.

        :param instance: one that the policy backs up, by id or name; None is the one whose last
            drill began the longest ago.
        :raises BackupNotFoundError: the policy has no completed backup of what it takes.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        :raises InstanceNotFoundError: or AmbiguousNameError, of the instance.
        """
        services = self._own.through(mistral_client)
        found = finding.find_policy(services.mistral, id_of(policy))
        if instance is None:
            lists = Lists(services)
            chosen = turns.next_instance(found, lists.instances, lists.backups, lists.drills)
        else:
            chosen = services.trove.instance_id(id_of(instance))
        return drills.start(services.mistral, found.of(chosen))

    def policy_drill_every(
        self,
        policy: str | HasId,
        pattern: str | None,
        mistral_client: MistralClient | None = None,
        *,
        force: bool = False,
    ) -> ScheduleDrill | None:
        """Have the instances of a policy drilled in turn, one at each due time, by a trust.

        As :meth:`schedule_drill_every` does for a schedule. The turns go by the ids of the
        instances that the policy takes then. One without a completed backup lets its turn pass.

        :param pattern: five cron fields, in UTC, of at most 288 due times a day, with ``H`` as for
            a schedule; None stops repeating drills.
        :param force: also while a drill by the pattern before is in progress, which takes its
            rights away: it then leaves its temporary instance behind.
        :raises InvalidPatternError: the pattern is not one of five fields, or never runs.
        :raises InvalidScheduleError: it has more due times a day.
        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        :raises ScheduleConflictError: a drill by the pattern before is in progress, or somebody
            else had drills done by another pattern at the same time.
        """
        policy_id = id_of(policy)
        if pattern is None:
            mistral = self._own.through(mistral_client).mistral
            if not is_uuid(policy_id):
                policy_id = finding.find_policy(mistral, policy_id).id
            # One that is gone may have left a trigger of drills.
            if not repeating.stop(mistral, policy_id, POLICY, force=force, by_hand_too=False):
                finding.find_policy(mistral, policy_id)
            return None
        repeating.check(pattern, policy_id, POLICY)
        mistral = self._to_delegate(mistral_client).mistral
        found = finding.find_policy(mistral, policy_id)
        return repeating.repeat(mistral, found, pattern, force=force)

    def policy_drill_show(
        self, policy: str | HasId, mistral_client: MistralClient | None = None
    ) -> ScheduleDrill | None:
        """When the instances of a policy are drilled in turn, or None.

        :raises ScheduleNotFoundError: or AmbiguousNameError, of the policy.
        """
        mistral = self._own.through(mistral_client).mistral
        return repeating.repeated(mistral, finding.find_policy_unless_given(mistral, policy))

    def policy_health(
        self,
        policies: Collection[str | HasId] = (),
        mistral_client: MistralClient | None = None,
        *,
        limits: health.Limits = health.USUAL_LIMITS,
    ) -> list[health.PolicyHealth]:
        """The state of policies and of each of their instances, and why; the worst first.

        An instance is judged as a schedule of its own is, and owes nothing from before it was made.
        The number of requests grows with the pages of instances, backups and executions, not with
        the instances.

        :param policies: which; none means every one of the project. One that is given as a
            :class:`Policy` is judged as it is, and not asked for again.
        :raises ScheduleNotFoundError: the project has no such policy.
        """
        return health_of_policies(Lists(self._own.through(mistral_client)), policies, limits)

    def _pause_policy(
        self,
        policy: str | HasId,
        client: MistralClient | None,
        *,
        paused: bool,
        force: bool,
    ) -> Policy:
        services = self._to_delegate(client)
        found = finding.find_policy(services.mistral, id_of(policy))
        return finding.policy_in(making.pause(services, found, paused=paused, force=force))

    def _to_delegate(self, client: MistralClient | None) -> Services:
        """The services, for a call that creates a trust.

        :raises NotDelegableError: the login is known to be unable to.
        """
        services = self._own.through(client)
        services.require_delegable()
        return services
