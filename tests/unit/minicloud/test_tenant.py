# SPDX-License-Identifier: Apache-2.0
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests_mock

from trove_minicloud import settings, state, tenant
from trove_minicloud.errors import MiniCloudError, NotUpError, WaitTimeoutError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.state import CloudStatus
from trove_minicloud.tenant import Tenant

_INSTANCE = Instance(
    id="i1",
    name="m",
    project_id="p",
    datastore="postgresql",
    version="18.6",
    managed=True,
    wanted="running",
    host="127.0.0.1",
    port=1,
    user="backup",
    incarnation="",
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
)


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


def _url(root: Root, path: str) -> str:
    chosen = settings.load(root)
    assert chosen is not None
    return f"{chosen.trove_url}/p{path}"


def _backup(number: int, name: str, status: str = "COMPLETED") -> dict[str, Any]:
    return {"id": f"id{number}", "name": name, "status": status}


def _serve_backups(trove: requests_mock.Mocker, root: Root, backups: list[dict[str, Any]]) -> None:
    def page(request: Any, _context: Any) -> Any:
        start, limit = int(request.qs["marker"][0]), int(request.qs["limit"][0])
        return {"backups": backups[start : start + limit]}

    trove.get(_url(root, "/backups"), json=page)


def test_a_cloud_that_is_down_is_an_error_that_says_how_to_start_it(root: Root) -> None:
    settings.load_or_create(root)
    with pytest.raises(NotUpError, match="trove-minicloud up"):
        Tenant(root)


def test_an_instance_is_waited_for_until_it_is_healthy(
    trove: requests_mock.Mocker, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant.time, "sleep", lambda _seconds: None)
    trove.get(
        _url(root, "/instances/i1"),
        [
            {"status_code": 404},
            {"json": {"instance": {"status": "SHUTDOWN", "operating_status": ""}}},
            {"json": {"instance": {"status": "ACTIVE", "operating_status": "HEALTHY"}}},
        ],
    )
    seen: list[str] = []
    Tenant(root).wait_until_healthy(_INSTANCE, 60, seen.append)
    assert seen == [
        "m: not known to Trove (0 s)",
        "m: SHUTDOWN (0 s)",
        "m: ACTIVE/HEALTHY (0 s)",
    ]


def test_the_wait_has_an_end_that_says_what_was_seen(
    trove: requests_mock.Mocker, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant.time, "sleep", lambda _seconds: None)
    trove.get(_url(root, "/instances/i1"), status_code=404)
    with pytest.raises(WaitTimeoutError, match=r"m is not known to Trove.*runs no server for it"):
        Tenant(root).wait_until_healthy(_INSTANCE, -1, lambda _line: None)


def test_a_backup_is_found_by_id_or_name_on_any_page(
    trove: requests_mock.Mocker, root: Root
) -> None:
    _serve_backups(trove, root, [_backup(number, f"name{number}") for number in range(250)])
    assert Tenant(root).find_backup("id249") == "id249"
    assert Tenant(root).find_backup("name120") == "id120"


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("none", "There is no backup 'none'"),
        ("twice", "Several backups are named 'twice'; use an id: id1, id2"),
        ("failed", "The backup id3 is FAILED"),
    ],
)
def test_a_backup_that_can_not_be_restored_is_refused(
    trove: requests_mock.Mocker, root: Root, wanted: str, text: str
) -> None:
    backups = [_backup(1, "twice"), _backup(2, "twice"), _backup(3, "failed", "FAILED")]
    _serve_backups(trove, root, backups)
    with pytest.raises(MiniCloudError, match=text):
        Tenant(root).find_backup(wanted)


def test_a_trove_that_fails_is_an_error_of_ours(trove: requests_mock.Mocker, root: Root) -> None:
    trove.get(_url(root, "/instances/i1"), status_code=500)
    with pytest.raises(MiniCloudError, match="Trove doesn't answer"):
        Tenant(root).instance_state("i1")
