# SPDX-License-Identifier: Apache-2.0
import subprocess

from trove_minicloud import environment, settings
from trove_minicloud.root import Root


def test_a_path_with_strange_characters_survives_the_shell(root: Root) -> None:
    strange = Root.at(root.path / "it's $HOME")
    exports = environment.exports(strange, settings.load_or_create(root), admin=False)
    run = subprocess.run(
        ["/bin/sh", "-euc", f'{exports}\nprintf %s "$OS_CLIENT_CONFIG_FILE"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == str(strange.clouds_file)


def test_the_variables_are_those_that_the_trove_program_reads(root: Root) -> None:
    chosen = settings.load_or_create(root)
    lines = environment.exports(root, chosen, admin=False).splitlines()
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
