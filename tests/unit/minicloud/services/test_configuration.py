# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from oslo_config import cfg

from trove_minicloud import settings
from trove_minicloud.root import Root
from trove_minicloud.services import keystone, mistral, trove
from trove_minicloud.services.configuration import cache_variables, render


def test_values_reach_oslo_config_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "a.conf"
    file.write_text(render({"DEFAULT": {"path": "/with $dollar and 100%", "flag": True}}))
    conf = cfg.ConfigOpts()
    conf.register_opts([cfg.StrOpt("path"), cfg.BoolOpt("flag")])
    conf(["--config-file", str(file)])
    assert conf.path == "/with $dollar and 100%"
    assert conf.flag is True


@pytest.mark.parametrize("service", [keystone, mistral, trove])
def test_nobody_else_can_read_a_services_configuration(root: Root, service: object) -> None:
    service.configure(root, settings.load_or_create(root))  # type: ignore[attr-defined]
    directory = root.service(service.NAME)  # type: ignore[attr-defined]
    assert directory.stat().st_mode & 0o077 == 0
    for file in directory.iterdir():
        assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("service", [keystone, mistral, trove])
def test_no_password_is_among_a_services_arguments(root: Root, service: object) -> None:
    chosen = settings.load_or_create(root)
    program = service.program(root, chosen)  # type: ignore[attr-defined]
    for password in (chosen.admin_password, chosen.mistral_password, chosen.trove_password):
        assert password not in " ".join(program.argv)


def test_mistral_listens_on_loopback_only(root: Root) -> None:
    mistral.configure(root, settings.load_or_create(root))
    assert "host = 127.0.0.1" in (root.service("mistral") / "mistral.conf").read_text()


def test_what_libraries_keep_for_a_user_is_below_the_root(root: Root) -> None:
    for path in cache_variables(root).values():
        assert Path(path).is_relative_to(root.path)
    assert {"XDG_CACHE_HOME", "TROVECLIENT_UUID_CACHE_DIR"} <= cache_variables(root).keys()
