# SPDX-License-Identifier: Apache-2.0
import os
import shlex
import subprocess
import sys

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


def test_the_variables_are_those_that_the_trove_program_reads(root: Root) -> None:
    chosen = settings.load_or_create(root)
    unset, *lines = client_variables.exports(root, chosen, admin=False).splitlines()
    assert unset.startswith("unset ")
    values = dict(line.removeprefix("export ").split("=", 1) for line in lines)
    assert values["OS_AUTH_URL"] == chosen.keystone_url
    assert values["OS_PASSWORD"].strip("'") == chosen.demo_password
    assert {
        "OS_USERNAME",
        "OS_PROJECT_NAME",
        "OS_USER_DOMAIN_NAME",
        "OS_PROJECT_DOMAIN_NAME",
        "OS_REGION_NAME",
    } < values.keys()


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
