# SPDX-License-Identifier: Apache-2.0
import ast
import json
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock

from trove_minicloud import settings
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root
from trove_minicloud.services import horizon
from trove_minicloud.services.serve_horizon import compute
from trove_minicloud.supervision.program import NotReadyError

PYTHON = Path("/somewhere/bin/python")


@pytest.fixture
def programs(root: Root) -> horizon.HorizonPrograms:
    return horizon.HorizonPrograms(root, settings.load_or_create(root))


def test_a_root_has_no_dashboard_until_one_is_wanted(
    root: Root, programs: horizon.HorizonPrograms
) -> None:
    assert programs() == []
    horizon.want(root, PYTHON)
    assert [program.name for program in programs()] == ["horizon"]


def test_ports_and_key_are_kept_and_the_interpreter_can_change(root: Root) -> None:
    first = horizon.want(root, PYTHON)
    second = horizon.want(root, Path("/elsewhere/python"))
    assert (second.port, second.compute_port, second.secret_key) == (
        first.port,
        first.compute_port,
        first.secret_key,
    )
    assert first.port != first.compute_port
    assert second == horizon.wanted(root)
    assert second.python == "/elsewhere/python"


def test_a_file_of_another_version_is_an_error_that_names_it(root: Root) -> None:
    horizon.want(root, PYTHON)
    file = root.service("horizon") / "dashboard.json"
    file.write_text('{"port": 1}')
    with pytest.raises(MiniCloudError, match=r"dashboard\.json"):
        horizon.wanted(root)


def test_a_dashboard_that_can_t_be_run_is_told_once_and_doesn_t_stop_the_cloud(
    root: Root, programs: horizon.HorizonPrograms, caplog: pytest.LogCaptureFixture
) -> None:
    horizon.want(root, PYTHON)
    (root.service("horizon") / "dashboard.json").write_text("{}")
    assert (programs(), programs()) == ([], [])
    assert len(caplog.records) == 1


def test_the_program_is_the_same_one_as_long_as_nothing_changes(
    root: Root, programs: horizon.HorizonPrograms
) -> None:
    dashboard = horizon.want(root, PYTHON)
    program = programs()[0]
    assert programs()[0] is program
    assert program.argv[0] == str(PYTHON)
    assert str(dashboard.port) in program.argv
    assert dashboard.secret_key not in " ".join([*program.argv, *program.env.values()])


def test_everything_is_written_under_the_root_and_for_its_owner_only(
    root: Root, programs: horizon.HorizonPrograms
) -> None:
    dashboard = horizon.want(root, PYTHON)
    programs()
    files = [each for each in root.service("horizon").rglob("*") if each.is_file()]
    assert {each.stat().st_mode & 0o777 for each in files} == {0o600}
    for each in files:
        if each.suffix == ".py":
            ast.parse(each.read_text())
    text = (root.service("horizon") / "local" / "local_settings.py").read_text()
    assert f"SECRET_KEY = {dashboard.secret_key!r}" in text
    assert "DEBUG = False" in text
    assert "ALLOWED_HOSTS = ['127.0.0.1', 'localhost']" in text


def test_local_settings_leave_no_name_that_horizon_uses_itself(root: Root) -> None:
    dashboard = horizon.want(root, PYTHON)
    text = horizon.local_settings(root, settings.load_or_create(root), dashboard)
    imported = [
        alias.asname or alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert [name for name in imported if not name.startswith("_")] == ["HORIZON_CONFIG"]


@pytest.mark.parametrize(
    "answer", [{"status_code": 500}, {"exc": requests.ConnectionError("refused")}]
)
def test_it_is_ready_when_it_shows_the_login_form(root: Root, answer: dict[str, Any]) -> None:
    dashboard = horizon.want(root, PYTHON)
    program = horizon.program(root, dashboard)
    with requests_mock.Mocker() as mock:
        mock.get(f"{dashboard.url}auth/login/", **answer)
        with pytest.raises(NotReadyError):
            program.ready()
        mock.get(f"{dashboard.url}auth/login/", text="a form")
        program.ready()


@pytest.mark.parametrize(
    ("path", "status", "key"),
    [
        ("/v2.1/flavors/detail", "200 OK", "flavors"),
        ("/v2.1/flavors/1", "200 OK", "flavor"),
        ("/v2.1/servers/detail", "404 Not Found", "itemNotFound"),
    ],
)
def test_the_compute_endpoint_knows_the_one_flavor_and_nothing_else(
    path: str, status: str, key: str
) -> None:
    started: list[str] = []
    body = compute({"PATH_INFO": path}, lambda status, headers: started.append(status))
    assert started == [status]
    assert list(json.loads(b"".join(body))) == [key]
