# SPDX-License-Identifier: Apache-2.0
"""Mistral's history does not grow for ever: what is older than the policy goes, the rest stays."""

from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, run_by_hand, wait_for
from tests.end_to_end.ticks import mistral_database
from trove_schedules import ScheduledBackups


def test_an_old_run_is_forgotten_and_health_stays_right(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    schedule = schedules.schedule_create("m", NEVER_SOON, "kept")
    old, young = (run_by_hand(schedules, schedule.id).id for _ in range(2))
    [before] = schedules.schedule_health([schedule.id])

    with mistral_database(cloud) as database:
        database.execute(
            "update workflow_executions_v2 set updated_at = datetime('now', '-36 days')"
            " where id = ?",
            [old],
        )
    # The engine looks at its start, and then once an hour.
    gone = cloud.process("mistral")
    gone.kill()
    cloud.wait_for_restart("mistral", gone)

    def runs() -> list[str]:
        return [each.id for each in schedules.execution_list(schedule.id)]

    wait_for("run that has expired", lambda: old not in runs(), 60)
    assert runs() == [young]
    with mistral_database(cloud) as database:
        orphans = database.execute(
            "select count(*) from task_executions_v2 where workflow_execution_id = ?", [old]
        ).fetchone()
    assert orphans == (0,)
    [after] = schedules.schedule_health([schedule.id])
    assert (after.state, after.kept) == (before.state, before.kept) == ("OK", 2)
