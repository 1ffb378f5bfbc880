# SPDX-License-Identifier: Apache-2.0
import errno
import shutil
from pathlib import Path

import pytest

from trove_minicloud.supervision import log_files


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "trove.log"


def test_a_log_within_its_limit_stays(log: Path) -> None:
    assert not log_files.rotate(log)
    log.write_text("some")
    assert not log_files.rotate(log, limit=4)
    assert not log_files.aside(log).exists()


def test_a_full_log_is_put_aside_for_the_one_before_and_its_program_goes_on(log: Path) -> None:
    with log.open("ab", buffering=0) as program:
        for number in range(3):
            program.write(b"line %d\n" % number)
            assert log_files.rotate(log, limit=4)
            assert log.read_text() == ""
            assert log_files.aside(log).read_text() == f"line {number}\n"
        program.write(b"last")
    assert log.read_text() == "last"
    assert log_files.aside(log).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in log.parent.iterdir()) == ["trove.log", "trove.log.1"]


def test_a_log_that_can_not_be_copied_stays_whole(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    log.write_text("all of it")
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        log_files.rotate(log, limit=4)
    assert log.read_text() == "all of it"
    assert [path.name for path in log.parent.iterdir()] == ["trove.log"]
