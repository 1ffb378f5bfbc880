# SPDX-License-Identifier: Apache-2.0
"""Mistral at the wire: what the schedules use of its REST API, kept in memory.

It behaves as Mistral's source does, also where that surprises: pages are cut at ``max_limit``, a
``next`` link is there exactly when a page is full, and an administrator sees every project's rows.
tests/contract/test_mistral_api.py holds the same behaviour against Mistral itself.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import croniter
import requests_mock
import yaml

from trove_schedules import workbook

URL = "http://mistral.test/v2"
WORKFLOW = "trove.backup_create"
CURRENT = f"trove-schedules-{workbook.version_of(workbook.text())}"
Row = dict[str, Any]

_CONTROLS = {"all_projects", "limit", "marker", "sort_keys", "sort_dirs", "fields"}
_FILTERS = {
    "cron_triggers": {"name", "workflow_name", "workflow_id", "project_id", "pattern"},
    "executions": {
        "workflow_name",
        "state",
        "description",
        "project_id",
        "created_at",
        "updated_at",
    },
    "tasks": {"workflow_name", "name", "state"},
    "workflows": {"name", "scope"},
    "workbooks": {"name", "scope"},
    "actions": {"name"},
}
_HIDDEN_IN_LISTS = {"executions": {"output"}}


class RefusedError(Exception):
    """An HTTP error to answer with."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Caller:
    """Who a token belongs to."""

    project: str
    is_admin: bool = False
    may_delegate: bool = True


@dataclass
class FakeMistral:
    """A Mistral, with hooks for trouble.

    :ivar before: called with method and path before a request is handled; what it raises happens.
    :ivar after: the same, when the request was handled and before it is answered.
    """

    callers: dict[str, Caller]
    max_limit: int = 1000
    rows: dict[str, list[Row]] = field(default_factory=lambda: {kind: [] for kind in _FILTERS})
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    before: Callable[[str, str], None] = lambda method, path: None
    after: Callable[[str, str], None] = lambda method, path: None
    _clock: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def mount(self, mock: requests_mock.Mocker) -> None:
        mock.register_uri(requests_mock.ANY, re.compile(re.escape(URL) + "/"), text=self._answer)

    @property
    def now(self) -> datetime:
        """What the clock of this Mistral says; every row takes a second."""
        return self._clock

    def wait(self, **time: float) -> None:
        """Let time pass; nothing fires by itself."""
        self._clock += timedelta(**time)

    def rewind(self, moment: datetime) -> None:
        """Let it be that time again."""
        self._clock = moment

    def count(self, method: str, path: str) -> int:
        """How many requests of this method went to this path."""
        return sum(1 for each in self.requests if each[:2] == (method, path))

    # What is there, put in by tests

    def add(self, kind: str, project: str, **values: Any) -> Row:
        self._clock += timedelta(seconds=1)
        row = {
            "id": str(uuid.uuid4()),
            "project_id": project,
            "scope": "private",
            "created_at": _written(self._clock),
            "updated_at": None,
        } | values
        if kind == "executions":  # it is updated as soon as it runs
            row["updated_at"] = row["updated_at"] or row["created_at"]
        self.rows[kind].append(row)
        return row

    def add_workflow(self, project: str, **values: Any) -> Row:
        standard = {"name": WORKFLOW, "namespace": "", "tags": [CURRENT]}
        return self.add("workflows", project, **(standard | values))

    def add_trigger(self, project: str, name: str, **values: Any) -> Row:
        standard = {
            "name": name,
            "pattern": "0 2 * * *",
            "workflow_name": WORKFLOW,
            "workflow_input": "{}",
            "next_execution_time": "2026-06-01 02:00:00",
        }
        return self.add("cron_triggers", project, **(standard | values))

    def add_execution(self, project: str, trigger_id: str, **values: Any) -> Row:
        return self.add("executions", project, **(_execution(trigger_id) | values))

    def fire(self, trigger: Row, **values: Any) -> Row:
        """Let a trigger start its execution, as the periodic server does."""
        left = trigger.get("remaining_executions")
        trigger["remaining_executions"] = left and left - 1
        if trigger["remaining_executions"] == 0:
            self.rows["cron_triggers"].remove(trigger)
        else:
            now = max(self._clock, datetime.fromisoformat(f"{trigger['next_execution_time']}Z"))
            following = croniter.croniter(trigger["pattern"], now).get_next(datetime)
            trigger["next_execution_time"] = _written(following)
            trigger["updated_at"] = _written(self._clock)
        standard = {"input": trigger["workflow_input"]}
        return self.add_execution(trigger["project_id"], trigger["id"], **(standard | values))

    # The wire

    def _answer(self, request: Any, context: Any) -> str:
        context.headers["x-openstack-request-id"] = f"req-{len(self.requests)}"
        address = urlsplit(request.url)
        path = address.path.removeprefix("/v2")
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        self.requests.append((request.method, path, query))
        self.bodies.append(request.text)
        try:
            self.before(request.method, path)
            caller = self.callers.get(request.headers.get("X-Auth-Token", ""))
            if caller is None:
                raise RefusedError(401, "Auth token is invalid")
            kind, _, identifier = unquote(path).strip("/").partition("/")
            handle = getattr(self, f"_{request.method.lower()}_{kind}", None)
            if request.method == "GET":
                answer = (
                    self._show(caller, kind, identifier)
                    if identifier
                    else self._list(caller, kind, query)
                )
            elif handle is None:
                raise RefusedError(405, "Method Not Allowed")
            else:
                answer = handle(caller, identifier or request.text, query)
            self.after(request.method, path)
        except RefusedError as error:
            context.status_code = error.status
            context.headers["content-type"] = "application/json"
            return json.dumps({"debuginfo": None, "faultcode": "Client", "faultstring": str(error)})
        context.status_code = {"POST": 201, "DELETE": 204}.get(request.method, 200)
        return json.dumps(answer) if answer is not None else ""

    def _visible(self, caller: Caller, kind: str) -> list[Row]:
        return [
            row
            for row in self.rows[kind]
            if caller.is_admin or row["project_id"] == caller.project or row["scope"] == "public"
        ]

    def _show(self, caller: Caller, kind: str, identifier: str) -> Row:
        for row in self._visible(caller, kind):
            if identifier in (row["id"], row.get("name")):
                return row
        raise RefusedError(404, f"{kind} not found [id={identifier}]")

    def _list(self, caller: Caller, kind: str, query: dict[str, str]) -> Row:
        unknown = set(query) - _CONTROLS - _FILTERS[kind]
        if unknown:
            raise RefusedError(400, f"Unknown argument: {', '.join(unknown)}")
        theirs = {"all_projects"} | ({"project_id"} if kind == "executions" else set())
        if theirs & set(query) and not caller.is_admin:
            raise RefusedError(403, f"Policy doesn't allow {kind}:list:all_projects")
        if int(query.get("limit", 1)) <= 0:
            raise RefusedError(400, "Limit must be positive.")
        limit = min(int(query.get("limit", self.max_limit)), self.max_limit)
        rows = self._visible(caller, kind)
        for name in _FILTERS[kind] & set(query):
            rows = [row for row in rows if _fits(row[name], query[name])]
        # The id is Mistral's second sort key, ascending unless it is named itself.
        keys = query.get("sort_keys", "created_at").split(",")
        directions = query.get("sort_dirs", "asc").split(",")
        rows.sort(key=lambda row: row["id"])
        for key, direction in reversed(list(zip(keys, directions, strict=True))):
            rows.sort(key=itemgetter(key), reverse=direction == "desc")
        marker = query.get("marker")
        if marker is not None:
            self._show(caller, kind, marker)
            rows = rows[[row["id"] for row in rows].index(marker) + 1 :]
        page = rows[:limit]
        fields = query.get("fields")
        hidden = _HIDDEN_IN_LISTS.get(kind, set())
        shown = set(fields.split(",")) if fields else {key for row in page for key in row} - hidden
        answer: Row = {kind: [{key: row[key] for key in row if key in shown} for row in page]}
        if page and len(page) == limit:
            answer["next"] = f"{URL}/{kind}?limit={limit}&marker={page[-1]['id']}"
        return answer

    def _post_cron_triggers(self, caller: Caller, text: str, _: dict[str, str]) -> Row:
        body = json.loads(text)
        workflow = self._show(caller, "workflows", body["workflow_id"])
        if not caller.may_delegate:
            raise RefusedError(500, "Delegated tokens cannot manage trusts.. (HTTP 403)")
        taken = {(row["name"], row["project_id"]) for row in self.rows["cron_triggers"]}
        if (body["name"], caller.project) in taken:
            raise RefusedError(409, f"Duplicate entry for cron trigger: {body['name']}")
        pattern, first = body.get("pattern"), body.get("first_execution_time")
        if not (pattern or first):
            raise RefusedError(400, "Pattern or first_execution_time must be specified.")
        if first:
            following = datetime.strptime(first, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
            if following < self._clock + timedelta(seconds=60):
                raise RefusedError(
                    400, "first_execution_time must be at least 1 minute in the future."
                )
        else:
            following = croniter.croniter(pattern, self._clock).get_next(datetime)
        return self.add_trigger(
            caller.project,
            body["name"],
            pattern=pattern or "0 0 30 2 0",
            workflow_name=workflow["name"],
            workflow_input=body["workflow_input"],
            remaining_executions=body.get("remaining_executions"),
            next_execution_time=_written(following),
        )

    def _post_executions(self, caller: Caller, text: str, _: dict[str, str]) -> Row:
        body = json.loads(text)
        name = self._show(caller, "workflows", body["workflow_id"])["name"]
        return self.add_execution(
            caller.project,
            "none",
            workflow_name=name,
            description=body["description"],
            input=body["input"],
            state="PAUSED" if name == workbook.HOLD else "RUNNING",
            output="{}",
        )

    def _delete_cron_triggers(self, caller: Caller, identifier: str, _: dict[str, str]) -> None:
        self.rows["cron_triggers"].remove(self._show(caller, "cron_triggers", identifier))

    def _delete_executions(self, caller: Caller, identifier: str, query: dict[str, str]) -> None:
        row = self._show(caller, "executions", identifier)
        ended = row["state"] in ("SUCCESS", "ERROR", "CANCELLED")
        if not ended and query.get("force") != "true":
            raise RefusedError(403, "Only completed executions can be deleted.")
        self.rows["executions"].remove(row)

    def _post_workbooks(self, caller: Caller, text: str, query: dict[str, str]) -> Row:
        name = yaml.safe_load(text)["name"]
        if any(
            (row["name"], row["project_id"]) == (name, caller.project)
            for row in self.rows["workbooks"]
        ):
            raise RefusedError(409, f"Duplicate entry for WorkbookDefinition: {name}")
        _refuse_public(caller, query)
        row = self.add("workbooks", caller.project, name=name, namespace="")
        return self._save(row, text, query)

    def _put_workbooks(self, caller: Caller, text: str, query: dict[str, str]) -> Row:
        _refuse_public(caller, query)
        return self._save(
            self._show(caller, "workbooks", yaml.safe_load(text)["name"]), text, query
        )

    def _save(self, row: Row, text: str, query: dict[str, str]) -> Row:
        row.update(definition=text, scope=query["scope"])
        self.rows["workflows"] = [
            each for each in self.rows["workflows"] if each["project_id"] != row["project_id"]
        ]
        for name, content in yaml.safe_load(text)["workflows"].items():
            self.add_workflow(
                row["project_id"],
                name=f"{row['name']}.{name}",
                scope=query["scope"],
                tags=content.get("tags", []),
            )
        return row


def _written(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def _refuse_public(caller: Caller, query: dict[str, str]) -> None:
    if query["scope"] == "public" and not caller.is_admin:
        raise RefusedError(403, "Policy doesn't allow workbooks:publicize to be performed.")


def _fits(value: str, wanted: str) -> bool:
    kind, colon, text = wanted.partition(":")
    if not colon or kind not in ("eq", "has", "gte", "lt"):
        return value == wanted
    if kind in ("gte", "lt"):
        return (value >= text) == (kind == "gte")
    if kind == "eq":
        return value == text
    like = re.escape(text).replace("%", ".*").replace("_", ".")
    return re.search(like, value, re.IGNORECASE | re.DOTALL) is not None


def _execution(trigger_id: str) -> Row:
    description = {
        "description": f"Workflow execution created by cron trigger '({trigger_id})'.",
        "triggered_by": {"type": "cron_trigger", "id": trigger_id},
    }
    return {
        "workflow_name": WORKFLOW,
        "description": json.dumps(description),
        "state": "SUCCESS",
        "state_info": None,
        "input": "{}",
        "output": '{"status": "Backup complete"}',
    }
