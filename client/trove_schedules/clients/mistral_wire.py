# SPDX-License-Identifier: Apache-2.0
"""Requests to Mistral, sent by the HTTP client inside a python-mistralclient client.

Its managers drop the two things that are needed here: the ``next`` link of a page (whatever was
asked for, the server cuts a page at its ``[api] max_limit``, so a page that looks short may not be
the last) and the request id of an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from keystoneauth1.session import Session

from trove_schedules.clients.scope import OWN, Scope
from trove_schedules.clients.session import (
    REQUEST_ID,
    answer_text,
    asked,
    json_object,
    log_in,
    reading,
    service_error,
    text_in,
    translated,
    user_name,
)
from trove_schedules.errors import ServiceError

if TYPE_CHECKING:
    from mistralclient.api.v2.client import Client

T = TypeVar("T")

#: The largest page that a Mistral with default settings gives.
PAGE = 1000


class Wire:
    """Requests to one project's Mistral, and what is common to all their answers."""

    def __init__(self, client: Client, scope: Scope = OWN) -> None:
        self.scope = scope
        self._http = client.cron_triggers.http_client
        self.session = self._http.session

    def project_id(self) -> str | None:
        """The id of the project that is logged in to, or None where the client can't tell."""
        if isinstance(self.session, Session):
            log_in(self.session)
            return self.session.get_project_id()
        project_id: str | None = self._http.project_id
        return project_id

    def user_name(self) -> str | None:
        """The name of the user who is logged in, or None where the client can't tell."""
        return user_name(self.session) if isinstance(self.session, Session) else None

    def pages(
        self,
        operation: str,
        kind: str,
        read: Callable[[dict[str, Any]], T],
        query: dict[str, str],
        page: int = PAGE,
        marker: str | None = None,
    ) -> Iterator[T]:
        """Yield the rows of a list, as ``read`` makes them, page by page.

        :param kind: the name of the resource, and of the list in the answer.
        """
        while True:
            asked = query | {"limit": str(page)} | ({"marker": marker} if marker else {})
            answer = self.request(operation, "get", f"/{kind}?{urlencode(asked)}")
            with reading("Mistral", operation):
                rows = answer[kind]
                found = [read(row) for row in rows]
                following = text_in(rows[-1], "id") if answer.get("next") else None
                if following is not None and following == marker:
                    raise ValueError(f"the page after {marker} repeats it")
            yield from found
            if following is None:
                return
            marker = following

    def one(
        self,
        operation: str,
        method: str,
        path: str,
        read: Callable[[dict[str, Any]], T],
        body: dict[str, Any] | None = None,
    ) -> T:
        """Send one request that is answered by one row."""
        row = self.request(operation, method, path, body)
        with reading("Mistral", operation):
            return read(row)

    def finds(
        self, operation: str, method: str, kind: str, identifier: str, query: str = ""
    ) -> bool:
        """Send one request for an object; tell whether Mistral has it.

        :param kind: the name of the resource.
        :param query: what follows its address, such as ``?force=true``.
        """
        try:
            self.request(operation, method, f"/{kind}/{quote(identifier)}{query}")
        except ServiceError as error:
            if not error.says_missing("Mistral", identifier):
                raise
            return False
        return True

    def request(
        self, operation: str, method: str, path: str, body: dict[str, Any] | str | None = None
    ) -> Any:
        """Send one request; return its JSON, or None where the answer is empty."""
        send = getattr(self._http, method)
        if isinstance(self.session, Session):
            log_in(self.session)
        with translated("Mistral", operation):
            if method == "get":
                response = asked(lambda: send(path))
            elif body is None:
                response = send(path)
            elif isinstance(body, str):
                response = send(path, body.encode(), headers={"content-type": "text/plain"})
            else:
                response = send(path, json.dumps(body))
        if response.status_code >= 400:  # only where the caller's client has a plain HTTP session
            raise service_error(
                "Mistral",
                operation,
                response.status_code,
                answer_text(response) or response.text[:200],
                response.headers.get(REQUEST_ID),
            )
        return json_object("Mistral", operation, response) if response.content else None
