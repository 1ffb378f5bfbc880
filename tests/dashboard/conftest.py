# SPDX-License-Identifier: Apache-2.0
"""Horizon as the mini cloud configures it, with a user who is logged in and services that aren't.

These tests run in the environment that has Horizon: `make test-dashboard`.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import create_autospec

import pytest
import yaml

if find_spec("horizon") is None:
    # The other environment, whose runs name their folders, has nothing to run here.
    collect_ignore_glob = ["test_*.py"]
else:
    import requests_mock as requests_mocking

    from tests.dashboard import examples
    from trove_minicloud.root import Root
    from trove_minicloud.services import horizon as minicloud_horizon
    from trove_minicloud.services.horizon import Dashboard
    from trove_minicloud.settings import Settings

    _folder = tempfile.TemporaryDirectory(prefix="trove-schedules-horizon-")
    _root = Root.at(_folder.name)
    _settings = Settings(1, 2, 3, "", "", "", "")
    _root.service(minicloud_horizon.NAME).mkdir()
    minicloud_horizon.configure(_root, _settings, Dashboard("python", 4, 5, "a test's key"))
    # Compiling the styles takes seconds, and no test looks at them.
    with (Path(_folder.name) / "horizon/local/local_settings.py").open("a") as stream:
        stream.write("COMPRESS_ENABLED = COMPRESS_OFFLINE = False\nCOMPRESS_PRECOMPILERS = ()\n")
        stream.write("ALLOWED_HOSTS = ['testserver']\n")
    sys.path.insert(0, str(Path(_folder.name) / "horizon"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "openstack_dashboard.settings"

    import django

    django.setup()

    from django.conf import settings as django_settings
    from django.test import Client
    from django.test.utils import setup_test_environment
    from openstack_auth import policy
    from openstack_auth.user import User

    import trove_schedules
    from trove_schedules import ScheduledBackups
    from trove_schedules.errors import ScheduleNotFoundError

    setup_test_environment()
    django_settings.COMPRESS_PRECOMPILERS = ()


@pytest.fixture(scope="session", autouse=True)
def _policies() -> None:
    """Those of all services, read once: a page asks dozens, each of which looks at its files."""
    yaml.SafeLoader = yaml.CSafeLoader
    for enforcer in policy._get_enforcer().values():
        enforcer.use_conf = False


class _Token:
    id = "a-token"
    project = MappingProxyType({"domain_id": "default", "id": examples.PROJECT})
    unscoped_token = None
    expires = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A member of a project, logged in."""
    logged_in = User(
        id="user-id",
        user="demo",
        token=_Token(),
        user_domain_id="default",
        project_id=examples.PROJECT,
        project_name="demo",
        domain_id=None,
        service_catalog=examples.CATALOG,
        roles=[{"name": "member"}],
        enabled=True,
        endpoint=f"{examples.KEYSTONE}/v3",
        services_region="RegionOne",
    )
    monkeypatch.setattr("openstack_auth.utils.get_user", lambda request: logged_in)
    monkeypatch.setattr("openstack_auth.utils.middleware_get_user", lambda request: logged_in)
    monkeypatch.setattr(
        "django.contrib.auth.middleware.get_user", lambda request: logged_in, raising=False
    )
    return logged_in


@pytest.fixture
def client(user: Any, services: requests_mocking.Mocker) -> Any:
    """A browser without scripts."""
    return Client()


@pytest.fixture
def services() -> Iterator[requests_mocking.Mocker]:
    """The HTTP of all services: a request that a test has not prepared is an error."""
    with requests_mocking.Mocker() as mocker:
        # Horizon's own: its header asks for the user's projects, and does without them.
        mocker.get(re.compile(re.escape(examples.KEYSTONE)), status_code=404)
        mocker.get(f"{examples.KEYSTONE}/v3", json=examples.keystone_version())
        yield mocker


@pytest.fixture
def trove(services: requests_mocking.Mocker) -> requests_mocking.Mocker:
    """A Trove with two instances and a completed and a failed backup of one of them."""
    services.get(f"{examples.TROVE}/instances", json=examples.instances())
    services.get(f"{examples.TROVE}/backups", json=examples.backups())
    for instance, name in ((examples.ORDERS, "orders"), (examples.LEGACY, "legacy")):
        services.get(
            f"{examples.TROVE}/instances/{instance}",
            json={"instance": {"id": instance, "name": name}},
        )
    return services


@pytest.fixture(scope="session")
def api() -> Any:
    """All calls of the product's API, whose signatures take a while to read."""
    return create_autospec(ScheduledBackups, spec_set=True, instance=True)


@pytest.fixture
def schedules(api: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The product's API, mocked but for instances and backups, which it asks Trove for.

    A call that it doesn't have is an error.
    """
    api.reset_mock(return_value=True, side_effect=True)

    def connected(**how: Any) -> Any:
        real = ScheduledBackups(**how)
        for name in ("instance_names", "instance_name", "backup_list"):
            getattr(api, name).side_effect = getattr(real, name)
        return api

    api.schedule_health.return_value = [examples.health()]
    api.schedule_drill_show.return_value = api.policy_drill_show.return_value = None
    api.drill_in_progress.return_value = None
    api.schedule_remarks.return_value = api.policy_remarks.return_value = []
    api.policy_health.return_value = []
    api.policy_show.side_effect = ScheduleNotFoundError("no backup policy has this id")
    connect = create_autospec(trove_schedules.connect, side_effect=connected)
    monkeypatch.setattr(trove_schedules, "connect", connect)
    return api
