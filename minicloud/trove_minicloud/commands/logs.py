# SPDX-License-Identifier: Apache-2.0
"""The programs' logs, each line under the name of its program."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from trove_minicloud.errors import MiniCloudError
from trove_minicloud.guest import instances
from trove_minicloud.root import Root

_POLL_INTERVAL = 0.3


def files(root: Root) -> dict[str, Path]:
    """The log of each program there ever was: services by name, databases by instance name."""
    found = {path.stem: path for path in sorted(root.logs.glob("*.log"))}
    for instance in instances.all_instances(root):
        found[instance.name] = instance.log(root)
    return {name: path for name, path in found.items() if path.exists()}


def choose(root: Root, names: list[str]) -> dict[str, Path]:
    """The logs of these names, or all.

    :raises MiniCloudError: there is none of a name.
    """
    found = files(root)
    if unknown := [name for name in names if name not in found]:
        known = ", ".join(found) or "none yet"
        raise MiniCloudError(f"There is no log of {unknown[0]!r}; there are: {known}.")
    return {name: found[name] for name in names or found}


def lines(chosen: dict[str, Path], *, follow: bool) -> Iterator[tuple[str, str]]:
    """Name and line, file after file; with `follow` also what is appended, without end."""
    offsets = dict.fromkeys(chosen, 0)
    while True:
        for name, path in chosen.items():
            # An instance may be deleted meanwhile, and its log with it.
            with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
                if os.fstat(stream.fileno()).st_size < offsets[name]:
                    # It was put aside, and begins anew.
                    offsets[name] = 0
                stream.seek(offsets[name])
                for line in stream:
                    if not line.endswith(b"\n") and follow:
                        break
                    offsets[name] += len(line)
                    yield name, line.decode("utf-8", "replace").rstrip("\n")
        if not follow:
            return
        time.sleep(_POLL_INTERVAL)
