# SPDX-License-Identifier: Apache-2.0
import dataclasses
import json

import pytest

from trove_minicloud import settings
from trove_minicloud.errors import DamagedFileError
from trove_minicloud.files import write_json
from trove_minicloud.root import Root


def test_there_are_none_before_the_first_start(root: Root) -> None:
    assert settings.load(root) is None


def test_ports_and_passwords_are_drawn_once_and_kept(root: Root) -> None:
    first = settings.load_or_create(root)
    assert settings.load_or_create(root) == first
    assert settings.load(root) == first


def test_no_two_passwords_are_alike(root: Root) -> None:
    drawn = settings.load_or_create(root)
    passwords = {
        drawn.admin_password,
        drawn.mistral_password,
        drawn.trove_password,
        drawn.demo_password,
    }
    assert len(passwords) == 4


def test_only_the_owner_can_read_them(root: Root) -> None:
    settings.load_or_create(root)
    assert root.settings_file.stat().st_mode & 0o077 == 0


def _change(root: Root, **changes: object) -> dict[str, object]:
    """Write the settings with other values; None takes one away."""
    settings.load_or_create(root)
    values = json.loads(root.settings_file.read_text()) | changes
    changed = {name: value for name, value in values.items() if value is not None}
    write_json(root.settings_file, changed)
    return changed


def test_what_a_newer_version_wrote_besides_is_passed_over_and_kept(root: Root) -> None:
    drawn = settings.load_or_create(root)
    _change(root, colour="blue", trove_port=None)
    found = settings.load_or_create(root)
    assert dataclasses.replace(found, trove_port=drawn.trove_port) == drawn
    assert json.loads(root.settings_file.read_text())["colour"] == "blue"


def test_a_port_that_is_missing_is_drawn(root: Root) -> None:
    _change(root, trove_port=None)
    with pytest.raises(DamagedFileError, match="trove_port"):
        settings.load(root)
    assert settings.load_or_create(root).trove_port > 0
    assert settings.load(root) == settings.load_or_create(root)


def test_a_password_that_is_missing_is_not_drawn_because_keystone_has_it(root: Root) -> None:
    changed = _change(root, trove_password=None, trove_port=None)
    with pytest.raises(DamagedFileError, match="trove_password"):
        settings.load_or_create(root)
    assert json.loads(root.settings_file.read_text()) == changed


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"keystone_port": "many"}'])
def test_damaged_settings_name_their_file(root: Root, content: str) -> None:
    root.settings_file.write_text(content)
    with pytest.raises(DamagedFileError, match=r"cloud\.json"):
        settings.load(root)


def test_a_setting_of_another_type_is_named(root: Root) -> None:
    settings.load_or_create(root)
    values = json.loads(root.settings_file.read_text())
    root.settings_file.write_text(json.dumps(values | {"trove_port": "many"}))
    with pytest.raises(DamagedFileError, match="trove_port is 'many'"):
        settings.load(root)
