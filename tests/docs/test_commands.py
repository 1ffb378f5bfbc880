# SPDX-License-Identifier: Apache-2.0
"""Every command of every page is one that the real program takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from cliff.commandmanager import CommandManager
from openstackclient.shell import OpenStackShell
from troveclient.shell import OpenStackTroveShell

from tests.docs.pages import PAGES, REPOSITORY, Line, commands
from trove_minicloud.cli import build_parser
from trove_schedules.cli.trove import Extension

#: Whose commands of `openstack` the pages name.
_GROUPS = ("openstack.database.v1", "openstack.workflow_engine.v2", "openstack.identity.v3",
           "openstack.cli", "openstack.common")  # fmt: skip


@cache
def _openstack() -> tuple[OpenStackShell, list[CommandManager]]:
    return OpenStackShell(), [CommandManager(group) for group in _GROUPS]


def _takes_openstack(words: tuple[str, ...]) -> None:
    shell, managers = _openstack()
    _, rest = shell.parser.parse_known_args(list(words))
    if rest == ["complete"]:  # the shell's own
        return
    for manager in managers:
        try:
            factory, name, arguments = manager.find_command(rest)
        except ValueError:
            continue
        factory(shell, None).get_parser(name).parse_args(arguments)
        return
    raise AssertionError(f"openstack has no command {' '.join(rest)!r}")


def _takes_trove(words: tuple[str, ...]) -> None:
    Extension.__pre_parse_args__()
    shell = OpenStackTroveShell()
    shell.extensions = []
    shell.get_subcommand_parser("1.0", list(words)).parse_args(list(words))


def _takes_minicloud(words: tuple[str, ...]) -> None:
    build_parser().parse_args(list(words))


def _takes_make(words: tuple[str, ...]) -> None:
    targets = re.findall(r"^([a-z-]+):", REPOSITORY.joinpath("Makefile").read_text(), re.MULTILINE)
    assert set(word for word in words if "=" not in word) <= set(targets), words


_PARSERS: dict[str, Callable[[tuple[str, ...]], None]] = {
    "openstack": _takes_openstack,
    "trove": _takes_trove,
    "trove-minicloud": _takes_minicloud,
    "make": _takes_make,
}
#: Other programs that the pages may name, because something else runs them as they stand there.
_RUN_ELSEWHERE: dict[str, str] = {
    "cd": "the shell",
    "curl": "nothing: the service is elsewhere",
    "echo": "the shell",
    "eval": "the shell; its command is checked",
    "export": "the shell",
    "grep": "tests/end_to_end/test_tutorial.py",
    "mv": "the shell",
    "pip": "tests/packages",
    "promtool": "tests/docs/test_monitoring.py",
    "pytest": "make",
    "reno": "make docs",
    "sed": "tests/end_to_end/test_tutorial.py",
    "test": "the shell",
    "timeout": "tests/end_to_end/test_tutorial.py",
}
_LINES = [line for page in PAGES for line in commands(page)]


def test_the_pages_have_commands() -> None:
    assert len([line for line in _LINES if line.words[0] == "openstack"]) > 20


@pytest.mark.parametrize("line", _LINES, ids=str)
def test_a_command_on_a_page_is_one_of_the_program(
    line: Line,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tmp_path.joinpath("trove.yaml").touch()  # what one page writes and reads
    monkeypatch.chdir(tmp_path)
    program, *words = line.words
    if program in _RUN_ELSEWHERE:
        return
    assert program in _PARSERS, f"{line}\nnothing checks {program!r}: neither a parser nor a test"
    try:
        _PARSERS[program](tuple(words))
    except SystemExit as ended:
        said = capsys.readouterr().err
        only_named = line.named and "the following arguments are required" in said
        assert ended.code == 0 or only_named, f"{line}\n{said}"
