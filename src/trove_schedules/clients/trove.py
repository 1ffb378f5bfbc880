# SPDX-License-Identifier: Apache-2.0
"""Trove: the instances and backups that a schedule speaks of.

A keystoneauth adapter is all it needs: python-troveclient hides the request ids of errors and,
when imported, pulls in eventlet with its deprecation warning where that is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from keystoneauth1.adapter import Adapter
from keystoneauth1.session import Session

from trove_schedules.clients.session import json_object, log_in, translated
from trove_schedules.errors import (
    AmbiguousNameError,
    BackupNotFoundError,
    InstanceNotFoundError,
    ServiceError,
)
from trove_schedules.model import is_uuid


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup, with what a schedule needs of it."""

    id: str
    instance_id: str
    status: str


class Trove:
    """Typed requests to one project's Trove, the ``database`` service of the session's catalog."""

    def __init__(self, session: Session, region_name: str | None, interface: str | None) -> None:
        self._http = Adapter(
            session,
            service_type="database",
            region_name=region_name,
            interface=interface or "public",
        )

    def instance_id(self, name_or_id: str) -> str:
        """The id of the instance with this id or, where there is none, with this name.

        Trove can't look a name up, so a name costs a walk through the project's instances.

        :raises InstanceNotFoundError: the project has none.
        :raises AmbiguousNameError: it has several of this name.
        """
        if is_uuid(name_or_id) and self._find("show instance", f"/instances/{name_or_id}"):
            return name_or_id
        found = sorted(row["id"] for row in self._instances() if row["name"] == name_or_id)
        if not found:
            raise InstanceNotFoundError(
                f"no database instance of this project has the id or name {name_or_id!r}; "
                "'openstack database instance list' lists them"
            )
        if len(found) > 1:
            raise AmbiguousNameError(
                f"{len(found)} database instances are named {name_or_id!r}; "
                f"give the id of one: {', '.join(found)}"
            )
        return str(found[0])

    def backup(self, backup_id: str) -> Backup:
        """One backup.

        :raises BackupNotFoundError: the project has no backup of this id.
        """
        answer = self._find("show backup", f"/backups/{backup_id}") if is_uuid(backup_id) else None
        if answer is None:
            raise BackupNotFoundError(
                f"no backup of this project has the id {backup_id!r}; "
                "'openstack database backup list' lists them"
            )
        row = answer["backup"]
        return Backup(row["id"], row["instance_id"], row["status"])

    def _instances(self) -> Iterator[dict[str, Any]]:
        path: str | None = "/instances"
        while path:
            page = self._get("list instances", path)
            yield from page.get("instances", ())
            path = _next_page(path, page)

    def _find(self, operation: str, path: str) -> dict[str, Any] | None:
        """The JSON object at a path, or None where there is nothing."""
        try:
            return self._get(operation, path)
        except ServiceError as error:
            if error.status == 404 and error.service == "Trove":
                return None
            raise

    def _get(self, operation: str, path: str) -> dict[str, Any]:
        log_in(self._http.session)
        with translated("Trove", operation):
            response = self._http.get(path)
        return json_object("Trove", operation, response)


def _next_page(path: str, page: dict[str, Any]) -> str | None:
    """The path of the page after this one; Trove's links name hosts that proxies may hide."""
    for link in page.get("links", ()):
        if link["rel"] == "next":
            marker = parse_qs(urlsplit(link["href"]).query)["marker"][0]
            return f"{urlsplit(path).path}?marker={quote(marker)}"
    return None
