# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from trove_minicloud.errors import ProgramsMissingError
from trove_minicloud.guest.mariadb import binaries


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with programs; empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binaries, "_SERVER_FOLDER", str(tmp_path / "sbin"))
    return tmp_path


def install(folder: Path, *, without: str = "") -> None:
    folder.mkdir(exist_ok=True)
    for tool in (
        "mariadbd", "mariadb-install-db", "innochecksum", "my_print_defaults", "mariadb-backup",
    ):  # fmt: skip
        if tool != without:
            (folder / tool).write_text(
                "#!/bin/sh\necho 'mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu'\n"
            )
            (folder / tool).chmod(0o755)


def test_programs_are_found_also_where_servers_are_out_of_the_path(folder: Path) -> None:
    install(folder / "sbin")

    found = binaries.find()

    assert found.version == "10.11.19"
    assert found.path("mariadbd") == str(folder / "sbin" / "mariadbd")


def test_without_them_mariadb_is_unavailable_and_the_packages_are_named(folder: Path) -> None:
    with pytest.raises(
        ProgramsMissingError,
        match=r"MariaDB is unavailable: .* As root: apt-get install --no-install-recommends"
        r" mariadb-backup mariadb-client-core mariadb-server-core$",
    ):
        binaries.find()


def test_only_what_is_missing_is_named(folder: Path) -> None:
    install(folder, without="mariadb-backup")

    with pytest.raises(ProgramsMissingError, match=r"no mariadb-backup\. .* mariadb-backup$"):
        binaries.find()


def test_data_of_another_release_series_need_other_programs(folder: Path) -> None:
    install(folder)

    assert binaries.find_for("10.11.2").version == "10.11.19"
    with pytest.raises(ProgramsMissingError, match=r"10\.11\.19, and this needs those of 11\.4"):
        binaries.find_for("11.4.1")
