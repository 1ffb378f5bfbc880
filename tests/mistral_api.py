# SPDX-License-Identifier: Apache-2.0
"""Mistral's own API in this process: its REST code, its policies and its database code.

What is left out stands around it. Keystone: a token says who its bearer is, and a trust is a
made-up id. The engine: a workflow that is started has an execution, which runs only as far as a
test says. Time stands still and is moved by tests, where one gives a clock.
"""

from __future__ import annotations

import functools
import io
import json
import re
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, unquote, urlsplit

import requests
import requests_mock
from oslo_service import backend
from requests.adapters import BaseAdapter

# Otherwise oslo.service picks eventlet; once is enough in a process.
if backend.get_backend_type() is None:
    backend.init_backend(backend.BackendType.THREADING)

import mistral.api.app  # noqa: F401  (registers the options)
import pecan
import sqlalchemy
from mistral import config, context
from mistral.api.hooks import request_body
from mistral.db.sqlalchemy import base
from mistral.db.v2 import api as db_api
from mistral.db.v2.sqlalchemy import models
from mistral.lang import parser
from mistral.rpc import clients as rpc
from mistral.services import periodic, security
from oslo_config import cfg
from oslo_utils import timeutils
from pecan import (
    core as pecan_core,
    rest as pecan_rest,
    routing as pecan_routing,
    util as pecan_util,
)

from trove_minicloud.services.mistral_database import keep_queries
from trove_schedules import workbook

URL = "http://mistral.test/v2"
#: A row of the database: times and JSON are text, as the API shows them.
Row = dict[str, Any]

#: Those that tests fill and read, each before those that its rows refer to.
_TABLES = {
    "cron_triggers": models.CronTrigger.__table__,
    "tasks": models.TaskExecution.__table__,
    "executions": models.WorkflowExecution.__table__,
    "workflows": models.WorkflowDefinition.__table__,
    "workbooks": models.Workbook.__table__,
}


class RefusedError(Exception):
    """An HTTP error that somebody on the way answers with."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Caller:
    """Who a token belongs to."""

    project: str
    is_admin: bool = False
    may_delegate: bool = True


@dataclass(frozen=True)
class Saved:
    """All that a Mistral knew at a time."""

    rows: dict[str, list[Row]]
    clock: datetime | None


class MistralApi:
    """A Mistral with an empty database. There is one at a time: a new one empties the last one's.

    :ivar callers: who is who, by token.
    :ivar requests: method, path and query of every request.
    :ivar before: called with method and path before a request is handled; what it raises happens.
    :ivar after: the same, when the request was handled and before it is answered.
    """

    def __init__(self, clock: datetime | None = None) -> None:
        """:param clock: when it is, for ever until :meth:`wait`; None is the time that it is."""
        self.application = _application()
        self.callers: dict[str, Caller] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[str] = []
        self.before: Callable[[str, str], None] = lambda method, path: None
        self.after: Callable[[str, str], None] = lambda method, path: None
        self._clock = clock
        self._caller: Caller | None = None
        self.max_limit = 1000
        self.check_syntax(True)
        rpc.get_engine_client = lambda: self
        security.create_trust = self._trust
        security.delete_trust = lambda trust_id=None: None
        security.create_context = lambda trust_id, project: context.MistralContext(
            project_id=project, user_id="u"
        )
        self.clear(*_TABLES)

    # Settings and time

    @property
    def max_limit(self) -> int:
        """The most rows of a page."""
        return int(cfg.CONF.api.max_limit)

    @max_limit.setter
    def max_limit(self, limit: int) -> None:
        cfg.CONF.set_override("max_limit", limit, group="api")

    def check_syntax(self, wanted: bool) -> None:
        """Of workbooks and workflows, which takes Mistral seconds for ours."""
        mode = "enabled" if wanted else "disabled"
        cfg.CONF.set_override("validation_mode", mode, group="api")

    @property
    def now(self) -> datetime:
        return self._clock or datetime.now(UTC)

    def wait(self, **time: float) -> None:
        """Let time pass; nothing fires by itself."""
        assert self._clock is not None
        self._clock += timedelta(**time)

    def rewind(self, moment: datetime) -> None:
        """Let it be that time."""
        self._clock = moment

    # Requests

    def session(self, project: str, *, admin: bool = False) -> requests.Session:
        """An HTTP session of a user of a project."""
        session = requests.Session()
        session.headers["X-Auth-Token"] = self.log_in(Caller(project, admin))
        session.mount(URL, _Adapter(self))
        return session

    def log_in(self, caller: Caller) -> str:
        """A token."""
        token = uuid.uuid4().hex
        self.callers[token] = caller
        return token

    def count(self, method: str, path: str) -> int:
        """How many requests of this method went to this path."""
        return sum(1 for each in self.requests if each[:2] == (method, path))

    def mount(self, mocker: requests_mock.Mocker) -> None:
        """Answer all sessions."""

        def answer(request: Any, context: Any) -> bytes:
            response = self.ask(request.method, request.url, request.headers, request.body)
            context.status_code = response.status_code
            context.headers.update(response.headers)
            return response.content

        mocker.register_uri(requests_mock.ANY, re.compile(re.escape(URL) + "/"), content=answer)

    def ask(
        self, method: str, url: str, headers: Any, body: str | bytes | None = None
    ) -> requests.Response:
        sent = body.encode() if isinstance(body, str) else body or b""
        address = urlsplit(url)
        path = address.path.removeprefix("/v2")
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        self.requests.append((method, path, query))
        self.bodies.append(sent.decode())
        try:
            self.before(method, path)
            if method == "POST":
                self._tick()
            response = self._handle(method, url, headers, sent)
            self.after(method, path)
        except RefusedError as error:
            response = _refusal(error)
        return response

    def _handle(self, method: str, url: str, headers: Any, body: bytes) -> requests.Response:
        self._caller = self.callers.get(headers.get("X-Auth-Token"))
        if self._caller is None:
            raise RefusedError(401, "The request you have made requires authentication.")
        address = urlsplit(url)
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(address.path),
            "QUERY_STRING": address.query,
            "SERVER_NAME": address.hostname,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            # As Keystone's middleware says it.
            "HTTP_X_PROJECT_ID": self._caller.project,
            "HTTP_X_USER_ID": "u",
            "HTTP_X_ROLES": "member,admin" if self._caller.is_admin else "member",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        response = requests.Response()
        response.url = url

        def start_response(status: str, found: list[tuple[str, str]], _: Any = None) -> None:
            response.status_code = int(status.split()[0])
            response.headers.update(found)

        with self._at_work():
            response._content = b"".join(self.application(environ, start_response))
        return response

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Let Mistral have its time."""
        if self._clock is not None:
            timeutils.set_time_override(self._clock.replace(tzinfo=None))
        try:
            yield
        finally:
            timeutils.clear_time_override()

    def _tick(self) -> None:
        """A second passes with each row, so that their order can be told."""
        if self._clock is not None:
            self._clock += timedelta(seconds=1)

    def _trust(self) -> Any:
        if self._caller is None or not self._caller.may_delegate:
            raise RuntimeError("Delegated tokens cannot manage trusts.. (HTTP 403)")
        return mock.Mock(id=uuid.uuid4().hex)

    def start_workflow(
        self,
        identifier: str,
        namespace: str,
        execution_id: str | None,
        given: Row,
        description: str,
        **params: Any,
    ) -> Row:
        """What the engine does first: the execution is there, and runs, or stops where it is to."""
        workflow = db_api.get_workflow_definition(identifier, namespace)
        run = self.add(
            "executions",
            context.ctx().project_id,
            id=execution_id or str(uuid.uuid4()),
            workflow_id=workflow.id,
            workflow_name=workflow.name,
            description=description,
            input=given,
            params=params,
            state="PAUSED" if workflow.name == workbook.HOLD else "RUNNING",
            output={},
        )
        shown: Row = db_api.get_workflow_execution(run["id"]).to_dict()
        return shown | {"input": given, "params": params, "output": {}}

    # The database

    @contextmanager
    def as_project(self, project: str) -> Iterator[None]:
        """Let database calls of a test be made by a project."""
        context.set_ctx(context.MistralContext(project_id=project, user_id="u"))
        try:
            with self._at_work():
                yield
        finally:
            context.set_ctx(None)

    def rows(self, kind: str) -> list[Row]:
        """Every project's rows of a kind, in the order in which they were put there."""
        return self._read(kind, "ORDER BY rowid")

    def add(self, kind: str, project: str, **values: Any) -> Row:
        """Put a row there, whatever it is, past the API."""
        self._tick()
        row = {
            "id": str(uuid.uuid4()),
            "project_id": project,
            "scope": "private",
            "created_at": self.now,
        }
        if kind == "executions":  # it is updated as soon as it runs
            row |= {"spec": {}, "params": {}, "context": {}}
            row["updated_at"] = values.get("created_at", self.now)
        self.put(kind, row | values)
        return self.row(kind, (row | values)["id"])

    def row(self, kind: str, identifier: str) -> Row:
        [found] = self._read(kind, "WHERE id = ?", identifier)
        return found

    @staticmethod
    def _read(kind: str, which: str, *values: str) -> list[Row]:
        table = _TABLES[kind]
        found = _database().execute(f"SELECT * FROM {table} {which}", values)
        names = [each[0] for each in found.description]
        return [_shown(table, dict(zip(names, row, strict=True))) for row in found]

    def put(self, kind: str, row: Row) -> None:
        """Put a row there as it is, or as it was before it was deleted."""
        names, values = _kept(_TABLES[kind], row)
        marks = ", ".join("?" * len(names))
        self._write(f"INSERT INTO {_TABLES[kind]} ({', '.join(names)}) VALUES ({marks})", values)

    def change(self, kind: str, row: Row, **values: Any) -> None:
        """Let a row be different; where it is not there any more, nothing is."""
        names, kept = _kept(_TABLES[kind], values)
        marks = ", ".join(f"{name} = ?" for name in names)
        self._write(f"UPDATE {_TABLES[kind]} SET {marks} WHERE id = ?", (*kept, row["id"]))

    def remove(self, kind: str, row: Row) -> None:
        self._write(f"DELETE FROM {_TABLES[kind]} WHERE id = ?", (row["id"],))

    def clear(self, *kinds: str) -> None:
        for kind in kinds:
            self._write(f"DELETE FROM {_TABLES[kind]}", ())

    @staticmethod
    def _write(statement: str, values: tuple[Any, ...]) -> None:
        _database().execute(statement, values)

    def save(self) -> Saved:
        return Saved({kind: self.rows(kind) for kind in _TABLES}, self._clock)

    def restore(self, saved: Saved) -> None:
        """Let all be as it was."""
        self.clear(*_TABLES)
        for kind in reversed(_TABLES):
            for row in saved.rows[kind]:
                self.put(kind, row)
        self._clock = saved.clock

    # What tests put there

    def add_workflow(self, project: str, **values: Any) -> Row:
        """One of the workbook's workflows, as if it had been loaded."""
        row = {"name": workbook.WORKFLOW, "namespace": "", "scope": "private"} | values
        spec = _specs()[row["name"]]
        # The same in every test: Mistral makes a workflow of a spec once for an id.
        row["id"] = str(
            uuid.uuid5(uuid.NAMESPACE_URL, f"{project} {row['namespace']} {row['name']}")
        )
        return self.add("workflows", project, **({"tags": spec["tags"], "spec": spec} | row))

    def add_trigger(self, project: str, name: str, **values: Any) -> Row:
        row = {
            "name": name,
            "pattern": "0 2 * * *",
            "workflow_name": workbook.WORKFLOW,
            "workflow_input": {},
            "workflow_params": {},
            "next_execution_time": "2026-06-01 02:00:00",
        } | values
        row["workflow_id"] = next(
            (each["id"] for each in self.rows("workflows") if each["name"] == row["workflow_name"]),
            None,
        )
        return self.add("cron_triggers", project, **row)

    def add_execution(self, project: str, trigger_id: str = "none", **values: Any) -> Row:
        """A run that has succeeded, as the engine leaves it."""
        description = {
            "description": f"Workflow execution created by cron trigger '({trigger_id})'.",
            "triggered_by": {"type": "cron_trigger", "id": trigger_id},
        }
        row = {
            "workflow_name": workbook.WORKFLOW,
            "description": json.dumps(description),
            "state": "SUCCESS",
            "input": {},
            "output": {"status": "Backup complete"},
        }
        return self.add("executions", project, **(row | values))

    def fire(self, trigger: Row, **values: Any) -> Row:
        """Let the periodic server fire a trigger, due or not, and the run be as it is given."""
        before = {each["id"] for each in self.rows("executions")}
        with self.as_project(trigger["project_id"]):
            due = [db_api.get_cron_trigger(trigger["id"])]
        with (
            self._at_work(),
            mock.patch.object(periodic.triggers, "get_next_cron_triggers", return_value=due),
        ):
            periodic.process_cron_triggers_v2(None, None)
        [run] = [each for each in self.rows("executions") if each["id"] not in before]
        standard = {"state": "SUCCESS", "output": {"status": "Backup complete"}}
        self.change("executions", run, **(standard | values))
        return self.row("executions", run["id"])


class _Adapter(BaseAdapter):
    def __init__(self, api: MistralApi) -> None:
        super().__init__()
        self._api = api

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        response = self._api.ask(
            str(request.method), str(request.url), request.headers, request.body
        )
        response.request = request
        return response

    def close(self) -> None:
        """Nothing is held."""


@functools.cache
def _application() -> Any:
    config.parse_args(args=[])
    cfg.CONF.set_override("connection", "sqlite://", group="database")
    cfg.CONF.set_override("auth_enable", True, group="pecan")
    keep_queries()
    db_api.setup_db()
    # Pecan reads a controller's signature, which never changes, at every request.
    signature = functools.cache(pecan_util.getargspec)
    for module in (pecan_core, pecan_rest, pecan_routing):
        module.getargspec = signature
    return pecan.make_app(
        cfg.CONF.pecan.root,
        modules=cfg.CONF.pecan.modules,
        hooks=lambda: [request_body.RejectXMLHook(), context.ContextHook()],
        guess_content_type_from_ext=False,
    )


@functools.cache
def _database() -> sqlite3.Connection:
    """Where Mistral's rows are. SQLAlchemy has the same connection, and takes ten times as long."""
    connection = base.get_engine().raw_connection().driver_connection
    assert isinstance(connection, sqlite3.Connection)
    return connection


@functools.cache
def _specs() -> dict[str, Row]:
    """The workbook's workflows as Mistral understands them, by their names."""
    book = parser.get_workbook_spec_from_yaml(workbook.text(), validate=False)
    return {
        f"{workbook.WORKBOOK}.{each.get_name()}": each.to_dict() for each in book.get_workflows()
    }


@functools.cache
def _times(table: sqlalchemy.Table) -> set[str]:
    return {each.name for each in table.columns if isinstance(each.type, sqlalchemy.DateTime)}


def _kept(table: sqlalchemy.Table, row: Row) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """The names and values of a row as the database keeps them."""
    times = _times(table)

    def kept(name: str, value: Any) -> Any:
        if name in times and value is not None:
            moment = datetime.fromisoformat(str(value)).replace(tzinfo=None, microsecond=0)
            return moment.isoformat(" ", "microseconds")
        return json.dumps(value) if isinstance(value, dict | list | tuple) else value

    return tuple(row), tuple(kept(*each) for each in row.items())


def _shown(table: sqlalchemy.Table, row: Row) -> Row:
    """A row of the database as the API shows it."""
    times = _times(table)
    return {name: value[:19] if name in times and value else value for name, value in row.items()}


def _refusal(error: RefusedError) -> requests.Response:
    response = requests.Response()
    response.status_code = error.status
    response.headers.update(
        {"content-type": "application/json", "x-openstack-request-id": "req-refused"}
    )
    response._content = json.dumps(
        {"debuginfo": None, "faultcode": "Client", "faultstring": str(error)}
    ).encode()
    return response
