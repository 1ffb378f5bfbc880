# SPDX-License-Identifier: Apache-2.0
"""`python -m trove_minicloud.inside_trove.adopting`: Trove's rows for backups that are in a store.

It is a process of its own, whether Trove runs or not. The job comes as one JSON text on stdin, and
what became of it, or the error, goes to stdout as another.
"""

import json
import sys
import traceback
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trove.backup.models import DBBackup
from trove.backup.state import BackupState
from trove.common import cfg
from trove.db import get_db_api
from trove.quota.models import QuotaUsage, Resource
from trove.quota.quota import QUOTAS

from trove_minicloud.inside_trove import report
from trove_minicloud.inside_trove.instance_rows import datastore_version
from trove_minicloud.services.config_files import config_arguments
from trove_minicloud.stores.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be in Trove.

    :ivar directory: Trove's folder.
    :ivar strategy: what Trove calls the kind of store.
    :ivar backups: location, project and manifest of each, parents first.
    :ivar lost: what the locations begin with whose rows are to go, but for those of `present`.
    :ivar present: the ids of all that is in the store, whole or not.
    """

    directory: str
    strategy: str
    backups: Sequence[tuple[str, str, str]]
    lost: Sequence[str] = ()
    present: Sequence[str] = ()


def main() -> int:
    """The exit status is 0 if all of the job is done."""
    try:
        answer: dict[str, Any] = _do(Job(**json.load(sys.stdin)))
    except Exception as error:
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}"}
    json.dump(answer, sys.stdout)
    return 1 if "error" in answer else 0


def _do(job: Job) -> dict[str, list[str]]:
    """The ids of the backups that Trove didn't have, and of those that it let go."""
    cfg.parse_args(["trove", *config_arguments(Path(job.directory), "trove")])
    get_db_api().configure_db()
    taken = []
    for location, project_id, text in job.backups:
        manifest = Manifest.from_json(text)
        if _take_in(location, project_id, manifest, job):
            taken.append(manifest.backup_id)
    gone = [id_ for begin in job.lost for id_ in _let_go(begin, set(job.present))]
    return {"taken": taken, "gone": gone}


def _take_in(location: str, project_id: str, manifest: Manifest, job: Job) -> bool:
    """Whether Trove didn't have it. What Trove knows of a backup stays, but for a lost place."""
    row = DBBackup.get_by(id=manifest.backup_id)
    if row is not None and not row.deleted:
        if row.state == BackupState.COMPLETED and job.lost:
            row.location, row.storage_driver = location, job.strategy
            row.db_api.save(row)
        return False
    fields = report.completed_fields(location, manifest) | {
        "id": manifest.backup_id,
        "name": manifest.name or f"{manifest.instance_name}-{manifest.finished_at:%Y%m%dT%H%M%SZ}",
        "description": manifest.description or None,
        "tenant_id": project_id,
        "instance_id": manifest.instance_id,
        "datastore_version_id": datastore_version(manifest.datastore, manifest.version),
        "storage_driver": job.strategy,
        "created": _naive(manifest.started_at),
        "updated": _naive(manifest.finished_at),
        "deleted": False,
        "deleted_at": None,
    }
    row = row or DBBackup()
    row.merge_attributes(fields)
    # Not by the row's own `save`, which takes this moment for that of the backup.
    row.db_api.save(row)
    _count(project_id, 1)
    return True


def _let_go(begin: str, present: Collection[str]) -> list[str]:
    """The ids of completed backups that Trove knows, and that are not there any more."""
    with DBBackup.query() as query:
        rows = query.filter_by(state=BackupState.COMPLETED, deleted=False)
        gone = [
            row
            for row in rows.filter(DBBackup.location.startswith(begin, autoescape=True))
            if row.id not in present
        ]
    for row in gone:
        row.delete()
        _count(row.tenant_id, -1)
    return [str(row.id) for row in gone]


def _count(project_id: str, change: int) -> None:
    """Trove counts a project's backups, for its quota."""
    # Trove makes these rows at the first request.
    QUOTAS.get_all_quota_usages_by_tenant(project_id)
    usage = QuotaUsage.find_by(tenant_id=project_id, resource=Resource.BACKUPS)
    usage.in_use += change
    usage.save()


def _naive(moment: datetime) -> Any:
    """Trove's times are UTC, without saying so."""
    return moment.replace(tzinfo=None)


if __name__ == "__main__":
    sys.exit(main())
