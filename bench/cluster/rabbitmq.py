# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ, by which the processes of a distributed Mistral talk: Debian's, in private folders."""

import os
import re
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from bench.cluster import debian
from bench.cluster.servers import Cluster
from trove_minicloud.files import write_private
from trove_minicloud.guest.accounts import give_to, server_account
from trove_minicloud.root import Root
from trove_minicloud.supervision.program import DATABASE_VARIABLES, NotReadyError, Program

NAME = "rabbitmq"
#: Erlang's own register of node names and ports.
EPMD = "epmd"

_USER = "mistral"
_INSTALLED = (Path("/usr/lib/rabbitmq/bin/rabbitmq-server"), Path("/usr/lib/erlang/bin/erl"))
_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
_TIMEOUT = 2.0


def transport_url(cluster: Cluster) -> str:
    """The broker as oslo.messaging names it."""
    return f"rabbit://{_USER}:{cluster.rabbitmq_password}@127.0.0.1:{cluster.rabbitmq_port}//"


def configure(root: Root, cluster: Cluster) -> None:
    """Write the broker's files, and fetch its programs the first time.

    :raises MiniCloudError: the packages can't be had here.
    """
    folder = root.service(NAME)
    folder.mkdir(mode=0o700, exist_ok=True)
    _programs(root)
    write_private(
        folder / "rabbitmq.conf",
        f"listeners.tcp.default = 127.0.0.1:{cluster.rabbitmq_port}\n"
        f"default_user = {_USER}\n"
        f"default_pass = {cluster.rabbitmq_password}\n"
        "disk_free_limit.absolute = 50MB\n"
        "log.console = true\n"
        "log.file = false\n",
    )
    write_private(folder / "enabled_plugins", "[].\n")
    write_private(folder / "rabbitmq-env.conf", "")
    # By the cookie Erlang's nodes know each other; it accepts only a file that is read-only.
    cookie = folder / ".erlang.cookie"
    if not cookie.exists():
        write_private(cookie, secrets.token_urlsafe(24))
        cookie.chmod(0o400)
    give_to(server_account(NAME), folder)


def programs(root: Root, cluster: Cluster) -> tuple[Program, Program]:
    """Erlang's register and the broker; the broker needs the register when it starts."""
    prefix = _programs(root)
    erlang = prefix / "usr/lib/erlang/bin"
    folder = root.service(NAME)
    user = server_account(NAME)

    def program(name: str, argv: tuple[str, ...], ready: Callable[[], None]) -> Program:
        return Program(
            name=name,
            argv=argv,
            env={
                "PATH": f"{erlang}:{os.environ.get('PATH', os.defpath)}",
                "HOME": str(folder),
                "ERL_EPMD_PORT": str(cluster.epmd_port),
                "ERL_EPMD_ADDRESS": "127.0.0.1",
                "RABBITMQ_NODENAME": f"{NAME}@localhost",
                "RABBITMQ_DIST_PORT": str(cluster.erlang_port),
                "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
                "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
                "RABBITMQ_MNESIA_BASE": str(folder / "data"),
                "RABBITMQ_LOG_BASE": str(folder / "log"),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                    "-kernel inet_dist_use_interface {127,0,0,1}"
                ),
                # The start script then becomes the broker, instead of waiting beside it.
                "RUNNING_UNDER_SYSTEMD": "true",
            },
            cwd=folder,
            log=root.log(name),
            user=user.pw_uid if user else None,
            ready=ready,
            ready_timeout=240,
            stop_timeout=30,
            inherits=DATABASE_VARIABLES,
        )

    epmd = (str(erlang / "epmd"), "-address", "127.0.0.1", "-port", str(cluster.epmd_port))
    return (
        program(EPMD, epmd, lambda: _connect(cluster.epmd_port)),
        program(
            NAME,
            (str(prefix / "usr/lib/rabbitmq/bin/rabbitmq-server"),),
            lambda: _connect(cluster.rabbitmq_port, speaks_amqp=True),
        ),
    )


def _programs(root: Root) -> Path:
    """What stands before `/usr` in the paths of the programs."""
    if all(path.exists() for path in _INSTALLED):
        return Path("/")
    prefix = debian.unpack(root, ("rabbitmq-server",))
    erlang = prefix / "usr/lib/erlang"
    for script in (erlang / "bin/erl", erlang / "bin/start"):
        # Where Erlang is is written into these; they have to say where it is now.
        text = script.read_text()
        mended = re.sub(r"ROOTDIR=/usr/lib/erlang$", f"ROOTDIR={erlang}", text, flags=re.MULTILINE)
        if mended != text:
            script.write_text(mended)
    return prefix


def _connect(port: int, *, speaks_amqp: bool = False) -> None:
    """:raises NotReadyError: nobody listens, or it doesn't greet as a broker does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT) as connection:
            if not speaks_amqp:
                return
            connection.sendall(_PROTOCOL_HEADER)
            # Connection.Start is a method frame, of type 1; a refusal repeats the header.
            if connection.recv(1) != b"\x01":
                raise NotReadyError("it does not greet as a broker")
    except OSError as error:
        raise NotReadyError(str(error)) from error
