# SPDX-License-Identifier: Apache-2.0
"""A report on schedules over a span of time, gathered from Mistral and Trove."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, pairwise, takewhile

from trove_schedules import workbook
from trove_schedules.clients.mistral_rows import Execution
from trove_schedules.clients.services import Services
from trove_schedules.clients.trove import Backup
from trove_schedules.coverage import Cover, Coverage, coverage_of
from trove_schedules.drills import proofs
from trove_schedules.errors import InvalidPatternError, InvalidScheduleError
from trove_schedules.health.survey import left_by
from trove_schedules.ids import HasId
from trove_schedules.lists import Lists
from trove_schedules.report.due_times import DueTime, Outcome, due_times
from trove_schedules.runs import history
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.runs.reason import reason
from trove_schedules.schedules.names import schedule_of
from trove_schedules.schedules.options import OPTIONS
from trove_schedules.schedules.schedule import Schedule, reaches
from trove_schedules.triggers.finding import find_each

#: The longest span: of more, Mistral's records would be many millions.
LONGEST = timedelta(days=3 * 366)
#: The most pages of executions that are read, a thousand on each.
_PAGES = 1000
#: These say which schedule it is, not what it promises.
_NO_PROMISES = ("name", "description")
#: A schedule or policy, and the instance.
_Key = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Span:
    """A time without a new backup, in UTC."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class RunByHand:
    """A run that somebody started, and its status in Mistral's or the workbook's words.

    :ivar by: the name of who did, or None where that is not known.
    """

    at: datetime
    status: str
    backup_id: str | None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class ProvedRestore:
    """A drill: whether the backup restored, and what the drill said.

    :ivar passed: None for one that was skipped or goes on, which has shown nothing.
    :ivar by: the name of who started it by hand; None where the schedule did, or that is not known.
    """

    at: datetime
    passed: bool | None
    said: str
    backup_id: str | None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleReport:
    """What one schedule promised, or a policy of one of its instances, and what became of it.

    :ivar schedule: of a policy, the one that the instance has by it.
    :ivar by_policy: whether it is a policy's.
    :ivar promises: the options that it has, by their titles, as they are now.
    :ivar known_from: from when on its due times are known: when it was made, resumed or its pattern
        changed, if that is later than the report begins.
    :ivar due_times: in order.
    :ivar by_hand: in order.
    :ivar drills: in order.
    :ivar longest_gap: the longest time without a new backup since the first due time whose outcome
        is known, up to the report's end.
    :ivar last_success: when its newest completed backup began, or None.
    :ivar remark: why nothing is known of its due times; may be empty.
    """

    schedule: Schedule
    instance_name: str | None
    promises: tuple[tuple[str, str], ...]
    known_from: datetime
    due_times: tuple[DueTime, ...]
    by_hand: tuple[RunByHand, ...]
    drills: tuple[ProvedRestore, ...]
    longest_gap: Span
    last_success: datetime | None
    remark: str = ""
    by_policy: bool = False

    @property
    def key(self) -> str:
        """What tells it from all others of the report."""
        return f"{self.schedule.id}-{self.schedule.instance}"

    @property
    def counts(self) -> Counter[Outcome]:
        """How many due times have each outcome."""
        return Counter(each.outcome for each in self.due_times)

    @property
    def gaps(self) -> tuple[DueTime, ...]:
        """The due times that brought no backup."""
        return tuple(each for each in self.due_times if each.outcome.is_gap)

    @property
    def last_proven(self) -> datetime | None:
        """When the newest drill of the span that passed was started, or None."""
        return max((each.at for each in self.drills if each.passed), default=None)


@dataclass(frozen=True, slots=True)
class Report:
    """A report on schedules over a span of time.

    :ivar since: where the span begins, in UTC.
    :ivar until: where it ends: when the report was made, in UTC.
    :ivar schedules: of all schedules, and of each instance of each policy; those with the most gaps
        first.
    :ivar coverage: what protects each instance at the report's end, the worst first; None where
        some schedules were chosen.
    """

    since: datetime
    until: datetime
    schedules: tuple[ScheduleReport, ...]
    coverage: tuple[Coverage, ...] | None = None

    @property
    def counts(self) -> Counter[Outcome]:
        """How many due times of all schedules have each outcome."""
        return sum((each.counts for each in self.schedules), Counter[Outcome]())

    @property
    def covers(self) -> Counter[Cover]:
        """How many instances are in each state."""
        return Counter(each.state for each in self.coverage or ())

    @property
    def unprotected(self) -> tuple[Coverage, ...]:
        """The instances that no schedule backs up now, though nobody says that they need none."""
        return tuple(each for each in self.coverage or () if each.state.exit_status)


def make(
    services: Services,
    wanted: Collection[str | HasId],
    since: datetime,
    exclude: Collection[str] = (),
) -> Report:
    """The report on some schedules, or on all and every instance, from a time on until now.

    :param exclude: patterns of the names or ids of instances that need no backups.

    :raises InvalidScheduleError: the time is not before now, or too long ago.
    :raises ScheduleNotFoundError: or AmbiguousNameError, of a schedule.
    """
    lists = Lists(services)
    now = lists.now
    if not timedelta(0) < now - since <= LONGEST:
        raise InvalidScheduleError(
            f"a report can't begin at {since:%Y-%m-%d %H:%M} UTC; give a time before now, and at "
            f"most {LONGEST.days} days ago"
        )
    coverage = None if wanted else tuple(coverage_of(lists, exclude=exclude))
    schedules = find_each(services, wanted, None) if wanted else lists.schedules
    schedules = list({each.id: each for each in schedules}.values())
    parts = [] if wanted else _parts(lists)
    # Backups before executions: what is made meanwhile is then told as in progress, not as missed.
    backups = _by_schedule(lists.backups)
    runs, known_from = _runs(services, schedules, parts, since, now)
    drills = _drills(lists, since)
    names = lists.instance_names() if schedules or parts else {}
    found = [
        _of(
            each,
            backups[_key(each)],
            runs[_key(each)],
            drills[_key(each)],
            names,
            since,
            now,
            known_from,
            by_policy=number >= len(schedules),
        )
        for number, each in enumerate([*schedules, *parts])
    ]
    found.sort(key=lambda each: (-len(each.gaps), each.schedule.name, each.key))
    return Report(since, now, tuple(found), coverage)


def _key(schedule: Schedule) -> _Key:
    return schedule.id, schedule.instance


def _parts(lists: Lists) -> list[Schedule]:
    """What each instance has by each policy that takes it now."""
    if not lists.policies:
        return []
    instances = {each.id: each for each in lists.instances_with_times}
    return [
        policy.of(each.instance, instances[each.instance].created)
        for policy in lists.policies
        for each in policy.selection.takes(
            each for each in instances.values() if reaches(policy, each.project_id)
        )
    ]


def _by_schedule(backups: Iterable[Backup]) -> Mapping[_Key, list[Backup]]:
    """The backups of each schedule, the oldest first."""
    found = defaultdict[_Key, list[Backup]](list)
    for each in sorted(backups, key=lambda each: each.created):
        found[schedule_of(each.description), each.instance_id].append(each)
    return found


def _runs(
    services: Services,
    schedules: Sequence[Schedule],
    parts: Sequence[Schedule],
    since: datetime,
    now: datetime,
) -> tuple[Mapping[_Key, list[ScheduleExecution]], datetime]:
    """The runs of each schedule, the oldest first, and from when on they are all there.

    :param parts: what instances have by policies.
    """
    mistral = services.mistral
    by_trigger = {
        trigger_id: _key(each)
        for each in schedules
        for trigger_id in (each.trigger_id, *each.earlier_trigger_ids)
    }
    rows, complete_from = history.newest_of_project(mistral, since, _PAGES)
    whole, whole_from = (
        history.newest_of_project(mistral, since, _PAGES, workbook.POLICY) if parts else ([], None)
    )
    found = defaultdict[_Key, list[ScheduleExecution]](list)
    users = {row.id: row.user for row in whole}
    #: Which of a policy's executions have a part of which instance.
    have = set[tuple[str, str | None]]()
    for row in rows:
        if (key := by_trigger.get(row.trigger_id or "")) is not None:
            found[key].append(history.of_schedule(row, key[0]))
        elif row.root_id is not None:
            run = replace(history.of_schedule(row), started_by=users.get(row.root_id))
            found[run.schedule_id, run.instance].append(run)
            have.add((row.root_id, run.instance))
    of_trigger = defaultdict[str | None, list[Schedule]](list)
    for part in parts:
        for trigger_id in (part.trigger_id, *part.earlier_trigger_ids):
            of_trigger[trigger_id].append(part)
    for row in whole:
        for part in of_trigger[row.trigger_id]:
            if (row.id, part.instance) not in have and not row.manual:
                run = left_by(history.of_schedule(row, part.id), part.instance)
                found[_key(part)].append(run)
    for runs in found.values():
        runs.sort(key=lambda each: each.created_at)
    oldest = min(history.oldest_kept(mistral) or now, now - history.SURELY_KEPT)
    return found, max(complete_from or since, whole_from or since, oldest)


def _drills(lists: Lists, since: datetime) -> Mapping[_Key, list[ProvedRestore]]:
    """The drills of each schedule, the oldest first."""
    rows: Iterable[Execution] = lists.drills
    if len(lists.drills) == proofs.SIGHT:
        older = lists.services.mistral.executions(
            workflow_name=f"eq:{workbook.DRILL}", marker=lists.drills[-1].id, limit=None
        )
        rows = chain(rows, older)
    found = defaultdict[_Key, list[ProvedRestore]](list)
    for row in reversed(list(takewhile(lambda each: each.created_at >= since, rows))):
        drill = history.of_schedule(row)
        found[drill.schedule_id, drill.instance].append(_proved(drill))
    return found


def _proved(drill: ScheduleExecution) -> ProvedRestore:
    status = str(drill.output.get("status") or "")
    shown = proofs.passed(drill) or (False if drill.state == "ERROR" else None)
    said = status or reason(drill.state_info) or drill.state
    return ProvedRestore(drill.created_at, shown, said, drill.backup_id, drill.started_by)


def _of(
    schedule: Schedule,
    backups: Sequence[Backup],
    runs: Sequence[ScheduleExecution],
    drills: Sequence[ProvedRestore],
    names: Mapping[str, str],
    since: datetime,
    now: datetime,
    runs_known_from: datetime,
    *,
    by_policy: bool,
) -> ScheduleReport:
    remark = ""
    try:
        due = due_times(schedule, backups, runs, since, now, runs_known_from)
    except InvalidPatternError as error:
        due, remark = [], f"Its due times are not known: {error}"
    return ScheduleReport(
        schedule=schedule,
        instance_name=names.get(schedule.instance),
        promises=_promises(schedule),
        known_from=max(since, schedule.owed_since),
        due_times=tuple(due),
        by_hand=tuple(
            RunByHand(
                each.created_at,
                str(each.output.get("status") or reason(each.state_info) or each.state),
                each.backup_id,
                each.started_by,
            )
            for each in runs
            if each.manual
        ),
        drills=tuple(drills),
        longest_gap=_longest_gap(schedule, backups, due, since, now),
        last_success=max(
            (each.created for each in backups if each.status == "COMPLETED"), default=None
        ),
        remark=remark,
        by_policy=by_policy,
    )


def _promises(schedule: Schedule) -> tuple[tuple[str, str], ...]:
    """What it is to do beyond what every schedule does, without what is secret."""
    return tuple(
        (option.title, "yes" if value is True else str(value))
        for name, option in OPTIONS.items()
        if name not in _NO_PROMISES and not option.secret
        for value in [getattr(schedule, name)]
        if value is not None and value != option.default
    )


def _longest_gap(
    schedule: Schedule,
    backups: Sequence[Backup],
    due: Sequence[DueTime],
    since: datetime,
    now: datetime,
) -> Span:
    """Between two backups, made by hand or when due, or to the begin or end of what is known."""
    made = {each.created for each in backups if each.status == "COMPLETED"}
    made |= {each.began for each in due if each.outcome == Outcome.BACKED_UP and each.began}
    known = next((each.at for each in due if each.outcome != Outcome.UNKNOWN), since)
    start = min(max(since, schedule.created_at, known), now)
    before = [each for each in made if each <= start]
    times = [max(before, default=start), *sorted(made.difference(before)), now]
    return max((Span(*each) for each in pairwise(times)), key=lambda each: each.length)
