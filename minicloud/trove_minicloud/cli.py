# SPDX-License-Identifier: Apache-2.0
"""The `trove-minicloud` command: parses, calls, prints. An error is told on stderr, status 1.

More than 300 lines, because every command has its options here.
"""

import argparse
import contextlib
import json
import logging
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trove_minicloud.commands import tables
from trove_minicloud.errors import MiniCloudError, NotUpError
from trove_minicloud.loopback import spare_proxies
from trove_minicloud.root import ROOT_VARIABLE, Root

DISTRIBUTION = "trove-minicloud"

# The modules behind the commands are imported by them: `--help` and `status` stay quick.
Command = Callable[[Root, argparse.Namespace], None]
_UP = "trove-minicloud up"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = build_parser().parse_args(arguments)
    spare_proxies(os.environ)
    try:
        root = Root.at(options.root) if options.root else Root.default()
        if options.command not in _WITHOUT_A_CLOUD and not root.exists():
            raise NotUpError(f"There is no mini cloud under {root.path} yet; see: {_UP}")
        options.command(root, options)
    except (KeyboardInterrupt, BrokenPipeError):
        # Ctrl-C on `logs -f`, or a pager that was closed.
        sys.stderr.close()
        return 130
    except (MiniCloudError, OSError) as error:
        print(f"trove-minicloud: {error}", file=sys.stderr)
        return 1
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command, each with its function as `command`."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--root",
        metavar="DIR",
        help=f"the folder that holds the mini cloud (default: ${ROOT_VARIABLE}, else"
        " /var/lib/trove-minicloud for root and ~/.local/share/trove-minicloud for others)",
    )
    parser = argparse.ArgumentParser(
        prog="trove-minicloud",
        description="A real Keystone, Mistral and Trove on this machine, and databases to back up.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version(DISTRIBUTION)}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str, to: Any = commands) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = to.add_parser(
            name, parents=[common], help=text, description=text[0].upper() + text[1:] + "."
        )
        added.set_defaults(command=command)
        return added

    up = add("up", _up, "start the mini cloud and keep it up until Ctrl-C")
    up.add_argument("--detach", action="store_true", help="return once it is up, and leave it up")
    up.add_argument("--dashboard", action="store_true", help="with Horizon, now and from now on")
    up.add_argument(
        "--dashboard-python",
        type=Path,
        metavar="PYTHON",
        help="the interpreter with Horizon (default: that of 'make dashboard')",
    )
    _store_options(up)
    down = add("down", _down, "wait for running backups, and stop the mini cloud and its databases")
    down.add_argument("--now", action="store_true", help="don't wait: running backups fail")
    add("install-service", _install_service, "have systemd run the mini cloud, also after a reboot")
    _format_option(
        add("status", _status, "show what runs, and for how long there is room"), "prometheus"
    )
    env = add("env", _env, 'print variables for OpenStack clients: eval "$(trove-minicloud env)"')
    env.add_argument("--admin", action="store_true", help="be the administrator, not the user")
    logs = add("logs", _logs, "print the logs, each line after the name of its program")
    logs.add_argument("name", nargs="*", help="a service, an instance, or supervisor")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what is appended")
    _instance_commands(commands, add)
    restore = add("restore", _restore, "make a new server from a backup and those it builds on")
    restore.add_argument("backup", metavar="BACKUP", help="the backup's id or name")
    restore.add_argument("--name", required=True, help="the name of the new instance")
    adopt = add("adopt", _adopt, "take the backups that are in a store into Trove")
    _place_arguments(adopt, "a folder, s3://BUCKET or s3://BUCKET/FOLDER, or swift")
    adopt.add_argument("--dry-run", action="store_true", help="only list what is there")
    recover = add("recover", _recover, "bring a lost mini cloud back from the store of its backups")
    _place_arguments(recover, "a folder, s3://BUCKET or s3://BUCKET/FOLDER")
    recover.add_argument(
        "--key", type=Path, metavar="FILE", help="a copy of the file recovery.key of the lost root"
    )
    return parser


def _place_arguments(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("store", metavar="STORE", help=text)
    parser.add_argument("--s3", metavar="URL", help="the S3 server of the bucket")
    parser.add_argument(
        "--s3-credentials",
        type=Path,
        metavar="FILE",
        help="an AWS credentials file that only you can read (default: $AWS_ACCESS_KEY_ID and"
        " $AWS_SECRET_ACCESS_KEY, kept in the root)",
    )


def _instance_commands(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    text = "create, add, look at, start, stop and delete database servers"
    instance = commands.add_parser("instance", help=text, description=f"{text.capitalize()}.")
    group = instance.add_subparsers(title="commands", required=True, metavar="COMMAND")
    create = add("create", _create, "make a new, empty server that the mini cloud runs", group)
    create.add_argument("name", metavar="NAME")
    added = add("add", _add, "add a server that runs already, to back it up", group)
    added.add_argument("name", metavar="NAME")
    added.add_argument(
        "--dsn",
        required=True,
        help="where it is, without a password: postgresql://user@127.0.0.1:5432/",
    )
    added.add_argument(
        "--password-file",
        type=Path,
        metavar="FILE",
        help="a file whose first line is the password (default: $PGPASSWORD)",
    )
    for parser in (create, added):
        parser.add_argument("--datastore", default="postgresql", help="the kind of database")
    _format_option(add("list", _list, "list the instances", group))
    check = add("check", _check, "show or set what restored copies of an instance are asked", group)
    check.add_argument("instance", metavar="INSTANCE")
    check.add_argument("--query", metavar="SQL", help="a query that answers one value")
    check.add_argument(
        "--expect",
        metavar="ANSWER",
        help="that value, as the server writes it: t and f are PostgreSQL's, 1 and 0 MariaDB's",
    )
    check.add_argument(
        "--database",
        metavar="NAME",
        help="where to ask (default: postgres; on MariaDB none: name tables with theirs)",
    )
    check.add_argument("--clear", action="store_true", help="ask nothing from now on")
    for name, command, text in (
        ("show", _show, "show one instance, and how to connect to it"),
        ("start", _start, "start a server that was stopped"),
        ("stop", _stop, "stop a server, until it is started again"),
    ):
        add(name, command, text, group).add_argument("instance", metavar="INSTANCE")
    text = "stop a server and delete its data; its backups and backup schedules stay"
    delete = add("delete", _delete, text, group)
    delete.add_argument("instance", metavar="INSTANCE")
    delete.add_argument(
        "--force",
        action="store_true",
        help="delete it although schedules back it up, or Mistral can't say whether any do",
    )


def _store_options(up: argparse.ArgumentParser) -> None:
    store = up.add_argument_group(
        "where backups go", "from this start on; those taken before stay where they are"
    )
    one = store.add_mutually_exclusive_group()
    one.add_argument("--local", action="store_true", help="to a folder of the root (at first)")
    one.add_argument("--swift", action="store_true", help="to a Swift that runs here")
    one.add_argument("--s3", metavar="URL", help="to this S3 server")
    one.add_argument(
        "--store-dir",
        type=Path,
        metavar="DIR",
        help="to a folder in this one, such as on a disk without databases",
    )
    store.add_argument(
        "--reserve",
        type=int,
        metavar="MIB",
        help="leave as much of the disk for the databases (default: 5%%, at most 1024 MiB)",
    )
    store.add_argument("--s3-bucket", metavar="NAME", help="the bucket, which has to be there")
    store.add_argument(
        "--s3-credentials",
        type=Path,
        metavar="FILE",
        help="an AWS credentials file that only you can read (default: $AWS_ACCESS_KEY_ID and"
        " $AWS_SECRET_ACCESS_KEY, kept in the root)",
    )


def _format_option(parser: argparse.ArgumentParser, *more: str) -> None:
    parser.add_argument("-f", "--format", choices=("table", "json", *more), default="table")


def _up(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.cloud import daemon
    from trove_minicloud.commands import dashboard
    from trove_minicloud.services import recovery_key

    root.prepare()
    first = not root.recovery_key.exists()
    _choose_store(root, options)
    horizon = dashboard.enable(root, options.dashboard_python) if options.dashboard else None
    if options.detach:
        fresh = daemon.up(root, _say)
    else:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        if horizon:
            _say("\n".join(dashboard.login(root, horizon)))
        fresh = daemon.run(root)
    if not fresh:
        _say(f"The mini cloud under {root.path} is already up.")
    elif options.detach:
        _say(f"The mini cloud is up: {root.path}")
        if first:
            _say(recovery_key.advice(root))
        _say(f'To use it: eval "$(trove-minicloud env --root {shlex.quote(str(root.path))})"')
    if horizon and (options.detach or not fresh):
        _say(f"{dashboard.NAME} is ready ({dashboard.wait(root, horizon):.1f} s)")
        _say("\n".join(dashboard.login(root, horizon)))


def _choose_store(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.stores import choosing, room

    if options.reserve is not None:
        if options.reserve < 0:
            raise MiniCloudError("--reserve is a number of MiB, and not below 0.")
        room.keep(root, options.reserve)
    if options.s3:
        if not options.s3_bucket:
            raise MiniCloudError("--s3 needs the name of a bucket: add --s3-bucket.")
        choosing.use_s3(root, options.s3, options.s3_bucket, options.s3_credentials)
    elif options.s3_bucket or options.s3_credentials:
        raise MiniCloudError("--s3-bucket and --s3-credentials are for --s3 URL.")
    elif options.store_dir:
        choosing.use_folder(root, options.store_dir)
    elif options.swift or options.local:
        choosing.use(root, "swift" if options.swift else "local")


def _down(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.cloud import daemon
    from trove_minicloud.cloud.idle import idle
    from trove_minicloud.supervision import state

    up = root.exists() and state.supervisor_pid(root) is not None
    with idle(root, _say) if up and not options.now else contextlib.nullcontext():
        stopped = daemon.down(root)
    _say(f"The mini cloud under {root.path} {'is down' if stopped else 'was not running'}.")


def _install_service(root: Root, _options: argparse.Namespace) -> None:
    from trove_minicloud.commands import service

    root.prepare()
    for line in service.install(root):
        _say(line)


def _status(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.commands import metrics
    from trove_minicloud.commands.status import describe, room_in_words, state_copy_in_words

    described = describe(root)
    if options.format == "json":
        print(json.dumps(described, indent=2))
        return
    if options.format == "prometheus":
        _say("\n".join(metrics.lines(described)))
        return
    _say(f"{described['root']}: {described['state']}")
    if described["error"]:
        _say(described["error"])
    if described["room"]:
        _say(room_in_words(described["room"]))
    if root.exists():
        _say(state_copy_in_words(root, described["state_copy"]))
    if described["programs"]:
        tables.show(described["programs"])


def _env(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud import settings
    from trove_minicloud.commands import client_variables

    chosen = settings.load(root)
    if chosen is None:
        raise NotUpError(f"The mini cloud under {root.path} has never been up; see: {_UP}")
    print(client_variables.exports(root, chosen, admin=options.admin))


def _logs(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.commands import logs

    chosen = logs.choose(root, options.name)
    width = max((len(name) for name in chosen), default=0)
    for name, line in logs.lines(chosen, follow=options.follow):
        print(f"{name:{width}} | {line}", flush=options.follow)


def _create(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.commands import databases

    tables.show_instance(root, databases.create(root, options.name, options.datastore, _say))


def _add(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.commands import databases
    from trove_minicloud.guest.postgresql.added import read_password

    password = read_password(options.password_file)
    added = databases.add(root, options.name, options.datastore, options.dsn, password, _say)
    tables.show_instance(root, added)


def _restore(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.commands import databases

    tables.show_instance(root, databases.restore(root, options.backup, options.name, _say))


def _adopt(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.commands import adopting

    adopting.adopt(
        root, options.store, options.s3, options.s3_credentials, _say, dry_run=options.dry_run
    )


def _recover(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.commands import recovery

    recovery.recover(root, options.store, options.s3, options.s3_credentials, options.key, _say)


def _list(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.guest import instances

    rows = [tables.row_of(instance) for instance in instances.all_instances(root)]
    if options.format == "json":
        print(json.dumps(rows, indent=2))
    else:
        tables.show(rows)


def _show(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.guest import instances

    tables.show_instance(root, instances.find(root, options.instance))


def _check(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.commands import databases
    from trove_minicloud.guest.copy_check import Check

    query, expected = options.query, options.expect
    if (query is None) != (expected is None):
        raise MiniCloudError("--query and --expect go together: a check is a query and its answer.")
    if options.database is not None and query is None:
        raise MiniCloudError("--database goes with --query and --expect.")
    if options.clear and query is not None:
        raise MiniCloudError("--clear takes the check away; a new one replaces it anyway.")
    wanted = None if query is None else Check(query, expected, options.database)
    found = databases.check(root, options.instance, wanted, options.clear)
    if found is None:
        _say(f"Restored copies of {options.instance} are asked nothing.")
    else:
        rows = {"query": found.query, "expect": found.expected, "database": found.database}
        tables.show_fields(rows)


def _start(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.commands import databases

    databases.start(root, options.instance, _say)


def _stop(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.commands import databases

    _say(f"Instance {databases.stop(root, options.instance).name} is stopped.")


def _delete(root: Root, options: argparse.Namespace) -> None:
    from trove_minicloud.commands import databases

    deleted = databases.delete(root, options.instance, force=options.force)
    _say(f"Instance {deleted.name} is deleted.")


def _say(text: str) -> None:
    print(text, flush=True)


#: The commands that need no mini cloud: they make one, or say themselves that none is there.
_WITHOUT_A_CLOUD = (_up, _down, _status, _install_service, _adopt, _recover)
