# SPDX-License-Identifier: Apache-2.0
"""Ports and passwords of a mini cloud: drawn once at its first start, then kept."""

import dataclasses
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from trove_minicloud.errors import DamagedFileError
from trove_minicloud.files import read_json, write_json
from trove_minicloud.root import Root
from trove_minicloud.supervision import ports

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

REGION = "RegionOne"
PROJECT = "demo"
USER = "demo"
#: The one flavor that there is.
FLAVOR_ID = "1"


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The content of cloud.json."""

    keystone_port: int
    mistral_port: int
    trove_port: int
    admin_password: str
    mistral_password: str
    trove_password: str
    demo_password: str

    @property
    def keystone_url(self) -> str:
        return f"http://127.0.0.1:{self.keystone_port}/v3"

    @property
    def mistral_url(self) -> str:
        return f"http://127.0.0.1:{self.mistral_port}/v2"

    @property
    def trove_url(self) -> str:
        return f"http://127.0.0.1:{self.trove_port}/v1.0"


def load(root: Root) -> Settings | None:
    """The settings of the root, or None before its first start."""
    return read(root.settings_file, Settings)


def read(file: Path, kind: type[T]) -> T | None:
    """What a flat dataclass of plain values was written as, or None where there is no file.

    :raises DamagedFileError: it holds anything else.
    """
    values = read_json(file)
    if values is None:
        return None
    try:
        found = kind(**values)
    except TypeError as error:
        raise DamagedFileError(f"{file} is not what this version wrote.") from error
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        if type(value) is not field.type:
            raise DamagedFileError(f"{file} is damaged: {field.name} is {value!r}.")
    return found


def load_or_create(root: Root) -> Settings:
    """The settings of the root, drawn and saved if this is its first start."""
    if (settings := load(root)) is not None:
        return settings
    keystone, mistral, trove = ports.choose(3, root)
    settings = Settings(
        keystone_port=keystone,
        mistral_port=mistral,
        trove_port=trove,
        admin_password=secrets.token_urlsafe(24),
        mistral_password=secrets.token_urlsafe(24),
        trove_password=secrets.token_urlsafe(24),
        demo_password=secrets.token_urlsafe(24),
    )
    write_json(root.settings_file, dataclasses.asdict(settings))
    return settings
