# SPDX-License-Identifier: Apache-2.0
import os
from collections.abc import Iterator

import pytest
import requests_mock

from trove_minicloud import settings
from trove_minicloud.root import Root
from trove_minicloud.supervision import state
from trove_minicloud.supervision.state import CloudStatus


@pytest.fixture
def trove(root: Root) -> Iterator[requests_mock.Mocker]:
    """An up cloud whose Trove answers what a test registers."""
    chosen = settings.load_or_create(root)
    state.save(root, CloudStatus(os.getpid(), "running", "", ()))
    with state.supervisor_lock(root), requests_mock.Mocker() as mock:
        url = chosen.keystone_url
        mock.get(url, json={"version": {"id": "v3.14", "status": "stable", "links": []}})
        token = {
            "expires_at": "2999-01-01T00:00:00Z",
            "methods": [],
            "user": {"id": "u", "name": "demo", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "p", "name": "demo", "domain": {"id": "default", "name": "Default"}},
        }
        mock.post(f"{url}/auth/tokens", json={"token": token}, headers={"X-Subject-Token": "t"})
        yield mock


def url_of(root: Root, path: str) -> str:
    chosen = settings.load(root)
    assert chosen is not None
    return f"{chosen.trove_url}/p{path}"
