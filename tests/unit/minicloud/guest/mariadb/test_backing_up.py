# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from tests.unit.minicloud import examples
from tests.unit.minicloud.guest import fake_mariadb
from trove_minicloud.errors import ParentRefusedError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.mariadb import backing_up, binaries, connection
from trove_minicloud.guest.mariadb.binaries import Programs
from trove_minicloud.root import Root

PROGRAMS = Programs({"mariadb-backup": "/m/mariadb-backup"}, "10.11.19")


@pytest.fixture
def instance(root: Root, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """Of a server that is at LSN 1000."""
    status = create_autospec(connection.status, return_value="1000")
    monkeypatch.setattr(backing_up, "status", status)
    find_for = create_autospec(binaries.find_for, return_value=PROGRAMS)
    monkeypatch.setattr(binaries, "find_for", find_for)
    made = examples.instance(datastore="mariadb", version="10.11.19")
    made.folder(root).mkdir()
    return made


@pytest.fixture
def basis(tmp_path: Path) -> Path:
    path = tmp_path / "basis"
    path.write_bytes(fake_mariadb.CHECKPOINTS)
    return path


def test_a_full_backup_goes_to_stdout_and_its_password_is_no_argument(
    root: Root, instance: Instance
) -> None:
    tool = backing_up.backup_tool(root, instance, None)

    assert tool.argv[:4] == (
        "/m/mariadb-backup",
        # MariaDB takes this one as the first only.
        f"--defaults-file={instance.password_file(root)}",
        "--backup",
        "--stream=xbstream",
    )
    assert not [argument for argument in tool.argv if "incremental" in argument]
    assert tool.env.keys() == {"PATH", "LC_ALL"}
    assert (instance.folder(root) / "backup").is_dir()


def test_an_incremental_backup_begins_where_its_parent_ended(
    root: Root, instance: Instance, basis: Path
) -> None:
    assert backing_up.backup_tool(root, instance, basis).argv[-1] == "--incremental-lsn=500"


def test_a_parent_from_the_servers_future_is_refused(
    root: Root, instance: Instance, basis: Path
) -> None:
    basis.write_bytes(fake_mariadb.CHECKPOINTS.replace(b"500", b"1001"))

    with pytest.raises(ParentRefusedError, match="LSN 1001, and the server has only come to 1000"):
        backing_up.backup_tool(root, instance, basis)


def test_a_basis_that_can_not_be_read_is_no_parent(
    root: Root, instance: Instance, basis: Path
) -> None:
    basis.write_text("{}")

    with pytest.raises(ParentRefusedError, match="can't be read"):
        backing_up.backup_tool(root, instance, basis)
