# SPDX-License-Identifier: Apache-2.0
import io
from pathlib import Path

import pytest

from tests.unit.minicloud.guest import fake_mariadb
from tests.unit.minicloud.guest.fake_mariadb import FILES
from trove_minicloud.errors import VerificationError
from trove_minicloud.guest.mariadb.binaries import Programs
from trove_minicloud.guest.mariadb.datastore import MariaDB
from trove_minicloud.guest.mariadb.restored import prepare_command, verify_commands

PROGRAMS = Programs({"mariadb-backup": "/m/backup", "innochecksum": "/m/innochecksum"}, "10.11.19")


def test_a_backup_is_unpacked_for_its_owner_alone(tmp_path: Path) -> None:
    MariaDB().unpack(io.BytesIO(fake_mariadb.backup(FILES)), tmp_path)

    found = {
        str(path.relative_to(tmp_path)): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert found == FILES
    assert (tmp_path / "test" / "account.ibd").stat().st_mode & 0o777 == 0o600


def test_a_backup_that_ends_early_is_not_unpacked_in_silence(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="ends early, within xtrabackup_info"):
        MariaDB().unpack(io.BytesIO(fake_mariadb.backup(FILES)[:-5]), tmp_path)


def test_increments_are_applied_to_the_full_backup() -> None:
    full = prepare_command(PROGRAMS, Path("/full"), None)

    assert full == ("/m/backup", "--no-defaults", "--prepare", "--target-dir=/full")
    assert prepare_command(PROGRAMS, Path("/full"), Path("/i")) == (*full, "--incremental-dir=/i")


@pytest.mark.parametrize(("page_size", "end", "start"), [(16384, 63, 192), (4096, 255, 768)])
def test_every_page_is_checked_but_those_of_the_doublewrite_buffer(
    tmp_path: Path, page_size: int, end: int, start: int
) -> None:
    for name in ("test/account.ibd", "ibdata1", "undo001", "test/account.frm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    commands = [argv[1:] for argv in verify_commands(PROGRAMS, tmp_path, page_size)]

    assert commands == [
        (f"--end-page={end}", f"{tmp_path}/ibdata1"),
        (f"--start-page={start}", f"{tmp_path}/ibdata1"),
        (f"{tmp_path}/test/account.ibd",),
        (f"{tmp_path}/undo001",),
    ]
