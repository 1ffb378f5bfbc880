# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from tests.unit.minicloud import examples
from trove_minicloud.guest import folders, instances
from trove_minicloud.root import Root


def _built(root: Root) -> instances.Instance:
    instance = examples.instance()
    with folders.building(root) as folder:
        instances.write(folder, instance)
    return instance


def test_an_instance_in_the_making_is_not_seen(root: Root) -> None:
    with folders.building(root) as folder:
        instances.write(folder, examples.instance())
        assert instances.all_instances(root) == []

    assert len(instances.all_instances(root)) == 1


def test_a_failed_making_leaves_nothing(root: Root) -> None:
    with pytest.raises(ZeroDivisionError), folders.building(root) as folder:
        (folder / "data").mkdir()
        raise ZeroDivisionError

    assert list(root.instances.iterdir()) == []


def test_sweep_removes_what_a_killed_maker_left_but_not_what_is_being_made(root: Root) -> None:
    left = root.instances / ".new-left"
    left.mkdir()

    removed = root.instances / ".old-left"
    removed.mkdir()

    with folders.building(root) as folder:
        assert not left.exists()
        assert not removed.exists()
        left.mkdir()
        removed.mkdir()
        assert folders.sweep(root) == [left, removed]
        assert folder.exists()
        instances.write(folder, examples.instance())


def test_remove_deletes_the_folder(root: Root) -> None:
    instance = _built(root)

    folders.remove(root, instance.id)

    assert not instance.folder(root).exists()


def test_a_making_that_fails_waits_for_a_program_that_is_still_busy_in_its_folder(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete, failures = folders.shutil.rmtree, [OSError("not empty"), FileNotFoundError("x.pid")]

    def rmtree(folder: Path) -> None:
        if failures:
            raise failures.pop()
        delete(folder)

    monkeypatch.setattr(folders.shutil, "rmtree", rmtree)
    with pytest.raises(ZeroDivisionError), folders.building(root):
        raise ZeroDivisionError

    assert list(root.instances.iterdir()) == []


def test_a_removal_that_was_cut_short_leaves_no_instance_and_is_swept(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = _built(root)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(folders.shutil, "rmtree", lambda _folder: 1 // 0)
        folders.remove(root, instance.id)

    assert instances.all_instances(root) == []
    assert folders.sweep(root) == [root.instances / ".old-instance-1"]
    assert list(root.instances.iterdir()) == []
