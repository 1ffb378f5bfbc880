# SPDX-License-Identifier: Apache-2.0
"""`make quickstart`: from nothing to a scheduled backup that was restored and compared.

Every step is a command that a person could type, and is shown as such. It ends with exit status 0
only if the rows that came back are the rows that were backed up.
"""

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from trove_minicloud import loopback
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.guest import instances
from trove_minicloud.guest.postgresql.server import connection_string
from trove_minicloud.root import ROOT_VARIABLE, Root

SOURCE = "orders"
COPY = "orders-restored"
#: Of the schedule, and so of its backups.
NAME = "quickstart"
ROWS = 20_000
#: The firing may be a minute away, and the backup of a small database takes seconds.
BACKUP_TIMEOUT = 150.0
#: Of one command; a first start on a busy machine is the longest.
COMMAND_TIMEOUT = 300.0
_POLL_INTERVAL = 3.0

_CREATE_TABLE = "create table if not exists orders (id int primary key, item text, price numeric)"
_FILL_TABLE = """
    insert into orders select n, 'item ' || md5(n::text), n * 1.25 from generate_series(1, %s) n
    on conflict do nothing
"""
_DIGEST = "select count(*), md5(string_agg(orders::text, ',' order by id)) from orders"


class QuickstartError(MiniCloudError):
    """A step did not do what it was for."""


class Quickstart:
    """The steps, on one mini cloud."""

    def __init__(self, root: Root) -> None:
        self._root = root
        # Not one OS_* variable of the caller's: they win over clouds.yaml, and may name a cloud
        # that people rely on.
        own = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        self._env = own | loopback.exceptions(own)
        self._env |= {
            ROOT_VARIABLE: str(root.path),
            "OS_CLIENT_CONFIG_FILE": str(root.clouds_file),
            "OS_CLOUD": "minicloud",
        }

    def run(self) -> None:
        """Do everything.

        :raises QuickstartError: a command failed, no backup came, or its rows differ.
        """
        say("1. A cloud on this machine: real Keystone, Mistral and Trove")
        self._show("trove-minicloud", "up", "--detach")

        say("2. A PostgreSQL with data in it")
        if not self._has_instance(SOURCE):
            self._show("trove-minicloud", "instance", "create", SOURCE)
        with self._connect(SOURCE) as source:
            source.execute(_CREATE_TABLE)
            source.execute(_FILL_TABLE, [ROWS])
        original = self._digest(SOURCE)
        print(f"The table 'orders' of {SOURCE} holds {original[0]} rows.")

        say("3. The operator loads the workbook, once for all projects")
        self._show(
            "openstack", "--os-cloud", "minicloud-admin",
            "database", "backup", "schedule", "workbook", "load", "--public",
        )  # fmt: skip

        say("4. The user schedules a backup for every minute")
        self._delete_leftovers()
        schedule = self._create_schedule()
        backup = self._wait_for_backup(schedule)
        columns = ("-c", "id", "-c", "name", "-c", "pattern", "-c", "next_execution_time")
        self._show("openstack", "database", "backup", "schedule", "show", schedule, *columns)
        self._show("openstack", "database", "backup", "schedule", "execution", "list", schedule)

        say("5. No more backups: the schedule goes, its backups stay")
        self._show("openstack", "database", "backup", "schedule", "delete", "--force", schedule)

        say("6. The backup is restored into a second server, and the rows are compared")
        if self._has_instance(COPY):
            self._show("trove-minicloud", "instance", "delete", COPY)
        self._show("trove-minicloud", "restore", backup, "--name", COPY)
        restored = self._digest(COPY)
        if restored != original:
            raise QuickstartError(
                f"The rows differ: {SOURCE} has {original}, {COPY} has {restored}."
            )
        print(f"All {restored[0]} rows came back, every one the same (md5 {restored[1]}).")

    def _delete_leftovers(self) -> None:
        """Schedules and backups of runs before, which would use up the quota of backups."""
        schedules = self._list("database", "backup", "schedule", "list")
        for row in schedules:
            if row["Name"] == NAME:
                self._run(
                    ["openstack", "database", "backup", "schedule", "delete", "--force", row["ID"]],
                    shown=None,
                )
        for row in self._list("database", "backup", "list"):
            if row["Name"] == NAME:
                self._run(["openstack", "database", "backup", "delete", row["ID"]], shown=None)

    def _list(self, *command: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(
            self._run(["openstack", *command, "-f", "json"], shown=None)
        )
        return listed

    def _create_schedule(self) -> str:
        arguments = [
            "openstack", "database", "backup", "schedule",
            "create", SOURCE, "* * * * *", NAME,
        ]  # fmt: skip
        shown = self._run([*arguments, "-f", "json"], shown=arguments)
        created: dict[str, Any] = json.loads(shown)
        print(f"Schedule {created['id']}, next run {created['next_execution_time']}.")
        return str(created["id"])

    def _wait_for_backup(self, schedule: str) -> str:
        """The id of the backup of the first finished run, shown as it comes about."""
        started = time.monotonic()
        command = ("database", "backup", "schedule", "execution", "list", schedule)
        while True:
            waited = time.monotonic() - started
            executions = self._list(*command)
            state = executions[-1]["State"] if executions else "waiting for the cron trigger"
            print(f"{waited:4.0f} s  {state}", flush=True)
            if state == "SUCCESS":
                return str(executions[-1]["Output"]["backup_id"])
            if state == "ERROR" or waited > BACKUP_TIMEOUT:
                raise QuickstartError(
                    f"No backup after {waited:.0f} s; the executions: {json.dumps(executions)}\n"
                    "See 'trove-minicloud logs mistral' and 'trove-minicloud logs trove'."
                )
            time.sleep(_POLL_INTERVAL)

    def _has_instance(self, name: str) -> bool:
        return any(each.name == name for each in instances.all_instances(self._root))

    def _connect(self, name: str) -> "psycopg.Connection[Any]":
        instance = instances.find(self._root, name)
        return psycopg.connect(connection_string(self._root, instance), autocommit=True)

    def _digest(self, name: str) -> tuple[int, str]:
        with self._connect(name) as connection:
            count, digest = connection.execute(_DIGEST).fetchone() or (0, "")
        return count, digest

    def _show(self, *command: str) -> None:
        print(self._run(list(command), shown=list(command)), end="")

    def _run(self, command: list[str], *, shown: list[str] | None) -> str:
        """Run one of the environment's commands; its output, or an error with its stderr."""
        if shown is not None:
            print(f"$ {shlex.join(shown)}", flush=True)
        program = Path(sys.executable).with_name(command[0])
        try:
            done = subprocess.run(
                [str(program), *command[1:]],
                env=self._env,
                text=True,
                capture_output=True,
                check=False,
                timeout=COMMAND_TIMEOUT,
            )
        except subprocess.TimeoutExpired as error:
            raise QuickstartError(
                f"{shlex.join(command)} has not ended after {COMMAND_TIMEOUT:.0f} s."
            ) from error
        if done.returncode:
            raise QuickstartError(
                f"{shlex.join(command)} ended with exit status {done.returncode}:\n{done.stderr}"
            )
        return done.stdout


def say(title: str) -> None:
    print(f"\n{title}", flush=True)


def main() -> int:
    started = time.monotonic()
    root = Root.default()
    try:
        Quickstart(root).run()
    except MiniCloudError as error:
        print(f"\nquickstart: {error}", file=sys.stderr)
        return 1
    print(f"\nDone in {time.monotonic() - started:.0f} s. The cloud stays up. To try more:")
    venv = Path(sys.executable).parent
    print(f"  export PATH={shlex.quote(str(venv))}:$PATH")
    print('  eval "$(trove-minicloud env)"')
    print(f"  openstack database backup schedule create {SOURCE} '0 2 * * *' nightly")
    print("  openstack database backup list")
    print("  trove-minicloud status; trove-minicloud logs trove; trove-minicloud down")
    return 0


if __name__ == "__main__":
    sys.exit(main())
