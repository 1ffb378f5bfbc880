# SPDX-License-Identifier: Apache-2.0
"""Makes a file of this folder, from a mini cloud of another version or OpenStack release.

With that version's packages in an environment of their own (such as `make test-releases` makes),
and a root for this purpose only, because its passwords and keys end up in the file:

    trove-minicloud up --detach --root /tmp/state/cloud
    trove-minicloud instance create orders --root /tmp/state/cloud
    python tests/upgrades/make.py fill /tmp/state/cloud
    trove-minicloud down --root /tmp/state/cloud
    python tests/upgrades/make.py keep /tmp/state/cloud tests/upgrades/2026.1.json.gz

It imports nothing of the tests: earlier versions of the project have others.
"""

import gzip
import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from openstack.config import OpenStackConfig

import trove_schedules

_KEPT = (
    ".trove-minicloud",
    "cloud.json",
    "versions.json",
    "storage/*",
    "*/prepared",
    "keystone/data/*-keys/*",
    "*/data/database.sqlite",
    "instances/*/*.json",
    "instances/*/*.password",
)


def fill(root: Path) -> None:
    """Schedules of `orders` that have run, are paused, and are drilled."""
    _connect(root, "minicloud-admin").workbook_load(public=True)
    user = _connect(root, "minicloud")
    nightly = user.schedule_create(
        "orders", "H 3 * * *", "nightly", incremental=True, full_every=7, keep_last=14
    )
    user.schedule_pause(user.schedule_create("orders", "30 4 * * 0", "weekly"))
    user.schedule_drill_every(nightly, "0 5 1 * *")
    for _ in range(2):
        run = user.schedule_run(nightly)
        while user.execution_show(run.id).state != "SUCCESS":
            time.sleep(1)


def keep(root: Path, file: Path) -> None:
    """Write what is kept of the root, which is down."""
    texts = {
        str(path.relative_to(root)): _text(path)
        for pattern in _KEPT
        for path in sorted(root.glob(pattern))
    }
    text = json.dumps(texts, indent=1).replace(str(root), "@ROOT@")
    file.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def _text(path: Path) -> str:
    if path.suffix != ".sqlite":
        return path.read_text()
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump())


def _connect(root: Path, name: str) -> "trove_schedules.ScheduledBackups":
    config = OpenStackConfig(config_files=[str(root / "clouds.yaml")], load_envvars=False)
    return trove_schedules.connect(session=config.get_one(name).get_session())


if __name__ == "__main__":
    command, *paths = sys.argv[1:]
    {"fill": fill, "keep": keep}[command](*map(Path, paths))
