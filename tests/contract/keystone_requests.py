# SPDX-License-Identifier: Apache-2.0
"""Run mistral-extra's action ``trove.backups_list`` for trusts and others, and print as JSON which
requests to Keystone and which URL of Trove's each of them made.

A process of its own, so that it can be given another mistral-extra by PYTHONPATH. The argument
``remember`` stands for the mini cloud's start program.
"""

from __future__ import annotations

import json
import sys
import tempfile
from typing import Any
from urllib.parse import urlsplit

import requests_mock
from oslo_service import backend

# ruff: noqa: E402 - the backend has to be chosen before Mistral asks for one
backend.init_backend(backend.BackendType.THREADING)

import mistral.api.app  # noqa: F401  (registers the options)
from mistral import config, context
from mistral_extra.actions.openstack import actions
from mistral_lib.actions.context import SecurityContext

KEYSTONE = "http://keystone.test/v3"
CONFIGURATION = f"""
[keystone_authtoken]
auth_type = password
auth_url = {KEYSTONE}
www_authenticate_uri = {KEYSTONE}
username = mistral
password = x
project_name = service
user_domain_name = Default
project_domain_name = Default
"""


class ListBackups(actions.TroveAction):
    client_method_name = "backups.list"


def catalog(url: str) -> list[dict[str, Any]]:
    """Keystone's, and Trove at this URL."""
    return [
        {
            "type": kind,
            "name": kind,
            "endpoints": [
                {"interface": interface, "region": "one", "region_id": "one", "url": address}
                for interface in ("public", "admin")
            ],
        }
        for kind, address in (("identity", KEYSTONE), ("database", url))
    ]


def token(request: Any, _context: Any) -> dict[str, Any]:
    """Of a trust; its catalog's URL holds the project, which Keystone puts there."""
    project = request.headers["X-Subject-Token"].removeprefix("token-of-")
    return {"token": described(project) | {"OS-TRUST:trust": {"id": "trust"}}}


def described(project: str) -> dict[str, Any]:
    domain = {"id": "default", "name": "Default"}
    return {
        "expires_at": "2999-01-01T00:00:00Z",
        "issued_at": "2026-01-01T00:00:00Z",
        "methods": ["password"],
        "roles": [],
        "user": {"id": "u", "name": "u", "domain": domain},
        "project": {"id": project, "name": project, "domain": domain},
        "catalog": catalog(f"http://trove.test/v1.0/{project}"),
    }


def run(mock: requests_mock.Mocker, project: str, **values: Any) -> dict[str, Any]:
    """The requests of one action."""
    mock.reset_mock()
    values = {"user_id": "u", "is_trust_scoped": True, "trust_id": "trust"} | values
    given = {"project_id": project, "auth_token": f"token-of-{project}", "user_name": "u"}
    context.set_ctx(context.MistralContext(**given, **values))
    ListBackups().run(SecurityContext(**given))
    made = [(each.method, urlsplit(each.url)) for each in mock.request_history]
    return {
        "keystone": [f"{method} {url.path}" for method, url in made if "keystone" in url.netloc],
        "trove": [f"{url.netloc}{url.path}" for _, url in made if "keystone" not in url.netloc],
    }


def main() -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(CONFIGURATION)
        file.flush()
        config.parse_args(["--config-file", file.name])
    if "remember" in sys.argv:
        from trove_minicloud.services import trust_endpoints

        trust_endpoints.remember()
    with requests_mock.Mocker() as mock:
        link = {"rel": "self", "href": KEYSTONE}
        version = {"id": "v3.14", "status": "stable", "links": [link]}
        mock.get(KEYSTONE, json={"version": version})
        mock.post(
            f"{KEYSTONE}/auth/tokens",
            json={"token": described("service")},
            headers={"X-Subject-Token": "token-of-mistral"},
        )
        mock.get(f"{KEYSTONE}/auth/tokens", json=token)
        for host in ("trove.test", "elsewhere.test"):
            for project in ("p", "q"):
                mock.get(f"http://{host}/v1.0/{project}/backups", json={"backups": []})
        elsewhere = {"methods": [], "catalog": catalog("http://elsewhere.test/v1.0/p")}
        facts = {
            # A catalog of the sender's own, before anything is known of the project.
            "sent along": run(mock, "p", is_trust_scoped=False, service_catalog=elsewhere),
            "first": run(mock, "p"),
            "second": run(mock, "p"),
            "other project": run(mock, "q"),
            "other user": run(mock, "p", user_id="v"),
        }
    print(json.dumps(facts))  # noqa: T201 - the answer


main()
