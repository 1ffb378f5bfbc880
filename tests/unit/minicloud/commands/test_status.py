# SPDX-License-Identifier: Apache-2.0
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.minicloud import examples
from trove_minicloud import settings
from trove_minicloud.commands.status import describe, state_copy_in_words
from trove_minicloud.errors import RootError
from trove_minicloud.files import write_json
from trove_minicloud.root import Root
from trove_minicloud.stores import destination
from trove_minicloud.supervision import processes, state
from trove_minicloud.supervision.processes import ProcessRecord
from trove_minicloud.supervision.state import CloudStatus, ProgramStatus

# No process has an id as high as this.
_GONE = ProcessRecord(pid=2**30, start_time=1, stop_signal=15, stop_timeout=1.0)
_SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _save(root: Root, process: ProcessRecord | None) -> None:
    program = ProgramStatus("keystone", "ready", _SINCE, 2, "", process)
    state.save(root, CloudStatus(os.getpid(), "running", "", (program,)))


def test_a_running_cloud_shows_its_programs(root: Root) -> None:
    chosen = settings.load_or_create(root)
    _save(root, ProcessRecord(os.getpid(), processes.start_time(os.getpid()) or 0, 0, 1.0))
    with state.supervisor_lock(root):
        described = describe(root)
    assert described["state"] == "running"
    assert described["programs"] == [
        {
            "program": "keystone",
            "instance": "",
            "state": "ready",
            "pid": os.getpid(),
            "since": "2026-03-01 12:00:00 UTC",
            "restarts": 2,
            "address": chosen.keystone_url,
            "reason": "",
        }
    ]
    _save(root, None)


def test_a_program_that_is_gone_is_not_called_ready(root: Root) -> None:
    _save(root, _GONE)
    with state.supervisor_lock(root):
        assert describe(root)["programs"][0]["state"] == "died"


def test_a_killed_supervisor_is_told_from_a_cloud_that_is_down(root: Root) -> None:
    assert describe(root)["state"] == "down"
    _save(root, _GONE)
    assert describe(root)["state"] == "killed"


def test_a_failed_start_keeps_its_reason(root: Root) -> None:
    state.save_failure(root, "the port is taken")
    described = describe(root)
    assert (described["state"], described["error"]) == ("failed", "the port is taken")


def test_an_instance_is_shown_by_its_name(root: Root) -> None:
    instance = examples.saved(root, name="orders", port=5432)
    program = ProgramStatus(f"postgresql-{instance.id}", "ready", _SINCE, 0, "", _GONE)
    state.save(root, CloudStatus(os.getpid(), "running", "", (program,)))
    with state.supervisor_lock(root):
        row = describe(root)["programs"][0]
    assert (row["instance"], row["address"]) == ("orders", "127.0.0.1:5432")


def test_the_copy_of_the_own_state_is_told_and_why_there_is_no_newer_one(root: Root) -> None:
    def said() -> str:
        return state_copy_in_words(root, describe(root)["state_copy"])

    assert said() == "Own state: not copied yet; the next backup does."
    known = {
        "copied_at": "2026-11-28T02:00:00+00:00",
        "url": "s3://backups/cloud-state/x.sealed",
        "size": 51_048,
        "error": "2026-11-29 02:00:00 UTC: the bucket is gone",
    }
    write_json(root.path / "state-copies.json", known | {"unfinished": ""})

    assert describe(root)["state_copy"] == known
    first, last = said().splitlines()
    assert first.startswith(
        "Own state: copied 2026-11-28 02:00:00 UTC to s3://backups/cloud-state/x.sealed (50 KiB)."
        f" Keep a copy of {root.recovery_key} off this machine"
    )
    assert last == "The last copy FAILED: 2026-11-29 02:00:00 UTC: the bucket is gone"
    destination.choose(root, "swift")
    assert "Swift lies in the root" in said()


def test_a_folder_that_is_no_root_is_not_called_down(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(RootError, match="no mini cloud in"):
            describe(Root.at(path))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.getuid() == 0, reason="root can read everything")
def test_a_root_that_can_not_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    with pytest.raises(RootError, match="Can't read"):
        describe(Root.at(tmp_path / "closed" / "cloud"))


def test_what_a_running_cloud_can_not_run_is_told(root: Root) -> None:
    state.save(root, CloudStatus(os.getpid(), "running", "Instance orders can't be run: why", ()))
    with state.supervisor_lock(root):
        described = describe(root)
    assert (described["state"], described["error"]) == (
        "running",
        "Instance orders can't be run: why",
    )
