# SPDX-License-Identifier: Apache-2.0
"""A mini cloud for one benchmark, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from keystoneauth1.session import Session
from openstack.config import OpenStackConfig

from bench import first_start
from bench.cluster import servers
from trove_minicloud.cloud import daemon
from trove_minicloud.root import Root
from trove_minicloud.services.config_files import OVERRIDES

#: A whole cluster's programs may take longer to end, one after the other, than a command waits.
_DOWN_TIMEOUT = 360.0


@contextmanager
def mini_cloud(
    *,
    engines: int | None = None,
    overrides: Mapping[str, str] | None = None,
    around: Callable[[Root], AbstractContextManager[object]] = nullcontext,
) -> Iterator[Root]:
    """Start one; stop and remove it in the end.

    :param engines: of a distributed Mistral, which has as many executors; None is a single process.
    :param overrides: options by service, as its `override.conf` has them.
    :param around: entered with the root before it starts, and left after it has stopped.
    """
    # Not for the user's eyes alone: as root, the databases run as a user who must get there.
    folder = Path(tempfile.mkdtemp(prefix="trove-schedules-bench-"))
    folder.chmod(0o711)
    root = Root.at(folder / "cloud")
    try:
        if engines is None:
            first_start.prepare(root)
        else:
            root.prepare()
            # The background process finds its module there.
            import_path()
            servers.want(root, engines, engines)
        with around(root):
            override(root, overrides or {})
            try:
                _up(root, lambda line: print(line, file=sys.stderr))
                yield root
            finally:
                daemon.down(root, _DOWN_TIMEOUT)
    finally:
        shutil.rmtree(folder)


def override(root: Root, overrides: Mapping[str, str]) -> None:
    """Write each service's own options into its `override.conf`, before its start."""
    for service, options in overrides.items():
        root.service(service).mkdir(mode=0o700, exist_ok=True)
        (root.service(service) / OVERRIDES).write_text(options)


def _up(root: Root, report: Callable[[str], None]) -> None:
    if servers.load(root) is None:
        daemon.up(root, report)
    else:
        daemon.up(root, report, "bench.cluster.daemon")


def import_path() -> None:
    """Have other processes find what lies in no installed package: the light guest, the cluster."""
    here = str(Path(__file__).resolve().parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [here, os.environ.get("PYTHONPATH", "")])
    )


def login(root: Root, entry: str = "minicloud") -> Session:
    """A fresh login of an entry of the mini cloud's clouds.yaml."""
    config = OpenStackConfig(config_files=[str(root.clouds_file)], load_envvars=False)
    return config.get_one(entry).get_session()
