# SPDX-License-Identifier: Apache-2.0
"""The machine that has the nights: a mini cloud on a small disk, its two databases, an S3 server.

`orders` is PostgreSQL, in chains of at most three, with three attempts for a night; `shop` is
MariaDB, in full backups, with one attempt. Each evening each of them gets one row more, so a backup
of a night has to hold the rows of all nights up to that one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import psycopg

import trove_schedules
from bench import first_start
from bench.clock import Clock
from bench.firings import EARLY
from bench.minicloud import import_path, login
from bench.nights.s3 import BUCKET, S3Server, s3_server
from bench.runs import Runs
from trove_minicloud.cloud import daemon
from trove_minicloud.commands import databases
from trove_minicloud.guest import instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.mariadb.connection import connect as connect_to_mariadb
from trove_minicloud.guest.postgresql.server import connection_string
from trove_minicloud.root import Root
from trove_minicloud.services.preparation import database_file
from trove_minicloud.stores import choosing
from trove_minicloud.supervision import state
from trove_minicloud.supervision.supervisor import ASK_VARIABLE
from trove_schedules import Schedule, ScheduledBackups

#: Instances by name, and their datastores.
DATASTORES = {"orders": "postgresql", "shop": "mariadb"}
PATTERN = "0 2 * * *"
RETRY_EVERY = timedelta(minutes=20)
KEPT = 3
#: In megabytes: PostgreSQL keeps up to 1 GB of its log for backups that are under way.
DISK = 2048
_QUIET = 3.0
#: Runs that Trove refuses are tried again for minutes.
_PATIENCE = 900.0
#: Seconds after which what is busy is hurried, and by how much the clock goes on each second.
_HURRY_AFTER, _HURRY = 6.0, timedelta(seconds=10)
_READY = 240.0
_SERVICES = {"keystone", "mistral", "trove"}
_DOWN = 360.0
_S3_LOGIN = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


class Machine:
    """It is up from the beginning; see `machine`.

    :ivar made: the schedules, by the names of their instances.
    :ivar due: the due time of this night.
    :ivar own_disk: whether it is on a small disk of its own.
    """

    def __init__(self, root: Root, clock: Clock, s3: S3Server, *, own_disk: bool) -> None:
        self.root, self.clock, self.s3, self.own_disk = root, clock, s3, own_disk
        self.made: dict[str, Schedule] = {}
        self.due = datetime.now(UTC)

    @property
    def schedules(self) -> ScheduledBackups:
        """The product, logged in anew."""
        return trove_schedules.connect(session=login(self.root))

    # Up and down

    def up(self) -> None:
        daemon.up(self.root, _say)

    def reboot(self, *, to_s3: bool = False) -> None:
        """SIGKILL to every process, and a start of the machine.

        :param to_s3: have backups go to S3 from then on.
        """
        self.kill()
        if to_s3:
            with mock.patch.dict(os.environ, _S3_LOGIN):
                choosing.use_s3(self.root, self.s3.endpoint, BUCKET, None)
        self.up()
        self.wait_until_ready()

    def recover(self, *, to_s3: bool) -> None:
        """A start after whatever has gone wrong."""
        daemon.down(self.root, _DOWN)
        self.up()
        self.reboot(to_s3=to_s3)

    def kill(self) -> None:
        # The keeper first: it would start another supervisor.
        supervisor = psutil.Process(self._status().supervisor)
        keeper = supervisor.parent()
        assert keeper is not None and "trove_minicloud.cloud.keeper" in keeper.cmdline()
        gone = [keeper, *keeper.children(recursive=True)]
        for process in gone:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        for process in gone:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        _, alive = psutil.wait_procs(gone, 60)
        if alive:
            raise RuntimeError(f"Still there after SIGKILL: {alive}")

    def wait_until_ready(self) -> None:
        """Return when every service answers.

        :raises RuntimeError: one doesn't after four minutes.
        """
        deadline = time.monotonic() + _READY
        while missing := _SERVICES - {
            each.name for each in self._status().programs if each.state == "ready"
        }:
            if time.monotonic() > deadline:
                raise RuntimeError(f"Not ready after {_READY:.0f} s: {', '.join(sorted(missing))}")
            time.sleep(0.5)

    def wait_until_whole(self) -> None:
        """Return when Trove sees as well that the databases that are to run serve."""
        self.wait_until_ready()
        for name in DATASTORES:
            if self.instance(name).wanted == "running":
                databases.start(self.root, name, lambda _line: None)

    def program(self, name: str) -> psutil.Process:
        """The process of a program that runs.

        :raises LookupError: it doesn't.
        """
        for each in self._status().programs:
            if each.name == name and each.process is not None:
                return psutil.Process(each.process.pid)
        raise LookupError(f"{name} doesn't run.")

    def server(self, name: str) -> psutil.Process:
        """The process of an instance's database."""
        instance = self.instance(name)
        return self.program(f"{instance.datastore}-{instance.id}")

    def _status(self) -> state.CloudStatus:
        found = state.load(self.root)
        if found is None:
            raise LookupError("The cloud is not up.")
        return found

    # Databases and backups

    def instance(self, name: str) -> Instance:
        return instances.find(self.root, name)

    def postgresql(self, name: str, **more: Any) -> psycopg.Connection[Any]:
        """As its administrator."""
        return psycopg.connect(
            connection_string(self.root, self.instance(name)), autocommit=True, **more
        )

    @contextlib.contextmanager
    def _cursor(self, name: str) -> Iterator[Any]:
        instance = self.instance(name)
        if instance.datastore == "postgresql":
            with self.postgresql(name) as connection, connection.cursor() as cursor:
                yield cursor
        else:
            with (
                connect_to_mariadb(instance.superuser_password_file(self.root)) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute("CREATE DATABASE IF NOT EXISTS nights")
                connection.select_db("nights")
                yield cursor
                connection.commit()

    def begin(self) -> None:
        """Make the instances and their schedules."""
        self._load_workbook()
        for name, datastore in DATASTORES.items():
            databases.create(self.root, name, datastore, _say)
            with self._cursor(name) as cursor:
                cursor.execute("CREATE TABLE night (n int PRIMARY KEY)")
        schedules = self.schedules
        self.made["orders"] = schedules.schedule_create(
            "orders", PATTERN, "nightly-orders", incremental=True, full_every=3, keep_last=KEPT,
            attempts=3, retry_every=int(RETRY_EVERY / timedelta(minutes=1)),
        )  # fmt: skip
        self.made["shop"] = schedules.schedule_create(
            "shop", PATTERN, "nightly-shop", keep_last=KEPT, attempts=1
        )

    @property
    def first_due(self) -> datetime:
        """Of all schedules."""
        due = self.made["orders"].next_execution_time
        assert due is not None
        return due

    def _load_workbook(self) -> None:
        session = login(self.root, "minicloud-admin")
        trove_schedules.connect(session=session).workbook_load(public=True)

    def add_row(self, night: int) -> None:
        for name in DATASTORES:
            with self._cursor(name) as cursor:
                cursor.execute("INSERT INTO night VALUES (%s)", (night,))

    def backups(self, name: str) -> list[dict[str, Any]]:
        """The instance's completed backups, the newest first."""
        session = login(self.root)
        answer = session.get("/backups", endpoint_filter={"service_type": "database"})
        instance = self.instance(name).id
        found = [
            each
            for each in answer.json()["backups"]
            if each["instance_id"] == instance and each["status"] == "COMPLETED"
        ]
        return sorted(found, key=lambda each: str(each["created"]), reverse=True)

    def restored(self, backup: str) -> list[int]:
        """The rows of a copy that is made of the backup, and deleted again.

        :raises MiniCloudError: it can't be made.
        """
        try:
            databases.restore(self.root, backup, "copy", lambda _line: None)
            with self._cursor("copy") as cursor:
                cursor.execute("SELECT n FROM night ORDER BY n")
                return [row[0] for row in cursor.fetchall()]
        finally:
            if any(each.name == "copy" for each in instances.all_instances(self.root)):
                databases.delete(self.root, "copy", force=True)

    # Time

    def at(self, moment: datetime) -> None:
        """Have it be this moment; the clock is not put back."""
        if datetime.now(UTC) < moment:
            self.clock.move_to(moment)

    def fire(self, due: datetime, until: datetime, most: float | None = None) -> None:
        """Let what is due be fired, and wait until it is over.

        Where runs wait, the clock goes on to the end of that.

        :param until: what waits for longer than that, by the machine's clock, is left waiting.
        :param most: seconds after which it is enough.
        """
        self.at(due - EARLY / 2)
        began, runs, quiet = time.monotonic(), Runs(self.root), None
        while True:
            now, moment = time.monotonic(), datetime.now(UTC)
            following = runs.next_call() or until
            busy = (
                moment < due
                or following <= moment < until
                or runs.due(moment)
                # An action or a run that a fault has stopped may be in progress for ever.
                or (runs.acting() and moment < until)
                or self._backing_up()
            )
            if busy or (runs.in_progress(due - EARLY) and moment < until):
                quiet = None
            else:
                quiet = quiet or now
                if now - quiet > _QUIET:
                    return
            if most is not None and now - began > most:
                return
            if now - began > _PATIENCE:
                raise RuntimeError(f"What was due at {due} is not over after {_PATIENCE:.0f} s.")
            time.sleep(0.5)
            if not busy and quiet is None:
                self.at(min(following, until))
            elif now - began > _HURRY_AFTER and moment + _HURRY < until:
                self.clock.move_to(moment + _HURRY / 2)

    def _backing_up(self) -> bool:
        """Whether there is a backup that has not ended, by Trove's own database."""
        file = database_file(self.root.service("trove"))
        query = "select count(*) from backups where not deleted and state in (?, ?, ?)"
        with contextlib.closing(sqlite3.connect(file, timeout=60)) as database:
            [[count]] = database.execute(query, ("NEW", "BUILDING", "SAVING")).fetchall()
        return bool(count)


@contextlib.contextmanager
def machine(clock: Clock, look_every: int = 1) -> Iterator[Machine]:
    """A machine that is up, with its databases and schedules; it is removed in the end.

    :param look_every: seconds between two looks at whether a service hangs. By default that is
        noticed in half a minute, and not in three.
    """
    import_path()
    # Not for the user's eyes alone: as root, the databases run as a user who must get there.
    folder = Path(tempfile.mkdtemp(prefix="trove-schedules-nights-"))
    folder.chmod(0o711)
    disk = folder / "disk"
    disk.mkdir(mode=0o711)
    with (
        _removed(folder),
        mock.patch.dict(os.environ, {ASK_VARIABLE: str(look_every)}),
        _small_disk(disk) as own_disk,
        s3_server(folder / "elsewhere") as s3,
    ):
        made = Machine(Root.at(disk / "cloud"), clock, s3, own_disk=own_disk)
        try:
            first_start.prepare(made.root)
            # Not in the night: the schedules would be due before all is there.
            made.at(datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0))
            made.up()
            made.begin()
            yield made
        finally:
            daemon.down(made.root, _DOWN)


@contextlib.contextmanager
def _removed(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """In memory, where this user may mount one: whether that is so."""
    options = f"size={DISK}m,mode=711"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "trove-schedules-nights", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        _say(f"no small disk can be mounted, so it is this machine's: {done.stderr.strip()}")
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
