# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
from argparse import Namespace
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from tests.unit.minicloud import examples
from trove_minicloud import cli, settings
from trove_minicloud.cloud import daemon, running
from trove_minicloud.commands import dashboard, databases
from trove_minicloud.errors import InstanceBusyError, MiniCloudError
from trove_minicloud.guest import instances
from trove_minicloud.guest.copy_check import Check
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.services import horizon
from trove_minicloud.stores import room
from trove_minicloud.supervision import state
from trove_minicloud.supervision.state import CloudStatus


@pytest.fixture(autouse=True)
def _proxies_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands change them for their process, which here is the tests'."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, os.environ.get(name, ""))


@pytest.fixture
def instance(root: Root) -> Instance:
    return examples.saved(
        root,
        id="5f1c7a6e-0000-4000-8000-000000000001",
        port=5432,
        created_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )


def _run(root: Root, *arguments: str) -> int:
    return cli.main([*arguments, "--root", str(root.path)])


def test_every_command_has_a_help_text() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "trove_minicloud", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    commands = "up down status env logs instance restore adopt recover"
    for command in commands.split():
        assert f"\n    {command} " in run.stdout


@pytest.mark.parametrize("arguments", [[], ["instance"], ["restore", "b"], ["up", "--detached-"]])
def test_an_incomplete_command_exits_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"trove-minicloud {metadata.version('trove-minicloud')}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["env"],
        ["logs"],
        ["logs", "-f"],
        ["instance", "list"],
        ["instance", "list", "-f", "json"],
        ["instance", "show", "m"],
        ["instance", "stop", "m"],
        ["instance", "create", "m"],
        ["restore", "b", "--name", "n"],
    ],
)
def test_where_there_never_was_a_cloud_a_command_says_so_and_creates_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    root = Root.at(tmp_path / "none")
    assert _run(root, *arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"trove-minicloud: There is no mini cloud under {root.path} yet; see: trove-minicloud up\n"
    )
    assert not root.path.exists()


def test_the_root_comes_from_the_environment_if_it_is_not_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TROVE_MINICLOUD_ROOT", str(tmp_path / "from-environment"))
    assert cli.main(["down"]) == 0
    assert "from-environment was not running" in capsys.readouterr().out


def test_an_error_goes_to_stderr_with_status_1(
    root: Root, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = create_autospec(running.run, side_effect=MiniCloudError("it failed, do this"))
    monkeypatch.setattr(running, "run", failing)
    assert _run(root, "up") == 1
    captured = capsys.readouterr()
    assert captured.err == "trove-minicloud: it failed, do this\n"
    assert captured.out == ""


@pytest.mark.parametrize("detach", [True, False])
def test_up_of_a_cloud_that_is_up_says_so_and_succeeds(
    root: Root, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], detach: bool
) -> None:
    monkeypatch.setattr(daemon, "run", create_autospec(daemon.run, return_value=False))
    monkeypatch.setattr(daemon, "up", create_autospec(daemon.up, return_value=False))
    assert _run(root, "up", *(["--detach"] if detach else [])) == 0
    assert capsys.readouterr().out == f"The mini cloud under {root.path} is already up.\n"


def test_up_detached_leaves_the_work_to_the_daemon(
    root: Root, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    up = create_autospec(daemon.up, return_value=True)
    monkeypatch.setattr(daemon, "up", up)
    assert _run(root, "up", "--detach") == 0
    assert up.call_args.args[0] == root
    said = capsys.readouterr().out
    assert f"env --root {root.path}" in said
    assert f"Keep a copy of {root.recovery_key} off this machine" in said
    root.recovery_key.touch()
    assert _run(root, "up", "--detach") == 0
    assert "off this machine" not in capsys.readouterr().out


def test_up_with_a_dashboard_waits_for_it_and_tells_the_login(
    root: Root, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(daemon, "up", create_autospec(daemon.up, return_value=False))
    wait = create_autospec(dashboard.wait, return_value=1.0)
    monkeypatch.setattr(dashboard, "wait", wait)
    assert _run(root, "up", "--detach", "--dashboard", "--dashboard-python", "/a/python") == 0
    wanted = horizon.wanted(root)
    assert wanted is not None
    assert wanted.python == "/a/python"
    wait.assert_called_once_with(root, wanted)
    assert wanted.url in capsys.readouterr().out


def test_down_of_a_cloud_that_is_down_says_so_and_succeeds(
    root: Root, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(root, "down") == 0
    assert "was not running" in capsys.readouterr().out


@pytest.mark.parametrize("now", [True, False])
def test_down_waits_for_running_backups_unless_it_is_to_be_now(
    root: Root, instance: Instance, monkeypatch: pytest.MonkeyPatch, now: bool
) -> None:
    busy: list[bool] = []

    def down(_root: Root) -> bool:
        try:
            with instances.backup_lock(root, instance.id, "backup b"):
                busy.append(False)
        except InstanceBusyError:
            busy.append(True)
        return True

    monkeypatch.setattr(daemon, "down", down)
    with state.supervisor_lock(root):
        assert _run(root, "down", *(["--now"] if now else [])) == 0
    # None can begin while it waits.
    assert busy == [not now]


def test_status_of_a_cloud_that_is_down(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(root, "status") == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == f"{root.path}: down"
    assert third == "Own state: not copied yet; the next backup does."
    assert second.startswith("Room for backups: ")
    assert _run(root, "status", "-f", "json") == 0
    described = json.loads(capsys.readouterr().out)
    room = described.pop("room")
    copied = described.pop("state_copy")
    assert copied == {"copied_at": None, "url": None, "size": 0, "error": None}
    assert described == {"root": str(root.path), "state": "down", "error": "", "programs": []}
    assert room["free"] > room["reserve"]
    assert (room["last_day"], room["nights"]) == (0, None)


def test_the_nights_that_are_left_are_told(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    (root.backups / "i").mkdir()
    (root.backups / "i" / "b").write_bytes(bytes(1000))
    assert _run(root, "status") == 0
    assert re.search(r"That is room for \d+ nights like the last\.\n", capsys.readouterr().out)


@pytest.mark.parametrize(("given", "status"), [("2048", 0), ("-1", 1)])
def test_the_reserve_is_kept(
    root: Root, monkeypatch: pytest.MonkeyPatch, given: str, status: int
) -> None:
    monkeypatch.setattr(daemon, "up", create_autospec(daemon.up, return_value=True))
    before = room.reserve(root, root.backups)
    assert _run(root, "up", "--detach", "--reserve", given) == status
    assert room.reserve(root, root.backups) == (before if status else 2048 * 2**20)


def test_env_without_a_cloud_is_an_error(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(root, "env") == 1
    assert "has never been up" in capsys.readouterr().err


def test_env_prints_only_what_a_shell_can_evaluate(
    root: Root, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.load_or_create(root)
    assert _run(root, "env") == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    shell = subprocess.run(
        ["/bin/sh", "-euc", captured.out + '\necho "$OS_CLOUD"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout == "minicloud\n"


def test_env_admin_is_the_administrators(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    settings.load_or_create(root)
    _run(root, "env", "--admin")
    output = capsys.readouterr().out
    assert "export OS_CLOUD=minicloud-admin\n" in output
    assert "OS_USERNAME=admin " in output


def test_logs_of_an_unknown_name_lists_the_known(
    root: Root, capsys: pytest.CaptureFixture[str]
) -> None:
    root.log("trove").write_text("")
    assert _run(root, "logs", "nova") == 1
    assert "no log of 'nova'; there are: trove." in capsys.readouterr().err


def test_logs_go_after_their_programs_name(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    root.log("keystone").write_text("one\n")
    root.log("trove").write_text("two\n")
    _run(root, "logs")
    assert capsys.readouterr().out == "keystone | one\ntrove    | two\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["instance", "create", "n"],
        ["instance", "add", "n", "--dsn", "postgresql://u@127.0.0.1/"],
        ["instance", "start", "m"],
        ["instance", "delete", "m"],
        ["instance", "delete", "--force", "m"],
        ["restore", "b", "--name", "n"],
    ],
)
def test_commands_that_need_the_cloud_say_how_to_start_it(
    root: Root, instance: Instance, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert _run(root, *arguments) == 1
    captured = capsys.readouterr()
    assert f"is not up. Start it with: trove-minicloud up --detach --root {root.path}" in (
        captured.err
    )
    assert instances.all_instances(root) == [instance]


def test_a_new_instance_is_of_the_datastore_that_was_asked_for(
    root: Root, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = create_autospec(databases.create, return_value=instance)
    monkeypatch.setattr(databases, "create", create)
    assert _run(root, "instance", "create", "n", "--datastore", "other") == 0
    assert create.call_args.args[:3] == (root, "n", "other")


def test_the_password_of_an_added_server_comes_from_its_file(
    root: Root, instance: Instance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add = create_autospec(databases.add, return_value=instance)
    monkeypatch.setattr(databases, "add", add)
    file = tmp_path / "password"
    file.write_text("secret\n")
    arguments = ["instance", "add", "n", "--dsn", "x", "--password-file", str(file)]
    assert _run(root, *arguments) == 0
    assert add.call_args.args[:5] == (root, "n", "postgresql", "x", "secret")


def test_a_restore_names_backup_and_new_instance(
    root: Root, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = create_autospec(databases.restore, return_value=instance)
    monkeypatch.setattr(databases, "restore", restore)
    assert _run(root, "restore", "the-backup", "--name", "n") == 0
    assert restore.call_args.args[:3] == (root, "the-backup", "n")


def test_the_instances_are_listed(
    root: Root, instance: Instance, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(root, "instance", "list", "-f", "json") == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "id": instance.id,
            "name": "m",
            "datastore": "postgresql 18.6",
            "address": "127.0.0.1:5432",
            "wanted": "running",
        }
    ]


def test_an_instance_shows_how_to_connect_without_its_password(
    root: Root, instance: Instance, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(root, "instance", "show", "m") == 0
    output = capsys.readouterr().out
    assert "2026-03-01 12:00:00 UTC" in output
    assert "passfile=" in output


def test_a_check_is_shown_as_it_was_given(
    root: Root,
    instance: Instance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _run(root, "instance", "check", "m") == 0
    assert capsys.readouterr().out == "Restored copies of m are asked nothing.\n"
    check = create_autospec(
        databases.check, side_effect=lambda _root, _name, wanted, _clear: wanted
    )
    monkeypatch.setattr(databases, "check", check)
    query = ("--query", "select count(*) from orders", "--expect", "3", "--database", "shop")
    assert _run(root, "instance", "check", "m", *query) == 0
    check.assert_called_once_with(root, "m", Check(query[1], "3", "shop"), False)
    assert capsys.readouterr().out.split("\n")[1:4] == [
        "query     select count(*) from orders",
        "expect    3",
        "database  shop",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--query", "select 1"],
        ["--expect", "1"],
        ["--database", "shop"],
        ["--clear", "--query", "select 1", "--expect", "1"],
    ],
)
def test_half_a_check_is_refused(
    root: Root,
    instance: Instance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    check = create_autospec(databases.check)
    monkeypatch.setattr(databases, "check", check)
    assert _run(root, "instance", "check", "m", *arguments) == 1
    assert capsys.readouterr().err.startswith("trove-minicloud: --")
    check.assert_not_called()


def test_a_stopped_instance_stays_wanted_stopped(root: Root, instance: Instance) -> None:
    assert _run(root, "instance", "stop", "m") == 0
    assert instances.load(root, instance.id).wanted == "stopped"


def test_a_server_that_runs_elsewhere_can_not_be_stopped(
    root: Root, instance: Instance, capsys: pytest.CaptureFixture[str]
) -> None:
    instances.save(root, replace(instance, managed=False))
    assert _run(root, "instance", "stop", "m") == 1
    assert "runs outside the mini cloud" in capsys.readouterr().err


def test_the_parser_gives_every_command_a_function() -> None:
    parsed = cli.build_parser().parse_args(["instance", "list"])
    assert isinstance(parsed, Namespace)
    assert callable(parsed.command)


@pytest.mark.parametrize("arguments", [["up"], ["up", "--detach"], ["status"], ["down"]])
@pytest.mark.parametrize("path", ["/proc/x/y", f"/tmp/{'x' * 300}", "/dev/null/x"])
def test_an_impossible_root_is_told_in_a_line(
    arguments: list[str], path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = cli.main([*arguments, "--root", path])
    captured = capsys.readouterr()
    if "up" in arguments:
        assert status == 1
        assert captured.err.startswith("trove-minicloud: Can't use ")
    assert captured.err.count("\n") == status


def test_an_error_of_the_operating_system_is_told_in_a_line(
    root: Root, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = create_autospec(daemon.down, side_effect=PermissionError(13, "Denied", "/a/file"))
    monkeypatch.setattr(daemon, "down", failing)
    assert _run(root, "down") == 1
    assert capsys.readouterr().err == "trove-minicloud: [Errno 13] Denied: '/a/file'\n"


@pytest.mark.parametrize("arguments", [["env"], ["status"], ["up"]])
def test_a_damaged_settings_file_is_named(
    root: Root,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    # A supervisor's own is of no use to the tests after this one.
    monkeypatch.setattr(os, "umask", lambda _mask: 0o022)
    root.settings_file.write_text("{")
    with contextlib.ExitStack() as stack:
        if arguments == ["status"]:
            stack.enter_context(state.supervisor_lock(root))
            state.save(root, CloudStatus(os.getpid(), "running", "", ()))
        assert _run(root, *arguments) == 1
    assert f"{root.settings_file} is damaged" in capsys.readouterr().err


def test_the_line_to_type_survives_a_path_with_spaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(daemon, "up", create_autospec(daemon.up, return_value=True))
    root = Root.at(tmp_path / "my cloud")
    assert _run(root, "up", "--detach") == 0
    assert f"env --root '{root.path}')" in capsys.readouterr().out


def test_the_way_to_connect_can_be_pasted_into_a_shell_whatever_the_roots_name(
    tmp_path: Path, instance: Instance, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = Root.at(tmp_path / """it's "my" $cloud""")
    strange.path.mkdir()
    strange.marker.touch()
    strange.instances.mkdir()
    instance.folder(strange).mkdir()
    instances.save(strange, instance)
    assert _run(strange, "instance", "show", "m") == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "psql" in line)
    words = shlex.split(line.removeprefix("connect with"))
    assert words[0] == "psql"
    assert str(instance.superuser_password_file(strange)).replace("'", "\\'") in words[1]
