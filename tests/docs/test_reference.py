# SPDX-License-Identifier: Apache-2.0
"""What the reference pages write down by hand is what the code has."""

from __future__ import annotations

import argparse
import re
import tomllib
from importlib import metadata
from pathlib import Path

import mistral.policies
import pytest
import trove.common.policies as trove_policies
import yaml

from tests.docs.pages import REPOSITORY
from trove_minicloud.cli import build_parser
from trove_minicloud.guest.postgresql.binaries import FOLDER_VARIABLE
from trove_minicloud.root import ROOT_VARIABLE
from trove_schedules import workbook
from trove_schedules.health import State
from trove_schedules.schedules.options import OPTIONS, Option
from trove_schedules.schedules.selection import SELECTING

DOCS = REPOSITORY / "docs"


def _rows(page: Path) -> list[list[str]]:
    """The cells of every row of a page's tables."""
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]


def test_every_health_state_has_its_exit_status() -> None:
    table = {row[0]: row[1] for row in _rows(DOCS / "reference" / "health.md")[2:]}
    assert table == {str(state): str(state.exit_status) for state in State}


def test_every_option_is_there_as_the_tables_have_it() -> None:
    def value(option: Option) -> str:
        if option.kind is bool:
            return "(switch)"
        most = f" (at most {option.most}{'' if option.kind is int else ' characters'})"
        return f"`<{option.unit}>`" + (most if option.most else "")

    page = DOCS.joinpath("reference", "options.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `--")]
    assert rows == [
        f"| `{option.argument}` | {value(option)} | {option.otherwise} | "
        f"{'yes' if option.can_be_unset else 'no'} | {option.help} |"
        for option in [*OPTIONS.values(), *SELECTING.values()]
    ]


@pytest.mark.parametrize("name", ["backup_create", "backup_policy", "backup_drill"])
def test_every_input_and_output_of_the_workbook_is_there(name: str) -> None:
    workflow = yaml.safe_load(workbook.text())["workflows"][name]
    wanted = [
        next(iter(each.items())) if isinstance(each, dict) else (each, "(needed)")
        for each in workflow["input"]
    ]
    page = DOCS.joinpath("reference", "workbook.md").read_text(encoding="utf-8")
    sections = {part.partition("\n")[0]: part for part in page.split("\n## ")}
    inputs, outputs = sections[f"Inputs of `{name}`"], sections[f"Outputs of `{name}`"]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", inputs, re.MULTILINE)
    assert [name for name, _ in rows] == [name for name, _ in wanted]
    for (name, default), (_, value) in zip(rows, wanted, strict=True):
        assert default.strip("`") == (
            value if value == "(needed)" else yaml.dump(value).split()[0]
        ), name
    assert set(re.findall(r"^\| `(\w+)` \|", outputs, re.MULTILINE)) == set(workflow["output"])


@pytest.mark.parametrize("name", yaml.safe_load(workbook.text())["workflows"])
def test_every_workflow_of_the_workbook_is_told_of(name: str) -> None:
    page = DOCS.joinpath("reference", "workbook.md").read_text(encoding="utf-8")
    assert f"`{name}`" in page


def test_the_workbook_s_version_is_the_newest_that_is_told_of() -> None:
    version = workbook.version_of(workbook.text())
    versions = [row[0] for row in _rows(DOCS / "reference" / "workbook.md") if row[0].isdigit()]
    assert versions[-1] == str(version)


def test_every_rule_of_the_policies_is_one_of_the_services() -> None:
    page = DOCS.joinpath("operators", "policy.md").read_text(encoding="utf-8")
    known = {rule.name for rule in [*mistral.policies.list_rules(), *trove_policies.list_rules()]}
    named = set(re.findall(r"`([a-z_]+:[a-z_]+)`", page))
    assert named
    assert named <= known


def test_every_command_is_in_the_tables_of_the_commands() -> None:
    """The tables are for a code host, where nothing makes a page from the programs."""
    points = metadata.entry_points(group="openstack.database.v1")
    commands = {point.name for point in points if point.value.startswith("trove_schedules.")}
    ours = {name.removeprefix("database_backup_schedule_") for name in commands}
    assert ours
    assert {name.replace("_", " ") for name in ours} == _in_table("cli.md")
    assert _commands(build_parser()) == _in_table("trove-minicloud.md")


def _in_table(page: str) -> set[str]:
    """The names in a table's first column, with the group that the first of a row begins with."""
    names = set()
    for row in _rows(DOCS / "reference" / page)[2:]:
        several = [name.strip("`") for name in row[0].split(", ")]
        group = several[0].rpartition(" ")[0]
        names |= {name if " " in name else f"{group} {name}".strip() for name in several}
    return names


def _commands(parser: argparse.ArgumentParser) -> set[str]:
    """What an argument parser has as commands, with those below them."""
    names = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                names |= {f"{name} {each}" for each in _commands(below)} or {name}
    return names


def test_every_alert_is_told_of() -> None:
    alerts = yaml.safe_load(REPOSITORY.joinpath("monitoring", "alerts.yaml").read_text())
    names = {rule["alert"] for group in alerts["groups"] for rule in group["rules"]}
    assert names <= {row[0] for row in _rows(DOCS / "howto" / "monitoring.md")}


def test_every_variable_of_the_mini_cloud_is_there() -> None:
    page = DOCS.joinpath("reference", "configuration.md").read_text(encoding="utf-8")
    for variable in (ROOT_VARIABLE, FOLDER_VARIABLE, "PGPASSWORD"):
        assert f"`{variable}`" in page


def test_every_dependency_of_the_client_is_justified() -> None:
    project = tomllib.loads(
        REPOSITORY.joinpath("client", "pyproject.toml").read_text(encoding="utf-8")
    )
    needed = {re.split(r"[<>=]", each)[0] for each in project["project"]["dependencies"]}
    page = _rows(DOCS / "why-these-dependencies.md")[2:]
    assert {row[0] for row in page} == needed
    for name, what, release, instead in page:
        assert what, name
        assert re.fullmatch(r"\S+, 20\d\d-\d\d-\d\d", release), name
        assert instead, name


def test_every_command_of_the_makefile_has_a_line_of_help() -> None:
    text = REPOSITORY.joinpath("Makefile").read_text(encoding="utf-8")
    phony = set(re.sub(r"\\\n", " ", text).split(".PHONY:")[1].split("\n")[0].split())
    helped = set(re.findall(r"^([a-z-]+):.*## \S", text, re.MULTILINE))
    assert phony == helped


def test_every_decision_is_in_the_list() -> None:
    listed = DOCS.joinpath("decisions", "README.md").read_text(encoding="utf-8")
    files = sorted(DOCS.joinpath("decisions").glob("0*.md"))
    assert files
    assert [path.name for path in files if f"({path.name})" not in listed] == []
