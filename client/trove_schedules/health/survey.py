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

from trove_schedules import workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.mistral_rows import Execution
from trove_schedules.clients.trove import Backup, Trove
from trove_schedules.drills.drill import NEVER_PROVEN, RestoreProof
from trove_schedules.drills.proofs import proofs_of_schedules
from trove_schedules.errors import BackupNotFoundError, ServiceError
from trove_schedules.health.judge import Look, look, unknown
from trove_schedules.health.seen import EARLY
from trove_schedules.health.state import Health, Limits, worst_first
from trove_schedules.ids import is_uuid
from trove_schedules.lists import Lists
from trove_schedules.runs import history
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.schedules import zones
from trove_schedules.schedules.schedule import Schedule

#: How what is said of an instance begins that a policy's run did not take.
_LEFT = "the policy did not take it then"
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
    trove, now = lists.services.trove, lists.now
    try:
        backups = Backups(trove, lists.backups)
    except ServiceError as error:
        return [unknown(each, f"Trove can't say: {error}") for each in schedules]
    look_at = partial(look, limits=limits, now=now)
    looks = [look_at(each, backups.of(each.instance), orphaned=False) for each in schedules]
    gone, unsure, notes = set[str](), set[str](), list[str]()
    try:
        pages = _INSTANCE_PAGES if trove.scope.is_own else _INSTANCE_PAGES_OF_OTHERS
        gone, unsure = gone_instances(trove, _instances(looks), lambda: lists.instance_names(pages))
    except ServiceError as error:
        notes.append(f"instances can't be read: {error}")
    looks = [
        look_at(each.schedule, backups.of(each.schedule.instance), orphaned=True)
        if each.schedule.instance in gone
        else each
        for each in looks
    ]
    runs = Runs(lists.services.mistral, looks, now)
    proofs, trouble = proofs_known(lists, proofs_of_schedules)
    states = judged(
        lists,
        looks,
        backups,
        runs,
        proof_of=lambda schedule: proofs.get(schedule.id, NEVER_PROVEN),
        notes=[*notes, *trouble],
    )
    return worst_first(
        replace(each, reason=f"{each.reason}; its instance was not looked up")
        if each.instance in unsure
        else each
        for each in states
    )


def judged(
    lists: Lists,
    looks: Sequence[Look],
    backups: Backups,
    runs: Runs,
    *,
    proof_of: Callable[[Schedule], RestoreProof],
    notes: Iterable[str],
) -> list[Health]:
    """The state of each schedule that was looked at, the worst first.

    :param proof_of: what the drills of a schedule have shown.
    :param notes: what couldn't be read of any of them.
    """
    notes = [*notes]
    left = None
    try:
        if (quota := lists.quota) is not None:
            left = quota.left
    except ServiceError as error:
        notes.append(f"the quota of backups can't be read: {error}")
    states = []
    for each in looks:
        schedule = each.schedule
        state = each.judge(
            partial(runs.since, each),
            quota_left=left,
            look_again=backups.again,
            unread=partial(runs.unread, each),
            proof=proof_of(schedule),
        )
        stale = zones.trouble(schedule.timezone, schedule.offsets, lists.now)
        said = [state.reason, *filter(None, [stale]), *notes]
        states.append(replace(state, reason="; ".join(said)))
    return worst_first(states)


def proofs_known(
    lists: Lists, shown: Callable[[list[Execution]], dict[str, RestoreProof]]
) -> tuple[dict[str, RestoreProof], list[str]]:
    """What the project's drills have shown, and a note where they can't be read."""
    try:
        return shown(lists.drills), []
    except ServiceError as error:
        return {}, [f"drills can't be read: {error}"]


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


class Runs:
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


class PartRuns(Runs):
    """The same of the instances of policies: the policies' executions, and the parts of them.

    :param looks: of all instances of all of these policies; what they need is read once.
    """

    def __init__(self, mistral: Mistral, looks: Sequence[Look], now: datetime) -> None:
        super().__init__(mistral, (), now)
        #: The policies' own, by trigger.
        self._own = defaultdict[str, list[ScheduleExecution]](list)
        #: By policy and instance: its runs, by the id of the policy's execution.
        self._parts = defaultdict[
            tuple[str | None, str | None], dict[str | None, ScheduleExecution]
        ](dict)
        starts = [each.asks_since for each in looks if each.asks_since]
        if starts:
            try:
                self._read_policies(min(starts))
            except ServiceError as error:
                self._trouble = error

    def since(self, look: Look, start: datetime) -> list[ScheduleExecution]:
        """The executions of an instance, and those of its policy that have none of it."""
        if self._trouble is not None:
            raise self._trouble
        schedule = look.schedule
        parts = self._parts[schedule.id, schedule.instance]
        own = [
            each
            for trigger_id in history.triggers_since(schedule, start)
            for each in self._own[trigger_id]
        ]
        found = [*parts.values()]
        found += [left_by(each, schedule.instance) for each in own if each.id not in parts]
        found = [each for each in found if each.created_at >= start]
        return sorted(found, key=lambda each: each.created_at, reverse=True)

    def not_taken(self, look: Look) -> datetime | None:
        """When the run of the last due time began, if it took others and not this instance."""
        if look.asks_since is None or look.seen is None or self._trouble is not None:
            return None
        due = look.seen.unserved[-1]
        runs = [
            each
            for each in self.since(look, look.asks_since)
            if look.seen.is_from(due, each.created_at) and not each.had_nothing_to_do
        ]
        left = runs and all(str(each.output.get("status")).startswith(_LEFT) for each in runs)
        return runs[0].created_at if left else None

    def _read_policies(self, start: datetime) -> None:
        own, complete = history.newest_of_project(
            self._mistral, start, _EXECUTION_PAGES, workbook.POLICY
        )
        for row in own:
            if row.trigger_id is not None:
                self._own[row.trigger_id].append(history.of_schedule(row))
        rows, parts_complete = history.newest_of_project(self._mistral, start, _EXECUTION_PAGES)
        for row in rows:
            run = history.of_schedule(row)
            self._parts[run.schedule_id, run.instance][row.root_id] = run
        self._complete_from = max(filter(None, (complete, parts_complete)), default=None)


def left_by(run: ScheduleExecution, instance: str) -> ScheduleExecution:
    """A policy's execution that has no part of an instance, as one of the instance."""
    if not run.ended or not isinstance(run.output.get("counts"), dict):
        return run
    if run.state == "ERROR" and run.output.get("status") is None:
        # It failed as a whole, before it knew which instances there are.
        return run
    listed, counts = run.output.get("unable"), run.output["counts"]
    unable = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    for each in unable:
        if each.get("instance") == instance:
            return replace(run, state="ERROR", state_info=str(each.get("reason")))
    # Those for which there was no time have no part that could be told apart, nor have those that
    # it could not back up and had no room to name.
    if counts.get("not_reached"):
        why = "Skipped: not reached"
    elif (counts.get("unable") or 0) > len(unable):
        why = f"the policy's run names only some that it could not back up (execution {run.id})"
    else:
        why = f"{_LEFT} (execution {run.id})"
    # One that found the backups of all that it took made is left as it is.
    return run if run.had_nothing_to_do else replace(run, state="SUCCESS", output={"status": why})


def _requests(look: Look) -> int:
    """How many requests its executions cost."""
    start = look.asks_since
    return len(history.triggers_since(look.schedule, start)) if start else 0
