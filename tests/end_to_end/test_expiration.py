# SPDX-License-Identifier: Apache-2.0
"""Mistral's history does not grow for ever: what is older than the policy goes, the rest stays."""

import sqlite3
from contextlib import closing

from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, run_by_hand, wait_for
from trove_minicloud.cloud import daemon
from trove_minicloud.services.preparation import database_file
from trove_schedules import ScheduledBackups


def test_an_old_run_is_forgotten_and_health_stays_right(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    schedule = schedules.schedule_create("m", NEVER_SOON, "kept")
    old, young = (run_by_hand(schedules, schedule.id).id for _ in range(2))
    [before] = schedules.schedule_health([schedule.id])

    cloud.down()
    database = database_file(cloud.root.service("mistral"))
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "update workflow_executions_v2 set updated_at = datetime('now', '-36 days')"
            " where id = ?",
            [old],
        )
    # The engine looks at its start, and then once an hour.
    daemon.up(cloud.root, print)

    def runs() -> list[str]:
        return [each.id for each in schedules.execution_list(schedule.id)]

    wait_for("run that has expired", lambda: old not in runs(), 60)
    assert runs() == [young]
    with closing(sqlite3.connect(database)) as connection:
        orphans = connection.execute(
            "select count(*) from task_executions_v2 where workflow_execution_id = ?", [old]
        ).fetchone()
    assert orphans == (0,)
    [after] = schedules.schedule_health([schedule.id])
    assert (after.state, after.kept) == (before.state, before.kept) == ("OK", 2)
