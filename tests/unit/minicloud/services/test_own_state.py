# SPDX-License-Identifier: Apache-2.0
import io
import sqlite3
import stat
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
import zstandard

from tests.unit.minicloud.services import cloud_state
from trove_minicloud.errors import DamagedFileError, DiskFullError, RecoveryError
from trove_minicloud.root import Root
from trove_minicloud.services import own_state
from trove_minicloud.services.preparation import database_file
from trove_minicloud.stores import room


@pytest.fixture
def packed(root: Root) -> bytes:
    cloud_state.make(root)
    sink = io.BytesIO()
    own_state.pack(root, sink)
    return sink.getvalue()


def other(tmp_path: Path) -> Root:
    root = Root.at(tmp_path / "other")
    root.prepare()
    return root


def test_all_that_a_cloud_is_comes_back_and_nothing_else(
    root: Root, packed: bytes, tmp_path: Path
) -> None:
    new = other(tmp_path)

    own_state.unpack(new, io.BytesIO(packed))

    assert cloud_state.files(new.path) == {
        ".trove-minicloud",
        "cloud.json",
        "instances/instance-1/check.json",
        "instances/instance-1/instance.json",
        "instances/instance-2/backup.password",
        "instances/instance-2/instance.json",
        "keystone/data/database.sqlite",
        "keystone/data/token-keys/0",
        "keystone/prepared",
        "mistral/data/database.sqlite",
        "mistral/override.conf",
        "mistral/prepared",
        "trove/data/database.sqlite",
        "trove/prepared",
    }
    for name in cloud_state.SERVICES:
        assert cloud_state.row_of(new, name) == (name, "wal")
    assert new.settings_file.read_text() == root.settings_file.read_text()
    modes = {stat.S_IMODE(p.stat().st_mode) for p in new.path.rglob("*") if p.is_file()}
    assert modes == {0o600}


def test_what_is_being_written_is_left_out(root: Root, packed: bytes, tmp_path: Path) -> None:
    with closing(sqlite3.connect(database_file(root.service("trove")))) as database:
        database.execute("insert into kept values ('not committed')")
        sink = io.BytesIO()
        own_state.pack(root, sink)

    own_state.unpack(new := other(tmp_path), io.BytesIO(sink.getvalue()))

    assert cloud_state.row_of(new, "trove") == ("trove", "wal")
    assert list(root.cache.iterdir()) == []


def test_a_database_that_can_t_be_copied_is_named(root: Root, packed: bytes) -> None:
    file = database_file(root.service("trove"))
    file.write_bytes(b"no database" * 100)

    with pytest.raises(DamagedFileError, match=f"{file} can't be copied"):
        own_state.pack(root, io.BytesIO())
    assert list(root.cache.iterdir()) == []


def test_a_copy_leaves_the_last_of_the_disk_to_the_databases(root: Root, packed: bytes) -> None:
    room.keep(root, 2**40)

    with pytest.raises(DiskFullError, match="The copy of the cloud's own state needs"):
        own_state.pack(root, io.BytesIO())


def test_nothing_is_written_outside_of_the_root(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with tarfile.open(mode="w", fileobj=archive) as made:
        made.addfile(tarfile.TarInfo("../outside"))
    packed = zstandard.compress(archive.getvalue())

    with pytest.raises(RecoveryError, match="no file of a mini cloud"):
        own_state.unpack(other(tmp_path), io.BytesIO(packed))
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("content", [b"", b"something else"])
def test_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(RecoveryError, match="can't be unpacked"):
        own_state.unpack(other(tmp_path), io.BytesIO(content))
