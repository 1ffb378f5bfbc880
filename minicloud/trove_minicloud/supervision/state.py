# SPDX-License-Identifier: Apache-2.0
"""What the supervisor tells the world, in supervisor.json; its lock tells whether it still runs."""

import contextlib
import dataclasses
import fcntl
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

from trove_minicloud.errors import DamagedFileError, MiniCloudError
from trove_minicloud.files import known_fields, read_json, write_json
from trove_minicloud.root import Root
from trove_minicloud.supervision import processes
from trove_minicloud.supervision.processes import ProcessRecord

CloudState = Literal["starting", "running", "stopping", "failed"]
#: "silent" is a program that was ready and no longer answers.
ProgramState = Literal["starting", "ready", "silent", "restarting"]


@dataclasses.dataclass(frozen=True, slots=True)
class ProgramStatus:
    """One supervised program. `since` is when it entered its state (UTC).

    `reason` is why it isn't ready; of a program that is ready, what last befell it.
    """

    name: str
    state: ProgramState
    since: datetime
    restarts: int
    reason: str
    process: ProcessRecord | None


@dataclasses.dataclass(frozen=True, slots=True)
class CloudStatus:
    """The supervisor's last word.

    `error` says why the state is "failed", and what a cloud that is "running" can't run.
    """

    supervisor: int
    state: CloudState
    error: str
    programs: tuple[ProgramStatus, ...]


def save(root: Root, status: CloudStatus) -> None:
    """Replace supervisor.json."""
    write_json(root.state_file, dataclasses.asdict(status) | {"programs": _plain(status.programs)})


def save_failure(root: Root, error: str) -> None:
    """Say why the cloud is not up. Nothing of it runs any more."""
    save(root, CloudStatus(supervisor=os.getpid(), state="failed", error=error, programs=()))


def load(root: Root) -> CloudStatus | None:
    """What the last supervisor wrote, whether or not it still runs; None if there was none."""
    values = read_json(root.state_file)
    if values is None:
        return None
    try:
        programs = tuple(_program(item) for item in values["programs"])
        return CloudStatus(**known_fields(CloudStatus, values) | {"programs": programs})
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(f"{root.state_file} is damaged: {error}") from error


@contextlib.contextmanager
def supervisor_lock(root: Root) -> Iterator[bool]:
    """Hold the lock of the root's one supervisor for the block; False if another holds it.

    The file says which process holds it: its id and its start time.
    """
    descriptor = os.open(root.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        mine = _lock(descriptor, fcntl.LOCK_EX)
        if mine:
            me = f"{os.getpid()} {processes.start_time(os.getpid())}"
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, me.encode(), 0)
        yield mine
    finally:
        os.close(descriptor)


def supervisor_pid(root: Root) -> int | None:
    """The process id of the root's running supervisor; None if there is none.

    :raises MiniCloudError: there is one, but it doesn't say which process it is.
    """
    try:
        descriptor = os.open(root.lock_file, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        for _attempt in range(20):
            if _lock(descriptor, fcntl.LOCK_SH):
                return None
            # The holder may not have written itself down yet; what we read is then its
            # predecessor, whose process id may belong to anybody by now.
            pid, _, started = os.pread(descriptor, 64, 0).decode().partition(" ")
            if started and processes.start_time(int(pid)) == int(started):
                return int(pid)
            time.sleep(0.05)
        raise MiniCloudError(f"{root.lock_file} is held, but not by the process that it names.")
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    # Somebody who only asks holds a shared lock for a moment: don't take that for a supervisor.
    for _attempt in range(5):
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.02)
    return False


def _plain(programs: tuple[ProgramStatus, ...]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(item) | {"since": item.since.isoformat()} for item in programs]


def _program(values: dict[str, Any]) -> ProgramStatus:
    process = values["process"]
    record = ProcessRecord(**known_fields(ProcessRecord, process)) if process else None
    since = datetime.fromisoformat(values["since"]).astimezone(UTC)
    return ProgramStatus(
        **known_fields(ProgramStatus, values) | {"since": since, "process": record}
    )
