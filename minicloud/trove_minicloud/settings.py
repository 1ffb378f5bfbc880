# SPDX-License-Identifier: Apache-2.0
"""Ports and passwords of a mini cloud: drawn once at its first start, then kept."""

import dataclasses
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from trove_minicloud.errors import DamagedFileError
from trove_minicloud.files import known_fields, read_json, write_json
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
_PORTS = {"keystone_port", "mistral_port", "trove_port"}
_PASSWORDS = {"admin_password", "mistral_password", "trove_password", "demo_password"}


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

    :raises DamagedFileError: it isn't there whole.
    """
    values = read_json(file)
    if values is None:
        return None
    try:
        found = kind(**known_fields(kind, values))
    except TypeError as error:
        raise DamagedFileError(f"{file} is damaged: {error}") from error
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        if type(value) is not field.type:
            raise DamagedFileError(f"{file} is damaged: {field.name} is {value!r}.")
    return found


def load_or_create(root: Root) -> Settings:
    """The settings of the root. At its first start all are drawn, later on a port that is missing.

    :raises DamagedFileError: a password is missing, which Keystone knows; or the file is no
        settings.
    """
    stored = read_json(root.settings_file)
    if stored is None:
        stored = {name: secrets.token_urlsafe(24) for name in _PASSWORDS}
    if isinstance(stored, dict) and stored.keys() >= _PASSWORDS:
        missing = sorted(_PORTS - stored.keys())
        if missing:
            drawn = dict(zip(missing, ports.choose(len(missing), root), strict=True))
            write_json(root.settings_file, stored | drawn)
    return cast(Settings, load(root))
