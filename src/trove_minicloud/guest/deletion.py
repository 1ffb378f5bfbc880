# SPDX-License-Identifier: Apache-2.0
"""How Trove deletes a backup's stored bytes, through two of its own settings.

For every storage strategy but cinder Trove deletes an object with its object storage client:
`remote_swift_client` is `swift_client`, and `taskmanager_manager` is `TaskManager`.
"""

from typing import Any

from trove.backup.models import DBBackup
from trove.backup.state import BackupState
from trove.common.exception import NotFound
from trove.instance.models import save_instance_fault
from trove.quota.quota import run_with_quotas
from trove.taskmanager.manager import Manager

from trove_minicloud.guest.storage.local import LocalStore, key_of_object
from trove_minicloud.root import Root


def swift_client(context: Any, region_name: str | None = None) -> "ObjectStoreClient":
    """What Trove calls to reach stored backups."""
    return ObjectStoreClient(LocalStore(Root.default().backups))


class ObjectStoreClient:
    """The two calls of an object storage client with which Trove deletes a backup."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store

    def head_object(self, container: str, name: str) -> dict[str, str]:
        """No headers: not a large object in segments."""
        key_of_object(container, name)
        return {}

    def delete_object(self, container: str, name: str) -> None:
        """Delete all of the backup; fine if there is nothing, so that it can be repeated."""
        self._store.delete(key_of_object(container, name))


class TaskManager(Manager):  # type: ignore[misc]
    """Trove's task manager, with failed deletions kept in sight.

    Trove 26 marks the backup as deleted even when its bytes couldn't be deleted, so nobody would
    ever see its DELETE_FAILED or could try again.
    """

    def delete_backup(self, context: Any, backup_id: str) -> None:
        datastore_version_id = DBBackup.find_by(id=backup_id).datastore_version_id
        try:
            super().delete_backup(context, backup_id)
        except NotFound:
            # Another request was faster.
            raise
        except Exception as error:
            backup = DBBackup.find_by(id=backup_id)
            backup.update(
                state=BackupState.DELETE_FAILED,
                deleted=False,
                deleted_at=None,
                datastore_version_id=datastore_version_id,
            )
            # The API has given its place in the quota back already.
            run_with_quotas(backup.tenant_id, {"backups": 1}, lambda: None)
            cause = error.__context__ or error
            text = f"Backup {backup_id} DELETE_FAILED: {cause}"
            save_instance_fault(backup.instance_id, text, str(error))
            raise
