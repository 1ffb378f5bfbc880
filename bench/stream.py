# SPDX-License-Identifier: Apache-2.0
"""Backup and restore of the guest, beside a shell's pipe of the same tools, for each datastore.

Ours is all that makes a backup: the tool's output checked, compressed, hashed, synced to disk and
committed. The pipe is what an administrator would type, and notices none of a tool's failures;
`gzip` instead of `zstd` is how Trove's own guest compresses.
"""

from __future__ import annotations

import os
import resource
import shlex
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import report
from bench.report import Report
from tests.end_to_end.databases import DATABASES, Database
from tests.end_to_end.guest import Guest
from trove_minicloud.errors import ProgramsMissingError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.restoring import fetch
from trove_minicloud.stores.manifest import Manifest

#: Of some 150 bytes each; at once, and as many times.
ROWS = 1_000_000
UNPACK = {"postgresql": "tar -x -C {folder}", "mariadb": "mbstream -x -C {folder}"}
_TABLE = "CREATE TABLE filler (id int, owner char(32), address varchar(100))"


def run(full: bool) -> Report:
    found = Report("stream")
    for database in DATABASES:
        if lacking := _lacking(database):
            print(f"NOT RUN: the stream of {database.name}: {lacking}", file=sys.stderr)
            continue
        with Guest.of(database) as guest:
            instance = guest.create("bench")
            with guest.running(instance):
                _fill(guest, instance, 6 if full else 1)
                _Sides(guest, instance).measure(found, 7 if full else 3)
    return found


def _lacking(database: Database) -> str:
    if shutil.which("zstd") is None:
        return "there is no zstd"
    try:
        database.find_programs()
    except ProgramsMissingError as error:
        return str(error)
    return ""


def _fill(guest: Guest, instance: Instance, times: int) -> None:
    numbers = guest.database.numbers.replace("%s", str(ROWS))
    address = "concat(md5(concat(n, 'a')), ' ', n, ' Some Street, Springfield')"
    statements = [
        f"INSERT INTO filler SELECT n, md5(concat(n, '{number}')), {address} FROM ({numbers}) x"
        for number in range(times)
    ]
    guest.execute(instance, _TABLE, *statements)


@dataclass
class _Sides:
    guest: Guest
    instance: Instance

    def measure(self, found: Report, rounds: int) -> None:
        name = self.guest.database.name
        kept = self._back_up()
        megabytes = kept.raw_size / 1e6
        self._pipe("zstd -3 -T1")  # warm
        own_cpu: list[float] = []
        pipe_cpu: list[float] = []
        ours, theirs = report.in_turns(
            rounds,
            lambda: megabytes / self._own_seconds(own_cpu),
            lambda: megabytes / _seconds(lambda: self._pipe("zstd -3 -T1"), pipe_cpu),
        )
        pipe = "tool into zstd -3 > file; sync"
        found.add(
            f"{name}: backup of {megabytes:.0f} MB", "MB/s", ours,
            against=pipe, theirs=theirs, at_least=1.0,
        )  # fmt: skip
        # Says more than the clock where others use the processors too.
        found.add(
            f"{name}: CPU of the same, without the server's", "s", own_cpu,
            against=pipe, theirs=pipe_cpu,
        )  # fmt: skip
        gzip = megabytes / report.timed(lambda: self._pipe("gzip"))()
        found.add(
            f"{name}: backup of {megabytes:.0f} MB", "MB/s", ours,
            against="tool into gzip > file; sync, as Trove does", theirs=gzip, at_least=4.0,
        )  # fmt: skip
        ours, theirs = report.in_turns(
            rounds, self._into(megabytes, lambda folder: self._fetch(kept, folder)),
            self._into(megabytes, lambda folder: self._unpack(kept, folder)),
        )  # fmt: skip
        found.add(
            f"{name}: unpacking it again", "MB/s", ours,
            against=f"zstd -dc file into {UNPACK[name].split()[0]}", theirs=theirs, at_least=1.0,
        )  # fmt: skip

    @property
    def _file(self) -> Path:
        return self.guest.root.path / "piped"

    def _back_up(self) -> Manifest:
        return self.guest.back_up(self.instance)

    def _own_seconds(self, cpu: list[float]) -> float:
        taken: list[Manifest] = []
        seconds = _seconds(lambda: taken.append(self._back_up()), cpu)
        self.guest.store.delete(taken[0].key)
        return seconds

    def _pipe(self, compressor: str) -> None:
        tool = self.guest.kind.backup_tool(self.guest.root, self.instance, None)
        file = shlex.quote(str(self._file))
        _shell(f"{shlex.join(tool.argv)} | {compressor} > {file} && sync {file}", dict(tool.env))

    def _into(self, megabytes: float, write: Callable[[Path], None]) -> Callable[[], float]:
        """A side that writes into a new folder."""

        def speed() -> float:
            folder = self.guest.root.path / f"unpacked-{uuid.uuid4()}"
            folder.mkdir(mode=0o700)
            seconds = report.timed(lambda: write(folder))()
            shutil.rmtree(folder)
            return megabytes / seconds

        return speed

    def _fetch(self, backup: Manifest, folder: Path) -> None:
        fetch(self.guest.store, self.guest.kind, backup, folder)

    def _unpack(self, backup: Manifest, folder: Path) -> None:
        unpack = UNPACK[self.guest.database.name].format(folder=shlex.quote(str(folder)))
        file = shlex.quote(str(self.guest.file(backup)))
        _shell(f"zstd -dc {file} | {unpack}", {})


def _seconds(call: Callable[[], object], cpu: list[float]) -> float:
    """How long the call takes; what it and its programs compute is added to `cpu`."""
    before = _cpu()
    seconds = report.timed(call)()
    cpu.append(_cpu() - before)
    return seconds


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _shell(command: str, env: dict[str, str]) -> None:
    subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        env={"PATH": os.environ["PATH"], **env},
        stderr=subprocess.DEVNULL,
        check=True,
    )


if __name__ == "__main__":
    sys.exit(report.main(run))
