# SPDX-License-Identifier: Apache-2.0
"""Twenty faults, and what health has to say of the two schedules in the morning after each.

The faults of the first list are for nights whose backups go to the machine's disk, those of the
second one for nights whose backups go to S3. Each is real, and its function puts right only what an
operator would: a disk is freed, a password set back. What was killed or hangs comes back by itself.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

import psutil

from bench.nights.machine import Machine
from trove_minicloud.commands import databases
from trove_minicloud.stores import destination, room
from trove_schedules import ScheduleExecution
from trove_schedules.health import State

#: Of one schedule, any of which is right.
States = frozenset[State]
OK, FAILED = States({State.OK}), States({State.FAILED})
#: A firing without a run, or one whose run failed: by the moment that the fault met.
MISSED = States({State.FAILED, State.LOST})
#: The same, or fired late: while Mistral can't write, it fires nothing.
LATE = MISSED | OK

#: When a fault begins and ends: before the due time, and when what was due is over or in the
#: morning; or after the attempts, and in the morning.
Span = Literal["due", "night", "morning"]
_DRILL = 300.0


@dataclass(frozen=True)
class Fault:
    """One fault.

    :ivar orders: the states of the schedule with three attempts that are right in the morning.
    :ivar shop: those of the one with a single attempt.
    :ivar most: seconds that it lasts at most, where it keeps anything from being over.
    """

    name: str
    breaking: Callable[[Machine], AbstractContextManager[object]]
    orders: States
    shop: States
    span: Span = "due"
    most: float | None = None


# What is killed, and what hangs


@contextmanager
def _meanwhile(step: Callable[[], object], interval: float = 0.05) -> Iterator[None]:
    """Do the step again and again during the block."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(interval):
            # What it looks for may come and go.
            with contextlib.suppress(LookupError, psutil.Error):
                step()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _tools(machine: Machine, word: str) -> list[psutil.Process]:
    """What Trove has started whose command has this word."""
    found = []
    for process in machine.program("trove").children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(word in part for part in process.cmdline()):
                found.append(process)
    return found


def workers_killed(machine: Machine) -> AbstractContextManager[object]:
    def kill() -> None:
        for process in _tools(machine, "trove_minicloud.guest.worker"):
            process.kill()

    return _meanwhile(kill, 0.02)


def _once(
    machine: Machine, word: str, strike: Callable[[], object]
) -> AbstractContextManager[None]:
    """Strike when a process of this word has begun, and once."""
    struck: list[bool] = []

    def look() -> None:
        if not struck and _tools(machine, word):
            strike()
            struck.append(True)

    return _meanwhile(look, 0.02)


def keystone_away(machine: Machine) -> AbstractContextManager[object]:
    return _meanwhile(lambda: machine.program("keystone").kill(), 0.2)


@contextmanager
def keystone_hangs(machine: Machine) -> Iterator[None]:
    machine.program("keystone").suspend()
    yield


@contextmanager
def mistral_hangs(machine: Machine) -> Iterator[None]:
    machine.program("mistral").suspend()
    yield


def trove_killed(machine: Machine) -> AbstractContextManager[object]:
    return _once(machine, "mariadb-backup", lambda: machine.program("trove").kill())


def mistral_killed(machine: Machine) -> AbstractContextManager[object]:
    return _once(machine, "mariadb-backup", lambda: machine.program("mistral").kill())


def postgresql_killed(machine: Machine) -> AbstractContextManager[object]:
    return _once(machine, "pg_basebackup", lambda: machine.server("orders").kill())


def mariadb_killed(machine: Machine) -> AbstractContextManager[object]:
    return _once(machine, "mariadb-backup", lambda: machine.server("shop").kill())


@contextmanager
def machine_off(machine: Machine) -> Iterator[None]:
    """From before the due time until ten minutes after it."""
    machine.kill()
    machine.clock.move_to(machine.due + timedelta(minutes=10))
    machine.up()
    yield


# Disks and stores


@contextmanager
def disk_full(machine: Machine) -> Iterator[None]:
    """Not a byte is left.

    :raises RuntimeError: the disk is one that others use.
    """
    if not machine.own_disk:
        raise RuntimeError("The disk is not filled, because it is not the machine's own.")
    filler = machine.root.path / "filler"
    with filler.open("wb", buffering=0) as stream:

        def fill() -> None:
            size = 2**20
            while size:
                try:
                    os.write(stream.fileno(), bytes(size))
                except OSError:
                    size //= 2

        try:
            with _meanwhile(fill, 0.2):
                yield
        finally:
            filler.unlink()


@contextmanager
def no_room(machine: Machine) -> Iterator[None]:
    """What is left is less than the databases' reserve."""
    room.keep(machine.root, 2**20)
    try:
        yield
    finally:
        room.keep(machine.root, 64)


@contextmanager
def store_away(machine: Machine) -> Iterator[None]:
    """The folder of the backups is not there, like a disk that isn't mounted."""
    away = machine.root.backups.rename(machine.root.path / "away")
    try:
        yield
    finally:
        away.rename(machine.root.backups)


@contextmanager
def s3_away(machine: Machine) -> Iterator[None]:
    machine.s3.stop()
    try:
        yield
    finally:
        machine.s3.start()


@contextmanager
def s3_login_open(machine: Machine) -> Iterator[None]:
    """Others can read the login of S3, so it is not used."""
    settings = destination.s3(machine.root)
    assert settings is not None
    file = Path(settings.credentials)
    file.chmod(0o644)
    try:
        yield
    finally:
        file.chmod(0o600)


@contextmanager
def backup_damaged(machine: Machine) -> Iterator[None]:
    """A byte of the shop's newest backup is another one, and a drill meets it."""
    newest = machine.backups("shop")[0]
    backup = machine.root.backups / machine.instance("shop").id / Path(newest["locationRef"]).name
    _flip(backup)
    try:
        drill(machine, "ERROR")
        yield
    finally:
        _flip(backup)
    drill(machine, "SUCCESS")


def _flip(backup: Path) -> None:
    content = bytearray(backup.read_bytes())
    content[len(content) // 2] ^= 1
    backup.chmod(0o600)
    backup.write_bytes(content)
    backup.chmod(0o400)


def drill(machine: Machine, state: str) -> ScheduleExecution:
    """A restore drill of the shop's schedule, which has to end in this state.

    :raises RuntimeError: it ends in another one, or not at all.
    """
    schedules = machine.schedules
    run = schedules.schedule_drill(machine.made["shop"])
    deadline = time.monotonic() + _DRILL
    while not (found := schedules.execution_show(run.id)).ended:
        if time.monotonic() > deadline:
            raise RuntimeError(f"The drill has not ended after {_DRILL:.0f} s.")
        time.sleep(1)
    if found.state != state:
        raise RuntimeError(f"The drill ended in {found.state}, and not in {state}: {found.output}")
    return found


# Databases and their owners


@contextmanager
def database_stopped(machine: Machine) -> Iterator[None]:
    databases.stop(machine.root, "shop")
    yield
    databases.start(machine.root, "shop", lambda _line: None)


@contextmanager
def event_triggers(machine: Machine) -> Iterator[None]:
    """One that refuses every change, and one that writes at each login; they stay."""
    with machine.postgresql("orders") as connection:
        connection.execute("create table logins (at timestamptz)")
        connection.execute(
            "create function note() returns event_trigger language plpgsql security definer as"
            " $$ begin insert into public.logins values (now()); end $$"
        )
        connection.execute(
            "create function refuse() returns event_trigger language plpgsql as"
            " $$ begin raise exception 'nobody changes anything here'; end $$"
        )
        connection.execute("create event trigger note on login execute function note()")
        connection.execute(
            "create event trigger refuse on ddl_command_start execute function refuse()"
        )
    yield


@contextmanager
def odd_encoding(machine: Machine) -> Iterator[None]:
    """A database of SQL_ASCII, with bytes in its names that are no text; it stays."""
    with machine.postgresql("orders") as connection:
        connection.execute(
            "create database legacy encoding 'SQL_ASCII' template template0"
            " locale_provider libc locale 'C'"
        )
    with machine.postgresql("orders", dbname="legacy") as connection:
        connection.execute(b'create table "caf\xe9" as select 1 as n')
    yield


@contextmanager
def password_changed(machine: Machine) -> Iterator[None]:
    """The backups' own user gets another password, until somebody looks."""
    instance = machine.instance("orders")
    right = instance.password_file(machine.root).read_text().rpartition(":")[2].strip()

    def set_to(password: str) -> None:
        with machine.postgresql("orders") as connection:
            connection.execute("set event_triggers = off")
            connection.execute(f"alter role {instance.user} password '{password}'")

    set_to("another")
    try:
        yield
    finally:
        set_to(right)


@contextmanager
def instance_unreadable(machine: Machine) -> Iterator[None]:
    """A folder is in the place of the shop's file."""
    file = machine.instance("shop").folder(machine.root) / "instance.json"
    aside = file.with_suffix(".aside")
    file.rename(aside)
    file.mkdir()
    try:
        yield
    finally:
        file.rmdir()
        aside.rename(file)


ON_DISK: tuple[Fault, ...] = (
    Fault("workers killed in mid-backup", workers_killed, OK, FAILED),
    Fault("disk full for 20 s", disk_full, OK, LATE, most=20),
    Fault("folder of the backups away", store_away, OK, FAILED),
    Fault("event triggers that refuse and write", event_triggers, OK, OK),
    Fault("Keystone away at the due time", keystone_away, OK, MISSED, most=20),
    Fault("newest backup damaged, met by a drill", backup_damaged, OK, FAILED, "morning"),
    Fault("shop's database stopped by its owner", database_stopped, OK, FAILED, "night"),
    Fault("no room beside the databases' reserve", no_room, OK, FAILED),
    Fault("a database of SQL_ASCII", odd_encoding, OK, OK),
    Fault("Mistral hangs at the due time", mistral_hangs, OK, OK),
)
IN_S3: tuple[Fault, ...] = (
    Fault("S3 away", s3_away, OK, FAILED),
    Fault("Trove killed in mid-backup", trove_killed, OK, FAILED),
    Fault("Keystone hangs at the due time", keystone_hangs, OK, MISSED),
    Fault("machine off at the due time", machine_off, OK, OK),
    Fault("login of S3 readable by others", s3_login_open, OK, FAILED),
    Fault("mariadbd killed in mid-backup", mariadb_killed, OK, FAILED),
    Fault("the backups' password changed in orders", password_changed, FAILED, OK, "night"),
    Fault("postgres killed in mid-backup", postgresql_killed, OK, OK),
    Fault("Mistral killed in mid-backup", mistral_killed, OK, OK),
    Fault("shop's file unreadable", instance_unreadable, OK, FAILED),
)
