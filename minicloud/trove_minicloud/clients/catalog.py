# SPDX-License-Identifier: Apache-2.0
"""Keystone's content: the projects, users, services and endpoints that a mini cloud needs.

Everything is looked up before it is created, so a run that was cut short is completed by the
next one, and a changed address is corrected.
"""

from typing import Any

import yaml
from keystoneauth1.session import Session

from trove_minicloud.clients.sessions import admin_session
from trove_minicloud.files import write_private
from trove_minicloud.root import Root
from trove_minicloud.settings import PROJECT, REGION, USER, Settings
from trove_minicloud.stores.destination import Swift

DOMAIN = "default"
INTERFACES = ("public", "internal", "admin")


def bootstrap(settings: Settings) -> None:
    """Bring Keystone's content to what `settings` says; Keystone must be answering."""
    keystone = _Identity(admin_session(settings, timeout=30.0), settings.keystone_url)
    service_project = keystone.ensure("project", name="service", domain_id=DOMAIN)
    demo_project = keystone.ensure("project", name=PROJECT, domain_id=DOMAIN)
    for name, password, project, role in (
        ("mistral", settings.mistral_password, service_project, "admin"),
        ("trove", settings.trove_password, service_project, "admin"),
        (USER, settings.demo_password, demo_project, "member"),
    ):
        user = keystone.ensure_user(name, password, project)
        keystone.grant(user, project, role)
    for name, service_type, url in (
        ("mistral", "workflowv2", settings.mistral_url),
        ("trove", "database", f"{settings.trove_url}/%(tenant_id)s"),
    ):
        keystone.ensure_endpoints(keystone.ensure("service", name=name, type=service_type), url)


def offer_compute(settings: Settings, url: str) -> None:
    """Have the catalog say that flavors are found here; only a dashboard asks for them."""
    keystone = _Identity(admin_session(settings, timeout=30.0), settings.keystone_url)
    keystone.ensure_endpoints(keystone.ensure("service", name="nova", type="compute"), url)


def offer_swift(settings: Settings, swift: Swift) -> None:
    """Have the catalog say where each project's objects are, and Swift check their tokens."""
    keystone = _Identity(admin_session(settings, timeout=30.0), settings.keystone_url)
    project = keystone.ensure("project", name="service", domain_id=DOMAIN)
    user = keystone.ensure_user("swift", swift.password, project)
    keystone.grant(user, project, "admin")
    service = keystone.ensure("service", name="swift", type="object-store")
    keystone.ensure_endpoints(service, f"{swift.url}%(tenant_id)s")


def write_clouds(root: Root, settings: Settings) -> None:
    """Write clouds.yaml: `minicloud` for the user, `minicloud-admin` for the administrator."""
    entries = {
        "minicloud": (USER, settings.demo_password, PROJECT),
        "minicloud-admin": ("admin", settings.admin_password, "admin"),
    }
    clouds = {
        name: {
            "auth": {
                "auth_url": settings.keystone_url,
                "username": user,
                "password": password,
                "project_name": project,
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
            "region_name": REGION,
            "identity_api_version": "3",
        }
        for name, (user, password, project) in entries.items()
    }
    write_private(root.clouds_file, yaml.safe_dump({"clouds": clouds}, sort_keys=False))


class _Identity:
    """The few calls of the Identity API v3 that are needed here."""

    def __init__(self, session: Session, url: str) -> None:
        self._session = session
        self._url = url

    def ensure(self, kind: str, **fields: str) -> str:
        """The id of the resource with these fields, created if there is none."""
        found = self._list(kind, **fields)
        return str(found[0]["id"] if found else self._create(kind, fields)["id"])

    def ensure_user(self, name: str, password: str, project: str) -> str:
        found = self._list("user", name=name, domain_id=DOMAIN)
        if not found:
            fields = {"name": name, "domain_id": DOMAIN, "password": password}
            return str(self._create("user", fields | {"default_project_id": project})["id"])
        return str(found[0]["id"])

    def grant(self, user: str, project: str, role: str) -> None:
        role_id = self._list("role", name=role)[0]["id"]
        self._session.put(f"{self._url}/projects/{project}/users/{user}/roles/{role_id}")

    def ensure_endpoints(self, service: str, url: str) -> None:
        existing = {item["interface"]: item for item in self._list("endpoint", service_id=service)}
        for interface in INTERFACES:
            fields = {
                "service_id": service,
                "interface": interface,
                "url": url,
                "region_id": REGION,
            }
            if interface not in existing:
                self._create("endpoint", fields)
            elif existing[interface]["url"] != url:
                address = f"{self._url}/endpoints/{existing[interface]['id']}"
                self._session.patch(address, json={"endpoint": {"url": url}})

    def _list(self, kind: str, **filters: str) -> list[dict[str, Any]]:
        response = self._session.get(f"{self._url}/{kind}s", params=filters)
        return list(response.json()[f"{kind}s"])

    def _create(self, kind: str, fields: dict[str, str]) -> dict[str, Any]:
        response = self._session.post(f"{self._url}/{kind}s", json={kind: fields})
        return dict(response.json()[kind])
