# SPDX-License-Identifier: Apache-2.0
"""`python -m trove_minicloud.guest.worker`: takes one backup, in a process of its own.

Its first line on stdin is the job. Stdin then stays open for as long as the parent lives: its
end means that the parent has died, and the backup is given up. One JSON line on stdout says how it
ended: by the manifest that the store has taken, or by a failure's cause.
"""

import dataclasses
import json
import os
import signal
import sys
import threading
import traceback
from dataclasses import asdict, dataclass
from io import FileIO
from types import FrameType

from trove_minicloud.errors import BackupError, MiniCloudError
from trove_minicloud.guest import instances
from trove_minicloud.guest.taking import UNTITLED, Parent, Title, take_backup
from trove_minicloud.root import Root
from trove_minicloud.stores.finding import store_of
from trove_minicloud.stores.store import key_of


@dataclass(frozen=True, slots=True)
class Job:
    """What the worker is to do."""

    root: str
    location: str
    parent: Parent | None
    title: Title = UNTITLED
    #: The caller's, for a store that wants to know in whose name we come.
    token: str | None = dataclasses.field(default=None, repr=False)

    def to_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Job":
        values = json.loads(line)
        if (parent := values.pop("parent")) is not None:
            parent = Parent(**parent)
        return cls(**values | {"title": Title(**values["title"])}, parent=parent)


def main() -> int:
    """The exit status is 0 if the backup is in the store."""
    # Raw reads: a buffered reader that a thread is blocked in breaks the interpreter's exit.
    stdin = FileIO(sys.stdin.fileno(), closefd=False)
    job = Job.from_line(stdin.readline())
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(
        target=_stop_at_end_of, args=(stdin, threading.get_ident()), daemon=True
    ).start()
    try:
        root = Root.at(job.root)
        key = key_of(job.location)
        instance = instances.load(root, key.instance_id)
        store = store_of(root, job.location, job.token)
        manifest = take_backup(root, store, instance, key.backup_id, job.parent, job.title)
    except MiniCloudError as error:
        _say({"error": str(error)})
        return 1
    except Exception as error:
        traceback.print_exc()
        _say({"error": f"{type(error).__name__}: {error}"})
        return 1
    _say({"manifest": manifest.to_json()})
    return 0


def _stop(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise BackupError("The backup was stopped before its end.")


def _stop_at_end_of(stdin: FileIO, main_thread: int) -> None:
    while stdin.read(1024):
        pass
    # To that very thread, because only there it interrupts what is being waited for.
    signal.pthread_kill(main_thread, signal.SIGTERM)


def _say(end: dict[str, str]) -> None:
    try:
        os.write(sys.stdout.fileno(), json.dumps(end).encode() + b"\n")
    except BrokenPipeError:
        # The parent is dead; at its next start it looks for itself what became of the backup.
        return


if __name__ == "__main__":
    sys.exit(main())
