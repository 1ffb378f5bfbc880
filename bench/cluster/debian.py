# SPDX-License-Identifier: Apache-2.0
"""Programs from Debian packages, unpacked below the root: nothing is installed, nothing started.

No maintainer script runs, so no service comes up and no account is made; an ordinary user can do
it as well. What the packages need and the machine lacks is unpacked beside them.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from trove_minicloud.errors import MiniCloudError
from trove_minicloud.guest.tools import run
from trove_minicloud.root import Root

_TIMEOUT = 300.0


def unpack(root: Root, packages: Sequence[str]) -> Path:
    """The folder that these packages lie in as they would below `/`; fetched the first time.

    :raises MiniCloudError: they can't be had here; the text names them.
    """
    home = root.path / "packages" / packages[0]
    if home.exists():
        return home
    if missing := [tool for tool in ("apt-get", "dpkg") if shutil.which(tool) is None]:
        raise _unavailable(packages, f"there is no {' and no '.join(missing)}")
    # The servers run as another user than root.
    home.parent.mkdir(mode=0o755, exist_ok=True)
    home.parent.chmod(0o755)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".new-") as scratch:
        debs, tree = Path(scratch, "debs"), Path(scratch, "tree")
        debs.mkdir()
        tree.mkdir()
        wanted = _with_dependencies(packages)
        _run(packages, ("apt-get", "download", "--quiet", *wanted), debs)
        for deb in sorted(debs.glob("*.deb")):
            _run(packages, ("dpkg", "-x", str(deb), str(tree)), debs)
        for folder in (tree, *tree.rglob("*")):
            if folder.is_dir():
                folder.chmod(0o755)
        tree.rename(home)
    return home


def _with_dependencies(packages: Sequence[str]) -> list[str]:
    """These and what of their dependencies the machine lacks."""
    argv = ("apt-get", "--simulate", "install", "--reinstall", "--no-install-recommends", *packages)
    said = _run(packages, argv, Path("/"))
    return sorted(set(re.findall(r"^Inst (\S+)", said, re.MULTILINE)) | set(packages))


def _run(packages: Sequence[str], argv: Sequence[str], folder: Path) -> str:
    # The answer is read, so it has to be in the one language.
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    try:
        return run(argv, folder, env=env, timeout=_TIMEOUT, error=MiniCloudError)
    except MiniCloudError as error:
        raise _unavailable(packages, str(error)) from error


def _unavailable(packages: Sequence[str], cause: str) -> MiniCloudError:
    return MiniCloudError(
        f"The Debian packages {' '.join(packages)} can't be had here: {cause}. Install them"
        " (apt-get install --no-install-recommends), or bring the package lists up to date"
        " (apt-get update) so that they can be unpacked below the root."
    )
