# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL servers that the mini cloud makes and runs: `create_server` and what it shares."""

import secrets
import signal
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from trove_minicloud.errors import DatastoreError, ServerUnavailableError
from trove_minicloud.guest import folders, instances
from trove_minicloud.guest.accounts import give_to, require_reachable
from trove_minicloud.guest.instances import PROBE_TIMEOUT, Instance
from trove_minicloud.guest.postgresql import server_config
from trove_minicloud.guest.postgresql.binaries import (
    INCREMENTAL_MAJOR,
    Programs,
    account,
    major_of,
    server_programs,
)
from trove_minicloud.guest.postgresql.connection import (
    Server,
    identify,
    to_conninfo,
    write_password_file,
)
from trove_minicloud.guest.postgresql.server_config import BACKUP_ROLE, SUPERUSER
from trove_minicloud.guest.tools import run
from trove_minicloud.root import Root
from trove_minicloud.supervision.program import NotReadyError, Program

DATASTORE = "postgresql"
# A server that was killed first replays its WAL.
_READY_TIMEOUT = 300.0
_STOP_TIMEOUT = 60.0
#: The first version whose rounds for a password can be chosen.
_ROUNDS_MAJOR = 16


def create_server(
    root: Root, name: str, project_id: str, *, instance_id: str | None = None
) -> Instance:
    """Make a new, empty server, wanted running: the supervisor starts it.

    :raises ProgramsMissingError, UnreachableFolderError: it can't run on this machine.
    """
    root.prepare()
    programs, user = server_programs(root), account()
    instance = new_instance(
        root, name, project_id, version=programs.version, instance_id=instance_id
    )
    with folders.building(root) as folder:
        require_reachable(folder, user)
        data = folder / "data"
        data.mkdir(mode=0o700)
        give_to(user, data)
        run(initdb_command(programs, data), folder, user=user)
        server_config.write(data, server_config.settings(instance.port, programs.major, {}))
        give_to(user, data)
        set_passwords(programs, folder, instance, {})
        instances.write(folder, instance)
    return instance


#: A new instance, see `instances.new`.
new_instance = partial(instances.new, datastore=DATASTORE, user=BACKUP_ROLE)


def server_program(root: Root, instance: Instance) -> Program:
    """How to run a managed instance's server.

    :raises ProgramsMissingError: no programs of its version.
    """
    programs = server_programs(root, major_of(instance.version))
    user = account()

    def ready() -> None:
        try:
            identify(programs, server_of(root, instance), PROBE_TIMEOUT)
        except ServerUnavailableError as error:
            raise NotReadyError(str(error)) from error

    return Program(
        name=f"postgresql-{instance.id}",
        argv=(programs.path("postgres"), "-D", str(instance.data(root))),
        env={"LC_ALL": "C"},
        cwd=instance.folder(root),
        log=instance.log(root),
        user=user.pw_uid if user else None,
        ready=ready,
        ready_timeout=_READY_TIMEOUT,
        # PostgreSQL's SIGTERM waits until every client has gone; its SIGINT doesn't.
        stop_signal=signal.SIGINT,
        stop_timeout=_STOP_TIMEOUT,
    )


def server_of(root: Root, instance: Instance) -> Server:
    return Server(
        instance.host,
        instance.port,
        instance.user,
        instance.password_file(root),
        instance.sslmode,
        instance.sslrootcert,
    )


def connection_string(root: Root, instance: Instance) -> str:
    """For an administrator of a managed instance's databases, with any libpq client.

    It names the password's file instead of the password.
    """
    return to_conninfo(
        host=instance.host,
        port=instance.port,
        user=SUPERUSER,
        dbname="postgres",
        passfile=instance.superuser_password_file(root),
    )


def initdb_command(programs: Programs, data: Path) -> tuple[str, ...]:
    argv = [programs.path("initdb"), "-D", str(data), "-U", SUPERUSER, "--encoding=UTF8"]
    # Nobody gets in by what initdb writes: our own rules and passwords follow.
    argv += ["--auth=reject", "--data-checksums", "--locale=C"]
    if programs.major >= INCREMENTAL_MAJOR:
        # Sorts alike on every machine, whatever libraries it has.
        argv += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return tuple(argv)


def set_passwords(
    programs: Programs, folder: Path, instance: Instance, options: Mapping[str, str]
) -> None:
    """Give the server's superuser and backup role new passwords, before it serves anybody.

    They are set in single-user mode: no other way is safe for a restored copy, which comes with
    the passwords of its source. `options` are settings for this run only.
    """
    passwords = {SUPERUSER: secrets.token_urlsafe(24), BACKUP_ROLE: secrets.token_urlsafe(24)}
    statements = (
        *_role_statements(SUPERUSER, "SUPERUSER LOGIN", passwords[SUPERUSER]),
        *_role_statements(BACKUP_ROLE, "NOSUPERUSER LOGIN REPLICATION", passwords[BACKUP_ROLE]),
    )
    _run_alone(programs, folder, options, "".join(f"{line}\n" for line in statements))
    files = {SUPERUSER: "superuser.password", BACKUP_ROLE: "backup.password"}
    for role, file in files.items():
        write_password_file(folder / file, instance.port, role, passwords[role])


def _run_alone(
    programs: Programs, folder: Path, options: Mapping[str, str], statements: str
) -> None:
    """Run them in whichever database there is: a restored copy may lack one of these."""
    for database in ("template1", "postgres"):
        argv = single_user_command(programs, folder / "data", options, database)
        try:
            run(argv, folder, stdin=statements, user=account())
        except DatastoreError as error:
            if f'database "{database}" does not exist' not in str(error):
                raise
            failure = error
        else:
            return
    raise failure


def single_user_command(
    programs: Programs, data: Path, options: Mapping[str, str], database: str
) -> tuple[str, ...]:
    # An error in a statement must end it, and no statement may get into a log.
    fixed = {"exit_on_error": "on", "log_statement": "none", "log_min_error_statement": "panic"}
    if programs.major >= _ROUNDS_MAJOR:
        # Rounds make it slow to guess a person's password, and to log in. Ours are long and random.
        fixed["scram_iterations"] = "1"
    argv = [programs.path("postgres"), "--single", "-D", str(data)]
    for name, value in (fixed | dict(options)).items():
        argv += ("-c", f"{name}={value}")
    return (*argv, database)


def _role_statements(role: str, attributes: str, password: str) -> Iterator[str]:
    """Single-user mode takes one statement a line."""
    yield (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')"
        f" THEN CREATE ROLE {role}; END IF; END $$"
    )
    yield (
        f"ALTER ROLE {role} {attributes} CONNECTION LIMIT -1 PASSWORD '{password}'"
        " VALID UNTIL 'infinity'"
    )
