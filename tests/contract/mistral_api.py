# SPDX-License-Identifier: Apache-2.0
"""Mistral's real API, its policies and its database code in this process, without a server.

Requests reach Mistral's own WSGI application through a requests adapter. Keystone is left out:
the headers that its middleware would add are set here, and a trust is a made-up id. There is no
engine, so workflows are not run; executions are put into the database.
"""

from __future__ import annotations

import io
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from oslo_service import backend
from requests.adapters import BaseAdapter

# Otherwise oslo.service picks eventlet; once is enough in a process.
if backend.get_backend_type() is None:
    backend.init_backend(backend.BackendType.THREADING)

import mistral.api.app  # noqa: F401  (registers the options)
import pecan
from mistral import config, context
from mistral.api.hooks import request_body
from mistral.db.sqlalchemy import base
from mistral.db.v2 import api as db_api
from mistral.db.v2.sqlalchemy import models
from mistral.services import security
from oslo_config import cfg

URL = "http://mistral.test/v2"


class MistralApi:
    """A Mistral with an empty database."""

    def __init__(self) -> None:
        config.parse_args(args=[])
        cfg.CONF.set_override("connection", "sqlite://", group="database")
        cfg.CONF.set_override("auth_enable", True, group="pecan")
        db_api.setup_db()
        security.create_trust = lambda: type("Trust", (), {"id": uuid.uuid4().hex})
        security.delete_trust = lambda trust_id=None: None
        self.application = pecan.make_app(
            cfg.CONF.pecan.root,
            modules=cfg.CONF.pecan.modules,
            hooks=lambda: [request_body.RejectXMLHook(), context.ContextHook()],
            guess_content_type_from_ext=False,
        )
        self.requests: list[tuple[str, str]] = []

    def clear(self) -> None:
        """Empty the tables that the schedules touch."""
        with base.get_engine().begin() as connection:
            for model in (
                models.CronTrigger,
                models.WorkflowExecution,
                models.WorkflowDefinition,
                models.Workbook,
            ):
                connection.execute(model.__table__.delete())
        self.requests.clear()

    def max_limit(self, limit: int) -> None:
        cfg.CONF.set_override("max_limit", limit, group="api")

    def check_syntax(self, wanted: bool) -> None:
        """Of workbooks and workflows, which takes Mistral seconds for ours."""
        mode = "enabled" if wanted else "disabled"
        cfg.CONF.set_override("validation_mode", mode, group="api")

    def session(self, project: str, *roles: str) -> requests.Session:
        """An HTTP session of a user of a project."""
        session = requests.Session()
        session.headers.update(
            {"X-Project-Id": project, "X-User-Id": uuid.uuid4().hex, "X-Roles": ",".join(roles)}
        )
        session.mount(URL, _Adapter(self))
        return session

    @contextmanager
    def as_project(self, project: str) -> Iterator[None]:
        """Let database calls of a test be made by a project."""
        context.set_ctx(context.MistralContext(project_id=project, user_id="u"))
        try:
            yield
        finally:
            context.set_ctx(None)

    def add_execution(self, project: str, **values: Any) -> str:
        """Put an execution into the database, as the engine would have."""
        row = {
            "id": str(uuid.uuid4()),
            "workflow_name": "trove.backup_create",
            "workflow_id": str(uuid.uuid4()),
            "workflow_namespace": "",
            "state": "SUCCESS",
            "input": {},
            "output": {"status": "Backup complete"},
            "spec": {},
            "context": {},
            "params": {},
            "created_at": datetime(2026, 1, 1),  # noqa: DTZ001 - Mistral's are naive
        } | values
        # Its start updates it too.
        row = {"updated_at": row["created_at"]} | row
        with self.as_project(project), db_api.transaction():
            return str(db_api.create_workflow_execution(row).id)


class _Adapter(BaseAdapter):
    def __init__(self, api: MistralApi) -> None:
        super().__init__()
        self._api = api

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        address = urlsplit(str(request.url))
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        environ = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(address.path),
            "QUERY_STRING": address.query,
            "SERVER_NAME": address.hostname,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = (
                value.decode() if isinstance(value, bytes) else value
            )
        response = requests.Response()
        response.request = request
        response.url = str(request.url)

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            response.status_code = int(status.split()[0])
            response.headers.update(headers)

        self._api.requests.append((str(request.method), f"{address.path}?{address.query}"))
        response._content = b"".join(self._api.application(environ, start_response))
        return response

    def close(self) -> None:
        """Nothing is held."""
