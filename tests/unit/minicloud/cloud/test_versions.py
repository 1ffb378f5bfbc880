# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import signal
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from trove_minicloud import settings
from trove_minicloud.cloud import running, versions
from trove_minicloud.errors import DamagedFileError, DiskFullError, RootError, StartupError
from trove_minicloud.files import read_json, write_json
from trove_minicloud.root import Root
from trove_minicloud.supervision import state


@pytest.fixture
def file(root: Root) -> Path:
    return root.path / "versions.json"


def test_what_runs_on_a_root_is_noted_and_may_run_again(root: Root, file: Path) -> None:
    versions.take_over(root)
    assert read_json(file)["keystone"] == version("keystone")
    versions.take_over(root)


@pytest.mark.parametrize("before", ["0.0.9", "0.1.0", ""])
def test_what_is_newer_takes_over(
    root: Root, file: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    monkeypatch.setattr(versions, "version", lambda _name: "0.1.0.dev7")
    write_json(file, {"trove": before, "of another time": "1"})
    versions.take_over(root)
    assert read_json(file) == dict.fromkeys(versions._DISTRIBUTIONS, "0.1.0.dev7")


@pytest.mark.parametrize("name", versions._DISTRIBUTIONS)
def test_what_is_older_is_refused_in_words(
    root: Root, file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(versions, "version", lambda _name: "9.2.0")
    write_json(file, {name: "10.0.0"})
    with pytest.raises(RootError, match=rf"{name} is 9\.2\.0, and was 10\.0\.0"):
        versions.require_none_newer(root)
    assert read_json(file) == {name: "10.0.0"}


def test_a_start_of_what_is_older_fails_before_it_changes_anything(
    root: Root, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "umask", lambda _mask: 0o022)
    write_json(file, {"mistral": "999.0.0"})
    with pytest.raises(RootError):
        running.run(root)
    status = state.load(root)
    assert status is not None
    assert "mistral is" in status.error
    assert not root.settings_file.exists()


def test_a_damaged_note_is_named(root: Root, file: Path) -> None:
    write_json(file, [1])
    with pytest.raises(DamagedFileError, match=r"versions\.json"):
        versions.require_none_newer(root)


@pytest.fixture
def used(root: Root) -> Root:
    """A root on which an older version has run."""
    for name, text in (
        ("cloud.json", "{}"),
        ("keystone/data/token-keys/0", "a key"),
        ("mistral/data/database.sqlite", "rows"),
        ("storage/local.json", "{}"),
        ("backups/one", "much"),
        ("versions.json", json.dumps(dict.fromkeys(versions._DISTRIBUTIONS, "0.0.1"))),
    ):
        (root.path / name).parent.mkdir(parents=True, exist_ok=True)
        (root.path / name).write_text(text)
    return root


_NOT_STATE = (".trove-minicloud", "backups", "before-upgrade")


def _contents(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in folder.rglob("*")
        if file.is_file() and file.relative_to(folder).parts[0] not in _NOT_STATE
    }


def test_a_new_root_needs_no_copy(root: Root) -> None:
    assert versions.take_over(root) is None


@pytest.mark.parametrize("noted", [True, False])
def test_what_older_versions_left_is_copied_once(used: Root, file: Path, noted: bool) -> None:
    if not noted:
        # As before versions were noted.
        file.unlink()
    before = _contents(used.path)
    copy = versions.take_over(used)
    assert copy is not None
    assert _contents(copy) == before
    assert not (copy / "backups").exists()
    assert copy.parent.stat().st_mode & 0o777 == 0o700
    assert versions.take_over(used) is None


def test_three_copies_are_kept(used: Root, file: Path) -> None:
    folder = used.path / "before-upgrade"
    for day in range(1, 5):
        (folder / f"2026-11-0{day}T00-00-00Z").mkdir(parents=True)
    (folder / ".partial").mkdir()
    copy = versions.take_over(used)
    assert copy is not None
    assert sorted(each.name for each in folder.iterdir()) == [
        "2026-11-03T00-00-00Z",
        "2026-11-04T00-00-00Z",
        copy.name,
    ]


def test_without_room_for_a_copy_nothing_changes(
    used: Root, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _contents(used.path)
    little = shutil.disk_usage(used.path)._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: little)
    with pytest.raises(DiskFullError, match="Other versions have run"):
        versions.take_over(used)
    assert _contents(used.path) == before


def test_the_older_version_is_told_the_way_back_which_leads_there(
    used: Root, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, mode = _contents(used.path), used.path.stat().st_mode
    copy = versions.take_over(used)
    (used.path / "mistral/data/database.sqlite").write_text("migrated rows")
    (used.path / "mistral/data/database.sqlite-wal").write_text("and more")
    monkeypatch.setattr(versions, "version", lambda _name: "0.0.1")
    with pytest.raises(RootError) as refused:
        versions.require_none_newer(used)
    words, *commands = (
        str(refused.value).partition("install these versions and type")[2].split("\n")
    )
    assert str(copy) in str(refused.value)
    assert words == ""
    subprocess.run(["sh", "-e", "-c", "\n".join(commands)], check=True)
    assert _contents(used.path) == before
    assert used.path.stat().st_mode == mode
    versions.require_none_newer(used)
    assert versions.take_over(used) is None


def test_a_copy_that_is_too_new_as_well_is_no_way_back(
    used: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions.take_over(used)
    monkeypatch.setattr(versions, "version", lambda _name: "0.0.0")
    with pytest.raises(RootError) as refused:
        versions.require_none_newer(used)
    assert "before-upgrade" not in str(refused.value)


def test_a_start_that_fails_after_an_upgrade_tells_the_way_back(
    used: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise StartupError("keystone ended.")

    monkeypatch.setattr(os, "umask", lambda _mask: 0o022)
    monkeypatch.setattr(signal, "signal", lambda *_arguments: None)
    monkeypatch.setattr(running, "_start", fail)
    used.settings_file.unlink()
    settings.load_or_create(used)
    with pytest.raises(StartupError, match=r"keystone ended\.\nWhat the versions of before"):
        running.run(used)
    with pytest.raises(StartupError, match=r"keystone ended\.$"):
        running.run(used)
