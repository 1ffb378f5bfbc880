# SPDX-License-Identifier: Apache-2.0
"""Trove: the instances and backups that a schedule speaks of.

A keystoneauth adapter is all it needs: python-troveclient hides the request ids of errors and,
when imported, pulls in eventlet with its deprecation warning where that is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from keystoneauth1.adapter import Adapter
from keystoneauth1.session import Session

from trove_schedules.clients.instances import (
    Instance,
    InstanceDetails,
    listed_instance,
    shown_instance,
)
from trove_schedules.clients.scope import OWN, Scope
from trove_schedules.clients.session import (
    asked,
    json_object,
    log_in,
    reading,
    text_in,
    translated,
)
from trove_schedules.errors import (
    AmbiguousNameError,
    BackupNotFoundError,
    InstanceNotFoundError,
    ServiceError,
)
from trove_schedules.ids import is_uuid

#: Trove gives 20 rows a page unless told otherwise.
PAGE = 1000
#: The same of other projects' instances: Trove names those of a page in one URL that it asks Nova.
INSTANCES_PAGE = 100
#: The most pages in a row without a new row, while somebody deletes and updates many.
_MOST_IN_VAIN = 20
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup, with what a schedule needs of it.

    :ivar created: in UTC, to the second.
    :ivar updated: in UTC; for a completed one, when it was completed, or later. None where Trove
        doesn't say.
    :ivar size: gigabytes, or None while it is not known.
    :ivar datastore: the kind of database, such as ``postgresql``, or None where Trove doesn't say.
    :ivar datastore_version: the name of its version, or None likewise.
    """

    id: str
    instance_id: str
    name: str
    description: str | None
    status: str
    parent_id: str | None
    created: datetime
    size: float | None
    updated: datetime | None = None
    datastore: str | None = None
    datastore_version: str | None = None

    @property
    def running(self) -> bool:
        """Whether Trove makes no other backup of the instance for its sake."""
        return self.status in ("NEW", "BUILDING", "SAVING")

    @property
    def seconds(self) -> float | None:
        """From when it began to when it was updated last; for a completed one, how long it took."""
        return None if self.updated is None else (self.updated - self.created).total_seconds()


class _Updated(Protocol):
    """A row of a list that is sorted by the last update."""

    @property
    def id(self) -> str: ...

    @property
    def updated(self) -> datetime | None: ...


Row = TypeVar("Row", bound=_Updated)


@dataclass(frozen=True, slots=True)
class Quota:
    """How many backups a project may have, failed ones included, and how many it has."""

    limit: int
    used: int

    @property
    def left(self) -> int:
        return max(self.limit - self.used, 0)


class Trove:
    """Typed requests to one project's Trove, the ``database`` service of the session's catalog."""

    def __init__(
        self,
        session: Session,
        region_name: str | None,
        interface: str | None,
        scope: Scope = OWN,
    ) -> None:
        self.scope = scope
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
        if is_uuid(name_or_id) and self._find("show instance", "instances", name_or_id):
            return name_or_id
        names = self.instance_names()
        found = sorted(each for each, name in names.items() if name == name_or_id)
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
        return found[0]

    def instance_status(self, instance_id: str) -> str:
        """An instance's status in Trove's words, such as ``ACTIVE``.

        :raises InstanceNotFoundError: the project has no instance of this id.
        """
        answer = self._instance(instance_id)
        if answer is None:
            raise InstanceNotFoundError(
                f"no database instance of this project has the id {instance_id!r}"
            )
        with reading("Trove", "show instance"):
            return text_in(answer["instance"], "status")

    def instance(self, instance_id: str) -> InstanceDetails | None:
        """One instance; None where the project has none of this id."""
        answer = self._instance(instance_id)
        if answer is None:
            return None
        with reading("Trove", "show instance"):
            return shown_instance(answer["instance"])

    def create_instance(self, wanted: dict[str, Any]) -> InstanceDetails:
        """Ask Trove for an instance, which it makes in the background.

        :param wanted: as Trove's API has it.
        """
        log_in(self._http.session)
        operation = f"create instance {wanted['name']}"
        with translated("Trove", operation):
            response = self._http.post("/instances", json={"instance": wanted})
        answer = json_object("Trove", operation, response)
        with reading("Trove", operation):
            return shown_instance(answer["instance"])

    def instance_exists(self, instance_id: str) -> bool:
        """Whether the project has an instance of this id, whatever its status."""
        return self._instance(instance_id) is not None

    def instance_name(self, instance_id: str) -> str | None:
        """The name of an instance; None where the project has none of this id."""
        answer = self._instance(instance_id)
        if answer is None:
            return None
        with reading("Trove", "show instance"):
            return text_in(answer["instance"], "name")

    def instance_names(self, pages: int | None = None) -> dict[str, str]:
        """The names of the project's instances, by id.

        :param pages: the most pages to read, see :meth:`instances`; None means all.
        """
        found = self.instances() if pages is None else self._some_instances(pages)
        return {each.id: each.name for each in found}

    def instances(self, *, detailed: bool = False) -> list[Instance]:
        """Every instance of the project, in no order; as in Trove's lists, without clusters'.

        :param detailed: with the times of the own project's too, for which Trove reads more.

        Trove gives 20 of the own project a page, or what its operator has set, however many are
        asked for; of other projects 100.
        """
        if self.scope.is_own:
            return list(chain.from_iterable(self._own_instance_pages(detailed=detailed)))
        return _whole(self._other_instance_pages)

    def backup(self, backup_id: str) -> Backup:
        """One backup.

        :raises BackupNotFoundError: the project has no backup of this id.
        """
        answer = self._find("show backup", "backups", backup_id) if is_uuid(backup_id) else None
        if answer is None:
            raise BackupNotFoundError(
                f"no backup of this project has the id {backup_id!r}; "
                "'openstack database backup list' lists them"
            )
        with reading("Trove", "show backup"):
            return _backup(answer["backup"])

    def backups(self, instance_id: str | None = None) -> list[Backup]:
        """Every backup of an instance, or of the project, in no order."""
        return _whole(lambda: self._backup_pages(instance_id))

    def newest_backups(self, limit: int, instance_id: str | None) -> list[Backup]:
        """The N backups that were updated last, the newest made first, by one request."""
        chosen = f"&instance_id={quote(instance_id)}" if instance_id else ""
        answer = self._get("list backups", f"/backups?limit={limit}{chosen}")
        with reading("Trove", "list backups"):
            found = [_backup(row) for row in answer["backups"]]
        return sorted(found, key=lambda each: each.created, reverse=True)

    def delete_backup(self, backup_id: str) -> None:
        """Ask Trove to delete a backup and all that builds on it; fine if it is gone."""
        log_in(self._http.session)
        try:
            with translated("Trove", "delete backup"):
                self._http.delete(f"/backups/{quote(backup_id)}")
        except ServiceError as error:
            if not error.says_missing("Trove", f"{backup_id} cannot be found"):
                raise

    def backup_quota(self) -> Quota | None:
        """The project's quota of backups, or None where it has no limit, or for all projects."""
        if self.scope.all_projects:
            return None
        log_in(self._http.session)
        project = self.scope.project_id or self._http.get_project_id()
        answer = self._get("show quotas", f"/mgmt/quotas/{project}")
        with reading("Trove", "show quotas"):
            for row in answer["quotas"]:
                if row["resource"] == "backups" and row["limit"] >= 0:
                    return Quota(row["limit"], row["in_use"] + row["reserved"])
        return None

    def _instance(self, instance_id: str) -> dict[str, Any] | None:
        return self._find("show instance", "instances", instance_id)

    def _some_instances(self, pages: int) -> list[Instance]:
        every = self._own_instance_pages if self.scope.is_own else self._other_instance_pages
        return list(chain.from_iterable(islice(every(), pages)))

    def _own_instance_pages(self, *, detailed: bool = False) -> Iterator[list[Instance]]:
        """The project's instances, page by page; Trove's links name hosts that proxies may hide.

        Trove sorts them by id, and a page begins behind the id that its marker is: one that is
        deleted meanwhile moves no other.
        """
        marker: str | None = ""
        path = "/instances/detail" if detailed else "/instances"
        while marker is not None:
            page = self._get("list instances", f"{path}?marker={quote(marker)}" if marker else path)
            with reading("Trove", "list instances"):
                own = self._http.get_project_id()
                found = [listed_instance({"tenant_id": own} | row) for row in page["instances"]]
                following = _next_marker(page)
                if following is not None and following == marker:
                    raise ValueError(f"the page after {marker} repeats it")
            yield found
            marker = following

    def _other_instance_pages(self) -> Iterator[list[Instance]]:
        """Other projects' instances, page by page, as administrators may list them."""
        asked = {"deleted": "false"} | self._of_project()
        return self._pages("instances", "/mgmt/instances", asked, INSTANCES_PAGE, listed_instance)

    def _backup_pages(self, instance_id: str | None) -> Iterator[list[Backup]]:
        """The list of backups, page by page."""
        asked = {"instance_id": instance_id} if instance_id else {}
        if self.scope.all_projects:
            asked["all_projects"] = "true"
        return self._pages("backups", "/backups", asked | self._of_project(), PAGE, _backup)

    def _pages(
        self,
        kind: str,
        path: str,
        asked: dict[str, str],
        size: int,
        read: Callable[[dict[str, Any]], Row],
    ) -> Iterator[list[Row]]:
        """A list that Trove cuts by position, page by page, so that no deletion hides a row.

        Each page begins with a row that was seen. Where it doesn't, rows above were deleted, others
        moved up past the position, and it is read from a page earlier.
        """
        query = urlencode(asked | {"limit": size})
        start, seen, in_vain = 0, set[str](), 0
        while True:
            answer = self._get(
                f"list {kind}", f"{path}?{query}" + (f"&marker={start}" if start else "")
            )
            with reading("Trove", f"list {kind}"):
                page = [read(row) for row in answer[kind]]
                more = _next_marker(answer) is not None
                # The rows of a page may have an order of their own.
                known = not start or not seen.isdisjoint(each.id for each in page)
                fresh = known and not seen.issuperset(each.id for each in page)
                in_vain = 0 if fresh else in_vain + 1
                if in_vain > _MOST_IN_VAIN:
                    raise ValueError(f"{in_vain} pages in a row had nothing new")
            if not known:
                start = max(start - size, 0)
                continue
            yield page
            if not more:
                return
            seen |= {each.id for each in page}
            start += len(page) - 1

    def _of_project(self) -> dict[str, str]:
        """The option of lists that are to have another project's rows."""
        return {"project_id": self.scope.project_id} if self.scope.project_id else {}

    def _find(self, operation: str, kind: str, identifier: str) -> dict[str, Any] | None:
        """The JSON object of this id. None: Trove has no such object."""
        try:
            return self._get(operation, f"/{kind}/{quote(identifier)}")
        except ServiceError as error:
            if error.says_missing("Trove", f"{identifier} cannot be found"):
                return None
            raise

    def _get(self, operation: str, path: str) -> dict[str, Any]:
        log_in(self._http.session)
        with translated("Trove", operation):
            response = asked(lambda: self._http.get(path))
        return json_object("Trove", operation, response)


def _next_marker(page: dict[str, Any]) -> str | None:
    for link in page.get("links", ()):
        if link["rel"] == "next":
            return str(parse_qs(urlsplit(link["href"]).query)["marker"][0])
    return None


def _whole(pages: Callable[[], Iterator[list[Row]]]) -> list[Row]:
    """Every row of a list whose pages are cut by position, in no order.

    Trove lists what was updated last first. A row that is updated while pages are read moves to the
    top, perhaps from a page that was not read yet, so the top is read again at the end.
    """
    read = list(pages())
    found = {each.id: each for page in read for each in page}
    if len(read) > 1:
        began = max(each.updated or _EARLIEST for each in read[0])
        for page in pages():
            found |= {each.id: each for each in page}
            if any(each.updated and each.updated < began for each in page):
                break
    return list(found.values())


def _backup(row: dict[str, Any]) -> Backup:
    description, parent_id = row.get("description"), row.get("parent_id")
    updated, datastore = row.get("updated"), row.get("datastore") or {}
    return Backup(
        id=text_in(row, "id"),
        instance_id=text_in(row, "instance_id"),
        name=text_in(row, "name"),
        description=description and text_in(row, "description"),
        status=text_in(row, "status"),
        parent_id=parent_id and text_in(row, "parent_id"),
        created=datetime.fromisoformat(row["created"]).replace(tzinfo=UTC),
        size=row.get("size"),
        updated=updated and datetime.fromisoformat(updated).replace(tzinfo=UTC),
        datastore=datastore.get("type"),
        datastore_version=datastore.get("version"),
    )
