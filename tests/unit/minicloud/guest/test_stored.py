# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from typing import Any

import pytest

from tests.unit.minicloud import examples
from trove_minicloud.errors import StoreError
from trove_minicloud.guest import stored
from trove_minicloud.root import Root
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.manifest import Key, Manifest

KEY = Key("instance-1", "a")


def increment(store: LocalStore, backup: str, parent: str, number: int, **more: Any) -> Manifest:
    made = examples.manifest(backup, number, kind="incremental", parent_id=parent, **more)
    return examples.put(store, made, b"some")


def test_backups_are_found_by_their_manifests_parents_first(store: LocalStore) -> None:
    child = increment(store, "a-child", "z", 1)
    parent = examples.put(store, examples.manifest("z"), b"all")
    other = examples.put(store, examples.manifest("b", 2, instance_id="instance-2"), b"all")

    found = stored.look(store)

    assert found.backups == [parent, child, other]
    assert (found.refused, found.foreign) == ({}, [])
    assert found.present == {"z", "a-child", "b"}


@pytest.mark.parametrize("left", ["a.tar.zst", "a.tar.zst.partial", "a.basis", ".a.json.7.partial"])
def test_what_is_half_written_is_named(store: LocalStore, root: Root, left: str) -> None:
    (root.backups / "instance-1").mkdir()
    (root.backups / "instance-1" / left).touch()

    found = stored.look(store)

    assert found.refused == {
        store.location(KEY): "It has no manifest: it is half-written, or half-deleted."
    }
    assert (found.backups, found.foreign, found.present) == ([], [], set())


@pytest.mark.parametrize("name", ["notes.txt", "x.json", "a/b/c.json", "instance-1/a.tar.gz"])
def test_what_is_of_others_is_named(store: LocalStore, root: Root, name: str) -> None:
    (root.backups / name).parent.mkdir(parents=True, exist_ok=True)
    (root.backups / name).touch()

    found = stored.look(store)

    assert found.foreign == [f"{store.url}/{name}"]
    assert (found.backups, found.refused) == ([], {})


def test_a_backup_that_can_t_be_restored_is_named_and_so_is_what_builds_on_it(
    store: LocalStore, root: Root
) -> None:
    examples.put(store, examples.manifest("a"), b"all")
    increment(store, "b", "a", 1)
    increment(store, "c", "gone", 1)
    increment(store, "d", "e", 2, incarnation="another")
    whole = examples.put(store, examples.manifest("e"), b"all")
    examples.put(store, examples.manifest("f"), b"all")
    (root.backups / "instance-1" / "f.json").write_text("{")
    (root.backups / "instance-1" / "g.json").write_text(whole.to_json())
    (root.backups / "instance-1" / "a.tar.zst").write_bytes(b"al")

    found = stored.look(store)

    assert found.backups == [whole]
    said = {Path(location).name[0]: why for location, why in found.refused.items()}
    assert "should be 3 bytes" in said["a"]
    assert "builds on backup a, which is not there or can't be restored" in said["b"]
    assert "builds on backup gone" in said["c"]
    assert "another history" in said["d"]
    assert "f.json is damaged" in said["f"]
    assert said["g"] == "Its manifest is that of backup e of instance instance-1."
    assert found.present == set("abcdefg")


def test_copies_of_a_cloud_s_own_state_are_no_backups(store: LocalStore) -> None:
    store.put("cloud-state/key/20261128T020000Z.sealed", b"")

    assert stored.look(store) == stored.Stored()


def test_a_store_that_can_t_be_read_is_not_an_empty_one(store: LocalStore, root: Root) -> None:
    root.backups.rmdir()
    root.backups.symlink_to(root.path / "not-mounted")

    with pytest.raises(StoreError, match="mount its disk"):
        stored.look(store)
