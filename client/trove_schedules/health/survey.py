# SPDX-License-Identifier: Apache-2.0
"""The health of many schedules: who is asked for what, in how few requests.

Schedules, then backups, then executions are read. An execution that contradicts the backups is
newer than they are, and the backup that it names is looked at again. What can't be read, or would
take too many requests, is said in the reason, and no state is concluded from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.trove import Backup, Trove
from trove_schedules.drills.drill import NEVER_PROVEN
from trove_schedules.drills.proofs import proofs_of_policy, proofs_of_schedules
from trove_schedules.errors import BackupNotFoundError, ServiceError
from trove_schedules.health.judge import Look, look, unknown
from trove_schedules.health.seen import EARLY
from trove_schedules.health.state import Health, Limits, worst_first
from trove_schedules.ids import is_uuid
from trove_schedules.lists import Lists
from trove_schedules.runs import history
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.schedules import zones
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.schedule import Schedule

#: So few things are asked for one by one.
_FEW = 3
#: The most pages of executions that are read for a project, a thousand on each.
_EXECUTION_PAGES = 8
#: The most pages of instances that are read: of a project usually of twenty each, for
#: administrators of a hundred.
_INSTANCE_PAGES, _INSTANCE_PAGES_OF_OTHERS = 10, 50


def survey(lists: Lists, schedules: Sequence[Schedule], limits: Limits) -> list[Health]:
    """The state of each schedule, the worst first.

    :param lists: from before the schedules were read.
    """
    try:
        backups = Backups(lists.services.trove, lists.backups)
    except ServiceError as error:
        return [unknown(each, f"Trove can't say: {error}") for each in schedules]
    return survey_with(lists, backups, schedules, limits)


def survey_with(
    lists: Lists,
    backups: Backups,
    schedules: Sequence[Schedule],
    limits: Limits,
    policy: Policy | None = None,
) -> list[Health]:
    """The same, of backups that were read.

    :param policy: by which these are the schedules of instances that are known to be there.
    """
    mistral, trove, now = lists.services.mistral, lists.services.trove, lists.now
    notes = []
    try:
        proofs = (
            proofs_of_policy(lists.drills, policy.id)
            if policy
            else proofs_of_schedules(lists.drills)
        )
    except ServiceError as error:
        proofs = {}
        notes.append(f"drills can't be read: {error}")
    left = None
    try:
        if (quota := lists.quota) is not None:
            left = quota.left
    except ServiceError as error:
        notes.append(f"the quota of backups can't be read: {error}")

    look_at = partial(look, limits=limits, now=now)
    looks = [look_at(each, backups.of(each.instance), orphaned=False) for each in schedules]
    gone, unsure = set[str](), set[str]()
    try:
        pages = _INSTANCE_PAGES if trove.scope.is_own else _INSTANCE_PAGES_OF_OTHERS
        if policy is None:
            gone, unsure = gone_instances(
                trove, _instances(looks), lambda: lists.instance_names(pages)
            )
    except ServiceError as error:
        notes.append(f"instances can't be read: {error}")
    looks = [
        look_at(each.schedule, backups.of(each.schedule.instance), orphaned=True)
        if each.schedule.instance in gone
        else each
        for each in looks
    ]
    runs = _PartRuns(mistral, policy, looks, now) if policy else _Runs(mistral, looks, now)
    states = []
    for each in looks:
        state = each.judge(
            partial(runs.since, each),
            quota_left=left,
            look_again=backups.again,
            unread=partial(runs.unread, each),
            proof=proofs.get(each.schedule.instance if policy else each.schedule.id, NEVER_PROVEN),
        )
        unlooked = ["its instance was not looked up"] if each.schedule.instance in unsure else []
        stale = zones.trouble(each.schedule.timezone, each.schedule.offsets, now)
        said = [state.reason, *filter(None, [stale]), *unlooked, *notes]
        states.append(replace(state, reason="; ".join(said)))
    return worst_first(states)


def gone_instances(
    trove: Trove,
    instances: Iterable[str],
    listed: Callable[[], Collection[str]],
    *,
    confirm: int = _FEW,
) -> tuple[set[str], set[str]]:
    """Which of these instances the project has no more, and of which that was not looked up.

    Few are looked up one by one. Of many the project's list is read, and what is not in it is
    looked up, because a list is read page by page while it changes.

    :param listed: reads the list, or as much of it as is worth it.
    :param confirm: the most instances that are asked for, the first ones.
    """
    asked = list(dict.fromkeys(each for each in instances if is_uuid(each)))
    if len(asked) > _FEW:
        there = listed()
        asked = [each for each in asked if each not in there]
    gone = {each for each in asked[:confirm] if not trove.instance_exists(each)}
    return gone, set(asked[confirm:])


def _instances(looks: Sequence[Look]) -> list[str]:
    """Those of the schedules, the ones that miss a backup first."""
    ordered = sorted(looks, key=lambda each: each.asks_since is None)
    return [each.schedule.instance for each in ordered]


class Backups:
    """The backups of the project, read once, and looked at again where a run contradicts them."""

    def __init__(self, trove: Trove, backups: Iterable[Backup]) -> None:
        self._trove = trove
        self._by_instance = defaultdict[str, list[Backup]](list)
        for each in backups:
            self._by_instance[each.instance_id].append(each)
        self._asked = 0
        self._anew: dict[str, Backup] | None = None

    def of(self, instance_id: str) -> list[Backup]:
        return self._by_instance[instance_id]

    def instances(self) -> list[str]:
        """The ids of the instances that have some."""
        return [each for each, backups in self._by_instance.items() if backups]

    def again(self, backup_id: str) -> Backup | None:
        """A backup that was not in the list; None where Trove has none."""
        self._asked += 1
        if self._asked <= _FEW:
            try:
                return self._trove.backup(backup_id)
            except BackupNotFoundError:
                return None
        if self._anew is None:
            self._anew = {each.id: each for each in self._trove.backups()}
        return self._anew.get(backup_id)


class _Runs:
    """The executions that explain why schedules miss backups.

    Few schedules' are asked for one by one. For many the project's are read, the newest first, as
    far back as the schedules need and the pages reach.
    """

    def __init__(self, mistral: Mistral, looks: Sequence[Look], now: datetime) -> None:
        self._mistral, self._now = mistral, now
        #: How many requests may still go to single schedules.
        self._singly = _FEW
        #: Ids of schedules whose own executions were all read.
        self._read = set[str]()
        self._by_trigger: dict[str, list[ScheduleExecution]] | None = None
        #: From here on the project's are complete; None where all that are needed were read.
        self._complete_from: datetime | None = None
        self._trouble: ServiceError | None = None
        self._oldest: list[datetime | None] = []
        if sum(map(_requests, looks)) > self._singly:
            self._read_project(min(each.asks_since for each in looks if each.asks_since))

    def since(self, look: Look, start: datetime) -> list[ScheduleExecution]:
        """The executions of a schedule from a time on, as far as they were read, newest first.

        :raises ServiceError: Mistral can't list executions.
        """
        if self._trouble is not None:
            raise self._trouble
        found = [
            each
            for trigger_id in history.triggers_since(look.schedule, start)
            for each in (self._by_trigger or {}).get(trigger_id, ())
        ]
        cut = self._complete_from is not None and start < self._complete_from
        if self._by_trigger is None or (cut and not found and self._singly >= _requests(look)):
            self._singly -= _requests(look)
            self._read.add(look.schedule.id)
            return history.since(self._mistral, look.schedule, start)
        return sorted(found, key=lambda each: each.created_at, reverse=True)

    def unread(self, look: Look, due: datetime) -> str | None:
        """Why it shows nothing that no execution of a due time was found, or None."""
        start = self._complete_from
        if start is not None and due - EARLY < start and look.schedule.id not in self._read:
            return f"Mistral's executions were read back to {start:%Y-%m-%d %H:%M} UTC only"
        if self._now - due < history.SURELY_KEPT:
            return None
        try:
            if not self._oldest:
                self._oldest.append(history.oldest_kept(self._mistral))
        except ServiceError as error:
            return f"how long Mistral keeps executions can't be read: {error}"
        oldest = self._oldest[0]
        if oldest is None or oldest > due:
            return "Mistral has no execution from that time (any more)"
        return None

    def _read_project(self, start: datetime) -> None:
        found = defaultdict[str, list[ScheduleExecution]](list)
        self._by_trigger = found
        try:
            rows, self._complete_from = history.newest_of_project(
                self._mistral, start, _EXECUTION_PAGES
            )
        except ServiceError as error:
            self._trouble = error
            return
        for each in rows:
            if each.trigger_id is not None:
                found[each.trigger_id].append(history.of_schedule(each))


class _PartRuns(_Runs):
    """The same of a policy: its own executions, and the parts of them that are its instances'."""

    def __init__(
        self, mistral: Mistral, policy: Policy, looks: Sequence[Look], now: datetime
    ) -> None:
        super().__init__(mistral, (), now)
        self._own: list[ScheduleExecution] = []
        #: By instance: its runs, by the id of the policy's execution.
        self._parts = defaultdict[str, dict[str | None, ScheduleExecution]](dict)
        starts = [each.asks_since for each in looks if each.asks_since]
        if starts:
            try:
                self._read_policy(policy, min(starts))
            except ServiceError as error:
                self._trouble = error

    def since(self, look: Look, start: datetime) -> list[ScheduleExecution]:
        """The executions of an instance, and those of the policy that have none of it."""
        if self._trouble is not None:
            raise self._trouble
        instance = look.schedule.instance
        parts = self._parts[instance]
        found = [*parts.values()]
        found += [_left_by(each, instance) for each in self._own if each.id not in parts]
        found = [each for each in found if each.created_at >= start]
        return sorted(found, key=lambda each: each.created_at, reverse=True)

    def _read_policy(self, policy: Policy, start: datetime) -> None:
        self._own = history.since(self._mistral, policy, start)
        rows, self._complete_from = history.newest_of_project(
            self._mistral, start, _EXECUTION_PAGES
        )
        for row in rows:
            run = history.of_schedule(row)
            if run.schedule_id == policy.id and run.instance is not None:
                self._parts[run.instance][row.root_id] = run


def _left_by(run: ScheduleExecution, instance: str) -> ScheduleExecution:
    """A policy's execution that has no part of an instance, as one of the instance."""
    if not run.ended or not isinstance(run.output.get("counts"), dict):
        return run
    if run.state == "ERROR" and run.output.get("status") is None:
        # It failed as a whole, before it knew which instances there are.
        return run
    unable = run.output.get("unable")
    for each in unable if isinstance(unable, list) else ():
        if isinstance(each, dict) and each.get("instance") == instance:
            return replace(run, state="ERROR", state_info=str(each.get("reason")))
    # Those for which there was no time have no part that could be told apart.
    not_reached = run.output["counts"].get("not_reached")
    why = (
        "Skipped: not reached"
        if not_reached
        else f"the policy did not take it then (execution {run.id})"
    )
    # One that found the backups of all that it took made is left as it is.
    return run if run.had_nothing_to_do else replace(run, state="SUCCESS", output={"status": why})


def _requests(look: Look) -> int:
    """How many requests its executions cost."""
    start = look.asks_since
    return len(history.triggers_since(look.schedule, start)) if start else 0
