# SPDX-License-Identifier: Apache-2.0
"""Many databases: which of them nobody backs up."""

from __future__ import annotations

import re
from typing import Any

from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, run_by_hand
from trove_schedules import ScheduledBackups
from trove_schedules.coverage import Cover, Coverage


def _of_m(found: list[Coverage]) -> Coverage:
    return next(each for each in found if each.name == "m")


def _line(cloud: LiveCloud, *options: str, login: str = "minicloud") -> tuple[dict[str, Any], int]:
    """What the command says of the tenant's instance ``m``, and its exit status."""
    done = cloud.openstack("coverage", "--long", "-f", "json", *options, cloud=login, check=False)
    project = cloud.asking.get_project_id()
    [row] = [row for row in done.json if (row["Name"], row["Project"]) == ("m", project)]
    return row, done.status


def test_an_instance_is_covered_or_named_whoever_made_its_newest_backup(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    by_hand = cloud.take_backup(_of_m(schedules.coverage()).instance)["id"]
    row, status = _line(cloud)
    assert (row["State"], status) == ("UNPROTECTED", 2)
    assert (row["Backup"], row["Made By"], row["Protected By"]) == (by_hand, "by hand", [])

    nightly = schedules.schedule_create("m", NEVER_SOON, "nightly", incremental=True)
    found = _of_m(schedules.coverage())
    assert (found.state, found.schedules) == (Cover.PROTECTED, (nightly,))
    assert found.backup is not None and found.backup.id == by_hand
    # A full one, and an increment of it.
    made = [run_by_hand(schedules, nightly.id).backup_id for _ in range(2)]
    found = _of_m(schedules.coverage())
    assert found.backup is not None
    assert (found.backup.id, found.backup.parent_id) == (made[1], made[0])

    weekly = schedules.schedule_create("m", NEVER_SOON, "weekly")
    schedules.schedule_delete(nightly)
    assert "which is gone" in _of_m(schedules.coverage()).reason
    schedules.schedule_pause(weekly)
    row, _ = _line(cloud, "--all-projects", login="minicloud-admin")
    assert (row["State"], row["Backup"]) == ("PAUSED", made[1])
    assert row["Made By"] == f"schedule {nightly.id}"
    written = cloud.openstack("schedule", "metrics", "--exclude", "m").out
    assert re.search(r'trove_backup_coverage_state{.*instance_name="m",.*EXCLUDED"} 1', written)
    assert cloud.openstack("coverage", "--all-projects", check=False).status == 3
    schedules.schedule_delete(weekly)
