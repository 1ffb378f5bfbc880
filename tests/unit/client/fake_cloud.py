# SPDX-License-Identifier: Apache-2.0
"""Keystone and Trove at the wire, beside Mistral's own API: what a real session talks to."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests_mock
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from tests.mistral_api import URL as MISTRAL_URL, Caller, MistralApi
from trove_schedules.manager import ScheduledBackups

KEYSTONE_URL = "http://keystone.test/v3"
TROVE_URL = "http://trove.test/v1.0"
PAGE = 20


#: The modules that compare the time with what Mistral made a moment ago.
_BY_MISTRALS_CLOCK = (
    "backups.choosing",
    "backups.holding",
    "backups.restoring",
    "drills.executions",
    "runs.progress",
    "runs.records",
    "triggers.generations",
    "triggers.replacing",
    "triggers.trial",
)


def use_clock(
    monkeypatch: pytest.MonkeyPatch,
    now: Callable[[], datetime],
    modules: Sequence[str] = _BY_MISTRALS_CLOCK,
) -> None:
    """Let modules take the time from there; as a rule, those that ask Mistral from its clock."""
    for module in modules:
        monkeypatch.setattr(f"trove_schedules.{module}.clock", SimpleNamespace(now=now))


class FakeCloud:
    """A cloud with two projects' worth of room; every request is in ``mock.request_history``."""

    def __init__(self, mock: requests_mock.Mocker) -> None:
        self.mock = mock
        self.mistral = MistralApi(datetime(2026, 1, 1, tzinfo=UTC))
        self.mistral.check_syntax(False)
        self.services = {"workflowv2": MISTRAL_URL, "database": f"{TROVE_URL}/{{project}}"}
        self.instances: list[dict[str, Any]] = []
        self.backups: list[dict[str, Any]] = []
        #: Trove's rows of a project's quotas.
        self.quotas: list[dict[str, Any]] = []
        self.project = "0123456789abcdef0123456789abcdef"
        #: Called before each answer of Trove: what somebody else does in the meantime.
        self.meanwhile: Callable[[], None] = lambda: None
        #: What creates of instances were asked, and what they are refused with.
        self.created: list[dict[str, Any]] = []
        self.refusal: tuple[int, str] | None = None
        self.mistral.mount(mock)
        mock.post(f"{KEYSTONE_URL}/auth/tokens", json=self._token)
        mock.get(re.compile(re.escape(TROVE_URL)), text=self._trove)
        mock.delete(re.compile(re.escape(TROVE_URL)), text=self._trove)
        mock.post(re.compile(re.escape(TROVE_URL) + ".*/instances"), json=self._create_instance)

    # Logins

    def session(
        self, project: str | None = None, *, admin: bool = False, method: str = "password"
    ) -> Session:
        """A real session; ``method`` is password or application_credential."""
        auth: Any
        if method == "application_credential":
            auth = v3.ApplicationCredential(
                KEYSTONE_URL,
                application_credential_id=uuid.uuid4().hex,
                application_credential_secret="secret",
            )
        else:
            auth = v3.Password(
                KEYSTONE_URL,
                username="admin" if admin else "user",
                password="secret",
                user_domain_id="default",
                project_id=project or self.project,
            )
        return Session(auth)

    def schedules(self, project: str | None = None, *, admin: bool = False) -> ScheduledBackups:
        return ScheduledBackups(self.session(project, admin=admin))

    def _token(self, request: Any, context: Any) -> Any:
        auth = request.json()["auth"]
        project = auth.get("scope", {}).get("project", {}).get("id", self.project)
        by_password = "password" in auth["identity"]
        is_admin = by_password and auth["identity"]["password"]["user"].get("name") == "admin"
        token_id = self.mistral.log_in(Caller(project, is_admin))
        context.headers["X-Subject-Token"] = token_id
        context.status_code = 201
        catalog = [
            {"id": each, "type": each, "name": each, "endpoints": [_endpoint(url, project)]}
            for each, url in self.services.items()
        ]
        return {
            "token": {
                "methods": auth["identity"]["methods"],
                "issued_at": "2026-01-01T00:00:00.000000Z",
                "expires_at": "2126-01-01T00:00:00.000000Z",
                "user": {"id": "u", "name": "user", "domain": {"id": "default"}},
                "project": {"id": project, "name": "demo", "domain": {"id": "default"}},
                "roles": [{"id": "r", "name": "admin" if is_admin else "member"}],
                "catalog": catalog,
            }
        }

    # Trove

    def add_instance(self, name: str, **values: Any) -> str:
        standard = {"id": str(uuid.uuid4()), "name": name, "updated": "2026-01-01T00:00:00"}
        instance = standard | values
        self.instances.append(instance)
        return str(instance["id"])

    def add_backup(self, instance_id: str, status: str = "COMPLETED", **values: Any) -> str:
        backup = {
            "id": str(uuid.uuid4()),
            "instance_id": instance_id,
            "name": "nightly",
            "description": None,
            "status": status,
            "parent_id": None,
            "created": "2026-01-01T02:00:00",
            "updated": "2026-01-01T02:01:00",
            "size": 0.1,
        } | values
        self.backups.append(backup)
        return str(backup["id"])

    def trove_paths(self) -> list[str]:
        """The paths, below the project's, that Trove was asked for."""
        return [
            each.path.split("/", 3)[3]
            for each in self.mock.request_history
            if each.netloc == "trove.test"
        ]

    def _trove(self, request: Any, context: Any) -> str:
        self.meanwhile()
        address = urlsplit(request.url)
        kind, _, identifier = address.path.split("/", 3)[3].partition("/")
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        if (kind, identifier) == ("mgmt", "instances"):
            return self._all_instances(query)
        if kind == "mgmt":
            return json.dumps({"quotas": self.quotas})
        rows = {"instances": self.instances, "backups": self.backups}[kind]
        if identifier and (kind, identifier) != ("instances", "detail"):
            for row in rows:
                if row["id"] != identifier:
                    continue
                if request.method == "DELETE":
                    context.status_code = 202
                    self._delete_backup(identifier)
                    return ""
                return json.dumps({kind[:-1]: row})
            context.status_code = 404
            context.headers["content-type"] = "application/json"
            message = f"Resource {identifier} cannot be found."
            return json.dumps({"itemNotFound": {"code": 404, "message": message}})
        page, marker = self._page(kind, rows, query)
        return self._with_link(kind, page, marker)

    def _all_instances(self, query: dict[str, str]) -> str:
        """What administrators list: cut by position, the last updated first, in another order."""
        project = query.get("project_id")
        rows = [row for row in self.instances if project in (None, row.get("tenant_id"))]
        rows.sort(key=lambda row: row["updated"], reverse=True)
        start, limit = int(query.get("marker", 0)), int(query.get("limit", PAGE))
        page = sorted(rows[start : start + limit], key=lambda row: row["id"])
        return self._with_link(
            "instances", page, str(start + limit) if len(page) == limit else None
        )

    @staticmethod
    def _with_link(kind: str, page: list[dict[str, Any]], marker: str | None) -> str:
        answer: dict[str, Any] = {kind: page, "links": []}
        if marker is not None:
            # Trove behind a proxy names itself by another host, and http for https.
            href = f"http://10.0.0.5:8779/v1.0/x/{kind}?marker={marker}&limit={PAGE}"
            answer["links"] = [{"rel": "next", "href": href}]
        return json.dumps(answer)

    def _create_instance(self, request: Any, context: Any) -> Any:
        wanted = request.json()["instance"]
        self.created.append(wanted)
        if self.refusal is not None:
            context.status_code, message = self.refusal
            return {"badRequest": {"code": context.status_code, "message": message}}
        made = self.add_instance(wanted["name"], status="BUILD")
        return {"instance": next(each for each in self.instances if each["id"] == made)}

    @staticmethod
    def _page(
        kind: str, rows: list[dict[str, Any]], query: dict[str, str]
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A page of a list and the marker of the next: an id or, for backups, an offset."""
        limit = int(query.get("limit", PAGE))
        if kind == "instances":
            ordered = sorted(rows, key=lambda row: row["id"])
            rest = [row for row in ordered if row["id"] > query.get("marker", "")]
            return rest[:limit], rest[limit - 1]["id"] if len(rest) > limit else None
        instance = query.get("instance_id")
        ordered = [row for row in rows if instance in (None, row["instance_id"])]
        ordered.sort(key=lambda row: row["updated"], reverse=True)
        start = int(query.get("marker", 0))
        page = ordered[start : start + limit]
        return page, str(start + limit) if len(page) == limit else None

    def _delete_backup(self, identifier: str) -> None:
        for row in [row for row in self.backups if row["parent_id"] == identifier]:
            self._delete_backup(row["id"])
        self.backups = [row for row in self.backups if row["id"] != identifier]


def _endpoint(url: str, project: str) -> dict[str, str]:
    return {
        "id": url,
        "interface": "public",
        "region": "RegionOne",
        "region_id": "RegionOne",
        "url": url.format(project=project),
    }
