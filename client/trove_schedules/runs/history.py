# SPDX-License-Identifier: Apache-2.0
"""The executions of a schedule, across all the triggers that it has had.

Mistral's table of executions has no index on triggers, workflows or the time of creation, but one
on the time of the last update. So the newest are asked for in windows of time that grow backwards:
what was created in a window was updated in it or later. Their cost depends on the size of the
window, not on how many executions the project has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from trove_schedules import workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.mistral_rows import Execution
from trove_schedules.clients.mistral_wire import PAGE
from trove_schedules.errors import ExecutionNotFoundError, InvalidPatternError
from trove_schedules.ids import is_uuid
from trove_schedules.runs.execution import ScheduleExecution, in_progress
from trove_schedules.schedules.names import EVERY
from trove_schedules.schedules.schedule import Schedule, ScheduleTrial

#: An execution may be as much older than its due time, or than its trigger, as clocks and early
#: ticks allow.
_EARLY = timedelta(minutes=1)
#: Each window reaches N times as far back as the one before.
_GROWTH = 4
#: Due times are counted up to here; from there on a window is reckoned from them.
_COUNTED = 100
#: No schedule is older, whatever somebody has written into its trigger.
_FIRST = datetime(2015, 1, 1, tzinfo=UTC)
#: The first window of a schedule whose pattern only Mistral reads.
_UNREADABLE = timedelta(days=1)
_SECOND = timedelta(seconds=1)
#: An operator who has executions expire keeps them for a day at least.
SURELY_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Window:
    """Executions created from one time on and before another; None means no bound.

    Without a start it has no end either.
    """

    start: datetime | None
    end: datetime | None

    def filters(self, workflow: str = workbook.WORKFLOW) -> dict[str, str]:
        """As Mistral's filters, of which it takes one for each column."""
        if self.start is None:
            return {}
        start = f"gte:{_written(self.start)}"
        created = start if self.end is None else f"lt:{_written(self.end)}"
        return {
            # Where an operator has given the table the index that the docs name, it is used.
            "workflow_name": f"eq:{workflow}",
            "updated_at": start,
            "created_at": created,
        }

    def holds(self, execution: Execution) -> bool:
        return self.start is None or execution.created_at >= self.start


def executions(
    mistral: Mistral,
    schedule: Schedule,
    *,
    marker: str | None = None,
    limit: int | None = None,
) -> Iterator[ScheduleExecution]:
    """Yield the schedule's executions, newest first, asked for page by page.

    A schedule has one trigger at a time, so what an earlier trigger started is all older than what
    a later one did, and an earlier one is asked for only when the later ones are exhausted.

    :param marker: start after this execution.
    :param limit: how many the caller is going to take, or to look at; None asks for all at once.
    :raises ExecutionNotFoundError: the marker is not an execution of this schedule.
    """
    triggers = [schedule.trigger_id, *reversed(schedule.earlier_trigger_ids)]
    end = None
    if marker is not None:
        at = _marked(mistral, schedule, triggers, marker)
        triggers = triggers[triggers.index(str(at.trigger_id)) :]
        # Others of the same second may come after it.
        end = at.created_at + _SECOND
    marked = triggers[0]
    for window in _windows(schedule, limit, end):
        oldest = 0
        for place, trigger_id in enumerate(triggers):
            if not _may_hold(schedule, trigger_id, window):
                continue
            found = mistral.executions(
                description=f"has:{trigger_id}",
                marker=marker if trigger_id == marked else None,
                limit=limit,
                **window.filters(workbook.WORKFLOWS[schedule.kind]),
            )
            for each in found:
                if not window.holds(each):
                    break
                # The filter also finds texts that merely look like it.
                if each.trigger_id == trigger_id:
                    yield of_schedule(each, schedule.id)
                    oldest = place
        # Those after the oldest that has some in this window have none before it.
        triggers, marker = triggers[oldest:], None


def of_instance(
    mistral: Mistral,
    policy: Schedule,
    instance_id: str,
    *,
    marker: str | None = None,
    limit: int | None = None,
) -> Iterator[ScheduleExecution]:
    """Yield the runs of one of a policy's instances, newest first, among those of the project.

    They are parts of the policy's runs, and no trigger's.

    :param limit: how many the caller is going to take, or to look at; None asks for all at once.
    :raises ExecutionNotFoundError: the marker is not one of these.
    """
    end = None
    if marker is not None:
        at = mistral.execution(marker) if is_uuid(marker) else None
        if at is None or not _is_part(at, policy, instance_id):
            raise _no_marker(marker, f"instance {instance_id} by policy {policy.id}")
        end = at.created_at + _SECOND
    for window in _windows(policy, limit, end):
        filters = {"workflow_name": f"eq:{workbook.WORKFLOW}"} | window.filters()
        for each in mistral.executions(marker=marker, limit=None, **filters):
            if not window.holds(each):
                break
            if _is_part(each, policy, instance_id):
                yield of_schedule(each, policy.id)
        marker = None


def _is_part(execution: Execution, policy: Schedule, instance_id: str) -> bool:
    run = of_schedule(execution)
    return (run.schedule_id, run.instance) == (policy.id, instance_id)


def since(mistral: Mistral, schedule: Schedule, start: datetime) -> list[ScheduleExecution]:
    """What the schedule's triggers started from a time on, newest first: a request for each trigger
    that it can have had since then."""
    window = _Window(_second(start), None)
    found = [
        each
        for trigger_id in triggers_since(schedule, start)
        for each in mistral.executions(
            description=f"has:{trigger_id}",
            limit=None,
            marker=None,
            **window.filters(workbook.WORKFLOWS[schedule.kind]),
        )
        if each.trigger_id == trigger_id
    ]
    found.sort(key=lambda each: each.created_at, reverse=True)
    return [of_schedule(each, schedule.id) for each in found]


def triggers_since(schedule: Schedule, start: datetime) -> tuple[str, ...]:
    """The triggers that can have started something from this time on."""
    every = (schedule.trigger_id, *schedule.earlier_trigger_ids)
    return every[:1] if _after_its_change(schedule, start) else every


def newest_of_project(
    mistral: Mistral, start: datetime, pages: int, workflow: str = workbook.WORKFLOW
) -> tuple[list[Execution], datetime | None]:
    """All that schedules of the project have started from a time on, newest first.

    :param pages: the most requests to send.
    :param workflow: what they start.
    :returns: also from when on they are complete, where that is later than the time asked for.
    """
    window, most = _Window(_second(start), None), pages * PAGE
    found = list(
        islice(mistral.executions(limit=None, marker=None, **window.filters(workflow)), most)
    )
    # Where there may be more, some of those of the last one's second may be missing.
    return found, found[-1].created_at + _SECOND if len(found) == most else None


def oldest_kept(mistral: Mistral) -> datetime | None:
    """When the oldest successful run of a schedule ended that Mistral has, or None.

    It is the first one of all, or the oldest that its operator's policy has not removed yet.
    """
    return mistral.oldest_update(workflow_name=f"eq:{workbook.WORKFLOW}", state="SUCCESS")


def running(
    mistral: Mistral, triggers: Collection[str], now: datetime, workflow: str = workbook.WORKFLOW
) -> ScheduleExecution | None:
    """A run that one of these triggers has started and that would miss its rights, or None.

    A run that has its backup and only waits to begin retention doesn't count. If it loses its
    rights, it says so, and the next run does the retention. Where no run is found, this is one
    request, however many triggers a schedule has had.
    """
    found = [
        each
        for each in mistral.executions(workflow_name=f"eq:{workflow}", state="RUNNING")
        if each.trigger_id in triggers and in_progress(each.state, each.created_at, now)
    ]
    if found and workflow == workbook.WORKFLOW:
        waiting = mistral.waiting(workbook.MAKING, workbook.RETAIN)
        found = [each for each in found if each.id not in waiting]
    return of_schedule(found[0]) if found else None


def retains(mistral: Mistral, run: ScheduleExecution) -> bool:
    """Whether a run is deleting what its schedule no longer keeps."""
    return run.id in mistral.roots_of(workbook.RETENTION)


def of_trial(mistral: Mistral, trial: ScheduleTrial) -> ScheduleExecution | None:
    """The execution that a trial's trigger has started, or None where it has started none."""
    for each in mistral.executions(description=f"has:{trial.trigger_id}", limit=1):
        if each.trigger_id == trial.trigger_id:
            return of_schedule(each, trial.schedule_id)
    return None


def of_schedule(execution: Execution, schedule_id: str | None = None) -> ScheduleExecution:
    """The execution as callers get it, of the schedule that is known or that it names itself."""
    given = execution.input.get("schedule")
    own = given if isinstance(given, dict) else {}
    if schedule_id is None:
        schedule_id = _text(own.get("id"))
    return ScheduleExecution(
        id=execution.id,
        schedule_id=schedule_id,
        backup_id=_text(execution.output.get("backup_id")),
        manual=execution.manual or bool(own.get("manual")),
        started_by=execution.user,
        created_at=execution.created_at,
        updated_at=execution.updated_at,
        state=execution.state,
        state_info=execution.state_info,
        output=execution.output,
        instance=(
            EVERY
            if execution.workflow_name in (workbook.POLICY, workbook.POLICY_DRILL)
            else _text(execution.input.get("instance"))
        ),
    )


def _text(value: object) -> str | None:
    """A text in what users can write as they like."""
    return value if isinstance(value, str) else None


def _marked(mistral: Mistral, schedule: Schedule, triggers: list[str], marker: str) -> Execution:
    at = mistral.execution(marker) if is_uuid(marker) else None
    if at is None or at.trigger_id not in triggers:
        raise _no_marker(marker, f"{schedule.noun} {schedule.id}")
    return at


def _no_marker(marker: str, whose: str) -> ExecutionNotFoundError:
    return ExecutionNotFoundError(
        f"the marker {marker!r} is not an execution of {whose}; "
        "give the id of one that it listed before"
    )


def _windows(schedule: Schedule, limit: int | None, end: datetime | None) -> Iterator[_Window]:
    """Windows that lie end to end, the newest first, back to the schedule's creation.

    The first holds as many due times as are wanted, before the last one for which Mistral fired.
    """
    if limit is None:
        yield _Window(None, None)
        return
    latest = _second(end or schedule.updated_at or schedule.changed_at)
    # The due time of the marker is one that is not wanted.
    reach = _reach(schedule, -(-limit // schedule.attempts) + (end is not None), latest)
    floor = _second(max(schedule.created_at, _FIRST) - _EARLY)
    start = latest - reach
    yield _Window(start, end)
    while start > floor:
        reach *= _GROWTH
        end, start = start, max(latest - reach, floor)
        yield _Window(start, end)


def _reach(schedule: Schedule, wanted: int, latest: datetime) -> timedelta:
    """How far back from a moment the wanted number of due times lie."""
    counted, oldest = 0, latest
    times = schedule.due_times.before(latest + _EARLY)
    try:
        for oldest in islice(times, min(wanted, _COUNTED)):
            counted += 1
            if oldest < _FIRST:
                break
    except InvalidPatternError:
        return _UNREADABLE
    reach = (latest - oldest) * min(wanted / counted, _COUNTED) + _EARLY
    return min(reach, latest - _FIRST)


def _may_hold(schedule: Schedule, trigger_id: str, window: _Window) -> bool:
    """Whether a trigger can have started something in a window: only the current one since the last
    change, and only earlier ones before."""
    if trigger_id != schedule.trigger_id:
        return window.start is None or not _after_its_change(schedule, window.start)
    return window.end is None or window.end > schedule.changed_at - _EARLY


def _after_its_change(schedule: Schedule, moment: datetime) -> bool:
    return moment > schedule.changed_at + _EARLY


def _second(time: datetime) -> datetime:
    return time.replace(microsecond=0)


def _written(time: datetime) -> str:
    """As Mistral's databases compare times, which are in UTC and in whole seconds."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
