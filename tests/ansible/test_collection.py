# SPDX-License-Identifier: Apache-2.0
"""What is published: its documentation, its options, Ansible's own checks, and a playbook."""

from __future__ import annotations

import json
import re
import tomllib

import yaml

from tests.ansible.collection import NAME, REPOSITORY, SOURCE, Collection
from tests.unit.client.fake_cloud import FakeCloud
from tests.unit.client.rows import triggers
from tools import ansible_options
from trove_schedules.schedules.options import OPTIONS

PAGE = REPOSITORY / "docs" / "howto" / "ansible.md"
MODULES = sorted(each.stem for each in SOURCE.glob("plugins/modules/*.py"))


def test_the_options_are_those_of_the_table() -> None:
    for path, text in ansible_options.files().items():
        assert path.read_text(encoding="utf-8") == text, "run: make ansible-options"


def test_every_module_is_documented(collection: Collection) -> None:
    names = [f"{NAME}.{each}" for each in MODULES]
    told = json.loads(collection.run("ansible-doc", "--json", *names))
    assert sorted(told) == names
    options = told[f"{NAME}.schedule"]["doc"]["options"]
    assert set(OPTIONS) < set(options)
    assert options["webhook_on"]["choices"] == list(OPTIONS["webhook_on"].choices)
    listed = json.loads(collection.run("ansible-doc", "--list", "--json", NAME))
    assert sorted(listed) == names


def test_ansibles_own_checks_find_nothing(collection: Collection) -> None:
    said = collection.sanity()
    ran = set(re.findall(r'^Running sanity test "(.*?)"', said, re.MULTILINE))
    assert {"import", "pep8", "pylint", "validate-modules", "yamllint"} < ran


def test_all_modules_share_the_cloud_of_module_defaults() -> None:
    runtime = yaml.safe_load(SOURCE.joinpath("meta", "runtime.yml").read_text())
    assert runtime["action_groups"]["all"] == MODULES


def test_the_playbook_of_the_page_makes_what_it_says_and_the_second_time_changes_nothing(
    collection: Collection, cloud: FakeCloud
) -> None:
    cloud.add_instance("orders-db")
    [play] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    file = collection.folder / "playbook.yaml"
    file.write_text(play)
    checked = collection.run("ansible-playbook", file, "--check", "--diff")
    assert '+    "keep_daily": 14' in checked
    assert "changed=2" in checked
    assert triggers(cloud) == []
    assert "changed=2" in collection.run("ansible-playbook", file)
    [schedule] = cloud.schedules().schedule_list()
    [policy] = cloud.schedules().policy_list()
    assert (schedule.name, schedule.keep_daily) == ("nightly", 14)
    assert policy.selection.exclude == ("orders-db", "test-*")
    made = triggers(cloud)
    assert "changed=0" in collection.run("ansible-playbook", file)
    assert triggers(cloud) == made


def test_the_version_is_the_librarys() -> None:
    galaxy = yaml.safe_load(SOURCE.joinpath("galaxy.yml").read_text())
    project = tomllib.loads(REPOSITORY.joinpath("client", "pyproject.toml").read_text())
    assert galaxy["version"] == project["project"]["version"]


def test_the_readme_names_every_module() -> None:
    text = SOURCE.joinpath("README.md").read_text()
    assert all(f"`{NAME}.{each}`" in text for each in MODULES)
