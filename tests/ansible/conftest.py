# SPDX-License-Identifier: Apache-2.0
"""The Ansible collection, on Mistral's own API and fakes of Keystone and Trove.

These tests need the environment that `make test-ansible` makes beside this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests_mock
import yaml

from tests.ansible.collection import BIN, Collection, wait
from tests.ansible.served import Served
from tests.unit.client.fake_cloud import KEYSTONE_URL, FakeCloud
from trove_schedules import workbook

if not BIN.is_dir():
    # Other runs, which name their folders, have nothing to run here.
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """The collection, built and installed."""
    return Collection(tmp_path_factory.mktemp("collection"))


@pytest.fixture
def cloud(collection: Collection) -> Iterator[FakeCloud]:
    """A cloud with the workbook and an instance ``m``, which `OS_CLOUD` names to the programs."""
    with requests_mock.Mocker() as mock, Served() as served:
        cloud = FakeCloud(mock)
        # The programs go by their own clock.
        cloud.mistral.rewind(datetime.now(UTC))
        for name in (workbook.WORKFLOW, workbook.DRILL, workbook.POLICY):
            cloud.mistral.add_workflow(cloud.project, name=name)
        cloud.add_instance("m")
        entry = {
            "auth_type": "v3password",
            "region_name": "RegionOne",
            "auth": {
                "auth_url": KEYSTONE_URL,
                "username": "user",
                "password": "secret",
                "user_domain_id": "default",
                "project_id": cloud.project,
            },
        }
        file = collection.folder / "clouds.yaml"
        file.write_text(yaml.safe_dump({"clouds": {"mycloud": entry}}))
        collection.variables = {
            "OS_CLIENT_CONFIG_FILE": str(file),
            "OS_CLOUD": "mycloud",
            "http_proxy": served.url,
        }
        collection.meanwhile = served.handle_request
        yield cloud
        collection.variables = {}
        collection.meanwhile = wait
