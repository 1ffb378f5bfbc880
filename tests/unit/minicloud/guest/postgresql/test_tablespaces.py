# SPDX-License-Identifier: Apache-2.0
import json
import sys
from pathlib import Path

import pytest

from tests.unit.minicloud import examples
from trove_minicloud.errors import RestoreError
from trove_minicloud.guest.postgresql import tablespaces
from trove_minicloud.guest.postgresql.binaries import Programs
from trove_minicloud.root import Root

RANGE = {"Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000120"}
# Says what is in the file beside it.
_PG_WALDUMP = """\
#!{python}
import pathlib, sys
print(pathlib.Path(__file__).with_name("said").read_text(), sys.argv[1:])
"""


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    program = tmp_path / "pg_waldump"
    program.write_text(_PG_WALDUMP.format(python=sys.executable))
    program.chmod(0o755)
    return Programs(tmp_path, "18.6")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "pg_tblspc").mkdir(parents=True)
    (folder / "backup_manifest").write_text(json.dumps({"WAL-Ranges": [RANGE]}))
    return folder


def test_the_wal_of_the_backup_is_searched_from_its_start_to_its_end() -> None:
    argv = tablespaces.creations_command(Programs(Path("/pg"), "18.6"), Path("/data"), RANGE)

    assert argv == (
        "/pg/pg_waldump",
        "--path=/data/pg_wal",
        "--timeline=1",
        "--start=0/2000028",
        "--end=0/2000120",
        "--rmgr=Tablespace",
    )


def test_a_backup_during_which_a_tablespace_was_made_is_not_restored(
    programs: Programs, data: Path
) -> None:
    said = programs.folder / "said"
    for harmless in ("DROP 16388", 'CREATE 16388 ""'):
        said.write_text(f"rmgr: Tablespace lsn: 0/20000A0, desc: {harmless}")
        tablespaces.require_none_made(programs, data)

    said.write_text('rmgr: Tablespace lsn: 0/20000A0, desc: CREATE 16389 "/srv/far"')
    with pytest.raises(RestoreError, match="A tablespace was made in /srv/far during this backup"):
        tablespaces.require_none_made(programs, data)


def test_a_copy_has_the_setting_that_its_tablespaces_need_and_forgets_the_places(
    data: Path,
) -> None:
    assert tablespaces.settings(data) == {}
    tablespaces.forget_places(data)

    (data / "pg_tblspc" / "16389").mkdir()
    (data / "tablespace_map").write_text("16389 /srv/far\n")
    assert tablespaces.settings(data) == {"allow_in_place_tablespaces": "on"}
    tablespaces.forget_places(data)
    assert not (data / "tablespace_map").exists()


@pytest.mark.parametrize("managed", [True, False])
def test_a_server_that_can_not_be_asked_is_backed_up_all_the_same(
    root: Root, managed: bool
) -> None:
    with tablespaces.none_made(root, examples.instance(managed=managed)):
        pass
