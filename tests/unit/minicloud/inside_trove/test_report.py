# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from typing import Any
from unittest.mock import create_autospec

import pytest
from trove.backup.models import DBBackup
from trove.conductor.api import API

from tests.unit.minicloud import examples
from trove_minicloud.inside_trove import report
from trove_minicloud.stores.manifest import Key

KEY = Key("instance-1", "backup-1")


@pytest.fixture
def conductor(monkeypatch: pytest.MonkeyPatch) -> Any:
    api = create_autospec(API, instance=True, spec_set=True)
    monkeypatch.setattr(report.conductor_api, "API", lambda _context: api)
    return api


def show_states(monkeypatch: pytest.MonkeyPatch, *states: str) -> None:
    """Let Trove's row have one state after the other, then the last for ever."""
    left = list(states)

    def find_by(id: str) -> SimpleNamespace:
        assert id == KEY.backup_id
        return SimpleNamespace(state=left.pop(0) if len(left) > 1 else left[0])

    monkeypatch.setattr(DBBackup, "find_by", find_by)


def test_the_conductor_is_told_with_the_time_so_that_a_late_message_changes_nothing(
    conductor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_states(monkeypatch, "BUILDING", "FAILED")

    report.ended(KEY, {"state": "FAILED"})

    (call,) = conductor.update_backup.call_args_list
    assert call.args == KEY
    assert call.kwargs["state"] == "FAILED"
    assert call.kwargs["sent"] > 0


def test_a_lost_message_is_sent_again(conductor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_RESEND_AFTER", 0.05)
    show_states(monkeypatch, "BUILDING", "BUILDING", "BUILDING", "FAILED")

    report.ended(KEY, {"state": "FAILED"})

    assert conductor.update_backup.call_count > 1


def test_a_conductor_that_never_does_it_is_an_error_in_the_end(
    conductor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "_RESEND_AFTER", 0.05)
    monkeypatch.setattr(report, "_DEADLINE", 0.2)
    show_states(monkeypatch, "BUILDING")

    with pytest.raises(TimeoutError, match="didn't set backup backup-1 to FAILED"):
        report.ended(KEY, {"state": "FAILED"})


def test_a_state_that_is_written_directly_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, str]] = []
    rows = [OSError("database is locked"), SimpleNamespace(update=lambda **f: written.append(f))]

    def find_by(id: str) -> Any:
        row = rows.pop(0)
        if isinstance(row, Exception):
            raise row
        return row

    monkeypatch.setattr(report, "_SET_INTERVAL", 0)
    monkeypatch.setattr(DBBackup, "find_by", find_by)

    report.set_ended(KEY, {"state": "FAILED"})

    assert written == [{"state": "FAILED"}]


def test_trove_learns_size_in_gigabytes_location_checksum_and_kind() -> None:
    manifest = examples.manifest(
        "backup-1", stored_size=3 * 1024**3 // 2, kind="incremental", parent_id="parent"
    )

    assert report.completed_fields("file:///i/b.tar.zst", manifest) == {
        "state": "COMPLETED",
        "size": 1.5,
        "location": "file:///i/b.tar.zst",
        "checksum": manifest.sha256[:32],
        "backup_type": "incremental",
        "parent_id": "parent",
    }


def test_a_backup_that_became_full_loses_its_parent_in_trove_too() -> None:
    fields = report.completed_fields(
        "file:///i/b.tar.zst", examples.manifest("backup-1", reason="refused")
    )

    assert (fields["backup_type"], fields["parent_id"]) == ("full", None)


def test_a_failures_cause_becomes_the_instances_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[tuple[str, ...]] = []
    monkeypatch.setattr(report, "save_instance_fault", lambda *args: saved.append(args))

    report.explain_failure(KEY, "no space left")

    assert saved == [("instance-1", "Backup backup-1 FAILED: no space left", "no space left")]
