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
    with new_cloud(_set_options) as live:
        yield live


@pytest.fixture(scope="module")
def cloud(shared_cloud: LiveCloud) -> Iterator[LiveCloud]:
    """A mini cloud with the workbook loaded for all, an instance ``m``, and nobody's schedules."""
    yield shared_cloud
    shared_cloud.delete_all_triggers()


#: Whom the runs of tests ping is on this machine, which Mistral doesn't allow by default. The
#: instances that the files of a worker leave would use up the project's quota of 10.
_OPTIONS = {
    "mistral": "[action_std_http]\ndenied_cidrs = 169.254.0.0/16\n",
    "trove": "[DEFAULT]\nmax_instances_per_tenant = 100\n",
}


def _set_options(root: Root) -> None:
    root.prepare()
    for service, options in _OPTIONS.items():
        root.service(service).mkdir(mode=0o700)
        (root.service(service) / OVERRIDES).write_text(options)


@pytest.fixture(scope="module")
def schedules(cloud: LiveCloud) -> ScheduledBackups:
    """The tenant's own API."""
    return cloud.schedules()
