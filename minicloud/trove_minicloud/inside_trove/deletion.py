# SPDX-License-Identifier: Apache-2.0
"""How Trove deletes a backup's stored bytes and an instance's server, through its own settings.

For every storage strategy but cinder Trove deletes an object with its object storage client:
`remote_swift_client` is `swift_client`, and `taskmanager_manager` is `TaskManager`.
"""

import contextlib
from typing import Any

from trove.backup.models import DBBackup
from trove.backup.state import BackupState
from trove.common import clients
from trove.common.exception import NotFound
from trove.instance.models import DBInstance, save_instance_fault
from trove.instance.tasks import InstanceTasks
from trove.quota.quota import run_with_quotas
from trove.taskmanager.manager import Manager

from trove_minicloud.errors import InstanceNotFoundError, RestoreError
from trove_minicloud.guest import instances, stopping
from trove_minicloud.root import Root
from trove_minicloud.stores.finding import store_of
from trove_minicloud.stores.manifest import CHECKSUM_LENGTH, Key
from trove_minicloud.stores.store import Store, key_of


def swift_client(context: Any, region_name: str | None = None) -> "ObjectStoreClient":
    """What Trove calls to reach stored backups."""
    return ObjectStoreClient(context)


class ObjectStoreClient:
    """Those calls of an object storage client that Trove makes, for every kind of store.

    Trove knows a backup by the last two parts of its location here, and by one object: it would
    leave the manifest and the basis beside it. In Swift everything is done with the token of the
    request, which for a schedule's retention is one of its trust.
    """

    def __init__(self, context: Any) -> None:
        self._context = context

    def get_account(self) -> Any:
        """How Trove sees, before a backup, whether Swift takes the request's token."""
        return clients.swift_client(self._context).get_account()

    def head_object(self, container: str, name: str) -> dict[str, str]:
        """No header that says so: not a large object, whose segments Trove would have to delete.

        The etag is what Trove compares with a backup's checksum before it restores it; none fits
        a backup that isn't whole.
        """
        store, key = self._find(container, name)
        try:
            return {"etag": store.head(key).sha256[:CHECKSUM_LENGTH]}
        except RestoreError:
            return {"etag": ""}

    def delete_object(self, container: str, name: str) -> None:
        """Delete all of the backup; fine if there is nothing, so that it can be repeated."""
        store, key = self._find(container, name)
        store.delete(key)

    def _find(self, container: str, name: str) -> tuple[Store, Key]:
        key = key_of(f"://{container}/{name}")
        backup = DBBackup.find_by(id=key.backup_id)
        # A folder and a bucket don't ask whose backup it is, and Trove takes locations from users.
        if not self._context.is_admin and backup.tenant_id != self._context.project_id:
            raise NotFound(uuid=key.backup_id)
        return store_of(Root.default(), backup.location, self._context.auth_token), key


class TaskManager(Manager):  # type: ignore[misc]
    """Trove's task manager, with failed deletions kept in sight.

    Trove 26 marks the backup as deleted even when its bytes couldn't be deleted, so nobody would
    ever see its DELETE_FAILED or could try again. So it does with an instance whose server it
    could not delete.
    """

    def delete_instance(self, context: Any, instance_id: str) -> None:
        root = Root.default()
        try:
            # Of a server that could not be made there is nothing.
            with contextlib.suppress(InstanceNotFoundError):
                stopping.delete(root, instances.load(root, instance_id))
        except Exception as error:
            row = DBInstance.find_by(id=instance_id)
            row.update(task_status=InstanceTasks.NONE)
            # The API has given its place in the quota back already.
            run_with_quotas(row.tenant_id, {"instances": 1}, lambda: None)
            text = f"The instance could not be deleted: {error}"
            save_instance_fault(instance_id, text, text)
            raise
        super().delete_instance(context, instance_id)

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
