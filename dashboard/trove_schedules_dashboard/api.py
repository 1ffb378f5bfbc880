# SPDX-License-Identifier: Apache-2.0
"""All that the panels ask of services: the only caller of trove_schedules in here.

Everything raises ``ScheduledBackupError`` or a kind of it, and nothing else on purpose.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http import HttpRequest
from horizon.utils.memoized import memoized
from keystoneauth1 import exceptions as keystone_exceptions
from keystoneauth1.access import AccessInfoV3
from keystoneauth1.adapter import Adapter
from keystoneauth1.identity.access import AccessInfoPlugin
from keystoneauth1.session import Session

import trove_schedules
from trove_schedules import Schedule, ScheduledBackups, ScheduleExecution
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.errors import AuthenticationError, ServiceError, ServiceUnavailableError
from trove_schedules.health import Health
from trove_schedules.runs.reason import reason
from trove_schedules.schedules import pattern as cron

#: Seconds before a service that doesn't answer counts as down: a page can't wait longer.
TIMEOUT = 20
#: Trove gives as many instances to a page as its operator allows, 20 by default.
INSTANCES_PAGE = 1000
#: How many of the newest backups a page looks at; Trove's default quota of a project is 50.
BACKUPS = 200

#: The id of no schedule, for which H has a value too.
EXAMPLE = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup of Trove. The size is in GB, None until Trove knows it."""

    id: str
    name: str
    instance_id: str
    status: str
    created: datetime
    size: float | None


# Schedules and executions


def schedule_list(request: HttpRequest, instance: str | None = None) -> list[Schedule]:
    """Every schedule of the project, or of one instance (its id)."""
    return _schedules(request).schedule_list(instance)


def schedule_show(request: HttpRequest, schedule_id: str) -> Schedule:
    return _schedules(request).schedule_show(schedule_id)


def schedule_create(
    request: HttpRequest,
    instance: str,
    pattern: str,
    name: str,
    description: str | None,
    parent_id: str | None,
    **options: Any,
) -> Schedule:
    return _schedules(request).schedule_create(
        instance, pattern, name, description, parent_id, **options
    )


def schedule_set(
    request: HttpRequest, schedule_id: str, unset: Collection[str], changes: dict[str, Any]
) -> Schedule:
    return _schedules(request).schedule_set(schedule_id, unset=unset, **changes)


def schedule_pause(request: HttpRequest, schedule_id: str) -> None:
    _schedules(request).schedule_pause(schedule_id)


def schedule_resume(request: HttpRequest, schedule_id: str) -> None:
    _schedules(request).schedule_resume(schedule_id)


def schedule_run(request: HttpRequest, schedule_id: str) -> None:
    _schedules(request).schedule_run(schedule_id)


def schedule_delete(request: HttpRequest, schedule_id: str) -> None:
    _schedules(request).schedule_delete(schedule_id)


def schedule_health(request: HttpRequest, schedule: Schedule) -> Health:
    """The state of one schedule; it costs as many requests as that of all."""
    (found,) = _schedules(request).schedule_health([schedule])
    return found


def schedule_drill(request: HttpRequest, schedule_id: str) -> None:
    _schedules(request).schedule_drill(schedule_id)


def schedule_drill_every(
    request: HttpRequest, schedule_id: str, pattern: str | None
) -> ScheduleDrill | None:
    """Have drills done by this pattern, or no more by any."""
    return _schedules(request).schedule_drill_every(schedule_id, pattern)


def schedule_drill_show(request: HttpRequest, schedule_id: str) -> ScheduleDrill | None:
    """When drills of the schedule are done, or None."""
    return _schedules(request).schedule_drill_show(schedule_id)


def execution_list(
    request: HttpRequest,
    schedule_id: str,
    marker: str = "",
    limit: int | None = None,
    *,
    drills_only: bool = False,
) -> list[ScheduleExecution]:
    """The executions after the marker, newest first: the schedule's runs, or its drills."""
    return _schedules(request).execution_list(
        schedule_id, marker=marker, limit=limit, drills_only=drills_only
    )


def execution_show(request: HttpRequest, execution_id: str) -> ScheduleExecution:
    return _schedules(request).execution_show(execution_id)


def execution_delete(request: HttpRequest, execution_id: str) -> None:
    _schedules(request).execution_delete(execution_id)


def why_failed(execution: ScheduleExecution) -> str | None:
    """The one line that people need of what Mistral says about a failed run."""
    return reason(execution.state_info)


def check_pattern(pattern: str) -> None:
    """Refuse what schedules don't take.

    :raises InvalidPatternError: it is not one that they take.
    """
    next_runs(pattern, 1)


def next_runs(pattern: str, count: int) -> tuple[list[datetime], bool]:
    """The next times, in UTC, at which a schedule of the pattern is due.

    :returns: the times, and whether they are an example: each schedule gets its own value for H.
    :raises InvalidPatternError: it is not one that schedules take.
    """
    frozen = cron.freeze(pattern, EXAMPLE)
    runs = cron.runs(cron.validate(frozen), datetime.now(UTC))
    return list(islice(runs, count)), frozen.split() != pattern.split()


# Instances and backups


def instance_names(request: HttpRequest) -> dict[str, str]:
    """The names of all instances of the project, by id."""
    path: str | None = f"/instances?limit={INSTANCES_PAGE}"
    names: dict[str, str] = {}
    while path:
        page = _get(request, "list instances", path)
        names |= {row["id"]: row["name"] for row in page["instances"]}
        path = next(_next_pages(page), None)
    return names


def instance_name(request: HttpRequest, instance_id: str) -> str:
    """The name of one instance; its id where it is gone."""
    try:
        found = _get(request, "show instance", f"/instances/{instance_id}")
    except ServiceError as error:
        if error.says_missing("Trove", f"{instance_id} cannot be found"):
            return instance_id
        raise
    return str(found["instance"]["name"])


def backup_list(request: HttpRequest, instance_id: str | None = None) -> list[Backup]:
    """The newest backups of the project or of one instance, newest first, by one request."""
    chosen = f"&instance_id={instance_id}" if instance_id else ""
    rows = _get(request, "list backups", f"/backups?limit={BACKUPS}{chosen}")["backups"]
    return sorted((_backup(row) for row in rows), key=lambda each: each.created, reverse=True)


# Sessions


@memoized
def _schedules(request: HttpRequest) -> ScheduledBackups:
    return trove_schedules.connect(
        session=_session(request),
        region_name=request.user.services_region,
        interface=settings.OPENSTACK_ENDPOINT_TYPE,
    )


@memoized
def _session(request: HttpRequest) -> Session:
    """A session on the token and the catalog that Horizon has: it costs Keystone no request."""
    user = request.user
    token = {
        "user": {"id": user.id, "name": user.username, "domain": {"id": user.user_domain_id}},
        "project": {"id": user.project_id, "name": user.project_name},
        "catalog": user.service_catalog,
        "expires_at": user.token.expires.isoformat(),
    }
    access = AccessInfoV3({"token": token}, auth_token=user.token.id)
    verify = not settings.OPENSTACK_SSL_NO_VERIFY and (settings.OPENSTACK_SSL_CACERT or True)
    auth = AccessInfoPlugin(access, settings.OPENSTACK_KEYSTONE_URL)
    return Session(auth, verify=verify, timeout=TIMEOUT)


def _get(request: HttpRequest, operation: str, path: str) -> dict[str, Any]:
    trove = Adapter(
        _session(request),
        service_type="database",
        region_name=request.user.services_region,
        interface=settings.OPENSTACK_ENDPOINT_TYPE,
    )
    try:
        answer: dict[str, Any] = trove.get(path).json()
    except keystone_exceptions.Unauthorized as error:
        raise AuthenticationError(f"Trove refused the login ({operation}): {error}") from error
    except keystone_exceptions.HttpError as error:
        kind = ServiceUnavailableError if error.http_status in (502, 503, 504) else ServiceError
        raise kind(
            _said(error),
            service="Trove",
            operation=operation,
            status=error.http_status,
            request_id=error.request_id,
        ) from error
    except (keystone_exceptions.ClientException, ValueError) as error:
        raise ServiceUnavailableError(str(error), service="Trove", operation=operation) from error
    return answer


def _said(error: keystone_exceptions.HttpError) -> str:
    """What Trove said in an error's body, whose form keystoneauth doesn't know."""
    if error.response is not None:
        with suppress(AttributeError, LookupError, TypeError, ValueError):
            (inner,) = error.response.json().values()
            return str(inner["message"])
    return str(error.message)


def _next_pages(page: dict[str, Any]) -> Iterator[str]:
    """The path of the page after this one, if there is one; proxies may hide the link's host."""
    for link in page.get("links", ()):
        if link["rel"] == "next":
            marker = parse_qs(urlsplit(link["href"]).query)["marker"][0]
            yield f"/instances?limit={INSTANCES_PAGE}&marker={marker}"


def _backup(row: dict[str, Any]) -> Backup:
    return Backup(
        id=row["id"],
        name=row["name"],
        instance_id=row["instance_id"],
        status=row["status"],
        # Trove writes UTC without saying so.
        created=datetime.fromisoformat(row["created"]).replace(tzinfo=UTC),
        size=row["size"],
    )
