# SPDX-License-Identifier: Apache-2.0
"""A clock that this process and a mini cloud's programs in Python share, and that can be moved.

Keystone, Mistral, Trove with its guest, the workers that take backups, the supervisor and every
command follow it: the folder `followed` is in their PYTHONPATH, and Python imports its
`sitecustomize` first. It is a matter of the environment, so the mini cloud has no option for it.

The databases keep the true time. They are no programs in Python, and a database whose clock jumps
is another test: its timeouts, checkpoints and vacuum would be what breaks. The kernel keeps the
true time as well, so files are as old as they are. What waits for seconds to pass, and not for a
moment to come, is not hurried.

Not by libfaketime: with Python 3.11 and its version 0.9.10 either a sleep fails or a wait for a
lock lasts as long as the jump.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import time_machine

#: The file that says how far the clock is ahead. A mini cloud hands such names on to its services.
VARIABLE = "TROVE_MINICLOUD_CLOCK"
_FOLLOWED = Path(__file__).with_name("followed")
_SIZE = 8
_NANOSECOND = 10**9


def follow(file: Path) -> time_machine.travel:
    """Have this process follow the clock of the file, at each look; until what is returned ends."""
    with file.open("rb") as stream:
        ahead = mmap.mmap(stream.fileno(), _SIZE, prot=mmap.PROT_READ)
    # From now on time_ns itself is moved.
    started = time.time_ns() - time.monotonic_ns()
    travel = time_machine.travel(0)
    travel.start().time_ns = lambda: started + time.monotonic_ns() + _number(ahead[:])
    return travel


def _number(content: bytes) -> int:
    return int.from_bytes(content, "little", signed=True)


class Clock:
    """Whoever holds it moves the clock of all that follow."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def move_to(self, moment: datetime) -> None:
        """Have it be this moment now. A cloud that runs takes it for a machine that has slept."""
        ahead = _number(self._file.read_bytes())
        by = (moment - datetime.now(UTC)).total_seconds()
        self._write(ahead + round(by * _NANOSECOND))

    def _write(self, ahead: int) -> None:
        # In place: the others have mapped it.
        with self._file.open("r+b") as stream:
            stream.write(ahead.to_bytes(_SIZE, "little", signed=True))


@contextmanager
def own_clock() -> Iterator[Clock]:
    """For this process, and for what it starts during the block; at first it is the true one."""
    before = {name: os.environ.get(name) for name in (VARIABLE, "PYTHONPATH")}
    with tempfile.TemporaryDirectory(prefix="trove-schedules-clock-") as folder:
        file = Path(folder, "ahead")
        file.write_bytes(bytes(_SIZE))
        places = (_FOLLOWED, _FOLLOWED.parents[2], before["PYTHONPATH"])
        os.environ["PYTHONPATH"] = os.pathsep.join(str(place) for place in places if place)
        os.environ[VARIABLE] = str(file)
        travel = follow(file)
        try:
            yield Clock(file)
        finally:
            travel.stop()
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
