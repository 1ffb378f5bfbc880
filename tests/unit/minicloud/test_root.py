# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import pytest

from trove_minicloud.errors import RootError
from trove_minicloud.root import Root


def test_the_environment_variable_names_the_default_root(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TROVE_MINICLOUD_ROOT", str(tmp_path))
    assert Root.default().path == tmp_path


@pytest.mark.parametrize(
    ("uid", "expected"),
    [(0, "/var/lib/trove-minicloud"), (1000, "/home/x/.local/share/trove-minicloud")],
)
def test_without_the_variable_the_user_decides_the_default_root(
    monkeypatch: pytest.MonkeyPatch, uid: int, expected: str
) -> None:
    monkeypatch.delenv("TROVE_MINICLOUD_ROOT", raising=False)
    monkeypatch.setenv("HOME", "/home/x")
    monkeypatch.setattr(os, "getuid", lambda: uid)
    assert str(Root.default().path) == expected


def test_a_relative_root_becomes_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Root.at("cloud").path == tmp_path / "cloud"


def test_nobody_else_can_read_what_a_root_holds(root: Root) -> None:
    for folder in (root.path, root.instances):
        assert folder.stat().st_mode & 0o066 == 0
    for folder in (root.logs, root.backups):
        assert folder.stat().st_mode & 0o077 == 0


def test_preparing_a_root_twice_changes_nothing(root: Root) -> None:
    (root.instances / "kept").mkdir()
    root.prepare()
    assert (root.instances / "kept").exists()


def test_a_file_in_the_place_of_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cloud").write_text("")
    with pytest.raises(RootError, match="Can't use"):
        Root.at(tmp_path / "cloud").prepare()


def test_another_users_root_is_refused(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = root.path.stat().st_uid
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(RootError, match=f"belongs to uid {owner}"):
        root.prepare()
