# SPDX-License-Identifier: Apache-2.0
"""The mini clouds of the files, and the order of these."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bench import first_start
from bench.minicloud import override
from tests.end_to_end.cloud import LiveCloud, new_cloud
from tests.end_to_end.folders import passable_folder
from trove_minicloud.root import Root
from trove_schedules import ScheduledBackups

#: The files that take longest, in order; a worker that got one of them last would end alone. The
#: first two and the fourth have few tests, and so get another file at once, which waits for them.
_FIRST = (
    "chaos",
    "spec_sequence",
    "swift",
    "packaged",
    "faults",
    "recovery",
    "expiration",
    "notify",
    "this_machine",
    "tutorial",
    "living",
    "races",
    "chain",
    "health",
    "drills",
    "rules",
    "trove_instances",
    "nights",
    "bench",
    "guest",
    "runs",
)

#: Seconds, for the start of a file's mini cloud and some cron minutes on a busy machine. Each wait
#: has a deadline of its own, which says what it waited for.
_TIMEOUT = 1800


def pytest_configure(config: pytest.Config) -> None:
    """Have all files of several processes copy one first start; one file alone makes its own."""
    if first_start.VARIABLE not in os.environ and config.getoption("numprocesses", None):
        folder = passable_folder()
        os.environ[first_start.VARIABLE] = str(folder)
        config.add_cleanup(lambda: shutil.rmtree(folder))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the rest stays as it is."""
    order = {f"test_{name}.py": number for number, name in enumerate(_FIRST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_TIMEOUT))


@pytest.fixture(scope="session")
def shared_cloud() -> Iterator[Callable[[], LiveCloud]]:
    """Gives the mini cloud that the files of this worker share: a new one if a test broke it."""
    with ExitStack() as stack:
        live: LiveCloud | None = None

        def whole() -> LiveCloud:
            nonlocal live
            if live is None or not live.is_whole():
                stack.close()
                live = stack.enter_context(new_cloud(_prepare))
            return live

        yield whole


@pytest.fixture(scope="module")
def cloud(shared_cloud: Callable[[], LiveCloud]) -> Iterator[LiveCloud]:
    """A mini cloud with the workbook loaded for all, an instance ``m``, and no schedule.

    Other files have used it, so there may be backups and other tenants. A file that needs one of
    its own takes `own_cloud` instead.
    """
    live = shared_cloud()
    yield live
    live.tidy()


@pytest.fixture(scope="module")
def own_cloud() -> Iterator[LiveCloud]:
    """The same, new and for one file alone. It takes as long to start as many a test."""
    with new_cloud(_prepare) as live:
        yield live


#: What runs ping is on this machine, which Mistral doesn't allow by default. A test that waits asks
#: Trove more often than the 200 GETs a minute that a project has by default.
_OVERRIDES = {
    "mistral": "[action_std_http]\ndenied_cidrs = 169.254.0.0/16\n",
    "trove": "[DEFAULT]\nhttp_get_rate = 100000\n",
}


def _prepare(root: Root) -> None:
    first_start.prepare(root)
    override(root, _OVERRIDES)


@pytest.fixture(scope="module")
def schedules(cloud: LiveCloud) -> ScheduledBackups:
    """The tenant's own API."""
    return cloud.schedules()
