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


def _everything(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mode for path in (folder, *folder.rglob("*"))}


def test_a_folder_with_other_things_is_refused_untouched(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir(mode=0o755)
    (folder / "one.jpg").write_text("")
    before = _everything(folder)
    with pytest.raises(RootError, match="holds other things"):
        Root.at(folder).prepare()
    with pytest.raises(RootError, match="no mini cloud in"):
        Root.at(folder).exists()
    assert _everything(folder) == before


def test_an_empty_folder_is_taken_and_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    folder.chmod(0o755)
    root = Root.at(folder)
    root.prepare()
    assert folder.stat().st_mode & 0o777 == 0o755
    assert root.exists()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_new_folders_have_their_mode_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        root = Root.at(tmp_path / "a" / "b")
        root.prepare()
    finally:
        assert os.umask(before) == umask
    expected = 0o711 if os.getuid() == 0 else 0o700
    for folder in (root.path, root.path.parent):
        assert folder.stat().st_mode & 0o777 == expected


def test_a_root_that_was_only_begun_is_completed(tmp_path: Path) -> None:
    root = Root.at(tmp_path / "cloud")
    root.path.mkdir()
    root.path.chmod(0o711)
    root.marker.touch()
    (root.path / ".cloud.json.1.partial").touch()
    root.prepare()
    assert root.instances.is_dir()


def test_a_root_is_known_by_its_settings_too(root: Root) -> None:
    root.marker.unlink()
    assert not _exists(root)
    root.settings_file.write_text("{}")
    assert _exists(root)


def _exists(root: Root) -> bool:
    try:
        return root.exists()
    except RootError:
        return False


def test_the_marker_is_the_first_thing_in_a_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Root.at(tmp_path / "cloud")

    def interrupted(_path: Path, _mode: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "chmod", interrupted)
    with pytest.raises(KeyboardInterrupt):
        root.prepare()
    assert root.exists()


@pytest.mark.parametrize("path", ["/proc/x", f"/tmp/{'x' * 300}", "/dev/null"])
def test_an_impossible_place_is_an_error_of_ours(path: str) -> None:
    with pytest.raises(RootError):
        Root.at(path).prepare()


def test_a_link_is_followed_at_once(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    assert Root.at(tmp_path / "link" / "cloud").path == tmp_path / "target" / "cloud"


@pytest.mark.parametrize("name", ["closed", "link"])
def test_as_root_a_closed_parent_is_refused_untouched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(closed)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    with pytest.raises(RootError, match=f"can't pass through {closed}"):
        Root.at(tmp_path / name / "cloud").prepare()
    assert list(closed.iterdir()) == []
