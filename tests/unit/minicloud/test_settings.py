# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from trove_minicloud import settings
from trove_minicloud.errors import DamagedFileError, MiniCloudError
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


def test_a_file_of_another_shape_is_reported(root: Root) -> None:
    write_json(root.settings_file, {"keystone_port": 1})
    with pytest.raises(MiniCloudError, match=r"cloud\.json is not what this version wrote"):
        settings.load(root)


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
