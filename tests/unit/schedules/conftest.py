# SPDX-License-Identifier: Apache-2.0
"""A fake cloud for the tests of the schedules' core."""

from collections.abc import Iterator

import pytest
import requests_mock

from tests.unit.schedules.fake_cloud import FakeCloud


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    """Keystone, Mistral (with the workbook's workflow) and Trove at the wire."""
    with requests_mock.Mocker() as mock:
        cloud = FakeCloud(mock)
        cloud.mistral.add_workflow(cloud.project)
        yield cloud
