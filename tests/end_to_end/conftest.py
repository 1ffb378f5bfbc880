# SPDX-License-Identifier: Apache-2.0
"""One mini cloud for the whole run, in a folder of its own."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.cloud import LiveCloud, new_cloud
from trove_minicloud.root import Root
from trove_minicloud.services.configuration import OVERRIDES
from trove_schedules import ScheduledBackups


@pytest.fixture(scope="session")
def cloud() -> Iterator[LiveCloud]:
    """A mini cloud with the workbook loaded for all, and an instance ``m``."""
    with new_cloud(_allow_pings) as live:
        yield live


def _allow_pings(root: Root) -> None:
    """Here on this machine is whom the runs of tests ping; Mistral doesn't allow it by default."""
    root.prepare()
    mistral = root.service("mistral")
    mistral.mkdir(mode=0o700)
    (mistral / OVERRIDES).write_text("[action_std_http]\ndenied_cidrs = 169.254.0.0/16\n")


@pytest.fixture(scope="session")
def schedules(cloud: LiveCloud) -> ScheduledBackups:
    """The tenant's own API."""
    return cloud.schedules()
