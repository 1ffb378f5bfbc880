# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator
from typing import Any

import pytest
import requests_mock
import yaml

from trove_minicloud import settings
from trove_minicloud.clients.catalog import bootstrap, offer_compute, offer_swift, write_clouds
from trove_minicloud.root import Root
from trove_minicloud.settings import Settings
from trove_minicloud.stores import destination


class FakeKeystone:
    """Keeps what is created, and lists it by equality of the query's fields."""

    def __init__(self, mock: requests_mock.Mocker, url: str) -> None:
        self.created: dict[str, list[dict[str, Any]]] = {
            kind: [] for kind in ("project", "user", "service", "endpoint")
        }
        self.created["role"] = [{"id": "r1", "name": "admin"}, {"id": "r2", "name": "member"}]
        self.grants: set[str] = set()
        mock.get(url, json={"version": {"id": "v3.14", "status": "stable", "links": []}})
        token = {"token": {"expires_at": "2999-01-01T00:00:00Z", "methods": [], "user": {}}}
        mock.post(f"{url}/auth/tokens", json=token, headers={"X-Subject-Token": "t"})
        for kind in self.created:
            mock.get(f"{url}/{kind}s", json=self._lister(kind))
            mock.post(f"{url}/{kind}s", json=self._creator(kind))
        mock.put(requests_mock.ANY, text=self._grant)
        mock.patch(requests_mock.ANY, json=self._update)

    def _lister(self, kind: str) -> Any:
        def answer(request: Any, _context: Any) -> Any:
            wanted = {key: values[0] for key, values in request.qs.items()}
            found = [
                item
                for item in self.created[kind]
                if all(str(item.get(key)).lower() == value for key, value in wanted.items())
            ]
            return {f"{kind}s": found}

        return answer

    def _creator(self, kind: str) -> Any:
        def answer(request: Any, _context: Any) -> Any:
            item = {"id": f"{kind}{len(self.created[kind])}"} | request.json()[kind]
            self.created[kind].append(item)
            return {kind: item}

        return answer

    def _grant(self, request: Any, _context: Any) -> str:
        self.grants.add(request.path.split("/v3/")[1])
        return ""

    def _update(self, request: Any, _context: Any) -> Any:
        identifier = request.path.rsplit("/", 1)[1]
        for endpoint in self.created["endpoint"]:
            if endpoint["id"] == identifier:
                endpoint.update(request.json()["endpoint"])
        return {}


@pytest.fixture
def chosen(root: Root) -> Settings:
    return settings.load_or_create(root)


@pytest.fixture
def keystone(chosen: Settings) -> Iterator[FakeKeystone]:
    with requests_mock.Mocker() as mock:
        yield FakeKeystone(mock, chosen.keystone_url)


def test_the_tenant_is_a_plain_member_and_the_services_are_administrators(
    chosen: Settings, keystone: FakeKeystone
) -> None:
    bootstrap(chosen)
    projects = {item["name"]: item["id"] for item in keystone.created["project"]}
    users = {item["name"]: item["id"] for item in keystone.created["user"]}
    assert keystone.grants == {
        f"projects/{projects['service']}/users/{users['mistral']}/roles/r1",
        f"projects/{projects['service']}/users/{users['trove']}/roles/r1",
        f"projects/{projects['demo']}/users/{users['demo']}/roles/r2",
    }


def test_every_service_has_three_endpoints_in_the_region(
    chosen: Settings, keystone: FakeKeystone
) -> None:
    bootstrap(chosen)
    endpoints = keystone.created["endpoint"]
    assert len(endpoints) == 6
    assert {item["interface"] for item in endpoints} == {"public", "internal", "admin"}
    assert {item["region_id"] for item in endpoints} == {"RegionOne"}
    assert {item["url"] for item in endpoints} == {
        chosen.mistral_url,
        f"{chosen.trove_url}/%(tenant_id)s",
    }


def test_flavors_are_offered_once_and_only_when_asked_for(
    chosen: Settings, keystone: FakeKeystone
) -> None:
    bootstrap(chosen)
    assert "compute" not in {item["type"] for item in keystone.created["service"]}
    for _ in range(2):
        offer_compute(chosen, "http://127.0.0.1:5/v2.1")
    added = keystone.created["endpoint"][6:]
    assert {item["url"] for item in added} == {"http://127.0.0.1:5/v2.1"}
    assert len(added) == 3


def test_swift_is_in_the_catalog_and_may_check_tokens(
    root: Root, chosen: Settings, keystone: FakeKeystone
) -> None:
    bootstrap(chosen)
    swift = destination.want_swift(root)
    for _again in range(2):
        offer_swift(chosen, swift)
    (service,) = (item for item in keystone.created["service"] if item["name"] == "swift")
    urls = {
        item["url"] for item in keystone.created["endpoint"] if item["service_id"] == service["id"]
    }
    assert service["type"] == "object-store"
    assert urls == {f"{swift.url}%(tenant_id)s"}
    (user,) = (item for item in keystone.created["user"] if item["name"] == "swift")
    assert user["password"] == swift.password


def test_a_second_run_creates_nothing(chosen: Settings, keystone: FakeKeystone) -> None:
    bootstrap(chosen)
    before = {kind: len(items) for kind, items in keystone.created.items()}
    bootstrap(chosen)
    assert {kind: len(items) for kind, items in keystone.created.items()} == before


def test_what_a_cut_short_run_left_out_is_added(chosen: Settings, keystone: FakeKeystone) -> None:
    bootstrap(chosen)
    keystone.created["endpoint"].pop()
    keystone.created["user"].pop()
    bootstrap(chosen)
    assert len(keystone.created["endpoint"]) == 6
    assert {item["name"] for item in keystone.created["user"]} == {"mistral", "trove", "demo"}


def test_a_changed_address_is_corrected(chosen: Settings, keystone: FakeKeystone) -> None:
    bootstrap(chosen)
    for endpoint in keystone.created["endpoint"]:
        endpoint["url"] = "http://127.0.0.1:1/old"
    bootstrap(chosen)
    assert "http://127.0.0.1:1/old" not in {item["url"] for item in keystone.created["endpoint"]}


def test_clouds_yaml_has_a_tenant_and_an_administrator(root: Root, chosen: Settings) -> None:
    write_clouds(root, chosen)
    clouds = yaml.safe_load(root.clouds_file.read_text())["clouds"]
    assert clouds["minicloud"]["auth"]["username"] == "demo"
    assert clouds["minicloud"]["auth"]["password"] == chosen.demo_password
    assert clouds["minicloud-admin"]["auth"]["username"] == "admin"
    assert {cloud["auth"]["auth_url"] for cloud in clouds.values()} == {chosen.keystone_url}
    assert root.clouds_file.stat().st_mode & 0o077 == 0
