# SPDX-License-Identifier: Apache-2.0
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from trove_minicloud import settings
from trove_minicloud.commands import client_variables
from trove_minicloud.root import Root


def test_a_path_with_strange_characters_survives_the_shell(root: Root) -> None:
    strange = Root.at(root.path / "it's $HOME")
    exports = client_variables.exports(strange, settings.load_or_create(root), admin=False)
    run = subprocess.run(
        ["/bin/sh", "-euc", f'{exports}\nprintf %s "$OS_CLIENT_CONFIG_FILE"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == str(strange.clouds_file)


def _shell(exports: str, command: str, **environment: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-euc", f"{exports}\n{command}"],
        env={"PATH": os.defpath, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("program", ["mistral", "swift", "trove"])
@pytest.mark.parametrize("admin", [False, True])
def test_programs_that_read_no_clouds_yaml_get_the_login(
    root: Root, tmp_path: Path, program: str, admin: bool
) -> None:
    chosen = settings.load_or_create(root)
    (tmp_path / program).write_text('#!/bin/sh\nenv\nprintf "%s\\n" "$@"\n')
    (tmp_path / program).chmod(0o755)
    output = _shell(
        client_variables.exports(root, chosen, admin=admin),
        f"{program} 'a b' c",
        PATH=f"{tmp_path}:{os.defpath}",
    ).splitlines()
    assert output[-2:] == ["a b", "c"]
    values = dict(line.split("=", 1) for line in output[:-2])
    password = chosen.admin_password if admin else chosen.demo_password
    assert values["OS_AUTH_URL"] == chosen.keystone_url
    assert values["OS_PASSWORD"] == password
    assert {
        "OS_USERNAME",
        "OS_PROJECT_NAME",
        "OS_USER_DOMAIN_NAME",
        "OS_PROJECT_DOMAIN_NAME",
        "OS_REGION_NAME",
    } < values.keys()


def test_nothing_outranks_the_cloud_that_is_chosen_on_the_command_line(root: Root) -> None:
    exports = client_variables.exports(root, settings.load_or_create(root), admin=False)
    own = {"OS_USERNAME": "me", "OS_PASSWORD": "mine", "OS_AUTH_URL": "http://elsewhere"}
    lines = _shell(exports, "env", **own).splitlines()
    names = {line.partition("=")[0] for line in lines if line.startswith("OS_")}
    assert names == {"OS_CLIENT_CONFIG_FILE", "OS_CLOUD"}


def test_clients_ask_the_mini_cloud_without_a_proxy(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "example.org")
    exports = client_variables.exports(root, settings.load_or_create(root), admin=False)
    assert _shell(exports, 'echo "$no_proxy"') == "example.org,127.0.0.1,localhost\n"


def test_the_users_own_login_is_put_aside(root: Root) -> None:
    exports = client_variables.exports(root, settings.load_or_create(root), admin=False)
    own = {"OS_TOKEN": "t", "OS_AUTH_TYPE": "token", "OS_PROJECT_ID": "p", "OS_SYSTEM_SCOPE": "all"}
    run = subprocess.run(
        ["/bin/sh", "-euc", f"{exports}\nenv"],
        env={"PATH": os.defpath, **own},
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.partition("=")[0] for line in run.stdout.splitlines()}
    assert "OS_CLOUD" in names
    assert names.isdisjoint(own)


def test_the_trove_program_does_not_warn_of_eventlet(root: Root) -> None:
    exports = client_variables.exports(root, settings.load_or_create(root), admin=False)
    command = shlex.join([sys.executable, "-c", "import troveclient.client"])
    run = subprocess.run(
        ["/bin/sh", "-euc", f"{exports}\n{command}"], capture_output=True, text=True, check=True
    )
    assert "Eventlet" not in run.stderr
