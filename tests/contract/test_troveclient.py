# SPDX-License-Identifier: Apache-2.0
"""What the schedules, and the workbook by way of Mistral, assume of python-troveclient."""

import inspect
from importlib import metadata

import pytest
from requests import Response
from troveclient import shell
from troveclient.apiclient import exceptions
from troveclient.v1 import shell as commands
from troveclient.v1.backups import Backups

OURS = [
    "do_schedule_create",
    "do_schedule_list",
    "do_schedule_show",
    "do_schedule_delete",
    "do_execution_list",
    "do_execution_delete",
]


@pytest.mark.parametrize("name", OURS)
def test_the_shell_has_the_commands_that_ours_replace(name):
    # In the source: another test of this process may have replaced them.
    assert f"def {name}(cs, args):" in inspect.getsource(commands)


def test_commands_are_found_by_their_names_when_the_parser_is_built():
    source = inspect.getsource(shell.OpenStackTroveShell._find_actions)
    assert "dir(actions_module)" in source
    assert "startswith('do_')" in source


def test_extensions_run_before_the_parser_is_built_and_after_it_parsed():
    source = inspect.getsource(shell.OpenStackTroveShell.main)
    before = source.index("__pre_parse_args__")
    assert before < source.index("get_subcommand_parser(") < source.index("__post_parse_args__")


def test_extensions_are_entry_points_and_ours_is_one():
    assert "troveclient.extension" in inspect.getsource(
        shell.OpenStackTroveShell._discover_via_entry_points
    )
    names = {each.name for each in metadata.entry_points(group="troveclient.extension")}
    assert "schedules" in names


def test_the_shell_makes_its_login_in_one_method():
    assert "def _get_keystone_auth(self, session, auth_url, **kwargs):" in inspect.getsource(shell)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("create", {"instance", "name", "description", "parent_id", "incremental"}),
        ("list", {"instance_id", "limit"}),
        ("get", {"backup"}),
        ("delete", {"backup"}),
    ],
)
def test_backups_take_the_arguments_that_the_workbook_gives(method, arguments):
    assert arguments <= set(inspect.signature(getattr(Backups, method)).parameters)


def test_nulls_and_false_are_left_out_of_a_create_request():
    bodies = []
    manager = Backups.__new__(Backups)
    manager._create = lambda url, body, key: bodies.append(body)
    manager.create("n", "i", description=None, parent_id=None, incremental=False)
    assert bodies == [{"backup": {"name": "n", "instance": "i", "incremental": 0}}]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 500])
def test_the_text_of_an_error_ends_with_its_status(status):
    response = Response()
    response.status_code = status
    response.headers["Content-Type"] = "application/json"
    response._content = b'{"fault": {"message": "because of that", "code": 1}}'
    error = exceptions.from_response(response, "POST", "http://t/backups")
    assert str(error) == f"because of that (HTTP {status})"
