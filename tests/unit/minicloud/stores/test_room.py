# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import time
from types import SimpleNamespace

import pytest

from trove_minicloud.errors import DiskFullError, StoreError
from trove_minicloud.root import Root
from trove_minicloud.stores import room

_MIB = 2**20


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A disk of 10 GiB, of which 1 GiB is free."""
    usage = SimpleNamespace(total=10 * 1024 * _MIB, free=1024 * _MIB, used=9 * 1024 * _MIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    return usage


@pytest.mark.parametrize(("total", "kept"), [(1000, 50), (10 * 1024, 512), (500 * 1024, 1024)])
def test_a_share_of_the_disk_stays_for_the_databases(
    root: Root, disk: SimpleNamespace, total: int, kept: int
) -> None:
    disk.total = total * _MIB
    assert room.reserve(root, root.backups) == kept * _MIB


def test_another_reserve_is_kept(root: Root, disk: SimpleNamespace) -> None:
    room.keep(root, 7)
    assert room.reserve(root, root.backups) == 7 * _MIB


def test_what_does_not_fit_does_not_begin(root: Root, disk: SimpleNamespace) -> None:
    room.keep(root, 1000)
    with room.promised(root, root.backups, 24 * _MIB, "The backup"):
        pass
    with (
        pytest.raises(DiskFullError, match=r"The backup needs about 25 MiB\. 1024 MiB are free"),
        room.promised(root, root.backups, 25 * _MIB, "The backup"),
    ):
        pytest.fail("it began")


def test_what_has_begun_counts_until_it_is_over(root: Root, disk: SimpleNamespace) -> None:
    room.keep(root, 1000)
    with room.promised(root, root.backups, 20 * _MIB, "The backup"):
        with (
            pytest.raises(DiskFullError, match=r"and 20 MiB for what has begun"),
            # On the same disk.
            room.promised(root, root.instances, 20 * _MIB, "The restore"),
        ):
            pytest.fail("it began")
        with room.promised(root, root.instances, 4 * _MIB, "The restore"):
            pass
    with room.promised(root, root.instances, 20 * _MIB, "The restore"):
        pass


def test_the_nights_are_those_like_the_last(root: Root, disk: SimpleNamespace) -> None:
    room.keep(root, 24)
    assert room.of_backups(root).nights is None
    folder = root.backups / "i"
    folder.mkdir()
    for name, days in (("new", 0.5), ("old", 2)):
        (folder / name).write_bytes(bytes(10 * _MIB))
        then = time.time() - days * 24 * 60 * 60
        os.utime(folder / name, (then, then))
    found = room.of_backups(root)
    assert (found.last_day, found.left, found.nights) == (10 * _MIB, 1000 * _MIB, 100)


def test_a_full_disk_has_room_for_no_night(root: Root, disk: SimpleNamespace) -> None:
    room.keep(root, 2048)
    (root.backups / "i").mkdir()
    (root.backups / "i" / "new").write_bytes(b"some")
    assert room.of_backups(root).nights == 0


def test_a_disk_that_is_not_mounted_is_named(root: Root) -> None:
    root.backups.rmdir()
    root.backups.symlink_to(root.path / "away")
    with (
        pytest.raises(StoreError, match=f"{root.path}/away is not there: mount its disk"),
        room.promised(root, root.backups, 0, "The backup"),
    ):
        pytest.fail("it began")
