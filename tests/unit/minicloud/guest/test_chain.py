# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.unit.minicloud import examples
from trove_minicloud.errors import BrokenChainError
from trove_minicloud.guest.chain import chain
from trove_minicloud.root import Root
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.manifest import Manifest


def put_chain(store: LocalStore, **last_changes: object) -> list[Manifest]:
    full = examples.put(store, examples.manifest("full"), b"1")
    first = examples.manifest("first", 1, kind="incremental", parent_id="full")
    second = examples.manifest("second", 2, kind="incremental", parent_id="first", **last_changes)
    return [full, examples.put(store, first, b"22"), examples.put(store, second, b"333")]


def test_a_chain_begins_with_the_full_backup(store: LocalStore) -> None:
    manifests = put_chain(store)

    assert chain(store, manifests[2]) == manifests
    assert chain(store, manifests[0]) == manifests[:1]


def test_a_missing_parent_is_named(store: LocalStore) -> None:
    manifests = put_chain(store)
    store.delete(manifests[1].key)

    with pytest.raises(BrokenChainError, match="second builds on backup first, which is gone"):
        chain(store, manifests[2])


def test_missing_bytes_of_a_parent_are_named(store: LocalStore, root: Root) -> None:
    manifests = put_chain(store)
    (root.backups / "instance-1" / "full.tar.zst").unlink()

    with pytest.raises(BrokenChainError, match="The bytes of backup full are gone"):
        chain(store, manifests[2])


def test_a_shortened_object_is_named_with_both_sizes(store: LocalStore, root: Root) -> None:
    manifests = put_chain(store)
    (root.backups / "instance-1" / "first.tar.zst").write_bytes(b"2")

    with pytest.raises(BrokenChainError, match=r"first should be 2 bytes .* and is 1"):
        chain(store, manifests[2])


def test_a_parent_of_another_incarnation_is_refused(store: LocalStore) -> None:
    manifests = put_chain(store, incarnation="after a restore")

    with pytest.raises(BrokenChainError, match="first, which is of another history"):
        chain(store, manifests[2])


def test_backups_that_name_each_other_as_parents_do_not_keep_it_busy(store: LocalStore) -> None:
    one = examples.put(store, examples.manifest("one", kind="incremental", parent_id="other"))
    examples.put(store, examples.manifest("other", kind="incremental", parent_id="one"))

    with pytest.raises(BrokenChainError, match="not older"):
        chain(store, one)
