# SPDX-License-Identifier: Apache-2.0
"""What Trove's rows say of an instance, as typed values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trove_schedules.clients.session import text_in

#: The ports that datastores listen on unless an operator has chosen others.
_PORTS = {
    "cassandra": 9042,
    "mariadb": 3306,
    "mongodb": 27017,
    "mysql": 3306,
    "percona": 3306,
    "postgresql": 5432,
    "redis": 6379,
}


@dataclass(frozen=True, slots=True)
class Instance:
    """A database instance, as lists have it.

    :ivar project_id: the id of its project, or None where the login doesn't say that.
    :ivar replica_of: the id of the instance that it is a replica of, or None.
    :ivar status: in Trove's words, such as ``ACTIVE``, or None where the list doesn't say.
    :ivar datastore: the kind of database, such as ``mysql``, or None likewise.
    :ivar created: in UTC, to the second; None where the list doesn't say, as that of one's own
        without details.
    :ivar updated: likewise.
    """

    id: str
    name: str
    project_id: str | None = None
    replica_of: str | None = None
    updated: datetime | None = None
    status: str | None = None
    datastore: str | None = None
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class InstanceDetails:
    """A database instance, with what is needed to make another one like it and to connect to it.

    :ivar status: in Trove's words, such as ``BUILD``, ``ACTIVE`` or ``ERROR``.
    :ivar flavor: the id of its flavor.
    :ivar volume_size: gigabytes, or None where instances have no volumes.
    :ivar volume_type: None where Trove doesn't say, which it does to administrators only.
    :ivar network: the id of the first network that it is in, or None.
    :ivar configuration: the id of its configuration group, or None.
    :ivar addresses: where it can be reached, as far as Trove knows.
    :ivar fault: what went wrong with it, in one line, or None.
    """

    id: str
    name: str
    status: str
    flavor: str | None
    volume_size: int | None
    volume_type: str | None
    datastore: str | None
    datastore_version: str | None
    network: str | None
    configuration: str | None
    addresses: tuple[str, ...]
    fault: str | None

    @property
    def ready(self) -> bool:
        """Whether the database serves."""
        return self.status in ("ACTIVE", "HEALTHY")

    @property
    def failed(self) -> bool:
        """Whether Trove has given up on it."""
        return self.status in ("ERROR", "FAILED")

    @property
    def ended(self) -> bool:
        """Whether it is no longer being made."""
        return self.ready or self.failed

    @property
    def usual_port(self) -> int | None:
        """The port that its datastore listens on by default; Trove doesn't tell the true one."""
        return _PORTS.get(self.datastore or "")


def listed_instance(row: dict[str, Any]) -> Instance:
    """An instance of a list."""
    replica_of = row.get("replica_of")
    return Instance(
        id=text_in(row, "id"),
        name=text_in(row, "name"),
        project_id=row.get("tenant_id"),
        replica_of=replica_of and text_in(replica_of, "id"),
        updated=_time(row.get("updated")),
        created=_time(row.get("created")),
        status=row.get("status"),
        datastore=(row.get("datastore") or {}).get("type"),
    )


def shown_instance(row: dict[str, Any]) -> InstanceDetails:
    """An instance as Trove shows one."""
    volume, datastore = row.get("volume") or {}, row.get("datastore") or {}
    addresses = row.get("addresses") or []
    # Trove breaks it into lines.
    fault = " ".join(str((row.get("fault") or {}).get("message") or "").split())
    return InstanceDetails(
        id=text_in(row, "id"),
        name=text_in(row, "name"),
        status=text_in(row, "status"),
        flavor=_id(row.get("flavor")),
        volume_size=volume.get("size") or None,
        volume_type=volume.get("type"),
        datastore=datastore.get("type"),
        datastore_version=datastore.get("version"),
        network=next((each["network"] for each in addresses if each.get("network")), None),
        configuration=_id(row.get("configuration")),
        addresses=tuple(text_in(each, "address") for each in addresses),
        fault=fault or None,
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _id(value: dict[str, Any] | None) -> str | None:
    return None if value is None else str(value["id"])
