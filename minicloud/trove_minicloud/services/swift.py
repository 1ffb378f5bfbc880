# SPDX-License-Identifier: Apache-2.0
"""Swift: its four servers on one device, with one replica, and Keystone to tell who may what.

What a cluster needs besides, to mend and move its copies, has nothing to do here. There is no
memcached either: each request's token is looked at anew, so one that was revoked ends an upload.
"""

import errno
import os
import pwd
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import requests

from trove_minicloud.errors import StartupError
from trove_minicloud.files import write_private
from trove_minicloud.root import Root
from trove_minicloud.services import probes, swift_gate
from trove_minicloud.services.config_files import service_user
from trove_minicloud.settings import Settings
from trove_minicloud.stores import room
from trove_minicloud.stores.destination import Swift
from trove_minicloud.supervision.program import NotReadyError, Program

NAME = "swift"
PROXY = f"{NAME}-proxy"
#: The user that checks tokens.
USER = NAME
_DEVICE = "device"
_BACKENDS = ("account", "container", "object")
# As `probes` gives the others.
_READY_TIMEOUT = 10.0


def ports(swift: Swift) -> dict[str, int]:
    """The port of each server, by the name of its program."""
    return {
        f"{NAME}-account": swift.account_port,
        f"{NAME}-container": swift.container_port,
        f"{NAME}-object": swift.object_port,
        PROXY: swift.proxy_port,
    }


def configure(root: Root, settings: Settings, swift: Swift) -> None:
    """Write the servers' configuration; the rings are made by their programs.

    :raises StartupError: the file system can't keep what Swift knows of its objects.
    """
    directory = root.service(NAME)
    device = directory / "devices" / _DEVICE
    device.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_attributes(device)
    write_private(
        directory / "swift.conf",
        _render(
            {
                "swift-hash": {"swift_hash_path_suffix": swift.hash_suffix},
                "storage-policy:0": {"name": "one-copy", "default": "yes"},
            }
        ),
    )
    # For one life of the servers: they all start after this.
    write_private(directory / swift_gate.FILE, secrets.token_urlsafe(24))
    reserve = room.reserve(root, device)
    for kind in _BACKENDS:
        write_private(_file(directory, kind), _render(_backend(directory, kind, swift, reserve)))
    write_private(_file(directory, "proxy"), _render(_proxy(directory, settings, swift)))


def programs(root: Root, settings: Settings, swift: Swift) -> list[Program]:
    """The servers; the proxy is ready when it answers the user."""
    account = probes.answers(settings, f"{swift.url}{{project}}?limit=1")
    ready = {name: is_healthy(port) for name, port in ports(swift).items()} | {PROXY: account}
    directory = root.service(NAME)
    return [
        Program(
            name=name,
            argv=(
                sys.executable,
                "-m",
                "trove_minicloud.services.serve_swift",
                name.removeprefix(f"{NAME}-"),
                str(directory),
                *(f"{kind}={ports(swift)[f'{NAME}-{kind}']}" for kind in _BACKENDS),
            ),
            env={},
            cwd=directory,
            log=root.log(name),
            user=None,
            ready=is_ready,
            ready_timeout=240,
        )
        for name, is_ready in ready.items()
    ]


def _backend(
    directory: Path, kind: str, swift: Swift, reserve: int
) -> dict[str, Mapping[str, object]]:
    options = _common(directory, ports(swift)[f"{NAME}-{kind}"]) | {
        "devices": directory / "devices",
        # It is a folder, and no disk of its own.
        "mount_check": "false",
        "fallocate_reserve": reserve,
    }
    server: dict[str, object] = {"use": f"egg:swift#{kind}"}
    if kind == "object":
        # Nobody comes later to enter an object in its container's list: it has to be done at once.
        server["container_update_timeout"] = 60
    return {
        "DEFAULT": options,
        "pipeline:main": {"pipeline": f"healthcheck gate {kind}-server"},
        f"app:{kind}-server": server,
        "filter:gate": {"paste.filter_factory": "trove_minicloud.services.swift_gate:factory"},
        "filter:healthcheck": {"use": "egg:swift#healthcheck"},
    }


def _proxy(directory: Path, settings: Settings, swift: Swift) -> dict[str, Mapping[str, object]]:
    filters: dict[str, dict[str, object]] = {
        "catch_errors": {},
        "gatekeeper": {},
        "healthcheck": {},
        "authtoken": {
            "paste.filter_factory": "keystonemiddleware.auth_token:filter_factory",
            "delay_auth_decision": "true",
            "token_cache_time": -1,
            **service_user(settings, USER, swift.password),
        },
        "keystoneauth": {"operator_roles": "admin, member"},
        "container_quotas": {},
        "account_quotas": {},
        # As many segments as S3 takes, and a list of them that is long enough.
        "slo": {"max_manifest_segments": 10000, "max_manifest_size": 8 * 2**20},
    }
    return {
        "DEFAULT": _common(directory, swift.proxy_port),
        "pipeline:main": {"pipeline": " ".join((*filters, "proxy-server"))},
        "app:proxy-server": {
            "use": "egg:swift#proxy",
            "account_autocreate": "true",
            # A busy machine is slow, and there is no second copy to ask instead.
            "node_timeout": 60,
            "conn_timeout": 5,
        },
        **{
            f"filter:{name}": {"use": f"egg:swift#{name}"} | options
            if name != "authtoken"
            else options
            for name, options in filters.items()
        },
    }


def _common(directory: Path, port: int) -> dict[str, object]:
    return {
        "bind_ip": "127.0.0.1",
        "bind_port": port,
        "swift_dir": directory,
        "user": pwd.getpwuid(os.getuid()).pw_name,
        # One process, without a parent that only waits for it.
        "workers": 0,
        "log_level": "INFO",
        # Swift always writes to syslog as well: to one that nobody reads.
        "log_address": directory / "log",
        "log_custom_handlers": "trove_minicloud.services.serve_swift.log_to_the_console_alone",
    }


def is_healthy(port: int) -> Callable[[], None]:
    """Ready when the server answers by itself."""

    def ready() -> None:
        url = f"http://127.0.0.1:{port}/healthcheck"
        try:
            answer = requests.get(url, timeout=_READY_TIMEOUT)
        except requests.RequestException as error:
            raise NotReadyError(str(error)) from error
        if answer.status_code != requests.codes.ok:
            raise NotReadyError(f"{url} answers {answer.status_code}")

    return ready


def _require_attributes(device: Path) -> None:
    try:
        os.setxattr(device, "user.swift.probe", b"1")
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        raise StartupError(
            f"Swift keeps its objects' headers in extended attributes, and the file system of"
            f" {device} has none for users: choose a root on another one (ext4 and xfs have them)."
        ) from error


def _render(sections: Mapping[str, Mapping[str, object]]) -> str:
    """As Paste reads it: a percent sign would be a variable."""
    lines: list[str] = []
    for name, options in sections.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {str(value).replace('%', '%%')}" for key, value in options.items()]
        lines.append("")
    return "\n".join(lines)


def _file(directory: Path, kind: str) -> Path:
    return directory / f"{kind}-server.conf"
