# SPDX-License-Identifier: Apache-2.0
"""Many databases: which of them nobody backs up, and schedules of which a file tells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, run_by_hand
from trove_schedules import ScheduledBackups
from trove_schedules.coverage import Cover, Coverage
from trove_schedules.errors import ScheduledBackupError


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
    assert "which doesn't back it up now" in _of_m(schedules.coverage()).reason
    schedules.schedule_pause(weekly)
    row, _ = _line(cloud, "--all-projects", login="minicloud-admin")
    assert (row["State"], row["Backup"]) == ("PAUSED", made[1])
    assert row["Made By"] == f"schedule {nightly.id}"
    written = cloud.openstack("schedule", "metrics", "--exclude", "m").out
    assert re.search(r'trove_backup_coverage_state{.*instance_name="m",.*EXCLUDED"} 1', written)
    with pytest.raises(ScheduledBackupError, match="insufficient permissions"):
        schedules.overview().coverage()
    schedules.schedule_delete(weekly)


def test_a_file_makes_schedules_changes_them_takes_them_over_and_deletes_its_own(
    cloud: LiveCloud, schedules: ScheduledBackups, tmp_path: Path
) -> None:
    by_hand = schedules.schedule_create("m", NEVER_SOON, "by hand")
    taken = schedules.schedule_create("m", NEVER_SOON, "taken over", keep_last=3)
    url = "https://hc.test/very-secret"
    nightly = {"name": "nightly", "instance": "m", "pattern": "H H(1-4) 1 1 *", "keep_last": 14}
    over = {"name": "taken over", "instance": "m", "pattern": NEVER_SOON, "keep_last": 5}
    file = tmp_path / "schedules.yaml"

    def apply(*options: str) -> str:
        done = cloud.openstack("schedule", "apply", "-f", str(file), *options)
        assert "very-secret" not in done.out + done.err
        return done.out

    file.write_text(
        yaml.safe_dump(
            {"schedules": [nightly | {"notify_url": url, "drill_every": "0 5 1 1 *"}, over]}
        )
    )
    planned = apply("--dry-run")
    assert planned.endswith("1 to create, 1 to change, 0 to delete, 0 unchanged\n")
    assert len(schedules.schedule_list()) == 2
    assert apply() == planned
    made = {each.name: each for each in schedules.schedule_list()}
    assert made["nightly"].notify_url == url
    drill = schedules.schedule_drill_show(made["nightly"])
    assert drill is not None and drill.pattern == "0 5 1 1 *"
    assert (made["taken over"].id, made["taken over"].keep_last) == (taken.id, 5)
    assert {each.name for each in made.values() if each.declared} == {"nightly", "taken over"}
    assert apply() == "0 to create, 0 to change, 0 to delete, 2 unchanged\n"
    # A run finds the mark in its input, and makes nothing of it.
    assert run_by_hand(schedules, made["nightly"].id).output["status"] == "Backup complete"

    exported = cloud.openstack("schedule", "export").out
    assert "very-secret" not in exported
    kept = [each for each in yaml.safe_load(exported)["schedules"] if each["name"] != "taken over"]
    file.write_text(yaml.safe_dump({"schedules": kept}))
    assert apply("--prune").endswith("0 to create, 1 to change, 1 to delete, 1 unchanged\n")
    left = {each.name: each for each in schedules.schedule_list()}
    assert left["nightly"] == made["nightly"]
    assert (left["by hand"].id, left["by hand"].declared) == (by_hand.id, True)
    assert "taken over" not in left
