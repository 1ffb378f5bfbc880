# SPDX-License-Identifier: Apache-2.0
"""What Mistral's rows say, as typed values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trove_schedules.clients.session import text_in

#: What our own note of a run by hand calls its starter, where Mistral's says ``cron_trigger``.
MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class CronTrigger:
    """A cron trigger, with what the schedules need of it."""

    id: str
    name: str
    pattern: str | None
    workflow_name: str
    input: dict[str, Any]
    created_at: datetime
    updated_at: datetime | None
    next_execution_time: datetime | None
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """A workflow execution.

    ``trigger_id`` is the cron trigger that started it or, where ``manual``, whose schedule somebody
    ran by hand; None where it has to do with none. ``user`` is the name of who did that, where the
    note says. ``root_id`` is the execution that it is part of; None for an execution of its own.
    """

    id: str
    workflow_name: str
    trigger_id: str | None
    manual: bool
    input: dict[str, Any]
    output: dict[str, Any]
    state: str
    state_info: str | None
    created_at: datetime
    updated_at: datetime | None
    root_id: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow of this project, or a public one."""

    id: str
    scope: str
    project_id: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook of this project, or a public one, with its text."""

    definition: str
    scope: str
    project_id: str


def time_in(text: str | None) -> datetime | None:
    """Mistral writes UTC without saying so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _object(text: Any) -> dict[str, Any]:
    """An object, which Mistral writes as JSON text. Whatever else users write is empty."""
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _required_time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cron_trigger(row: dict[str, Any]) -> CronTrigger:
    return CronTrigger(
        id=text_in(row, "id"),
        name=text_in(row, "name"),
        pattern=None if row.get("pattern") is None else text_in(row, "pattern"),
        workflow_name=text_in(row, "workflow_name"),
        input=_object(row.get("workflow_input")),
        created_at=_required_time(row["created_at"]),
        updated_at=time_in(row.get("updated_at")),
        next_execution_time=time_in(row.get("next_execution_time")),
        project_id=row.get("project_id"),
    )


def is_in(project: str | None, row: dict[str, Any]) -> bool:
    """Whether a row is of our project: an administrator is given everybody's."""
    return project in (None, row["project_id"])


def owner(row: dict[str, Any]) -> str:
    """The id of the execution that a task belongs to."""
    return text_in(row, "workflow_execution_id")


def root(row: dict[str, Any]) -> tuple[str, str]:
    """The ids of an execution and of the one that it was started for."""
    return text_in(row, "id"), row.get("root_execution_id") or text_in(row, "id")


def workflow(row: dict[str, Any]) -> Workflow | None:
    """A workflow, or None where it is in a namespace."""
    if row.get("namespace"):
        return None
    return Workflow(
        id=text_in(row, "id"),
        scope=text_in(row, "scope"),
        project_id=text_in(row, "project_id"),
        tags=tuple(row.get("tags") or ()),
    )


def workbook(row: dict[str, Any]) -> Workbook | None:
    """The same of a workbook."""
    if row.get("namespace"):
        return None
    return Workbook(*(text_in(row, key) for key in ("definition", "scope", "project_id")))


def execution(row: dict[str, Any]) -> Execution:
    note = _object(row.get("description")).get("triggered_by")
    starter, trigger_id = triggered_by(note)
    state_info = row.get("state_info") or None
    return Execution(
        id=text_in(row, "id"),
        workflow_name=text_in(row, "workflow_name"),
        trigger_id=trigger_id,
        manual=starter == MANUAL,
        input=_object(row.get("input")),
        output=_object(row.get("output")),
        state=text_in(row, "state"),
        state_info=state_info and text_in(row, "state_info"),
        created_at=_required_time(row["created_at"]),
        updated_at=time_in(row.get("updated_at")),
        root_id=row.get("root_execution_id"),
        user=_user(note),
    )


def _user(note: Any) -> str | None:
    """Who started a run by hand, which users can write as they like."""
    user = note.get("user") if isinstance(note, dict) and note.get("type") == MANUAL else None
    return user if isinstance(user, str) else None


def triggered_by(note: Any) -> tuple[str | None, str | None]:
    """Read the note of what started a run; users can edit it, so it may be anything."""
    if isinstance(note, dict) and note.get("type") in ("cron_trigger", MANUAL):
        return note["type"], str(note.get("id"))
    return None, None
