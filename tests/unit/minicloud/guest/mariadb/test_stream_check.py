# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.unit.minicloud.guest import fake_mariadb
from tests.unit.minicloud.guest.fake_mariadb import CHECKPOINTS, FILES
from trove_minicloud.errors import VerificationError
from trove_minicloud.guest.mariadb.stream_check import BackupCheck, Checkpoints

INCREMENT = b"""\
backup_type = incremental
from_lsn = 500
to_lsn = 1000
last_lsn = 1200
"""


def check(files: dict[str, bytes], from_lsn: int = 0, reached_lsn: int = 800) -> bytes:
    backup_check = BackupCheck(from_lsn, reached_lsn)
    backup_check.feed(memoryview(fake_mariadb.backup(files)))
    return backup_check.finish()


def refused(files: dict[str, bytes], from_lsn: int = 0, reached_lsn: int = 800) -> str:
    with pytest.raises(VerificationError) as caught:
        check(files, from_lsn, reached_lsn)
    return str(caught.value)


def increment(checkpoints: bytes = INCREMENT) -> dict[str, bytes]:
    pages = {"ibdata1.delta": b"p", "ibdata1.meta": b"m", "xtrabackup_checkpoints": checkpoints}
    return {name: data for name, data in FILES.items() if name != "ibdata1"} | pages


def test_a_whole_backup_passes_and_its_checkpoints_are_returned() -> None:
    assert check(FILES) == CHECKPOINTS
    assert check(increment(), 500, 1100) == INCREMENT
    assert Checkpoints.parse(CHECKPOINTS.decode()) == Checkpoints("full-backuped", 0, 500, 900)


@pytest.mark.parametrize(
    "name", ["ibdata1", "ib_logfile0", "xtrabackup_checkpoints", "xtrabackup_info"]
)
def test_a_missing_file_is_named(name: str) -> None:
    files = {path: data for path, data in FILES.items() if path != name}

    assert refused(files) == f"The backup lacks {name}."


def test_an_increment_must_begin_where_its_parent_ended() -> None:
    assert refused(increment(), 700) == "The backup begins at LSN 500, and should at 700."
    assert "begins at LSN 500, and should at 0" in refused(
        FILES | {"xtrabackup_checkpoints": INCREMENT}
    )


def test_a_backup_on_a_base_of_the_future_is_refused() -> None:
    future = INCREMENT.replace(b"from_lsn = 500", b"from_lsn = 5000")

    assert refused(increment(future), 5000) == (
        "The backup can't be of one server: it is from LSN 5000 to 1000, and its log ends at 1200."
    )


def test_a_log_that_ends_before_the_servers_own_position_is_refused() -> None:
    assert refused(FILES, reached_lsn=901) == (
        "The backup's log ends at LSN 900, before 901, where the server was when it began."
    )


@pytest.mark.parametrize("content", [b"", b"to_lsn = 5", CHECKPOINTS.replace(b"500", b"many")])
def test_damaged_checkpoints_are_refused(content: bytes) -> None:
    assert "xtrabackup_checkpoints is damaged" in refused(
        FILES | {"xtrabackup_checkpoints": content}
    )


def test_a_table_that_is_kept_elsewhere_is_refused() -> None:
    assert "DATA DIRECTORY" in refused(FILES | {"test/account.isl": b"/elsewhere/account.ibd"})


def test_tables_may_be_removed_and_renamed_but_no_file_that_a_backup_needs() -> None:
    backup_check = BackupCheck(0, 800)
    stream = fake_mariadb.backup(FILES)
    for edit in (
        fake_mariadb.rename("test/account.ibd", "test/other.ibd"),
        fake_mariadb.remove("test"),
        fake_mariadb.chunk("mysql/general_log.CSV", b"x", flags=2),
        fake_mariadb.seek("mysql/general_log.CSV", 0),
        fake_mariadb.chunk("mysql/general_log.CSV"),
    ):
        stream += edit
    backup_check.feed(memoryview(stream))
    assert backup_check.finish() == CHECKPOINTS

    backup_check.feed(memoryview(fake_mariadb.remove("xtrabackup_checkpoints")))
    with pytest.raises(VerificationError, match=r"The backup lacks xtrabackup_checkpoints\."):
        backup_check.finish()
