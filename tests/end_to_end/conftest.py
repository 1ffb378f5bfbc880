# SPDX-License-Identifier: Apache-2.0
"""One mini cloud for the whole run, in a folder of its own."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.cloud import LiveCloud
from trove_minicloud import daemon
from trove_minicloud.root import Root
from trove_minicloud.services.configuration import OVERRIDES
from trove_schedules import ScheduledBackups


@pytest.fixture(scope="session")
def cloud() -> Iterator[LiveCloud]:
    """A mini cloud with the workbook loaded for all, and an instance ``m``."""
    # Not below pytest's own folder: as root, the databases run as a user who must get there.
    folder = Path(tempfile.mkdtemp(prefix="trove-schedules-"))
    root = Root.at(folder / "cloud")
    folder.chmod(0o711)
    root.prepare()
    # Here on this machine is whom the runs of tests ping, which Mistral doesn't allow by default.
    mistral = root.service("mistral")
    mistral.mkdir(mode=0o700)
    (mistral / OVERRIDES).write_text("[action_std_http]\ndenied_cidrs = 169.254.0.0/16\n")
    try:
        daemon.up(root, print)
        live = LiveCloud(root)
        live.schedules("minicloud-admin").workbook_load(public=True)
        live.create_instance("m")
        yield live
    finally:
        daemon.down(root)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def schedules(cloud: LiveCloud) -> ScheduledBackups:
    """The tenant's own API."""
    return cloud.schedules()
