# SPDX-License-Identifier: Apache-2.0
import json
import stat
import subprocess
import sys
from datetime import timedelta

import pytest

from tests.unit.minicloud import examples
from trove_minicloud.errors import (
    AmbiguousInstanceError,
    DamagedFileError,
    InstanceBusyError,
    InstanceNotFoundError,
)
from trove_minicloud.guest import folders, instances
from trove_minicloud.root import Root


def add(root: Root, **changes: object) -> instances.Instance:
    instance = examples.instance(**changes)
    with folders.building(root) as folder:
        instances.write(folder, instance)
    return instance


def test_a_built_instance_can_be_loaded_and_found_by_name_and_id(root: Root) -> None:
    instance = add(root)

    assert instances.load(root, instance.id) == instance
    assert instances.find(root, "m") == instance
    assert instances.find(root, instance.id) == instance


def test_the_file_is_readable_by_its_owner_alone(root: Root) -> None:
    mode = (add(root).folder(root) / "instance.json").stat().st_mode

    assert stat.S_IMODE(mode) == 0o600


def test_all_instances_come_oldest_first(root: Root) -> None:
    young = add(root, id="a", created_at=examples.NOON + timedelta(days=1))
    old = add(root, id="b")

    assert instances.all_instances(root) == [old, young]


def test_an_unknown_name_is_an_error_that_names_it(root: Root) -> None:
    with pytest.raises(InstanceNotFoundError, match="'nobody'"):
        instances.find(root, "nobody")


def test_a_name_that_two_bear_is_an_error_with_both_ids(root: Root) -> None:
    add(root, id="first")
    add(root, id="second")

    with pytest.raises(AmbiguousInstanceError, match="first, second"):
        instances.find(root, "m")


def test_a_deleted_instance_can_not_be_saved_locked_or_dated(root: Root) -> None:
    instance = add(root)
    folders.remove(root, instance.id)

    with pytest.raises(InstanceNotFoundError, match="m was deleted meanwhile"):
        instances.save(root, instance)
    with pytest.raises(InstanceNotFoundError), instances.backup_lock(root, instance.id, "x"):
        pass
    with pytest.raises(InstanceNotFoundError):
        instances.changed_at(root, instance.id)


def test_a_second_process_gets_the_backup_lock_only_when_the_first_has_died(root: Root) -> None:
    add(root)
    script = (
        "import sys, time; from trove_minicloud.guest import instances;"
        " from trove_minicloud.root import Root;"
        " lock = instances.backup_lock(Root.at(sys.argv[1]), 'instance-1', 'backup b1');"
        " lock.__enter__();"
        " print('held', flush=True); time.sleep(60)"
    )
    argv = (sys.executable, "-c", script, str(root.path))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        try:
            assert other.stdout.readline() == "held\n"
            with (
                pytest.raises(InstanceBusyError, match="instance-1 is busy with backup b1"),
                instances.backup_lock(root, "instance-1", "x"),
            ):
                pass
        finally:
            other.kill()
    with instances.backup_lock(root, "instance-1", "x", wait=60):
        pass


@pytest.mark.parametrize("content", ["{", "{}", "[]"])
def test_a_damaged_instance_is_left_out_and_complained_of_once(
    root: Root, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    good = examples.instance()
    good.folder(root).mkdir()
    instances.save(root, good)
    file = root.instances / "zz" / "instance.json"
    file.parent.mkdir()
    file.write_text(content)
    assert instances.all_instances(root) == instances.all_instances(root) == [good]
    assert [str(file) in message for message in caplog.messages] == [True]
    with pytest.raises(DamagedFileError, match="zz"):
        instances.load(root, "zz")


def test_what_a_newer_version_wrote_besides_is_passed_over(root: Root) -> None:
    instance = add(root)
    file = instance.folder(root) / "instance.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"colour": "blue"}))
    assert instances.load(root, instance.id) == instance


def test_an_instance_that_can_not_be_read_is_there_all_the_same(root: Root) -> None:
    good = add(root, id="good")
    (root.instances / "zz" / "instance.json").mkdir(parents=True)
    (root.instances / "unfinished").mkdir()
    (root.instances / "a file").touch()
    seen = instances.look(root)
    assert seen.instances == [good]
    assert list(seen.unreadable) == ["zz"]
    with pytest.raises(DamagedFileError, match="zz"):
        instances.find(root, "zz")


def test_that_the_instances_folder_is_away_does_not_mean_that_there_are_none(root: Root) -> None:
    root.instances.rmdir()
    with pytest.raises(FileNotFoundError):
        instances.look(root)
