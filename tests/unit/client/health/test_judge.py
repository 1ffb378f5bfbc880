# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import examples
from tests.examples import INSTANCE, SCHEDULE
from trove_schedules.clients.trove import Backup
from trove_schedules.drills.drill import NEVER_PROVEN
from trove_schedules.errors import ServiceUnavailableError
from trove_schedules.health import USUAL_LIMITS, Health, Limits, State
from trove_schedules.health.judge import look, unknown as unknown_state
from trove_schedules.health.state import worst_first
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.schedules.names import marker
from trove_schedules.schedules.schedule import Schedule

#: Five minutes after a due time of the schedule.
NOW = datetime(2026, 3, 10, 2, 5, tzinfo=UTC)
DUE = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


@pytest.fixture
def nightly() -> Schedule:
    return examples.schedule(
        created_at=NOW - timedelta(days=30), next_execution_time=DUE + timedelta(days=1)
    )


def backup(created: datetime, status: str = "COMPLETED", **changes: Any) -> Backup:
    made = Backup(
        id=f"backup-{created:%d-%H%M%S}",
        instance_id=INSTANCE,
        name="nightly",
        description=f"text {marker(SCHEDULE)}",
        status=status,
        parent_id=None,
        created=created,
        size=1.0,
    )
    return replace(made, **changes)


def run(created_at: datetime, state: str, info: str | None = None, **output: Any) -> Any:
    return ScheduleExecution(
        id="e",
        schedule_id=SCHEDULE,
        backup_id=output.get("backup_id"),
        manual=False,
        created_at=created_at,
        updated_at=None,
        state=state,
        state_info=info,
        output=output,
    )


def assess(
    schedule: Schedule,
    backups: list[Backup],
    *runs: Any,
    limits: Limits = USUAL_LIMITS,
    now: datetime = NOW,
    **options: Any,
) -> Health:
    options = {
        "executions": lambda _: runs,
        "quota_left": 10,
        "look_again": lambda _: None,
        "unread": lambda _: None,
        "proof": NEVER_PROVEN,
    } | options
    seen = look(schedule, backups, limits=limits, orphaned=options.pop("orphaned", False), now=now)
    return seen.judge(**options)


def test_a_backup_since_the_due_time_is_ok_and_no_execution_is_asked_for(nightly) -> None:
    def not_asked(_: datetime) -> list[ScheduleExecution]:
        raise AssertionError("the backups tell enough")

    found = assess(nightly, [backup(DUE)], executions=not_asked)
    assert (found.state, found.missed, found.kept, found.age) == (State.OK, 0, 1, 300.0)


def test_a_tick_two_seconds_early_counts(nightly) -> None:
    assert assess(nightly, [backup(DUE - timedelta(seconds=2))]).state == State.OK


def test_a_due_time_counts_only_after_its_grace(nightly) -> None:
    found = assess(nightly, [backup(DUE - timedelta(days=1))], now=DUE + timedelta(seconds=119))
    assert (found.state, found.missed) == (State.OK, 0)
    found = assess(nightly, [backup(DUE - timedelta(days=1))], now=DUE + timedelta(seconds=120))
    assert (found.state, found.missed) == (State.LOST, 1)


@pytest.mark.parametrize("status", ["NEW", "BUILDING", "SAVING"])
def test_a_backup_in_progress_is_running(nightly, status) -> None:
    served = backup(DUE - timedelta(days=1))
    assert assess(nightly, [served, backup(DUE, status)]).state == State.RUNNING


def test_a_backup_of_anybody_that_never_ends_blocks_the_instance(nightly) -> None:
    stuck = backup(NOW - timedelta(hours=7), "BUILDING", description="by hand")
    found = assess(nightly, [stuck])
    assert found.state == State.BLOCKED
    assert stuck.id in found.reason
    assert assess(nightly, [stuck], limits=Limits(blocked_after=timedelta(hours=8))).state != (
        State.BLOCKED
    )


def test_other_instances_and_other_schedules_backups_don_t_count(nightly) -> None:
    others = [
        backup(DUE, instance_id="other"),
        backup(DUE, description=f"text {marker('0' * 8)}"),
        backup(DUE, description=None),
    ]
    found = assess(nightly, others)
    assert (found.state, found.kept, found.last_success) == (State.LOST, 0, None)
    assert found.missed == 30


def test_the_last_error_says_why_it_failed(nightly) -> None:
    found = assess(nightly, [], run(DUE, "ERROR", "x [action=y, msg='instance is SHUTDOWN']"))
    assert found.state == State.FAILED
    assert found.reason.startswith("instance is SHUTDOWN; no backup for 2026-03-10 02:00 UTC")


def test_an_error_before_the_due_time_does_not_explain_it(nightly) -> None:
    old = run(DUE - timedelta(days=1), "ERROR", "old")
    assert assess(nightly, [], old).state == State.LOST


def test_a_failed_backup_is_failed_even_without_mistral_s_history(nightly) -> None:
    found = assess(nightly, [backup(DUE, "FAILED")])
    assert found.state == State.FAILED
    assert backup(DUE, "FAILED").id in found.reason


def test_a_refusal_for_the_quota_is_quota(nightly) -> None:
    refused = run(DUE, "ERROR", "x, msg='Quota exceeded for resources: ['backups'] (HTTP 413)']")
    assert assess(nightly, [], refused).state == State.QUOTA


def test_a_quota_that_is_used_up_is_told_before_a_run_fails(nightly) -> None:
    found = assess(nightly, [backup(DUE)], quota_left=0)
    assert (found.state, found.quota_left) == (State.QUOTA, 0)


def test_a_run_in_progress_is_running_and_a_skipped_one_is_stale(nightly) -> None:
    served = backup(DUE - timedelta(days=1))
    assert assess(nightly, [served], run(DUE, "RUNNING")).state == State.RUNNING
    found = assess(nightly, [], run(DUE, "SUCCESS", status="Skipped: backup b is running"))
    assert found.state == State.STALE
    assert "Skipped: backup b is running" in found.reason


def test_a_trigger_in_the_past_is_overdue(nightly) -> None:
    late = replace(nightly, next_firing=DUE)
    found = assess(late, [])
    assert found.state == State.OVERDUE
    assert "periodic server" in found.reason
    assert "before release 2026.2: its API, or the trust is broken" in found.reason


def test_a_mistral_that_can_t_explain_is_named(nightly) -> None:
    def down(_: datetime) -> list[ScheduleExecution]:
        raise ServiceUnavailableError("no answer", service="Mistral", operation="list executions")

    options: dict[str, Any] = {"quota_left": None, "limits": Limits(), "now": NOW}
    assert assess(nightly, [], executions=down, **options).state == State.UNKNOWN
    failed = assess(nightly, [backup(DUE, "FAILED")], executions=down, **options)
    assert failed.state == State.FAILED
    assert "Mistral: list executions failed: no answer" in failed.reason


def test_never_due_is_pending_and_paused_owes_nothing(nightly) -> None:
    fresh = replace(nightly, owed_since=DUE + timedelta(minutes=1))
    assert assess(fresh, []).state == State.PENDING
    paused = replace(nightly, paused=True, next_execution_time=None)
    assert (assess(paused, []).state, assess(paused, []).missed) == (State.PAUSED, 0)


def test_a_resumed_schedule_owes_nothing_for_the_time_of_its_pause(nightly) -> None:
    resumed = replace(nightly, owed_since=DUE + timedelta(minutes=1))
    assert assess(resumed, [backup(DUE - timedelta(days=9))]).state == State.OK


def test_older_than_asked_for_is_stale(nightly) -> None:
    limits = Limits(max_age=timedelta(minutes=4))
    assert assess(nightly, [backup(DUE)], limits=limits).state == State.STALE


def test_the_chain_of_the_newest_backup_is_counted(nightly) -> None:
    full = backup(DUE - timedelta(days=2))
    first = backup(DUE - timedelta(days=1), parent_id=full.id)
    second = backup(DUE, parent_id=first.id)
    assert assess(nightly, [second, full, first]).chain_depth == 3


@pytest.mark.parametrize(
    ("state", "status"),
    [(State.OK, 0), (State.RUNNING, 0), (State.PENDING, 0), (State.PAUSED, 1), (State.UNKNOWN, 3)]
    + [
        (each, 2)
        for each in (
            State.QUOTA,
            State.STALE,
            State.FAILED,
            State.OVERDUE,
            State.LOST,
            State.BLOCKED,
            State.ORPHANED,
        )
    ],
)
def test_every_state_has_the_exit_status_of_monitoring_plugins(state, status) -> None:
    assert state.exit_status == status


def test_what_needs_help_is_worse_than_what_can_t_be_told(nightly) -> None:
    states = (State.OK, State.LOST, State.PAUSED, State.UNKNOWN)
    found = [replace(unknown_state(nightly, "why"), state=state) for state in states]
    ordered = [each.state for each in worst_first(found)]
    assert ordered == [State.LOST, State.UNKNOWN, State.PAUSED, State.OK]


def test_a_run_in_progress_does_not_hide_that_the_one_before_failed(nightly) -> None:
    before = run(DUE - timedelta(days=1), "ERROR", "x [action=y, msg='instance is SHUTDOWN']")
    found = assess(nightly, [], run(DUE, "RUNNING"), before)
    assert found.state == State.FAILED
    assert "instance is SHUTDOWN" in found.reason
    served = backup(DUE - timedelta(days=1))
    assert assess(nightly, [served], run(DUE, "RUNNING"), before).state == State.RUNNING


def test_a_run_in_progress_does_not_hide_that_the_tick_before_was_lost(nightly) -> None:
    found = assess(nightly, [], run(DUE, "RUNNING"))
    assert found.state == State.LOST
    assert f"no backup for {DUE - timedelta(days=1):%Y-%m-%d} 02:00" in found.reason


def test_a_run_that_takes_longer_than_its_period_is_in_progress(nightly) -> None:
    every_minute = replace(nightly, pattern="* * * * *", next_firing=NOW)
    runs = [run(NOW - timedelta(minutes=ago), "RUNNING") for ago in (2, 3)]
    served = backup(NOW - timedelta(minutes=4))
    assert assess(every_minute, [served], *runs).state == State.RUNNING


@pytest.mark.parametrize(("minutes", "state"), [(11, State.RUNNING), (13, State.FAILED)])
def test_a_run_that_never_asks_for_a_backup_is_not_in_progress_for_ever(
    nightly, minutes, state
) -> None:
    served = backup(DUE - timedelta(days=1))
    now = DUE + timedelta(minutes=minutes)
    found = assess(nightly, [served], run(DUE, "RUNNING"), now=now)
    assert found.state == state
    # One that follows its backup may take as long as that.
    building = [served, backup(DUE, "BUILDING")]
    assert assess(nightly, building, run(DUE, "RUNNING"), now=now).state == State.RUNNING


def test_a_backup_in_progress_hides_nothing_that_was_owed_before_it(nightly) -> None:
    hourly = replace(nightly, pattern="0 * * * *", next_firing=DUE + timedelta(hours=1))
    served = backup(DUE - timedelta(hours=2))
    failed = backup(DUE - timedelta(hours=1), "FAILED")
    building = backup(DUE, "BUILDING")
    # Its own run is no run without a backup, however long it takes.
    now = DUE + timedelta(minutes=30)
    found = assess(hourly, [served, failed, building], run(DUE, "RUNNING"), now=now)
    assert (found.state, found.missed) == (State.FAILED, 2)
    assert found.reason == (
        f"backup {failed.id} FAILED; no backup for 2026-03-10 01:00 UTC; backup {building.id} is "
        "BUILDING; last backup 2 h 30 min ago"
    )
    assert assess(hourly, [served, building], run(DUE, "RUNNING"), now=now).state == State.LOST
    # Neither within the grace of the due time that it serves.
    now = DUE + timedelta(seconds=30)
    assert assess(hourly, [served, failed, building], now=now).state == State.FAILED


def test_a_further_attempt_in_progress_is_running_however_the_first_one_ended(nightly) -> None:
    served = backup(DUE - timedelta(days=1))
    again = backup(DUE + timedelta(minutes=4), "BUILDING")
    failed = run(DUE, "ERROR", "instance is SHUTDOWN")
    assert assess(nightly, [served, backup(DUE, "FAILED"), again], failed).state == State.RUNNING


def test_a_backup_that_takes_longer_than_its_period_is_running(nightly) -> None:
    every_minute = replace(nightly, pattern="* * * * *", next_firing=NOW)
    served, long = backup(NOW - timedelta(minutes=31)), backup(DUE - timedelta(minutes=25), "NEW")
    skipped = run(DUE, "SUCCESS", status=f"Skipped: backup {long.id} is running")
    assert assess(every_minute, [served, long], skipped).state == State.RUNNING


@pytest.mark.parametrize("status", ["BUILDING", None])
def test_what_is_in_progress_hides_no_backup_that_is_too_old(nightly, status) -> None:
    made = [backup(DUE - timedelta(days=1))] + ([backup(DUE, status)] if status else [])
    runs = [run(DUE, "RUNNING")]
    for hours, state in ((25, State.RUNNING), (24, State.STALE)):
        limits = Limits(max_age=timedelta(hours=hours))
        assert assess(nightly, made, *runs, limits=limits).state == state
    assert "ago, more than 24 h" in assess(nightly, made, *runs, limits=limits).reason


def test_the_newest_due_times_count_however_many_were_missed(nightly) -> None:
    every_minute = replace(nightly, pattern="* * * * *", next_firing=NOW)
    old = run(NOW - timedelta(days=2), "ERROR", "instance is SHUTDOWN")
    found = assess(every_minute, [backup(NOW - timedelta(days=3))], old)
    assert (found.state, found.missed) == (State.LOST, 1000)
    assert "no backup for 2026-03-10 02:03 UTC" in found.reason


def test_a_schedule_of_python_troveclient_can_t_be_told_and_says_what_to_do(nightly) -> None:
    old = replace(nightly, generation=0)
    done = run(DUE, "SUCCESS", status="Backup complete", backup_id="backup-10-020000")
    found = assess(old, [backup(DUE, description=None)], done)
    assert (found.state, found.missed) == (State.UNKNOWN, 0)
    assert "schedule set' gives new ones" in found.reason


@pytest.mark.parametrize("missed", [1, 2, 9])
def test_executions_are_asked_for_back_to_the_last_due_time_but_one(nightly, missed) -> None:
    asked: list[datetime] = []

    def executions(since: datetime) -> list[ScheduleExecution]:
        asked.append(since)
        return []

    served = [backup(DUE - timedelta(days=missed))]
    options: dict[str, Any] = {"quota_left": None, "limits": Limits(), "now": NOW}
    assess(nightly, served, executions=executions, **options)
    assert asked == [DUE - timedelta(days=min(missed, 2) - 1, seconds=10)]


def test_a_failed_backup_is_failed_although_its_run_never_ends(nightly) -> None:
    failed, endless = backup(DUE + timedelta(seconds=4), "FAILED"), run(DUE, "RUNNING")
    served = backup(DUE - timedelta(days=1))
    for after, state in (
        (timedelta(minutes=11), State.RUNNING),
        (timedelta(minutes=13), State.FAILED),
        (timedelta(hours=23), State.FAILED),
    ):
        found = assess(nightly, [served, failed], endless, now=DUE + after)
        assert (found.state, found.state.exit_status) == (state, state.exit_status)
    assert found.reason == (
        f"backup {failed.id} FAILED; execution e has run for 23 h without a backup: an engine"
        " or executor of Mistral may be down; no backup for 2026-03-10 02:00 UTC; last backup 47"
        " h ago"
    )


def test_a_later_attempt_that_is_young_is_running_and_one_that_never_ends_is_failed(
    nightly,
) -> None:
    served, failed = backup(DUE - timedelta(days=1)), backup(DUE, "FAILED")
    later = run(DUE + timedelta(minutes=20), "RUNNING")
    runs = [later, run(DUE, "ERROR", "Backup failed")]
    made = [served, failed]
    young, old = DUE + timedelta(minutes=25), DUE + timedelta(hours=9)
    assert assess(nightly, made, *runs, now=young).state == State.RUNNING
    assert assess(nightly, made, *runs, now=old).state == State.FAILED


def test_a_run_that_never_ends_is_told_of_the_due_time_before_too(nightly) -> None:
    before = run(DUE - timedelta(days=1), "RUNNING")
    found = assess(nightly, [backup(DUE - timedelta(days=2))], run(DUE, "RUNNING"), before)
    assert found.state == State.FAILED
    assert "execution e has run for 24 h 5 min" in found.reason


@pytest.mark.parametrize("status", ["COMPLETED", "BUILDING"])
def test_what_mistral_did_not_fire_is_overdue_whatever_somebody_did_since(nightly, status) -> None:
    late = replace(nightly, next_firing=NOW - timedelta(hours=8))
    by_hand = backup(NOW - timedelta(minutes=1), status)
    found = assess(late, [by_hand, backup(DUE - timedelta(days=1))])
    assert found.state == State.OVERDUE
    assert found.reason.startswith("Mistral has not fired it since 2026-03-09 18:05 UTC")
    assert assess(replace(late, paused=True), [by_hand]).state == State.PAUSED
    # Mistral has two minutes to fire.
    due_now = replace(nightly, next_firing=NOW - timedelta(minutes=1))
    assert assess(due_now, [backup(DUE)]).state == State.OK


@pytest.mark.parametrize("seconds", [11, 15, 600])
def test_a_clock_of_trove_that_is_behind_makes_no_backup_late(nightly, seconds) -> None:
    made = backup(DUE - timedelta(seconds=seconds))
    complete = run(DUE, "SUCCESS", status="Backup complete", backup_id=made.id)
    found = assess(nightly, [made], complete)
    assert (found.state, found.missed, found.kept) == (State.OK, 0, 1)
    # An attempt that found it is no run that made it.
    attempt = run(DUE, "SUCCESS", status="Skipped: already backed up", backup_id=made.id)
    assert assess(nightly, [made], attempt).state == State.LOST


def test_a_run_that_names_yesterdays_backup_has_made_none(nightly) -> None:
    made = backup(DUE - timedelta(days=1))
    complete = run(DUE, "SUCCESS", status="Backup complete", backup_id=made.id)
    found = assess(nightly, [made], complete)
    assert (found.state, found.missed) == (State.STALE, 1)
    assert found.reason == (
        f"execution e names backup {made.id}, which began at 2026-03-09 02:00 UTC; no backup "
        "for 2026-03-10 02:00 UTC; last backup 24 h 5 min ago"
    )


def test_a_backup_that_came_after_the_list_was_read_is_looked_at_again(nightly) -> None:
    made = backup(DUE)
    complete = run(DUE, "SUCCESS", status="Backup complete", backup_id=made.id)
    served = [backup(DUE - timedelta(days=1))]
    found = assess(nightly, served, complete, look_again={made.id: made}.get)
    assert (found.state, found.missed, found.last_success) == (State.OK, 0, DUE)
    gone = assess(nightly, served, complete, look_again={}.get)
    assert (gone.state, gone.missed) == (State.STALE, 1)
    assert gone.reason.startswith(f"its backup {made.id} was deleted since; no backup for 2026")

    def down(_: str) -> Backup:
        raise ServiceUnavailableError("no answer", service="Trove", operation="show backup")

    unclear = assess(nightly, served, complete, look_again=down)
    assert unclear.state == State.UNKNOWN
    assert f"the run ended with backup {made.id}, which is newer than the list" in unclear.reason
    for each in (found, gone, unclear):
        assert "Backup complete" not in each.reason


def test_a_schedule_whose_instance_is_gone_is_orphaned_whatever_else_it_is(nightly) -> None:
    for each in (
        nightly,
        replace(nightly, paused=True),
        replace(nightly, generation=0),
        replace(nightly, pattern="@daily"),
        replace(nightly, owed_since=DUE + timedelta(minutes=1)),
    ):
        found = assess(each, [backup(DUE)], orphaned=True)
        assert (found.state, found.state.exit_status) == (State.ORPHANED, 2)
        assert f"its instance {INSTANCE} is gone" in found.reason
        assert f"delete {SCHEDULE}'" in found.reason


def test_what_was_not_read_is_not_lost(nightly) -> None:
    found = assess(nightly, [], unread=lambda due: f"not read back to {due:%H:%M}")
    assert found.state == State.STALE
    assert found.reason.startswith("not read back to 02:00; no backup for 2026-03-10 02:00 UTC")
    # An execution that is there needs no more.
    failed = run(DUE, "ERROR", "instance is SHUTDOWN")
    assert assess(nightly, [], failed, unread=lambda _: "not read").state == State.FAILED
