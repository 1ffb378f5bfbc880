# SPDX-License-Identifier: Apache-2.0
"""A guest for instances without a server: its backups take a second, or as long as an environment
variable says, and hold nothing.

Trove loads it by its own option `remote_guest_client`, so that a burst measures Mistral, Keystone
and Trove instead of databases that all share this machine. The mini cloud's instances keep theirs.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from oslo_log import log as logging
from trove.backup.state import BackupState

from trove_minicloud.errors import InstanceNotFoundError
from trove_minicloud.guest import instances
from trove_minicloud.inside_trove import guest_agent, report
from trove_minicloud.root import Root
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.manifest import Key

LOG = logging.getLogger(__name__)

#: How the ids of instances begin whose backups fail.
FAILING = "0bad"
#: Seconds that a backup takes.
DURATION = float(os.environ.get("TROVE_MINICLOUD_LIGHT_SECONDS", "1"))


def guest_client(context: Any, instance_id: str, manager: str | None = None) -> Any:
    """What Trove calls to reach the guest of an instance."""
    try:
        instances.load(Root.default(), instance_id)
    except InstanceNotFoundError:
        return LightGuest("", instance_id)
    return guest_agent.guest_client(context, instance_id, manager)


class LightGuest(guest_agent.GuestClient):
    """Backs nothing up, but says so in time."""

    def create_backup(self, backup_info: dict[str, Any]) -> None:
        """Start the backup and return."""
        key = Key(self._instance_id, backup_info["id"])
        threading.Thread(target=_back_up, args=(key,), name=key.backup_id, daemon=True).start()


def _back_up(key: Key) -> None:
    # One that a dead Trove leaves unfinished is looked for here at its next start.
    location = LocalStore(Root.default().backups).location(key)
    report.started(key, "full", location)
    time.sleep(DURATION)
    fields = {
        "state": BackupState.FAILED
        if key.instance_id.startswith(FAILING)
        else BackupState.COMPLETED,
        "size": 0.0,
        "location": location,
        "checksum": "0" * 32,
        "backup_type": "full",
        "parent_id": None,
    }
    try:
        report.ended(key, fields)
    except Exception:
        LOG.exception("Backup %s: Trove's conductor could not be told", key.backup_id)
        report.set_ended(key, fields)
