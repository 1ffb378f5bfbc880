# SPDX-License-Identifier: Apache-2.0
"""Every command of every page is one that the real program takes, and that somebody has run."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cliff.commandmanager import CommandManager
from openstackclient.shell import OpenStackShell
from troveclient.shell import OpenStackTroveShell

from tests.docs.pages import PAGES, REPOSITORY, Line, commands
from trove_minicloud.cli import build_parser
from trove_schedules.cli.openstack import options
from trove_schedules.cli.trove import Extension
from trove_schedules.schedules.names import new_schedule_id
from trove_schedules.schedules.pattern import freeze
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.room import USUAL_QUOTA, most_kept

#: Whose commands of `openstack` the pages name.
_GROUPS = ("openstack.database.v1", "openstack.workflow_engine.v2", "openstack.identity.v3",
           "openstack.cli", "openstack.common")  # fmt: skip


@cache
def _openstack() -> tuple[OpenStackShell, list[CommandManager]]:
    return OpenStackShell(), [CommandManager(group) for group in _GROUPS]


def _find_openstack(words: tuple[str, ...]) -> tuple[Any, str, list[str]] | None:
    """The class of a command, its name and its arguments."""
    shell, managers = _openstack()
    _, rest = shell.parser.parse_known_args(list(words))
    for manager in managers:
        try:
            factory, name, arguments = manager.find_command(rest)
        except ValueError:
            continue
        return factory, name, arguments
    return None


def _takes_openstack(words: tuple[str, ...]) -> None:
    if words == ("complete",):  # the shell's own
        return
    found = _find_openstack(words)
    assert found, f"openstack has no command {' '.join(words)!r}"
    factory, name, arguments = found
    factory(_openstack()[0], None).get_parser(name).parse_args(arguments)


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
    "ansible-galaxy": "tests/ansible, by folders of its own",
    "cat": "the shell",
    "cd": "the shell",
    "cp": "tests/deploy, by copies of its own",
    "curl": "nothing: the service is elsewhere",
    "do": "the shell; its commands are checked",
    "docker": "nothing: there is no Docker where the tests run",
    "done": "the shell",
    "echo": "the shell",
    "eval": "the shell; its command is checked",
    "export": "the shell",
    "for": "the shell",
    "git": "whoever commits",
    "grep": "tests/end_to_end/test_tutorial.py",
    "head": "the shell",
    "helm": "nothing: the chart is in no package index",
    "kolla-ansible": "tests/deploy/test_kolla_ansible.py",
    "kolla-build": "tests/deploy/test_kolla.py",
    "kubectl": "nothing: there is no cluster where the tests run",
    "mv": "the shell",
    "openstack-ansible": "tests/deploy/test_openstack_ansible.py, by the program that it wraps",
    "pip": "tests/packages",
    "promtool": "tests/docs/test_monitoring.py",
    "pytest": "make",
    "python3": "the walk",
    "rm": "tests/end_to_end/test_this_machine.py",
    "reno": "make docs",
    "sed": "tests/end_to_end/test_tutorial.py",
    "sudo": "nothing: the hosts are elsewhere; tests/end_to_end/test_packaged.py runs the unit",
    "test": "the shell",
    "timeout": "tests/end_to_end/test_tutorial.py",
    "true": "the shell",
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


def _schedules_created() -> Iterator[tuple[Line, Plan]]:
    """The schedules that pages create, less those of README.md: it sets retention afterwards."""
    for line in _LINES:
        found = _find_openstack(line.words[1:]) if line.words[0] == "openstack" else None
        if found and found[1] == "database backup schedule create" and line.page != "README.md":
            factory, name, arguments = found
            parser = factory(_openstack()[0], None).get_parser(name)
            try:
                parsed = parser.parse_args(arguments)
            except SystemExit:
                assert line.named
                continue
            schedule = new_schedule_id()
            frozen = freeze(parsed.pattern, schedule)
            yield line, Plan(frozen, parsed.name, **_set_ones(options.given(parsed)))


def _set_ones(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def test_the_schedules_of_the_pages_fit_the_usual_quota() -> None:
    kept = {str(line): most_kept(plan, datetime.now(UTC)) for line, plan in _schedules_created()}
    assert len(kept) > 10
    assert {line: most for line, most in kept.items() if not most or most > USUAL_QUOTA} == {}


#: Who makes a page true by doing what it says: tests do the first, a person the second.
_TYPED = ("docs/tutorial.md", "docs/howto/back-up-this-machine.md")
_WALK = "docs/contributor/release.md"


def _names(words: tuple[str, ...]) -> Iterator[str]:
    """The names of what is run, without arguments; nothing for a program of somebody else."""
    program, *rest = words
    if program == "openstack":
        if found := _find_openstack(tuple(rest)):
            yield f"openstack {found[1]}"
        elif rest == ["complete"]:
            yield "openstack complete"
    elif program == "trove-minicloud":
        yield " ".join([program, *rest[: 2 if rest[0] == "instance" else 1]])
    elif program == "trove":
        yield f"trove {rest[0]}"
    elif program == "make":
        yield from (f"make {target}" for target in rest if "=" not in target)


def _typed_by_tests() -> Iterator[tuple[str, ...]]:
    """What the end-to-end tests type: the literal words of their calls and tuples."""
    for path in sorted(REPOSITORY.joinpath("tests", "end_to_end").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
            words = [
                str(each.value) if isinstance(each, ast.Constant) else "x"
                for each in parts
                if not isinstance(each, ast.Starred)
            ]
            # LiveCloud.openstack adds the beginning; what it is given may stand in a tuple.
            method = getattr(getattr(node, "func", None), "attr", "")
            if method == "openstack" or words[:1] in (["schedule"], ["policy"]):
                words = ["openstack", "database", "backup", *words]
            if len(words) > 1 and words[0] in _PARSERS:
                yield tuple(words)


def test_every_command_on_a_page_is_run_by_a_test_or_in_the_walk() -> None:
    makefile = REPOSITORY.joinpath("Makefile").read_text(encoding="utf-8")
    [beside] = re.findall(r"^test-beside: (.*?) ##", makefile, re.MULTILINE)
    tested = ("test", "test-beside", "test-end-to-end", *beside.split())
    run = {f"make {target}" for target in tested}
    for words in _typed_by_tests():
        run |= set(_names(words))
    for line in _LINES:
        if line.page in (*_TYPED, _WALK):
            run |= set(_names(line.words))
    never = [str(line) for line in _LINES if not set(_names(line.words)) <= run]
    assert never == [], f"type them in an end-to-end test, or add them to {_WALK}"
