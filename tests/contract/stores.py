# SPDX-License-Identifier: Apache-2.0
"""One store of each kind on a real server of its own, and what only its owner can do to it."""

import contextlib
import dataclasses
import os
import re
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from trove_minicloud import settings
from trove_minicloud.root import Root
from trove_minicloud.services import swift
from trove_minicloud.stores import destination
from trove_minicloud.stores.destination import S3
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.s3 import S3Store
from trove_minicloud.stores.store import Store
from trove_minicloud.stores.swift_objects import SwiftStore
from trove_minicloud.supervision import ports, processes

LOGIN = {"aws_access_key_id": "key", "aws_secret_access_key": "right"}


@dataclasses.dataclass(frozen=True)
class Place(ABC):
    """A store, and a way around it."""

    store: Store

    @abstractmethod
    def names(self) -> list[str]:
        """Of everything that is there, whole or not."""

    @abstractmethod
    def damage(self, name: str) -> None:
        """Change one byte of an object that was stored."""

    @abstractmethod
    def lose(self, name: str) -> None:
        """Take away an object, or a part of it."""


@dataclasses.dataclass(frozen=True)
class Files(Place):
    """What lies in a folder: a local store, or what rclone serves."""

    folder: Path
    endpoint: str = ""

    def names(self) -> list[str]:
        # Folders that go meanwhile are passed over.
        found = [Path(folder, name) for folder, _, names in os.walk(self.folder) for name in names]
        return sorted(str(path.relative_to(self.folder)) for path in found)

    def damage(self, name: str) -> None:
        path = self.folder / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)

    def lose(self, name: str) -> None:
        # Not behind the server's back: rclone keeps in mind what is in a folder.
        self.store.remove(name)


@dataclasses.dataclass(frozen=True)
class Container(Place):
    """A container of Swift."""

    store: SwiftStore
    swift: destination.Swift

    def names(self) -> list[str]:
        self.store.connection.put_container("backups")
        _headers, found = self.store.connection.get_container("backups")
        return [each["name"] for each in found]

    def damage(self, name: str) -> None:
        content = bytearray(self.store.get(f"{name}_00000002"))
        content[len(content) // 2] ^= 1
        self.store.put(f"{name}_00000002", bytes(content))

    def lose(self, name: str) -> None:
        self.store.remove(f"{name}_00000002")


def local(folder: Path) -> Files:
    return Files(LocalStore(folder / "local"), folder / "local")


@contextlib.contextmanager
def serving_s3(folder: Path) -> Iterator[Files]:
    """rclone, which checks signatures, on a folder with the bucket `backups`."""
    (port,) = ports.choose(1, Root.at(folder))
    served = folder / "served"
    (served / "backups").mkdir(parents=True)
    server = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("rclone")),
            *("serve", "s3", "--addr", f"127.0.0.1:{port}", "--config", "", str(served)),
        ],
        env={**os.environ, "RCLONE_AUTH_KEY": '"key,right"'},
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while not ports.listener(port):
            assert server.poll() is None, f"rclone ended with {server.returncode}"
            assert time.monotonic() < deadline, f"no answer from {url} within 60 s"
            time.sleep(0.05)
        settings = S3(endpoint=url, bucket="backups", credentials="")
        yield Files(S3Store(settings, LOGIN), served / "backups", url)
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def serving_swift(folder: Path, *, full: bool = False) -> Iterator[Container]:
    """The mini cloud's Swift, as it configures it, but without a Keystone to ask about tokens.

    :param full: have it take its disk for full.
    """
    root = Root.at(folder)
    root.logs.mkdir()
    chosen = settings.load_or_create(root)
    wanted = destination.want_swift(root)
    swift.configure(root, chosen, wanted)
    proxy = root.service(swift.NAME) / "proxy-server.conf"
    text = proxy.read_text()
    assert " authtoken keystoneauth " in text
    proxy.write_text(text.replace(" authtoken keystoneauth ", " "))
    if full:
        objects = root.service(swift.NAME) / "object-server.conf"
        text = re.sub(
            "(?m)^fallocate_reserve = .*$", f"fallocate_reserve = {2**60}", objects.read_text()
        )
        assert str(2**60) in text
        objects.write_text(text)
    with contextlib.ExitStack() as stack:
        for program in swift.programs(root, chosen, wanted):
            if program.name == swift.PROXY:
                program = dataclasses.replace(program, ready=swift.is_healthy(wanted.proxy_port))
            stack.enter_context(processes.running(program))
        yield Container(SwiftStore(f"{wanted.url}p", "backups", "no token"), wanted)
