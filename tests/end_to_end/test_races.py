# SPDX-License-Identifier: Apache-2.0
"""Two clients at one schedule at once, and a client beside Mistral's own firings."""

from __future__ import annotations

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, wait_for
from tests.end_to_end.ticks import hurried
from trove_minicloud.services.preparation import database_file
from trove_schedules import Schedule, ScheduledBackups
from trove_schedules.errors import (
    ScheduleConflictError,
    ScheduledBackupError,
    ScheduleNotFoundError,
)

ROUNDS, AT_A_TIME = 30, 5
TOLD = (ScheduleConflictError, ScheduleNotFoundError)


@pytest.fixture(scope="module")
def instance(cloud: LiveCloud) -> str:
    return cloud.create_instance("raced")


@pytest.fixture(scope="module")
def clients(cloud: LiveCloud) -> tuple[ScheduledBackups, ScheduledBackups]:
    return cloud.schedules(), cloud.schedules()


def _at_once(*commands: Callable[[], Any]) -> list[Any]:
    """What each command returned or raised; each begins up to 0.3 s late."""

    def late(command: Callable[[], Any]) -> Any:
        time.sleep(random.uniform(0, 0.3))
        try:
            return command()
        except ScheduledBackupError as error:
            return error

    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(late, commands))


def _triggers(cloud: LiveCloud, schedule: str) -> list[str]:
    return [row["name"] for row in cloud.triggers() if schedule in row["name"]]


@pytest.mark.parametrize("change", ["set", "drill"])
def test_a_change_and_a_deletion_leave_nothing_that_fires(
    cloud: LiveCloud,
    clients: tuple[ScheduledBackups, ScheduledBackups],
    instance: str,
    change: str,
) -> None:
    ours, theirs = clients
    trusts, seen = len(cloud.trusts()), Counter[str]()
    for _ in range(ROUNDS):
        schedule = ours.schedule_create(instance, NEVER_SOON, "raced").id

        def changing(schedule: str = schedule) -> object:
            if change == "set":
                return ours.schedule_set(schedule, name="changed")
            return ours.schedule_drill_every(schedule, NEVER_SOON)

        changed, deleted = _at_once(
            changing, lambda schedule=schedule: theirs.schedule_delete(schedule)
        )
        seen[type(changed).__name__] += 1
        assert deleted is None
        assert not isinstance(changed, Exception) or isinstance(changed, TOLD), changed
        assert _triggers(cloud, schedule) == [], seen
    assert len(cloud.trusts()) == trusts
    assert len(seen) > 1, f"never at once: {seen}"


def test_a_run_that_starts_during_a_change_keeps_its_rights(
    cloud: LiveCloud, instance: str
) -> None:
    """Several at a time, each on an instance of its own: a round is mostly the wait for its run."""
    instances = [instance, *(cloud.create_instance(f"raced-{n}") for n in range(1, AT_A_TIME))]

    def rounds(instance: str) -> int:
        return sum(_run_during_a_change(cloud, instance) for _ in range(ROUNDS // AT_A_TIME))

    with hurried(cloud, every=2), ThreadPoolExecutor(AT_A_TIME) as pool:
        assert sum(pool.map(rounds, instances)), "no run has started"


def _run_during_a_change(cloud: LiveCloud, instance: str) -> int:
    """How many runs of one schedule there were, all with their rights."""
    ours, theirs = cloud.schedules(), cloud.schedules()
    schedule = ours.schedule_create(instance, NEVER_SOON, "raced", attempts=1)
    # A change takes less than a second here, the longest on a busy machine a few.
    _make_due(cloud, schedule, timedelta(seconds=random.uniform(0, 2)))
    [changed] = _at_once(lambda: ours.schedule_set(schedule.id, name="other"))
    assert not isinstance(changed, Exception) or isinstance(changed, ScheduleConflictError)

    def over() -> bool:
        # The trigger is deleted, or it has fired and its run has ended.
        firing = _next_firing(cloud, schedule)
        if firing is not None and firing <= datetime.now(UTC):
            return False
        runs = theirs.execution_list(schedule.id, include_all=True)
        # Of a tick that was taken in hand just now no execution is seen yet. One that vanished with
        # its trust never gets one.
        return all(each.ended for each in runs) and (firing is None or len(runs) == 1)

    wait_for("end of the run", over, 120)
    # As many seconds for the run of a trigger that was deleted with its tick taken in hand.
    time.sleep(2)
    wait_for("end of the run", over, 120)
    runs = theirs.execution_list(schedule.id, include_all=True)
    assert [each.state_info for each in runs if each.state != "SUCCESS"] == []
    assert len(_triggers(cloud, schedule.id)) in (1, 2)
    theirs.schedule_delete(schedule.id)
    assert _triggers(cloud, schedule.id) == []
    return len(runs)


def _query(cloud: LiveCloud, query: str, *values: str) -> list[tuple[Any, ...]]:
    database = database_file(cloud.root.service("mistral"))
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        return connection.execute(query, values).fetchall()


def _make_due(cloud: LiveCloud, schedule: Schedule, ahead: timedelta) -> None:
    """Bring the next firing of a schedule's trigger forward."""
    moment = f"{datetime.now(UTC) + ahead:%Y-%m-%d %H:%M:%S.%f}"
    _query(
        cloud,
        "update cron_triggers_v2 set next_execution_time = ? where id = ?",
        moment,
        schedule.trigger_id,
    )


def _next_firing(cloud: LiveCloud, schedule: Schedule) -> datetime | None:
    """Of the schedule's first trigger; None where that is gone."""
    query = "select next_execution_time from cron_triggers_v2 where id = ?"
    found = _query(cloud, query, schedule.trigger_id)
    return datetime.fromisoformat(found[0][0]).replace(tzinfo=UTC) if found else None
