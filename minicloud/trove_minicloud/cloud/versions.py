# SPDX-License-Identifier: Apache-2.0
"""Which versions have run on a root: an older one may not understand what a newer one keeps."""

import re
from importlib.metadata import version
from pathlib import Path

from trove_minicloud.errors import DamagedFileError, RootError
from trove_minicloud.files import read_json, write_json
from trove_minicloud.root import Root

#: Ours, and those that keep rows.
_DISTRIBUTIONS = ("trove-minicloud", "keystone", "mistral", "trove")


def take_over(root: Root) -> None:
    """Note that the installed versions run on the root from now on.

    :raises RootError: a newer one has run on it. Nothing has changed.
    """
    installed = {name: version(name) for name in _DISTRIBUTIONS}
    known = read_json(_file(root)) or {}
    if not isinstance(known, dict):
        raise DamagedFileError(f"{_file(root)} is damaged: it is {known!r}.")
    older = [
        f"{name} is {installed[name]}, and was {known[name]}"
        for name in _DISTRIBUTIONS
        if _numbers(installed[name]) < _numbers(str(known.get(name, "")))
    ]
    if older:
        raise RootError(
            f"A newer version has run on {root.path}: {'; '.join(older)}. The older one may not"
            " understand what is kept there. Install the newer one again, or choose another"
            " folder with --root."
        )
    if known != installed:
        write_json(_file(root), installed)


def _numbers(text: str) -> tuple[int, ...]:
    """Those of a release; what comes before a release counts as the release."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _file(root: Root) -> Path:
    return root.path / "versions.json"
