# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trove_schedules.backups.retention import Verdict
from trove_schedules.cli.openstack.prune import PruneSchedule
from trove_schedules.clients.trove import Backup


@pytest.mark.parametrize(("options", "dry_run"), [([], False), (["--dry-run"], True)])
def test_prune_shows_what_becomes_of_each_backup_and_why(take, schedules, options, dry_run) -> None:
    backup = Backup(
        id="0d8c4bd9-0d2c-4cd6-9b0d-1b9ff6e4c0a7",
        instance_id="5328f62a-d999-4be3-90bb-83cc6af4469c",
        name="nightly",
        description=None,
        status="COMPLETED",
        parent_id=None,
        created=datetime(2026, 3, 10, 2, 0, tzinfo=UTC),
        size=1.0,
    )
    schedules.schedule_prune.return_value = [
        Verdict(backup, expired=False, reason="the newest", kept_by=("newest", "keep-daily 7")),
        Verdict(backup, expired=True, reason="older than 2 kept ones"),
    ]
    headers, rows = take(PruneSchedule, "a-schedule", *options)
    schedules.schedule_prune.assert_called_once_with("a-schedule", dry_run=dry_run)
    assert headers == ("Backup", "Created", "Status", "Verdict", "Kept By", "Reason")
    assert [row[3:] for row in rows] == [
        ("keep", "newest, keep-daily 7", "the newest"),
        ("delete", None, "older than 2 kept ones"),
    ]
