# SPDX-License-Identifier: Apache-2.0
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.minicloud import examples
from tests.unit.minicloud.services import cloud_state
from trove_minicloud import settings
from trove_minicloud.cloud import running
from trove_minicloud.commands import recovery, trove_rows
from trove_minicloud.errors import (
    ChecksumMismatchError,
    MiniCloudError,
    ProgramsMissingError,
    RecoveryError,
)
from trove_minicloud.files import read_json
from trove_minicloud.guest import instances
from trove_minicloud.root import Root
from trove_minicloud.services import recovery_key, state_copies
from trove_minicloud.stores import destination
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.supervision import ports

LOCATION = "file:///root/backups/instance-1/a.tar.zst"


@pytest.fixture
def lost(root: Root, store: LocalStore, tmp_path: Path) -> Path:
    """A store of a cloud that is lost, but for its key."""
    cloud_state.make(root)
    examples.put(store, examples.manifest("a"), b"all")
    examples.put(store, examples.manifest("b", 1), b"all and more")
    state_copies.after_backup(root, LOCATION)
    root.recovery_key.rename(tmp_path / "key")
    folder = tmp_path / "disk"
    root.backups.rename(folder)
    root.settings_file.unlink()
    return folder


@pytest.fixture
def new(tmp_path: Path) -> Root:
    return Root.at(tmp_path / "new")


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The backups that servers were made of, by a guest that makes folders; `b` is damaged."""
    restored: list[str] = []

    def restore(root: Root, store: Any, key: Any, name: str, **wanted: Any) -> instances.Instance:
        if key.backup_id == "b":
            raise ChecksumMismatchError("where it is", "00", "11")
        restored.append(key.backup_id)
        return examples.saved(
            root,
            id=wanted["instance_id"],
            name=name,
            project_id=wanted["project_id"],
            port=wanted["port"] or 1,
            incarnation="new",
        )

    monkeypatch.setattr(recovery, "restore", restore)
    return restored


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    entered: list[Any] = []

    def enter(*what: Any, lost: Sequence[str], present: set[str]) -> tuple[int, int]:
        root, _store, strategy, backups, owners = what
        assert (root.service("trove") / "trove.conf").exists()
        entered.append(([each.backup_id for each in backups], owners, strategy, lost, present))
        return 1, 2

    monkeypatch.setattr(trove_rows, "enter", enter)
    return entered


def recover(root: Root, folder: Path, key: Path | None = None) -> str:
    lines: list[str] = []
    key = key or folder.parent / "key"
    recovery.recover(root, str(folder), None, None, key, lines.append)
    return "\n".join(lines)


def test_a_cloud_comes_back_from_the_store_and_the_key(
    lost: Path, new: Root, restored: list[str], entered: list[Any]
) -> None:
    said = recover(new, lost)

    assert settings.load(new) is not None
    assert cloud_state.row_of(new, "keystone") == ("keystone", "wal")
    assert new.backups.resolve() == lost
    assert destination.strategy(new) == "local"
    assert recovery_key.read(new.recovery_key) == recovery_key.read(lost.parent / "key")
    assert not new.recovering.exists()

    assert restored == ["a"], "the newest that can be restored"
    assert "m: backup b can't be restored: " in said
    assert "m is that of backup a, 2026-07-01 12:01:00 UTC" in said
    own = instances.load(new, "instance-1")
    assert (own.name, own.project_id, own.incarnation) == ("m", "project-1", "new")
    assert (own.port, own.wanted, own.created_at) == (15432, "running", examples.NOON)
    assert read_json(own.folder(new) / "check.json") == {"query": "select 1"}
    elsewhere = instances.load(new, "instance-2")
    assert elsewhere.password_file(new).read_text() == "still right"

    owners = {"a": "project-1", "b": "project-1"}
    assert entered == [(["a", "b"], owners, "local", ["file://", "http://"], {"a", "b"})]
    assert "that Trove takes in: 1; that are gone: 2" in said


def test_a_port_that_somebody_has_taken_is_told(
    lost: Path, new: Root, restored: list[str], entered: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: port != 15432)

    assert "; it listens on port 1 now" in recover(new, lost)


def test_a_server_without_a_backup_is_named_at_the_end(
    lost: Path, new: Root, restored: list[str], entered: list[Any]
) -> None:
    (lost / "instance-1" / "a.json").unlink()

    with pytest.raises(RecoveryError, match=r"not back: m \(instance-1\)"):
        recover(new, lost)
    assert [instance.id for instance in instances.all_instances(new)] == ["instance-2"]
    assert len(entered) == 1
    assert not new.recovering.exists()


def test_an_older_copy_is_taken_where_the_newest_is_damaged(
    lost: Path, new: Root, restored: list[str], entered: list[Any]
) -> None:
    [copy] = (lost / "cloud-state").glob("*/*")
    (copy.parent / "29991128T020000Z.sealed").write_bytes(copy.read_bytes()[:-1])

    said = recover(new, lost)

    assert "29991128T020000Z.sealed can't be used: It is damaged" in said
    assert restored == ["a"]
    copy.unlink()
    with pytest.raises(RecoveryError, match="No copy of a cloud's own state"):
        recover(Root.at(lost.parent / "another"), lost)


def test_a_recovery_that_was_cut_short_is_done_again_and_starts_no_cloud(
    lost: Path,
    new: Root,
    restored: list[str],
    entered: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(*_what: Any, **_wanted: Any) -> Any:
        raise ProgramsMissingError("no PostgreSQL 18 here")

    with monkeypatch.context() as patch:
        patch.setattr(recovery, "restore", missing)
        with pytest.raises(ProgramsMissingError):
            recover(new, lost)
    with pytest.raises(MiniCloudError, match=r"has not ended\. Do it again: "):
        running.run(new)

    assert "The mini cloud is back" in recover(new, lost)
    assert restored == ["a"]
    assert (lost / "instance-1" / "a.tar.zst").exists()


def test_a_root_in_use_is_left_alone(lost: Path, new: Root, restored: list[str]) -> None:
    new.path.mkdir()
    (new.path / "mine").touch()

    with pytest.raises(RecoveryError, match="is in use: choose a new folder"):
        recover(new, lost)
    assert [path.name for path in new.path.iterdir()] == ["mine"]


def test_without_the_key_nothing_is_made(lost: Path, new: Root, tmp_path: Path) -> None:
    with pytest.raises(RecoveryError, match=r"is sealed: add --key FILE.*adopt"):
        recovery.recover(new, str(lost), None, None, None, print)
    recovery_key.keep(other := Root.at(tmp_path), b"k" * 32)
    with pytest.raises(RecoveryError, match="there are copies for another one"):
        recover(new, lost, other.recovery_key)
    assert not new.path.exists()


def test_the_own_swift_is_lost_with_its_root(new: Root) -> None:
    with pytest.raises(RecoveryError, match="is lost with it"):
        recovery.recover(new, "swift", None, None, None, print)
