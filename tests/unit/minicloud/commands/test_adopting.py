# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from typing import Any

import pytest

from tests.unit.minicloud import examples
from trove_minicloud import settings
from trove_minicloud.cloud import daemon
from trove_minicloud.commands import adopting, trove_rows
from trove_minicloud.errors import NotUpError
from trove_minicloud.root import Root
from trove_minicloud.stores import destination
from trove_minicloud.stores.local import LocalStore

_PROJECTS = {"project-1": "orders", "own": "demo"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of two backups, something half-written, and something else."""
    folder = tmp_path / "disk"
    store = LocalStore(folder)
    examples.put(store, examples.manifest("a"), b"all")
    examples.put(store, examples.manifest("b", 1, project_id="unknown"), b"more")
    (folder / "instance-1" / "c.tar.zst").touch()
    (folder / "notes").touch()
    return folder


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Trove was given, in a cloud that comes up at once."""
    entered: list[Any] = []

    def enter(root: Root, store: Any, strategy: str, backups: Any, owners: Any) -> tuple[int, int]:
        entered.append((store.url, strategy, [each.backup_id for each in backups], owners))
        return 1, 0

    class Administrator:
        def __init__(self, root: Root) -> None:
            """It is up."""

        def projects(self) -> dict[str, str]:
            return _PROJECTS

    monkeypatch.setattr(trove_rows, "enter", enter)
    monkeypatch.setattr(adopting, "Administrator", Administrator)
    monkeypatch.setattr(daemon, "up", lambda root, _report: settings.load_or_create(root))
    return entered


def adopt(root: Root, name: str, *, dry_run: bool = False) -> str:
    lines: list[str] = []
    adopting.adopt(root, name, None, None, lines.append, dry_run=dry_run)
    return "\n".join(lines)


def test_a_fresh_root_takes_the_backups_and_the_folder(
    tmp_path: Path, folder: Path, entered: list[Any]
) -> None:
    root = Root.at(tmp_path / "fresh")

    said = adopt(root, str(folder))

    owners = {"a": "project-1", "b": "own"}
    assert entered == [(f"file://{folder}", "local", ["a", "b"], owners)]
    assert root.backups.resolve() == folder
    assert "a  full of m (instance-1), postgresql 18.6, 2026-07-01 12:01:00 UTC, 3 bytes" in said
    assert f"left: file://{folder}/instance-1/c.tar.zst: It has no manifest" in said
    assert f"left: file://{folder}/notes: It is no part of a backup." in said
    assert "2 can be restored, 2 left." in said
    assert said.endswith("Trove has taken in 1, and knew 1.")


def test_a_dry_run_changes_nothing(tmp_path: Path, folder: Path, entered: list[Any]) -> None:
    root = Root.at(tmp_path / "fresh")

    said = adopt(root, str(folder), dry_run=True)

    assert said.endswith("2 can be restored, 2 left.")
    assert (entered, root.path.exists()) == ([], False)


def test_new_backups_of_a_cloud_that_was_up_go_where_they_went(
    root: Root, folder: Path, entered: list[Any]
) -> None:
    settings.load_or_create(root)
    destination.choose(root, "s3")

    adopt(root, str(folder))

    assert destination.strategy(root) == "s3"
    assert len(entered) == 1


def test_swift_is_read_in_a_cloud_that_is_up(root: Root) -> None:
    with pytest.raises(NotUpError):
        adopt(root, "swift")
