# SPDX-License-Identifier: Apache-2.0
import os
import pwd
import sys
from pathlib import Path

import pytest

from trove_minicloud.errors import DatastoreError, RestoreError
from trove_minicloud.guest.tools import run


def script(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import os, sys, time; {text}")


def test_a_program_runs_in_the_folder_with_an_environment_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")

    said = run(
        script("print(os.getcwd(), 'PGPASSWORD' in os.environ, input())"), tmp_path, stdin="typed\n"
    )

    assert said == f"{tmp_path} False typed\n"


def test_a_failure_says_what_the_program_said(tmp_path: Path) -> None:
    with pytest.raises(DatastoreError, match="exited 3: first\nsecond"):
        run(script("print('first'); print('second', file=sys.stderr); sys.exit(3)"), tmp_path)
    with pytest.raises(RestoreError):
        run(script("sys.exit(1)"), tmp_path, error=RestoreError)


def test_a_reason_that_is_cut_off_at_its_end_still_names_the_error(tmp_path: Path) -> None:
    said = "\n".join((*["note"] * 200, "2026 [ERROR] Aborting", "Examine the logs"))

    with pytest.raises(DatastoreError) as failed:
        run(script(f"print({said!r}, file=sys.stderr); sys.exit(1)"), tmp_path)

    assert "exited 1: 2026 [ERROR] Aborting\nnote" in str(failed.value)
    assert str(failed.value).endswith("Examine the logs")


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(DatastoreError, match="took more than 0 s"):
        run(script("time.sleep(60)"), tmp_path, timeout=0.2)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_program_can_run_as_somebody_else_without_our_groups(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    argv = ("/bin/sh", "-c", "id -u; id -G")

    assert run(argv, tmp_path, user=nobody) == f"{nobody.pw_uid}\n{nobody.pw_gid}\n"
