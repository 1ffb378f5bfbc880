# SPDX-License-Identifier: Apache-2.0
"""What callers get back of a restore, and what of it they can choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict

from trove_schedules.clients.trove import Backup
from trove_schedules.schedules import zones
from trove_schedules.words import span


class Like(TypedDict, total=False):
    """What of the new instance is to differ from the one that was backed up.

    None is the same as to leave one out.
    """

    flavor: str | None
    volume_size: int | None
    datastore_version: str | None
    network: str | None
    configuration: str | None


@dataclass(frozen=True, slots=True)
class ScheduleRestore:
    """A restore: which backup becomes which instance, and what is lost.

    :ivar backup: what is restored.
    :ivar until: the moment that the rows should be as of: the time that was given, or now, in UTC.
    :ivar lost: from the begin of the backup until that moment.
    :ivar source: the id of the instance that was backed up.
    :ivar source_exists: whether Trove still has it, and so says what the new one is to be like.
    :ivar name: of the new instance.
    :ivar flavor: the id of its flavor; None where nothing tells it.
    :ivar volume_size: gigabytes, or None for no volume.
    :ivar volume_type: that of the source's volume, or None for the cloud's default.
    :ivar network: the id of its network; None where nothing tells it.
    :ivar configuration: the id of its configuration group, or None for none.
    :ivar instance_id: the new instance; None before it is asked for.
    :ivar hold_id: the execution by which retention deletes none of the schedule's backups for six
        hours; None if nothing is held.
    :ivar timezone: the schedule's, in which times were given that had no offset.
    :ivar remark: what to know of that, or an empty text.
    """

    schedule_id: str
    backup: Backup
    until: datetime
    source: str
    source_exists: bool
    name: str
    flavor: str | None
    volume_size: int | None
    volume_type: str | None
    datastore: str | None
    datastore_version: str | None
    network: str | None
    configuration: str | None
    instance_id: str | None = None
    hold_id: str | None = None
    timezone: str = zones.USUAL
    remark: str = ""

    @property
    def lost(self) -> timedelta:
        return max(self.until - self.backup.created, timedelta(0))

    @property
    def said(self) -> str:
        """What comes back and what doesn't, for people."""
        return (
            f"restoring backup {self.backup.id} of {self._told(self.backup.created)}; what was "
            f"written in the {span(self.lost)} from then until {self._told(self.until)} is lost"
        )

    def _told(self, time: datetime) -> str:
        local = zones.told(self.timezone, time)
        return f"{time:%Y-%m-%d %H:%M:%S} UTC" + (f" ({local})" if local else "")

    @property
    def missing(self) -> str:
        """What has to be given before the instance can be made; empty where nothing has."""
        if self.flavor is not None:
            return ""
        return "flavor" if self.network else "flavor, and the network if instances here are in one"

    def request(self) -> dict[str, Any]:
        """The instance as Trove's API takes it."""
        volume = {"size": self.volume_size, "type": self.volume_type}
        datastore = {"type": self.datastore, "version": self.datastore_version}
        wanted = {
            "name": self.name,
            "flavorRef": self.flavor,
            "volume": given(volume) if self.volume_size else None,
            "datastore": given(datastore) or None,
            "nics": [{"network_id": self.network}] if self.network else None,
            "configuration": self.configuration,
            "restorePoint": {"backupRef": self.backup.id},
        }
        return given(wanted)


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without those that are None."""
    return {key: value for key, value in values.items() if value is not None}
