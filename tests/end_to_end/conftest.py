# SPDX-License-Identifier: Apache-2.0
"""One mini cloud for all files of a worker; none of them sees what schedules another left."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.cloud import LiveCloud, new_cloud
from trove_minicloud.root import Root
from trove_minicloud.services.configuration import OVERRIDES
from trove_schedules import ScheduledBackups

#: The files that take longest, in order. A worker that got one of them last would end alone.
_FIRST = ("health", "runs", "chaos", "living", "spec_sequence", "swift", "drills", "chain")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the rest stays as it is."""
    order = {f"test_{name}.py": number for number, name in enumerate(_FIRST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="session")
def shared_cloud() -> Iterator[LiveCloud]:
    """The mini cloud of this worker."""
    with new_cloud(_allow_pings) as live:
        yield live


@pytest.fixture(scope="module")
def cloud(shared_cloud: LiveCloud) -> Iterator[LiveCloud]:
    """A mini cloud with the workbook loaded for all, an instance ``m``, and nobody's schedules."""
    yield shared_cloud
    shared_cloud.delete_all_triggers()


def _allow_pings(root: Root) -> None:
    """Here on this machine is whom the runs of tests ping; Mistral doesn't allow it by default."""
    root.prepare()
    mistral = root.service("mistral")
    mistral.mkdir(mode=0o700)
    (mistral / OVERRIDES).write_text("[action_std_http]\ndenied_cidrs = 169.254.0.0/16\n")


@pytest.fixture(scope="module")
def schedules(cloud: LiveCloud) -> ScheduledBackups:
    """The tenant's own API."""
    return cloud.schedules()
