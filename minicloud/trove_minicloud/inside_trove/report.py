# SPDX-License-Identifier: Apache-2.0
"""Tells Trove how a backup ended, in a way that doesn't get lost.

Trove's backups have no field for an error's text. As Trove's own guest does, the cause of a
failure becomes the instance's fault, which `openstack database instance show` displays.
"""

import time
from typing import Any

from oslo_log import log as logging
from oslo_utils import timeutils
from trove.backup.models import DBBackup
from trove.backup.state import BackupState
from trove.common.context import TroveContext
from trove.conductor import api as conductor_api
from trove.instance.models import save_instance_fault

from trove_minicloud.stores.manifest import CHECKSUM_LENGTH, Key, Manifest

LOG = logging.getLogger(__name__)

_DEADLINE = 60.0
_RESEND_AFTER = 5.0
_SET_ATTEMPTS = 20
_SET_INTERVAL = 5.0
_GIGABYTE = 1024**3


def started(key: Key, kind: str, location: str) -> None:
    """Shown while the backup runs; the kind is what was asked for."""
    # Before anything is written there, and not by a message: should we die in the middle of it,
    # this is how the next start knows where to clean up.
    DBBackup.find_by(id=key.backup_id).update(location=location)
    _cast(key, state=BackupState.BUILDING, size=0.0, backup_type=kind)


def ended(key: Key, fields: dict[str, Any]) -> None:
    """Have the conductor set the backup's last state, and see to it that it did.

    It is told by a message that nobody answers, and a lost one would leave the backup BUILDING,
    which keeps the instance from being backed up again.

    :raises TimeoutError: the state isn't there after a minute.
    """
    deadline = time.monotonic() + _DEADLINE
    while time.monotonic() < deadline:
        _cast(key, **fields)
        resend = time.monotonic() + _RESEND_AFTER
        while time.monotonic() < resend:
            if DBBackup.find_by(id=key.backup_id).state == fields["state"]:
                return
            time.sleep(0.1)
    raise TimeoutError(
        f"Trove's conductor didn't set backup {key.backup_id} to {fields['state']}"
        f" in {_DEADLINE:.0f} s."
    )


def set_ended(key: Key, fields: dict[str, Any]) -> None:
    """Write the backup's last state without the conductor, when that can't be reached.

    :raises Exception: what kept it from being written, at the last of many attempts.
    """
    for _attempt in range(_SET_ATTEMPTS - 1):
        try:
            _set(key, fields)
        except Exception:
            LOG.exception("Backup %s could not be set to %s", key.backup_id, fields["state"])
            time.sleep(_SET_INTERVAL)
        else:
            return
    _set(key, fields)


def _set(key: Key, fields: dict[str, Any]) -> None:
    DBBackup.find_by(id=key.backup_id).update(**fields)
    LOG.warning("Backup %s was set to %s directly.", key.backup_id, fields["state"])


def completed_fields(location: str, manifest: Manifest) -> dict[str, Any]:
    """What Trove is to know of a stored backup.

    A backup that became a full one also loses its parent: Trove deletes a backup together with
    the parent that it names.
    """
    return {
        "state": BackupState.COMPLETED,
        "size": round(manifest.stored_size / _GIGABYTE, 6),
        "location": location,
        "checksum": manifest.sha256[:CHECKSUM_LENGTH],
        "backup_type": manifest.kind,
        "parent_id": manifest.parent_id,
    }


def explain_failure(key: Key, cause: str) -> None:
    """Put a failure's cause where the user can see it; before the state, which people wait for."""
    LOG.error("Backup %s of instance %s FAILED: %s", key.backup_id, key.instance_id, cause)
    try:
        save_instance_fault(key.instance_id, f"Backup {key.backup_id} FAILED: {cause}", cause)
    except Exception:
        # The state matters more, and is still to be reported.
        LOG.exception("The cause could not be saved as the instance's fault")


def _cast(key: Key, **fields: Any) -> None:
    conductor_api.API(TroveContext()).update_backup(
        key.instance_id, key.backup_id, sent=timeutils.utcnow_ts(microsecond=True), **fields
    )
