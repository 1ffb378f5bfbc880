# SPDX-License-Identifier: Apache-2.0
import os
from importlib.metadata import version
from pathlib import Path

import pytest

from trove_minicloud.cloud import running, versions
from trove_minicloud.errors import DamagedFileError, RootError
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
        versions.take_over(root)
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
        versions.take_over(root)
