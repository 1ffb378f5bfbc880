# SPDX-License-Identifier: Apache-2.0
import json
import os
from datetime import UTC, datetime

import pytest

from trove_minicloud.errors import DamagedFileError
from trove_minicloud.root import Root
from trove_minicloud.supervision import state
from trove_minicloud.supervision.processes import ProcessRecord
from trove_minicloud.supervision.state import CloudStatus, ProgramStatus


def test_what_is_saved_is_loaded(root: Root) -> None:
    since = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    programs = (
        ProgramStatus("keystone", "ready", since, 0, "", ProcessRecord(2**30, 2, 15, 10.0)),
        ProgramStatus("trove", "restarting", since, 3, "ended by signal 9", None),
    )
    status = CloudStatus(supervisor=7, state="running", error="", programs=programs)
    state.save(root, status)
    assert state.load(root) == status


def test_the_lock_has_one_holder_and_names_it(root: Root) -> None:
    assert state.supervisor_pid(root) is None
    with state.supervisor_lock(root) as first, state.supervisor_lock(root) as second:
        assert (first, second) == (True, False)
        assert state.supervisor_pid(root) == os.getpid()
    assert state.supervisor_pid(root) is None


def test_a_failure_is_what_remains_of_a_cloud_that_did_not_come_up(root: Root) -> None:
    state.save_failure(root, "the port is taken")
    status = state.load(root)
    assert status is not None
    assert (status.state, status.error, status.programs) == ("failed", "the port is taken", ())


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"programs": [{}]}'])
def test_a_damaged_state_names_its_file(root: Root, content: str) -> None:
    root.state_file.write_text(content)
    with pytest.raises(DamagedFileError, match=r"supervisor\.json"):
        state.load(root)
    root.state_file.unlink()


def test_what_a_newer_version_wrote_besides_is_passed_over(root: Root) -> None:
    since = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    record = ProcessRecord(2**30, 2, 15, 10.0)
    program = ProgramStatus("keystone", "ready", since, 0, "", record)
    status = CloudStatus(supervisor=7, state="running", error="", programs=(program,))
    state.save(root, status)
    values = json.loads(root.state_file.read_text())
    for written in (values, values["programs"][0], values["programs"][0]["process"]):
        written["colour"] = "blue"
    root.state_file.write_text(json.dumps(values))
    assert state.load(root) == status
