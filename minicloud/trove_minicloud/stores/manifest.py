# SPDX-License-Identifier: Apache-2.0
"""What the store knows of one backup; a backup exists once its manifest does."""

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from trove_minicloud.files import known_fields

Kind = Literal["full", "incremental"]
#: How much of a sha256 Trove's column holds: SQLite takes more, MariaDB refuses the row.
CHECKSUM_LENGTH = 32


class Key(NamedTuple):
    """Where in a store a backup is."""

    instance_id: str
    backup_id: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One stored backup, under the name and the description that Trove has for it.

    `reason` says why it is a full backup though an incremental one was asked for. Sizes are in
    bytes, `raw_size` before compression; checksums are sha256 of the bytes as stored. `basis` is
    what the database's tool needs to build an incremental backup on this one. Times are UTC.
    """

    backup_id: str
    instance_id: str
    instance_name: str
    project_id: str
    datastore: str
    version: str
    incarnation: str
    kind: Kind
    parent_id: str | None
    reason: str | None
    raw_size: int
    stored_size: int
    sha256: str
    basis_sha256: str
    started_at: datetime
    finished_at: datetime
    name: str = ""
    description: str = ""

    @property
    def key(self) -> Key:
        return Key(self.instance_id, self.backup_id)

    def to_json(self) -> str:
        values = dataclasses.asdict(self)
        values["started_at"] = self.started_at.isoformat()
        values["finished_at"] = self.finished_at.isoformat()
        return json.dumps(values, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        values = json.loads(text)
        values["started_at"] = datetime.fromisoformat(values["started_at"])
        values["finished_at"] = datetime.fromisoformat(values["finished_at"])
        return cls(**known_fields(cls, values))
