# SPDX-License-Identifier: Apache-2.0
"""A mini cloud for each file: none meets what another left."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.cloud import LiveCloud, new_cloud
from trove_minicloud.root import Root
from trove_minicloud.services.config_files import OVERRIDES
from trove_schedules import ScheduledBackups

#: The files that take longest, in order. A worker that got one of them last would end alone.
_FIRST = ("living", "health", "chaos", "runs", "swift", "spec_sequence", "drills", "chain")

#: Seconds, for the start of a file's mini cloud and some cron minutes on a busy machine. Each wait
#: has a deadline of its own, which says what it waited for.
_TIMEOUT = 1800


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the rest stays as it is."""
    order = {f"test_{name}.py": number for number, name in enumerate(_FIRST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_TIMEOUT))


@pytest.fixture(scope="module")
def cloud() -> Iterator[LiveCloud]:
    """A mini cloud with the workbook loaded for all, and an instance ``m``."""
    with new_cloud(_prepare) as live:
        yield live


#: What runs ping is on this machine, which Mistral doesn't allow by default. A test that waits asks
#: Trove more often than the 200 GETs a minute that a project has by default.
_OVERRIDES = {
    "mistral": "[action_std_http]\ndenied_cidrs = 169.254.0.0/16\n",
    "trove": "[DEFAULT]\nhttp_get_rate = 100000\n",
}


def _prepare(root: Root) -> None:
    root.prepare()
    for service, options in _OVERRIDES.items():
        root.service(service).mkdir(mode=0o700)
        (root.service(service) / OVERRIDES).write_text(options)


@pytest.fixture(scope="module")
def schedules(cloud: LiveCloud) -> ScheduledBackups:
    """The tenant's own API."""
    return cloud.schedules()
