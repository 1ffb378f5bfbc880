# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from oslo_config import cfg

from trove_minicloud import settings
from trove_minicloud.root import Root
from trove_minicloud.services import keystone, mistral, trove
from trove_minicloud.services.backend import SERVICES, Backend, single_process
from trove_minicloud.services.config_files import (
    OVERRIDES,
    cache_variables,
    config_arguments,
    render,
)


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
    chosen = settings.load_or_create(root)
    service.configure(root, chosen, single_process(root))  # type: ignore[attr-defined]
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


def test_mistral_uses_threads_in_release_2025_1_too(root: Root) -> None:
    mistral.configure(root, settings.load_or_create(root), single_process(root))
    text = (root.service("mistral") / "mistral.conf").read_text()
    assert "oslo_rpc_executor = threading" in text


def test_mistral_listens_on_loopback_only(root: Root) -> None:
    mistral.configure(root, settings.load_or_create(root), single_process(root))
    assert "host = 127.0.0.1" in (root.service("mistral") / "mistral.conf").read_text()


def test_what_libraries_keep_for_a_user_is_below_the_root(root: Root) -> None:
    for path in cache_variables(root).values():
        assert Path(path).is_relative_to(root.path)
    assert {"XDG_CACHE_HOME", "TROVECLIENT_UUID_CACHE_DIR"} <= cache_variables(root).keys()


def _read(root: Root, service: str) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt("transport_url"))
    conf.register_opt(cfg.StrOpt("connection"), "database")
    conf.register_opt(cfg.StrOpt("type"), "executor")
    conf(config_arguments(root.service(service), service))
    return conf


def test_the_same_services_run_on_what_they_are_given(root: Root) -> None:
    backend = Backend({name: f"mysql+pymysql://{name}@h/{name}" for name in SERVICES}, "rabbit://h")
    chosen = settings.load_or_create(root)
    for service in (keystone, mistral, trove):
        service.configure(root, chosen, backend)
        conf = _read(root, service.NAME)
        assert conf.database.connection == backend.databases[service.NAME]
    assert _read(root, mistral.NAME).transport_url == "rabbit://h"


@pytest.mark.parametrize(
    ("transport", "executor"), [("fake://", "local"), ("rabbit://h", "remote")]
)
def test_mistrals_actions_run_where_its_messages_reach(
    root: Root, transport: str, executor: str
) -> None:
    backend = Backend(single_process(root).databases, transport)
    mistral.configure(root, settings.load_or_create(root), backend)
    assert _read(root, mistral.NAME).executor.type == executor


def test_the_users_own_options_have_the_last_word_and_are_left_alone(root: Root) -> None:
    chosen, backend = settings.load_or_create(root), single_process(root)
    mistral.configure(root, chosen, backend)
    own = root.service(mistral.NAME) / OVERRIDES
    own.write_text("[executor]\ntype = remote\n")
    mistral.configure(root, chosen, backend)
    assert _read(root, mistral.NAME).executor.type == "remote"
    assert _read(root, mistral.NAME).transport_url == "fake://"


def test_keystone_reads_the_users_own_options_too(root: Root) -> None:
    chosen = settings.load_or_create(root)
    keystone.configure(root, chosen, single_process(root))
    (root.service(keystone.NAME) / OVERRIDES).write_text("")
    assert keystone.program(root, chosen).env["OS_KEYSTONE_CONFIG_FILES"] == (
        "keystone.conf;override.conf"
    )
