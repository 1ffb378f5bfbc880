# SPDX-License-Identifier: Apache-2.0
"""Loopback ports: choosing free ones, and saying who has taken one of ours."""

import contextlib
import random
import socket
from collections.abc import Iterator
from pathlib import Path

from trove_minicloud.errors import MiniCloudError, PortTakenError
from trove_minicloud.files import read_json
from trove_minicloud.root import Root

_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 10240
_LISTEN = "0A"


def choose(count: int, root: Root) -> list[int]:
    """Free ports, below those that the kernel hands out to outgoing connections.

    A port from the kernel's own range could belong to somebody's outgoing connection by the next
    start; these are kept for the life of the root. So are those of a service or a database of the
    root that is stopped now, and these are not chosen.
    """
    kept = set(_kept(root))
    highest = int(_RANGE_FILE.read_text().split()[0]) if _RANGE_FILE.exists() else 32768
    candidates = range(_LOWEST, highest) if highest - _LOWEST > 1000 else range(_LOWEST, 65536)
    chosen: list[int] = []
    for port in random.sample(candidates, min(1000, len(candidates))):
        if port not in kept and is_free(port):
            chosen.append(port)
            if len(chosen) == count:
                return chosen
    raise MiniCloudError(f"Found no {count} free ports on 127.0.0.1.")


def _kept(root: Root) -> Iterator[int]:
    """Every file that keeps ports does so under names that end in `port`."""
    folders = (root.path, *root.path.glob("*/"), *root.instances.glob("*/"))
    files = (file for folder in folders for file in folder.glob("*.json"))
    for values in map(read_json, files):
        if isinstance(values, dict):
            for name, value in values.items():
                if name.endswith("port") and isinstance(value, int):
                    yield value


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1 at this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def require_free(port: int, purpose: str) -> None:
    """:raises PortTakenError: naming the port and, where /proc tells, the program."""
    if is_free(port):
        return
    owner = listener(port)
    raise PortTakenError(
        f"Port {port} on 127.0.0.1, kept for {purpose}, is taken"
        f" by {owner or 'a program that /proc does not show to this user'}."
        " Stop that program and try again; the mini cloud never kills what it did not start."
    )


def listener(port: int) -> str | None:
    """The program that listens on the port, as `name (pid N)`, if /proc shows it to us."""
    inodes = {
        f"socket:[{inode}]"
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for inode in _listening_inodes(Path(table), port)
    }
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        # Processes come and go, and those of other users can't be looked into.
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(descriptor.readlink()) in inodes:
                        name = (process / "comm").read_text().strip()
                        return f"{name} (pid {process.name})"
    return None


def _listening_inodes(table: Path, port: int) -> list[str]:
    if not table.exists():
        return []
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return [row[9] for row in rows if row[3] == _LISTEN and int(row[1].split(":")[1], 16) == port]
