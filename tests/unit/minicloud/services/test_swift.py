# SPDX-License-Identifier: Apache-2.0
import configparser
import errno
import os

import pytest

from trove_minicloud import settings
from trove_minicloud.errors import StartupError
from trove_minicloud.root import Root
from trove_minicloud.services import swift
from trove_minicloud.stores import destination


@pytest.fixture
def wanted(root: Root) -> destination.Swift:
    return destination.want_swift(root)


def test_every_server_listens_on_loopback_and_keeps_to_the_root(
    root: Root, wanted: destination.Swift
) -> None:
    swift.configure(root, settings.load_or_create(root), wanted)

    for name, port in swift.ports(wanted).items():
        file = root.service("swift") / f"{name.removeprefix('swift-')}-server.conf"
        assert file.stat().st_mode & 0o077 == 0
        conf = configparser.ConfigParser()
        conf.read_string(file.read_text())
        assert conf["DEFAULT"]["bind_ip"] == "127.0.0.1"
        assert conf["DEFAULT"]["bind_port"] == str(port)
        assert conf["DEFAULT"]["swift_dir"] == str(root.service("swift"))


def test_the_proxy_asks_keystone_before_anything_else_and_caches_no_token(
    root: Root, wanted: destination.Swift
) -> None:
    swift.configure(root, settings.load_or_create(root), wanted)

    conf = configparser.ConfigParser()
    conf.read(root.service("swift") / "proxy-server.conf")
    pipeline = conf["pipeline:main"]["pipeline"].split()
    assert pipeline.index("authtoken") < pipeline.index("keystoneauth") < pipeline.index("slo")
    assert conf["filter:authtoken"]["token_cache_time"] == "-1"
    assert conf["filter:authtoken"]["password"] == wanted.password


def test_no_secret_is_on_a_command_line(root: Root, wanted: destination.Swift) -> None:
    programs = swift.programs(root, settings.load_or_create(root), wanted)

    assert {program.name for program in programs} == set(swift.ports(wanted))
    for program in programs:
        assert not {wanted.password, wanted.hash_suffix} & set(program.argv)


def test_a_file_system_without_attributes_is_named(
    root: Root, wanted: destination.Swift, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refuse)

    with pytest.raises(StartupError, match=f"extended attributes.*{root.path}"):
        swift.configure(root, settings.load_or_create(root), wanted)
