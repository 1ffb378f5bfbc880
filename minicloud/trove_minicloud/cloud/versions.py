# SPDX-License-Identifier: Apache-2.0
"""Which versions have run on a root: an older one may not understand what a newer one keeps.

Before a newer one changes anything, what is there is copied beside.
"""

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from trove_minicloud.errors import DamagedFileError, DiskFullError, RootError
from trove_minicloud.files import read_json, write_json
from trove_minicloud.root import VERSIONS, Root
from trove_minicloud.services.backend import SERVICES

#: Ours, and those that keep rows.
_DISTRIBUTIONS = ("trove-minicloud", "keystone", "mistral", "trove")
#: What a newer version may change of what an older one reads.
_STATE = ("cloud.json", VERSIONS, "storage", *SERVICES)
# More than one: an upgrade that failed may be followed by another.
_KEPT_COPIES = 3


def require_none_newer(root: Root) -> None:
    """:raises RootError: a newer version than the installed one has run on the root."""
    installed = _installed()
    if not (newer := _newer(_known(root.path), installed)):
        return
    text = (
        f"A newer version has run on {root.path}: {'; '.join(newer)}. The older one may not"
        " understand what is kept there. Install the newer one again, or choose another folder"
        " with --root."
    )
    fitting = [copy for copy in _copies(root) if not _newer(_known(copy), installed)]
    raise RootError(f"{text}\n{way_back(root, fitting[-1])}" if fitting else text)


def take_over(root: Root) -> Path | None:
    """Note that the installed versions run on the root from now on. Nothing else may run on it.

    Returns the copy of what the versions of before have left, if other ones have run.

    :raises DiskFullError: there is no room for the copy, and for what is made of it. Nothing has
        changed.
    """
    installed = _installed()
    if _known(root.path) == installed:
        return None
    copy = _copy(root) if root.settings_file.exists() else None
    write_json(root.path / VERSIONS, installed)
    return copy


def way_back(root: Root, copy: Path) -> str:
    """How to have again what is in the copy, in words and commands."""
    services = shlex.join(str(root.service(name)) for name in SERVICES)
    return (
        f"What the versions of before have left is in {copy}. To go back to it, without the"
        " schedules, runs and backups that came later, install these versions and type\n"
        f"  rm -rf {services}\n"
        f"  cp -a {shlex.quote(f'{copy}/.')} {shlex.quote(str(root.path))}"
    )


def _copy(root: Root) -> Path:
    present = [file for name in _STATE if (file := root.path / name).exists()]
    size = sum(each.stat().st_size for file in present for each in (file, *file.rglob("*")))
    if (free := shutil.disk_usage(root.path).free) < 2 * size:
        raise DiskFullError(
            f"Other versions have run on {root.path}. The databases of the services are copied and"
            f" migrated, which needs {2 * size // 2**20} MiB, and {free // 2**20} MiB are free:"
            " free some and try again."
        )
    folder = root.path / "before-upgrade"
    copy, partial = folder / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}", folder / ".partial"
    folder.mkdir(mode=0o700, exist_ok=True)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    # `cp -a` gives the root the mode of its copy, and databases must get through.
    shutil.copymode(root.path, partial)
    for file in present:
        if file.is_dir():
            shutil.copytree(file, partial / file.name)
        else:
            shutil.copy2(file, partial / file.name)
    os.sync()
    partial.rename(copy)
    for earlier in _copies(root)[:-_KEPT_COPIES]:
        shutil.rmtree(earlier)
    return copy


def _copies(root: Root) -> list[Path]:
    """The oldest first."""
    return sorted((root.path / "before-upgrade").glob("[0-9]*"))


def _installed() -> dict[str, str]:
    return {name: version(name) for name in _DISTRIBUTIONS}


def _known(folder: Path) -> dict[str, str]:
    known = read_json(folder / VERSIONS) or {}
    if not isinstance(known, dict):
        raise DamagedFileError(f"{folder / VERSIONS} is damaged: it is {known!r}.")
    return known


def _newer(known: Mapping[str, str], installed: Mapping[str, str]) -> list[str]:
    """Those of the known versions that are newer than the installed ones, in words."""
    return [
        f"{name} is {installed[name]}, and was {known[name]}"
        for name in _DISTRIBUTIONS
        if _numbers(installed[name]) < _numbers(str(known.get(name, "")))
    ]


def _numbers(text: str) -> tuple[int, ...]:
    """Those of a release; what comes before a release counts as the release."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])
