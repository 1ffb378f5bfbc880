# SPDX-License-Identifier: Apache-2.0
"""Trove's rows for backups that are in a store, written by a process that may import Trove."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping

from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import ROOT_VARIABLE, Root
from trove_minicloud.services import trove
from trove_minicloud.stores.destination import Strategy
from trove_minicloud.stores.manifest import Manifest
from trove_minicloud.stores.store import Store

_TIMEOUT = 600


def enter(
    root: Root,
    store: Store,
    strategy: Strategy,
    backups: Iterable[Manifest],
    owners: Mapping[str, str],
    lost: Iterable[str] = (),
    present: Collection[str] = (),
) -> tuple[int, int]:
    """Have Trove's database know these backups; the cloud may be down.

    :param owners: the project of each backup, by its id.
    :param lost: what the locations begin with whose rows Trove is to let go of.
    :param present: the ids of backups whose rows stay nevertheless.
    :return: how many Trove didn't have, and how many it has let go of.
    :raises MiniCloudError: Trove's database refuses.
    """
    job = {
        "directory": str(root.service(trove.NAME)),
        "strategy": strategy,
        "backups": [
            (store.location(each.key), owners[each.backup_id], each.to_json()) for each in backups
        ],
        "lost": list(lost),
        "present": list(present),
    }
    done = subprocess.run(
        [sys.executable, "-m", "trove_minicloud.inside_trove.adopting"],
        input=json.dumps(job),
        env=os.environ | {ROOT_VARIABLE: str(root.path), "NO_EVENTLET_MONKEYPATCH": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT,
    )
    if not done.stdout:
        raise MiniCloudError(f"Trove's rows could not be written: {done.stderr.strip()}")
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise MiniCloudError(f"Trove's rows could not be written: {answer['error']}")
    return len(answer["taken"]), len(answer["gone"])
