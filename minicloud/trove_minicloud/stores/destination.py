# SPDX-License-Identifier: Apache-2.0
"""Where the backups of a mini cloud go, and what is needed to get there: kept in its root.

The choice is for the backups to come. Those that were taken before stay where they are, and can
be restored and deleted there.
"""

import dataclasses
import secrets
from pathlib import Path
from typing import Any, Literal, cast

from trove_minicloud import settings
from trove_minicloud.files import write_json
from trove_minicloud.root import Root
from trove_minicloud.supervision import ports

#: What Trove calls its storage strategy.
Strategy = Literal["local", "swift", "s3"]


@dataclasses.dataclass(frozen=True, slots=True)
class Swift:
    """A Swift of this root's own.

    :ivar hash_suffix: goes into the places of all objects, so it never changes.
    :ivar password: of the user that checks the callers' tokens.
    """

    proxy_port: int
    account_port: int
    container_port: int
    object_port: int
    hash_suffix: str
    password: str

    @property
    def url(self) -> str:
        """What a project's storage URL begins with; its id follows."""
        return f"http://127.0.0.1:{self.proxy_port}/v1/AUTH_"


@dataclasses.dataclass(frozen=True, slots=True)
class S3:
    """A bucket somewhere.

    :ivar credentials: a file in the format of the AWS tools, readable by its owner alone.
    """

    endpoint: str
    bucket: str
    credentials: str


def strategy(root: Root) -> Strategy:
    """Where new backups go."""
    chosen = settings.read(_file(root, "store"), _Choice)
    return "local" if chosen is None else cast(Strategy, chosen.strategy)


def choose(root: Root, strategy: Strategy) -> None:
    """Have the backups of the next start, and later ones, go there."""
    _write(root, "store", {"strategy": strategy})


def swift(root: Root) -> Swift | None:
    """The Swift that this root runs, or None."""
    return settings.read(_file(root, "swift"), Swift)


def want_swift(root: Root) -> Swift:
    """Have a Swift from the next start on; ports and secrets are kept."""
    if (known := swift(root)) is not None:
        return known
    proxy, account, container, object_ = ports.choose(4, root)
    made = Swift(
        proxy_port=proxy,
        account_port=account,
        container_port=container,
        object_port=object_,
        hash_suffix=secrets.token_hex(16),
        password=secrets.token_urlsafe(24),
    )
    _write(root, "swift", dataclasses.asdict(made))
    return made


def s3(root: Root) -> S3 | None:
    """The bucket of this root, or None."""
    return settings.read(_file(root, "s3"), S3)


def keep_s3(root: Root, wanted: S3) -> None:
    _write(root, "s3", dataclasses.asdict(wanted))


@dataclasses.dataclass(frozen=True, slots=True)
class _Choice:
    strategy: str


def _write(root: Root, name: str, values: dict[str, Any]) -> None:
    file = _file(root, name)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    write_json(file, values)


def _file(root: Root, name: str) -> Path:
    return root.service("storage") / f"{name}.json"
