# SPDX-License-Identifier: Apache-2.0
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import requests_mock

from tests.unit.minicloud import examples
from trove_minicloud import settings
from trove_minicloud.clients import schedules
from trove_minicloud.errors import MiniCloudError, NotUpError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root


@pytest.fixture
def instance(root: Root) -> Instance:
    return examples.saved(root)


@pytest.fixture
def mistral(root: Root) -> Iterator[requests_mock.Mocker]:
    """A cloud whose Keystone takes the administrator's login."""
    url = settings.load_or_create(root).keystone_url
    with requests_mock.Mocker() as mock:
        mock.get(url, json={"version": {"id": "v3.14", "status": "stable", "links": []}})
        token = {"expires_at": "2999-01-01T00:00:00Z", "methods": [], "user": {"id": "u"}}
        mock.post(f"{url}/auth/tokens", json={"token": token}, headers={"X-Subject-Token": "t"})
        yield mock


def _url(root: Root) -> str:
    return f"{settings.load_or_create(root).mistral_url}/cron_triggers"


def _trigger(trigger: str, name: str) -> dict[str, Any]:
    return {"name": trigger, "workflow_input": json.dumps({"name": name})}


def test_every_schedule_of_an_instance_is_named_once_whoever_made_it(
    root: Root, instance: Instance, mistral: requests_mock.Mocker
) -> None:
    triggers = [
        _trigger(f"trove-backup:{instance.id}:s1:1", "nightly"),
        _trigger(f"trove-backup:{instance.id}:s1:2", "nightly"),
        _trigger(f"trove-backup:{instance.id}:s2:1", "weekly"),
        # Somebody else's trigger that bears a like name.
        _trigger(f"not-trove-backup:{instance.id}:s3:1", "mine"),
    ]
    asked = mistral.get(_url(root), json={"cron_triggers": triggers})
    assert schedules.backing_up(root, instance) == {"s1": "nightly", "s2": "weekly"}
    assert asked.last_request.qs == {
        "all_projects": ["true"],
        "name": [f"has:trove-backup:{instance.id}:"],
    }


@pytest.mark.parametrize(
    "failure", [{"status_code": 503}, {"exc": requests.ConnectionError("refused")}]
)
def test_a_mistral_that_does_not_say_is_an_error_of_ours(
    root: Root, instance: Instance, mistral: requests_mock.Mocker, failure: dict[str, Any]
) -> None:
    mistral.get(_url(root), **failure)
    with pytest.raises(MiniCloudError, match="Mistral doesn't answer"):
        schedules.backing_up(root, instance)


def test_a_cloud_that_was_never_up_has_nobody_to_ask(root: Root, instance: Instance) -> None:
    with pytest.raises(NotUpError):
        schedules.backing_up(root, instance)
