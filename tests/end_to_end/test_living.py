# SPDX-License-Identifier: Apache-2.0
"""Schedules that live: changed, paused, run by hand, chained, tidied, on the real services."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psutil
import pytest
from requests.adapters import HTTPAdapter

from tests.end_to_end.cloud import (
    NEVER_SOON,
    LiveCloud,
    finished,
    hung_tool,
    run_by_hand,
    wait_for,
)
from tests.end_to_end.ticks import RETRY_EVERY, fire, hurried, just_due, owe, wait_until_taken
from trove_schedules import ScheduledBackups, ScheduleExecution
from trove_schedules.errors import ScheduleConflictError
from trove_schedules.schedules.names import schedule_of


def _backups(cloud: LiveCloud, schedule: str) -> list[dict[str, Any]]:
    """The schedule's backups, the oldest first."""
    answer = cloud.asking.get("/backups?limit=1000", endpoint_filter={"service_type": "database"})
    mine = [row for row in answer.json()["backups"] if schedule_of(row["description"]) == schedule]
    return sorted(mine, key=lambda row: row["created"])


@pytest.fixture(scope="module")
def instance(cloud: LiveCloud) -> str:
    found = cloud.create_instance("living")
    with cloud.connect("living") as connection:
        connection.execute("create table runs (number int primary key)")
    return found


def test_chains_retention_and_history_over_nine_runs_and_three_changes(
    cloud: LiveCloud, schedules: ScheduledBackups, instance: str
) -> None:
    schedule = schedules.schedule_create(
        instance, NEVER_SOON, "chained", incremental=True, full_every=4, keep_last=2
    )
    made: list[str] = []
    runs: list[str] = []
    for number in range(1, 10):
        if number in (3, 5, 8):
            schedules.schedule_set(schedule, name=f"chained {number}")
        with cloud.connect("living") as connection:
            connection.execute("insert into runs values (%s)", [number])
        with hurried(cloud, every=2):
            run = run_by_hand(schedules, schedule.id)
        assert (run.state, run.output["status"]) == ("SUCCESS", "Backup complete"), run
        assert run.manual
        made.append(run.backup_id or "")
        runs.insert(0, run.id)
    assert _paged_by_the_command(cloud, schedule.id) == [runs[:5], runs[5:]]

    # Kept are 9, a full one, and 8, the last of the chain that 5 began.
    def five() -> list[dict[str, Any]] | None:
        rows = _backups(cloud, schedule.id)
        return rows if len(rows) == 5 else None

    remaining = wait_for("deletion of what is not kept", five, 90)
    assert [row["id"] for row in remaining] == made[4:]
    assert [row["parent_id"] for row in remaining] == [None, *made[4:7], None]
    for number, backup in enumerate(made[4:], start=5):
        cloud.restore(backup, f"living-{number}")
        with cloud.connect(f"living-{number}") as connection:
            [count] = connection.execute("select count(*) from runs").fetchone() or [None]
        assert count == number
        cloud.delete_instance(f"living-{number}")

    _goes_on_when_the_newest_is_deleted(cloud, schedules, schedule.id, made)
    _passes_over_a_failed_one_and_deletes_it(cloud, schedules, schedule.id)
    _skips_while_another_backup_runs(cloud, schedules, schedule.id, instance)
    assert [each.manual for each in schedules.execution_list(schedule)].count(True) >= 12
    schedules.schedule_delete(schedule)


def _paged_by_the_command(cloud: LiveCloud, schedule: str) -> list[list[str]]:
    """The ids of the executions, five a page."""
    command = ("schedule", "execution", "list", schedule, "-f", "json", "--limit", "5")
    pages: list[list[str]] = []
    while True:
        marker = ("--marker", pages[-1][-1]) if pages else ()
        page = [row["ID"] for row in cloud.openstack(*command, *marker).json]
        if not page:
            return pages
        pages.append(page)


def _goes_on_when_the_newest_is_deleted(
    cloud: LiveCloud, schedules: ScheduledBackups, schedule: str, made: list[str]
) -> None:
    orphan = run_by_hand(schedules, schedule).backup_id or ""
    assert cloud.backup(orphan)["parent_id"] == made[8]
    cloud.openstack("delete", orphan)
    wait_for("deletion", lambda: orphan not in {row["id"] for row in _backups(cloud, schedule)}, 90)
    again = run_by_hand(schedules, schedule).backup_id or ""
    assert cloud.backup(again)["parent_id"] == made[8]


def _passes_over_a_failed_one_and_deletes_it(
    cloud: LiveCloud, schedules: ScheduledBackups, schedule: str
) -> None:
    newest = _backups(cloud, schedule)[-1]["id"]
    started = schedules.schedule_run(schedule)
    hung_tool(cloud, "living").kill()
    run = run_by_hand(schedules, started)
    assert run.state == "ERROR"
    assert run.backup_id is not None
    assert run.backup_id in (run.state_info or ""), "the error names its backup"
    assert cloud.backup(run.backup_id)["status"] == "FAILED"
    after = run_by_hand(schedules, schedule)
    assert cloud.backup(after.backup_id)["parent_id"] == newest
    wait_for(
        "purge of the failed one",
        lambda: run.backup_id not in {row["id"] for row in _backups(cloud, schedule)},
        90,
    )


def _skips_while_another_backup_runs(
    cloud: LiveCloud, schedules: ScheduledBackups, schedule: str, instance: str
) -> None:
    by_hand = cloud.ask_for_backup(instance)
    tool = hung_tool(cloud, "living")
    run = run_by_hand(schedules, schedule)
    assert run.output["status"] == f"Skipped: backup {by_hand} is running"
    tool.resume()
    cloud.wait_for_backup(by_hand)


def test_a_schedule_is_paused_changed_and_resumed_with_its_id_and_history(
    cloud: LiveCloud, schedules: ScheduledBackups, instance: str
) -> None:
    schedule = schedules.schedule_create(instance, NEVER_SOON, "changing", attempts=1)
    fire(cloud, schedule)
    before = finished(schedules, schedule.id, 1)
    # Right after a firing the old trigger would be left to a reader.
    time.sleep(6)
    paused = schedules.schedule_pause(schedule)
    assert (paused.id, paused.paused, paused.next_execution_time) == (schedule.id, True, None)
    assert paused.created_at == schedule.created_at
    by_hand = run_by_hand(schedules, schedule.id)
    changed = schedules.schedule_set(schedule, pattern="0 3 1 1 *", name="changed", keep_last=3)
    assert (changed.paused, changed.pattern, changed.name) == (True, "0 3 1 1 *", "changed")
    resumed = schedules.schedule_resume(schedule)
    assert not resumed.paused
    again = run_by_hand(schedules, schedule.id)

    assert len([row for row in cloud.triggers() if schedule.id in row["name"]]) == 1
    listed = [each.id for each in schedules.execution_list(schedule)]
    assert listed[:2] == [again.id, by_hand.id]
    assert set(listed) >= {each.id for each in before}
    paged: list[str] = []
    while page := schedules.execution_list(schedule, marker=paged[-1] if paged else "", limit=1):
        paged += [each.id for each in page]
    assert paged == listed
    schedules.schedule_delete(schedule)


def test_a_change_is_refused_while_a_run_is_in_progress(
    cloud: LiveCloud, schedules: ScheduledBackups, instance: str
) -> None:
    schedule = schedules.schedule_create(instance, NEVER_SOON, "busy")
    schedules.schedule_run(schedule)
    tool: psutil.Process = hung_tool(cloud, "living")
    for change in (schedules.schedule_pause, schedules.schedule_delete):
        with pytest.raises(ScheduleConflictError, match="in progress"):
            change(schedule)
    with pytest.raises(ScheduleConflictError, match="in progress"):
        schedules.schedule_set(schedule, name="other")
    tool.resume()
    finished(schedules, schedule.id, 1)
    assert schedules.schedule_set(schedule, name="other").name == "other"
    schedules.schedule_delete(schedule)


def test_a_client_killed_at_any_request_leaves_one_schedule_and_the_next_command_heals(
    cloud: LiveCloud,
    schedules: ScheduledBackups,
    instance: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Whoever lists would leave both for two minutes to the client, which is dead.
    monkeypatch.setattr("trove_schedules.triggers.generations.SETTLING", timedelta(0))
    session, number, killed = cloud.session(), 0, True
    trusts = len(cloud.trusts(session))
    changes: list[tuple[tuple[str, bool], Callable[[ScheduledBackups, str], object]]] = [
        (("changed", False), lambda api, id: api.schedule_set(id, name="changed")),
        (("changed", True), lambda api, id: api.schedule_pause(id)),
        (("changed", False), lambda api, id: api.schedule_resume(id)),
    ]
    seen: set[tuple[bool, int]] = set()
    while killed:
        number, killed = number + 1, False
        # A new one each time: the more changes it has seen, the more requests does the next take.
        schedule = schedules.schedule_create(instance, NEVER_SOON, "first").id

        def left(schedule: str = schedule) -> int:
            return len([row for row in cloud.triggers(session) if schedule in row["name"]])

        old = ("first", False)
        for new, change in changes:
            killed |= _killed_at(number, cloud, lambda api, c=change, id=schedule: c(api, id))
            before = left()
            [found] = [each for each in schedules.schedule_list() if each.id == schedule]
            state = (found.name, found.paused)
            assert state in (old, new)
            assert left() == 1, "who lists heals"
            seen.add((state == new, before))
            if state == old:
                change(schedules, schedule)
            assert (left(), len(cloud.trusts(session))) == (1, trusts + 1)
            old = new
        schedules.schedule_delete(schedule)
    assert number > 4
    # Nothing done yet; both there; all done.
    assert seen == {(False, 1), (True, 2), (True, 1)}


def _killed_at(number: int, cloud: LiveCloud, do: Callable[[ScheduledBackups], object]) -> bool:
    """Let a client do it that gets a SIGKILL instead of its n-th request to Mistral, if any."""

    def client() -> None:
        send, sent = HTTPAdapter.send, 0

        def counted(self: HTTPAdapter, request: Any, **options: Any) -> Any:
            nonlocal sent
            sent += request.url.startswith(cloud.settings.mistral_url)
            if sent == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return send(self, request, **options)

        HTTPAdapter.send = counted  # type: ignore[method-assign]
        do(cloud.schedules())

    process = multiprocessing.get_context("fork").Process(target=client)
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
    return process.exitcode != 0


def test_a_first_attempt_that_fails_is_made_good_by_the_next_one_and_never_twice(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    """Four schedules were due at the same time.

    ``fine`` makes its backup, and ``down`` finds its database stopped. Keystone is gone when
    ``lost`` fires. Mistral is killed with the firing of ``cut`` in its hands, the trigger advanced
    and the workflow not started. Then all get their next attempt.
    """
    made = {}
    for name in ("fine", "down", "lost", "cut"):
        instance = cloud.create_instance(f"{name}-first")
        pattern = just_due()
        made[name] = schedules.schedule_create(
            instance, pattern, name, attempts=2, retry_every=RETRY_EVERY
        )
        assert made[name].pattern == pattern
        owe(cloud, made[name])
    cloud.stop_instance("down-first")

    fire(cloud, made["fine"])
    fire(cloud, made["down"])
    with hurried(cloud):
        [failed] = finished(schedules, made["down"].id, 1)
    assert failed.state == "ERROR"
    [done] = finished(schedules, made["fine"].id, 1)
    cloud.start_instance("down-first")
    with cloud.killed("keystone"):
        fire(cloud, made["lost"])
        wait_until_taken(cloud, made["lost"])
    gone = cloud.process("mistral")
    with cloud.stopped("keystone"):
        fire(cloud, made["cut"])
        wait_until_taken(cloud, made["cut"])
        gone.kill()
    cloud.wait_for_restart("mistral", gone)
    for name in ("lost", "cut"):
        assert schedules.execution_list(made[name], include_all=True) == [], name
        assert _backups(cloud, made[name].id) == [], name
    [first] = _backups(cloud, made["fine"].id)

    for schedule in made.values():
        fire(cloud, schedule)
    for name, schedule in made.items():
        runs = finished(schedules, schedule.id, 2 if name == "down" else 1)
        assert runs[0].output["status"] == "Backup complete", name
        assert [row["status"] for row in _backups(cloud, schedule.id)] == ["COMPLETED"], name

    def skipped() -> list[ScheduleExecution] | None:
        runs = schedules.execution_list(made["fine"], include_all=True)
        return runs if len(runs) == 2 and runs[0].ended else None

    skip, shown = wait_for("second attempt", skipped, 120)
    assert shown.id == done.id
    assert skip.output["status"] == f"Skipped: already backed up as {first['id']}"
    assert schedules.execution_list(made["fine"]) == [shown]
    for schedule in made.values():
        schedules.schedule_delete(schedule)
