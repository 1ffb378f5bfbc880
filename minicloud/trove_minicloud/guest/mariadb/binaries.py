# SPDX-License-Identifier: Apache-2.0
"""Where MariaDB's own programs are, and which user runs its servers."""

import functools
import os
import shutil
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from trove_minicloud.errors import ProgramsMissingError
from trove_minicloud.guest.accounts import Account, server_account

_PACKAGES = {
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    "innochecksum": "mariadb-server-core",
    # mariadb-install-db calls it.
    "my_print_defaults": "mariadb-client-core",
    "mariadb-backup": "mariadb-backup",
}
# Where Debian puts servers; it is in root's PATH only.
_SERVER_FOLDER = "/usr/sbin"


@dataclass(frozen=True, slots=True)
class Programs:
    """MariaDB's programs by name. `version` is the server's, like 10.11.19."""

    paths: Mapping[str, str]
    version: str

    def path(self, tool: str) -> str:
        return self.paths[tool]


#: What runs servers; the rest of the programs backs them up.
SERVER_TOOLS = ("mariadbd", "mariadb-install-db", "my_print_defaults")


def find(tools: Collection[str] = tuple(_PACKAGES)) -> Programs:
    """These programs; without names those to run servers of MariaDB with, and to back them up.

    :raises ProgramsMissingError: there are none, or not all.
    """
    where = os.pathsep.join((os.environ.get("PATH", os.defpath), _SERVER_FOLDER))
    found = {tool: shutil.which(tool, path=where) for tool in tools}
    paths = {tool: path for tool, path in found.items() if path}
    if missing := [tool for tool in tools if tool not in paths]:
        packages = sorted({_PACKAGES[tool] for tool in missing})
        raise ProgramsMissingError(
            f"MariaDB is unavailable: found no {', '.join(missing)}."
            f" As root: apt-get install --no-install-recommends {' '.join(packages)}"
        )
    return Programs(paths, _version(paths["mariadbd"]))


def find_for(version: str) -> Programs:
    """The same for data of a server of this version: its release series has to be the same.

    :raises ProgramsMissingError: there are none, or of another series.
    """
    programs = find()
    if series_of(programs.version) != series_of(version):
        raise ProgramsMissingError(
            f"Found the programs of MariaDB {programs.version}, and this needs those of"
            f" {series_of(version)}: install that series."
        )
    return programs


def series_of(version: str) -> str:
    """The release series: 10.11 of 10.11.19."""
    return ".".join(version.split(".")[:2])


def plain_version(text: str) -> str:
    """10.11.19 of 10.11.19-MariaDB-0+deb12u1."""
    return text.split("-", 1)[0]


def account() -> Account:
    """Who runs the servers."""
    return server_account("mysql")


@functools.cache
def _version(mariadbd: str) -> str:
    """What `mariadbd --version` says: `mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for …`."""
    argv = (mariadbd, "--no-defaults", "--version")
    output = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout
    return plain_version(output.split()[2])
