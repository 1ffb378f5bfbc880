# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests need of a mini cloud: people, commands to type, rows to compare."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import psycopg
from keystoneauth1.identity import v3
from keystoneauth1.session import Session
from openstack.config import OpenStackConfig

import trove_schedules
from tests.end_to_end.folders import passable_folder
from tests.end_to_end.typist import Typist
from trove_minicloud import settings
from trove_minicloud.cloud import daemon
from trove_minicloud.commands import databases
from trove_minicloud.errors import InstanceBusyError
from trove_minicloud.guest import instances
from trove_minicloud.guest.postgresql.server import connection_string
from trove_minicloud.root import ROOT_VARIABLE, Root
from trove_minicloud.supervision import state
from trove_schedules import ScheduledBackups, ScheduleExecution

T = TypeVar("T")

BIN = Path(sys.executable).parent
#: For a run that has been fired; nearly all is room for a busy machine.
FIRING_TIMEOUT = 300.0
#: A pattern whose schedule only runs when told to.
NEVER_SOON = "0 0 1 1 *"
FINISHED = ("SUCCESS", "ERROR")
_COMMAND_TIMEOUT = 480.0
_TYPIST = Typist()


def wait_for(what: str, condition: Callable[[], T | None], timeout: float) -> T:
    """Return what the condition returns once that is true; fail with what was last seen."""
    began = time.monotonic()
    while True:
        seen = condition()
        if seen:
            return seen
        waited = time.monotonic() - began
        assert waited < timeout, f"no {what} within {timeout:.0f} s; last seen: {seen!r}"
        # The services work for each look.
        time.sleep(min(1.0, 0.4 + waited / 20))


def leave_room(seconds: float, minutes: int = 1) -> None:
    """Go on when the next minute that such a pattern as ``*/2`` names is at least so far away."""
    period = minutes * 60
    left = period - time.time() % period
    if left < seconds:
        time.sleep(left + 1)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class LiveCloud:
    """A mini cloud that is up."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.settings = settings.load_or_create(root)
        self._asking: Session | None = None

    # People

    @property
    def asking(self) -> Session:
        """The tenant's login for what tests ask over and over: a fresh one costs Keystone more."""
        if self._asking is None:
            self._asking = self.session()
        return self._asking

    def session(self, name: str = "minicloud") -> Session:
        """A fresh login of an entry of clouds.yaml."""
        config = OpenStackConfig(config_files=[str(self.root.clouds_file)], load_envvars=False)
        return config.get_one(name).get_session()

    def schedules(self, name: str = "minicloud") -> ScheduledBackups:
        return trove_schedules.connect(session=self.session(name))

    def new_tenant(self, name: str = "", password: str = "") -> tuple[Session, str]:
        """A member of a new project, of that name too: the login and the user's id."""
        admin = self.session("minicloud-admin")
        name = name or f"tenant-{secrets.token_hex(4)}"
        password = password or secrets.token_urlsafe(16)
        project = self._identity(admin, "project", {"name": name, "domain_id": "default"})
        user = self._identity(
            admin, "user", {"name": name, "domain_id": "default", "password": password}
        )
        url = self.settings.keystone_url
        roles = admin.get(f"{url}/roles?name=member").json()["roles"]
        admin.put(f"{url}/projects/{project}/users/{user}/roles/{roles[0]['id']}")
        auth = v3.Password(
            url, user_id=user, password=password, project_id=project, reauthenticate=True
        )
        return Session(auth), user

    def _identity(self, admin: Session, kind: str, fields: dict[str, str]) -> str:
        answer = admin.post(f"{self.settings.keystone_url}/{kind}s", json={kind: fields})
        return str(answer.json()[kind]["id"])

    # Commands

    def run(
        self,
        *command: str,
        cloud: str = "minicloud",
        check: bool = True,
        clouds_file: Path | None = None,
    ) -> Done:
        """Type one of the environment's commands, logged in as an entry of clouds.yaml."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
        env |= {
            ROOT_VARIABLE: str(self.root.path),
            "OS_CLIENT_CONFIG_FILE": str(clouds_file or self.root.clouds_file),
            "OS_CLOUD": cloud,
            "COLUMNS": "250",
        }
        if command[0] == "trove":  # knows nothing of clouds.yaml
            env |= {
                "OS_AUTH_URL": self.settings.keystone_url,
                "OS_USERNAME": settings.USER,
                "OS_PASSWORD": self.settings.demo_password,
                "OS_PROJECT_NAME": settings.PROJECT,
                "OS_REGION_NAME": settings.REGION,
                # As `trove-minicloud env` has it: python-troveclient imports eventlet.
                "PYTHONWARNINGS": "ignore:::troveclient.client",
            }
        if command[0] == "openstack":
            done = _TYPIST.type(command[1:], env, _COMMAND_TIMEOUT)
        else:
            done = subprocess.run(
                [str(BIN / command[0]), *command[1:]],
                env=env,
                text=True,
                capture_output=True,
                check=False,
                timeout=_COMMAND_TIMEOUT,
            )
        if check:
            assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return Done(done.returncode, done.stdout, done.stderr)

    def openstack(self, *command: str, **options: Any) -> Done:
        """Type ``openstack database backup …``."""
        return self.run("openstack", "database", "backup", *command, **options)

    # Databases

    def create_instance(self, name: str, datastore: str = "postgresql") -> str:
        """A new, empty server that Trove knows; its id."""
        return databases.create(self.root, name, datastore, print).id

    def restore(self, backup: str, name: str) -> None:
        """A new server with the rows of a backup."""
        databases.restore(self.root, backup, name, print)

    def delete_instance(self, name_or_id: str) -> None:
        """Delete a server as soon as no backup of it runs."""

        def deleted() -> bool:
            try:
                databases.delete(self.root, name_or_id, force=True)
            except InstanceBusyError:
                return False
            return True

        wait_for(f"end of the backup of {name_or_id}", deleted, 240)

    def stop_instance(self, name: str) -> None:
        """Stop a server; return when Trove knows that, and would refuse a backup."""
        self.run("trove-minicloud", "instance", "stop", name)
        path = f"/instances/{instances.find(self.root, name).id}"

        def known() -> bool:
            answer = self.asking.get(path, endpoint_filter=_DATABASE)
            return bool(answer.json()["instance"]["status"] == "SHUTDOWN")

        wait_for(f"Trove that sees the end of {name}", known, 120)

    def start_instance(self, name: str) -> None:
        """Start a server; return when Trove would take a backup of it."""
        databases.start(self.root, name, print)

    def connect(self, name: str) -> psycopg.Connection[Any]:
        instance = instances.find(self.root, name)
        return psycopg.connect(connection_string(self.root, instance), autocommit=True)

    # Trove and Mistral, asked without the code under test

    def backup(self, backup_id: str) -> dict[str, Any]:
        answer = self.asking.get(f"/backups/{backup_id}", endpoint_filter=_DATABASE)
        return answer.json()["backup"]

    def building(self) -> str:
        """The id of the one backup of the project that is BUILDING, once there is one."""

        def found() -> list[str]:
            answer = self.asking.get("/backups", endpoint_filter=_DATABASE)
            rows = answer.json()["backups"]
            return [str(row["id"]) for row in rows if row["status"] == "BUILDING"]

        [backup] = wait_for("backup in progress", found, 120)
        return backup

    def wait_for_backup(self, backup_id: str, timeout: float = 180.0) -> dict[str, Any]:
        """The backup, once it is COMPLETED or FAILED."""

        def over() -> dict[str, Any] | None:
            found = self.backup(backup_id)
            return found if found["status"] in ("COMPLETED", "FAILED") else None

        return wait_for(f"end of backup {backup_id}", over, timeout)

    def ask_for_backup(self, instance: str, **options: Any) -> str:
        """The id of a backup that Trove was asked for directly, and has accepted."""
        body = {"backup": {"instance": instance, "name": "by-hand", **options}}

        def accepted() -> str | None:
            answer = self.asking.post(
                "/backups", json=body, endpoint_filter=_DATABASE, raise_exc=False
            )
            # On a busy machine a server may not answer the look that Trove is told of.
            if answer.status_code == 422 and "SHUTDOWN" in answer.text:
                return None
            assert answer.ok, answer.text
            return str(answer.json()["backup"]["id"])

        return wait_for(f"instance {instance} that can be backed up", accepted, 120)

    def take_backup(self, instance: str, **options: Any) -> dict[str, Any]:
        """A backup that is COMPLETED, asked of Trove directly."""
        found = self.wait_for_backup(self.ask_for_backup(instance, **options))
        assert found["status"] == "COMPLETED", (found, self.failure(instance))
        return found

    def failure(self, instance: str) -> str:
        """Why a backup of the instance failed last, in one line: Trove's own are cut anywhere."""
        answer = self.asking.get(f"/instances/{instance}", endpoint_filter=_DATABASE)
        return " ".join(answer.json()["instance"]["fault"]["message"].split())

    def triggers(self, session: Session | None = None) -> list[dict[str, Any]]:
        """Every cron trigger of the session's project."""
        answer = (session or self.asking).get("/cron_triggers", endpoint_filter=_WORKFLOW)
        return answer.json()["cron_triggers"]

    def trusts(self, session: Session | None = None) -> list[dict[str, Any]]:
        """Every trust that the session's user gave."""
        session = session or self.asking
        url = (
            f"{self.settings.keystone_url}/OS-TRUST/trusts?trustor_user_id={session.get_user_id()}"
        )
        return session.get(url).json()["trusts"]

    @contextmanager
    def stopped(self, program: str) -> Iterator[None]:
        """A program that answers nothing, and is not restarted because it is not dead."""
        process = self.process(program)
        process.suspend()
        try:
            yield
        finally:
            process.resume()

    @contextmanager
    def killed(self, program: str) -> Iterator[None]:
        """A program that is gone, and is started again only afterwards."""
        supervisor, gone = self.supervisor(), self.process(program)
        supervisor.suspend()
        try:
            gone.kill()
            yield
        finally:
            supervisor.resume()
        self.wait_for_restart(program, gone)

    def wait_for_restart(self, program: str, gone: psutil.Process) -> None:
        """Return when another process of the program is ready than the one that is gone."""

        def back() -> bool:
            now = self._program(program)
            return now.state == "ready" and now.process is not None and now.process.pid != gone.pid

        wait_for(f"{program} that is back", back, 240)

    def supervisor(self) -> psutil.Process:
        """What starts and restarts all programs."""
        return psutil.Process(self._status().supervisor)

    def keeper(self) -> psutil.Process:
        """What starts the supervisor anew when it dies."""
        keeper = self.supervisor().parent()
        assert keeper is not None and "trove_minicloud.cloud.keeper" in keeper.cmdline(), keeper
        return keeper

    def process(self, program: str) -> psutil.Process:
        """The process of a program that runs."""
        record = self._program(program).process
        assert record is not None, f"{program} doesn't run"
        return psutil.Process(record.pid)

    def _program(self, name: str) -> state.ProgramStatus:
        return next(each for each in self._status().programs if each.name == name)

    def _status(self) -> state.CloudStatus:
        status = state.load(self.root)
        assert status is not None, "the cloud is not up"
        return status

    def is_whole(self) -> bool:
        """Whether every program runs as it should."""
        status = state.load(self.root)
        return status is not None and all(each.state == "ready" for each in status.programs)

    def tidy(self) -> None:
        """Remove the tenant's schedules, and its instances but ``m``."""
        schedules = self.schedules()
        for schedule in schedules.schedule_list():
            schedules.schedule_delete(schedule, force=True)
        others = [each.id for each in instances.all_instances(self.root) if each.name != "m"]
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.delete_instance, others))


@contextmanager
def new_cloud(
    prepare: Callable[[Root], None] = Root.prepare, module: str = daemon.MODULE
) -> Iterator[LiveCloud]:
    """A mini cloud with the workbook loaded for all, and an instance ``m``.

    :param prepare: what there is to do before its start.
    :param module: its supervisor, as `daemon.up` starts it.
    """
    root = Root.at(passable_folder() / "cloud")
    try:
        prepare(root)
        daemon.up(root, print, module)
        live = LiveCloud(root)
        live.schedules("minicloud-admin").workbook_load(public=True)
        live.create_instance("m")
        yield live
    finally:
        remove(root)


def remove(root: Root) -> None:
    """Stop the mini cloud of a temporary folder, and remove the folder."""
    folder = root.path.parent

    def removed() -> bool:
        # A backup that the end of Trove has cut may still write.
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    # Databases on a busy machine.
    daemon.down(root, 300)
    wait_for("removal of the folder", removed, 120)


_DATABASE = {"service_type": "database"}
_WORKFLOW = {"service_type": "workflowv2"}


def finished(
    schedules: ScheduledBackups, schedule: str, count: int, timeout: float = FIRING_TIMEOUT
) -> list[ScheduleExecution]:
    """The schedule's executions, newest first, once N have ended."""

    def ended() -> list[ScheduleExecution] | None:
        found = [each for each in schedules.execution_list(schedule) if each.state in FINISHED]
        return found if len(found) >= count else None

    return wait_for(f"{count} ended executions of {schedule}", ended, timeout)


def run_by_hand(
    schedules: ScheduledBackups, started: str | ScheduleExecution, timeout: float = 300
) -> ScheduleExecution:
    """One run, to its end: one that has been started, or a new one of the schedule of this id."""
    run = schedules.schedule_run(started) if isinstance(started, str) else started

    def ended() -> ScheduleExecution | None:
        found = schedules.execution_show(run.id)
        return found if found.ended else None

    return wait_for(f"end of run {run.id}", ended, timeout)


def fill(name: str, cloud: LiveCloud, megabytes: int) -> None:
    """Rows that don't compress, so that a backup takes a moment."""
    with cloud.connect(name) as connection:
        connection.execute("create table ballast (content bytea)")
        connection.execute("alter table ballast alter column content set storage external")
        for _ in range(megabytes):
            connection.execute("insert into ballast values (%s)", [os.urandom(2**20)])


def _stands_still(process: psutil.Process) -> bool:
    """Whether it does: a signal also reaches one that has ended, and it may take a moment."""
    for _ in range(100):
        if process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
            break
        time.sleep(0.01)
    return bool(process.status() == psutil.STATUS_STOPPED)


def hung_tool(cloud: LiveCloud, name: str, timeout: float = 120.0) -> psutil.Process:
    """The pg_basebackup that backs an instance up, stopped where it is."""
    port = re.compile(rf"port='?{instances.find(cloud.root, name).port}\b")
    others: set[int] = set()

    def tool() -> psutil.Process | None:
        running = set(psutil.pids())
        for pid in running - others:
            with suppress(psutil.NoSuchProcess):  # it has ended just now
                process = psutil.Process(pid)
                command = " ".join(process.cmdline()) + " "
                if "pg_basebackup" in command and port.search(command):
                    process.suspend()
                    if _stands_still(process):
                        return process
                    continue  # a busy machine may take longer to stop it
                # A new one may be about to become the tool. To read all of them each time would
                # keep the tool from starting.
                if process.create_time() < time.time() - 5:
                    others.add(pid)
        others.intersection_update(running)
        return None

    deadline = time.monotonic() + timeout
    while (found := tool()) is None:
        assert time.monotonic() < deadline, f"no pg_basebackup of {name} within {timeout:.0f} s"
        # It may be there for no longer than a tenth of a second.
        time.sleep(0.01)
    return found
