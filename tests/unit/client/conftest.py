# SPDX-License-Identifier: Apache-2.0
"""A fake cloud for the tests of the schedules' core."""

from collections.abc import Iterator

import pytest
import requests_mock

from tests.unit.client.fake_cloud import FakeCloud, use_clock
from trove_schedules.manager import ScheduledBackups
from trove_schedules.schedules.schedule import Schedule


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCloud]:
    """Keystone, Mistral (with the workbook's workflow) and Trove at the wire."""
    with requests_mock.Mocker() as mock:
        cloud = FakeCloud(mock)
        cloud.mistral.add_workflow(cloud.project)
        use_clock(monkeypatch, lambda: cloud.mistral.now)
        yield cloud


@pytest.fixture
def schedules(cloud: FakeCloud) -> ScheduledBackups:
    return cloud.schedules()


@pytest.fixture
def instance(cloud: FakeCloud) -> str:
    return cloud.add_instance("m")


@pytest.fixture
def schedule(schedules: ScheduledBackups, instance: str) -> Schedule:
    return schedules.schedule_create(instance, "0 2 * * *", "nightly")
