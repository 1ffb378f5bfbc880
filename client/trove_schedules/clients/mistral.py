# SPDX-License-Identifier: Apache-2.0
"""Mistral: cron triggers, executions, workflows and workbooks, as typed values.

The only importer of mistralclient.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from keystoneauth1.session import Session

from trove_schedules.clients import mistral_rows as rows
from trove_schedules.clients.mistral_rows import CronTrigger, Execution, Workbook, Workflow
from trove_schedules.clients.mistral_wire import PAGE, Wire
from trove_schedules.clients.scope import OWN, Scope
from trove_schedules.clients.session import (
    log_in,
    raise_not_delegable,
    reading,
    text_in,
    translated,
)
from trove_schedules.errors import ServiceError, ServiceUnavailableError

#: What is asked for in lists. Mistral reads these columns by one query, where it otherwise makes an
#: object of every row and, for an execution, reads three of its columns by a query of their own.
_TRIGGER_FIELDS = (
    "id,name,pattern,workflow_name,workflow_input,created_at,updated_at,next_execution_time,"
    "project_id"
)
_EXECUTION_FIELDS = (
    "id,workflow_name,description,input,output,state,state_info,created_at,updated_at,project_id,"
    "root_execution_id"
)


class Mistral(Wire):
    """Typed requests to one project's Mistral.

    :param client: a python-mistralclient client, made by :func:`connect` or by the caller.
    :param scope: whose triggers and executions are listed.
    """

    # Cron triggers

    def cron_triggers(self, **filters: str) -> list[CronTrigger]:
        """Every trigger of the project that fits Mistral's filters, oldest first."""
        query = self._scoped(filters) | {"fields": _TRIGGER_FIELDS}
        return list(self.pages("list cron triggers", "cron_triggers", rows.cron_trigger, query))

    def create_cron_trigger(
        self,
        name: str,
        workflow_id: str,
        pattern: str | None,
        workflow_input: dict[str, Any],
        *,
        first_time: datetime | None = None,
        count: int | None = None,
    ) -> CronTrigger:
        """Create a trigger once, even where an answer is lost on the way.

        Names are unique in a project, so a trigger of this name is the one asked for, or that of
        somebody who chose the same name at the same time.

        :param first_time: the first firing, at least a minute ahead; None means as the pattern has
            it.
        :param count: after this many firings Mistral deletes it; None means never.

        :raises NotDelegableError: Keystone refused the trust.
        """
        operation = f"create cron trigger {name}"
        body = {
            "name": name,
            "workflow_id": workflow_id,
            "pattern": pattern,
            "first_execution_time": first_time and f"{first_time.astimezone(UTC):%Y-%m-%d %H:%M}",
            "remaining_executions": count,
            "workflow_input": json.dumps(workflow_input),
        }
        body = {key: value for key, value in body.items() if value is not None}
        attempts_left = 2
        while True:
            attempts_left -= 1
            try:
                return self.one(operation, "post", "/cron_triggers", rows.cron_trigger, body)
            except ServiceError as error:
                if "Delegated tokens cannot manage trusts" in str(error):
                    raise_not_delegable(error)
                lost = isinstance(error, ServiceUnavailableError)
                if not lost and error.status != 409:
                    raise
                made = self._look_again(name, error)
                if made is not None:
                    return made
                if not lost or not attempts_left:
                    raise

    def _look_again(self, name: str, why: ServiceError) -> CronTrigger | None:
        try:
            return next(iter(self.cron_triggers(name=f"eq:{name}")), None)
        except ServiceError:
            # Mistral can't say now whether it made the trigger: the first error is the news.
            raise why from None

    def has_cron_trigger(self, trigger_id: str) -> bool:
        """Whether a trigger is there; one that has fired as often as it may is not."""
        return self.finds("show cron trigger", "get", "cron_triggers", trigger_id)

    def delete_cron_trigger(self, trigger_id: str) -> bool:
        """Delete a trigger, and with it the rights of a run in progress.

        :returns: whether it was there; that it is gone is fine.
        """
        return self.finds("delete cron trigger", "delete", "cron_triggers", trigger_id)

    # Executions

    def executions(
        self, *, limit: int | None = None, marker: str | None = None, **filters: str
    ) -> Iterator[Execution]:
        """Executions that fit Mistral's filters, newest first, asked for page by page.

        Times are UTC, written ``2026-01-31 02:00:00``. Of the operators only ``gte:`` and ``lt:``
        do the same with them in every database.

        :param limit: how many the caller is going to take, which is then the size of a page.
        """
        query = filters | {
            "sort_keys": "created_at",
            "sort_dirs": "desc",
            "fields": _EXECUTION_FIELDS,
        }
        if not self.scope.is_own:
            query = self._scoped(query)
        page = min(limit or PAGE, PAGE)
        project = self._project()

        def read(row: dict[str, Any]) -> Execution | None:
            return rows.execution(row) if rows.is_in(project, row) else None

        found = self.pages("list executions", "executions", read, query, page, marker)
        return (each for each in found if each is not None)

    def oldest_update(self, **filters: str) -> datetime | None:
        """When the execution that fits the filters was updated that was so the longest ago.

        An administrator's may be another project's: what Mistral keeps, it keeps for all.
        """
        # An index of updated_at is read in this order, and no further than to the first.
        order = {"sort_keys": "updated_at,id", "sort_dirs": "asc,asc", "fields": "id,updated_at"}

        def read(row: dict[str, Any]) -> datetime | None:
            return rows.time_in(row["updated_at"])

        query = filters | order
        return next(self.pages("list executions", "executions", read, query, 1), None)

    def waiting(self, workflow: str, task: str) -> set[str]:
        """Ids of the root executions whose sub-workflow of this name has yet to begin a task.

        :param task: its name; it has a delay before it, which is not over.
        """
        query = {"workflow_name": f"eq:{workflow}", "name": f"eq:{task}", "state": "DELAYED"}
        fields = {"fields": "id,workflow_execution_id"}
        owners = set(self.pages("list tasks", "tasks", rows.owner, query | fields))
        if not owners:
            return set()
        return {root for execution_id, root in self._parts(workflow) if execution_id in owners}

    def roots_of(self, workflow: str) -> set[str]:
        """Ids of the root executions whose sub-workflow of this name is running."""
        return {root for _, root in self._parts(workflow)}

    def _parts(self, workflow: str) -> Iterator[tuple[str, str]]:
        """The running executions of a sub-workflow: their ids, and those of their roots."""
        query = {"workflow_name": f"eq:{workflow}", "state": "RUNNING"}
        fields = {"fields": "id,root_execution_id"}
        return self.pages("list executions", "executions", rows.root, query | fields)

    def execution(self, execution_id: str) -> Execution | None:
        """One execution, or None where the project has none of this id."""
        project = self._project()

        def read(row: dict[str, Any]) -> Execution | None:
            return rows.execution(row) if rows.is_in(project, row) else None

        try:
            path = f"/executions/{quote(execution_id)}"
            return self.one("show execution", "get", path, read)
        except ServiceError as error:
            if error.says_missing("Mistral", execution_id):
                return None
            raise

    def start_execution(
        self, workflow_id: str, workflow_input: dict[str, Any], trigger_id: str
    ) -> Execution:
        """Start a workflow by hand, noted as a run of a trigger's schedule, and by whom."""
        note = {"type": rows.MANUAL, "id": trigger_id}
        if (user := self.user_name()) is not None:
            note["user"] = user
        body = {
            "workflow_id": workflow_id,
            "input": json.dumps(workflow_input),
            "description": json.dumps(
                {
                    "description": "Started by hand.",
                    "triggered_by": note,
                }
            ),
        }
        return self.one("start execution", "post", "/executions", rows.execution, body)

    def delete_execution(self, execution_id: str, *, force: bool = False) -> None:
        """Delete an execution. That it is gone is fine.

        :param force: also one that has not ended, which Mistral refuses otherwise.
        """
        query = "?force=true" if force else ""
        self.finds("delete execution", "delete", "executions", execution_id, query)

    # Workflows and workbooks

    def workflows(self, name: str) -> list[Workflow]:
        """The project's own and the public workflows of this name.

        An administrator's list spans all projects; what is neither ours nor public is left out.
        """
        return [each for each in self._workflows(name) if self._is_usable(each)]

    def workbooks(self, name: str) -> list[Workbook]:
        """The project's own and the public workbooks of this name."""
        return [each for each in self._workbooks(name) if self._is_usable(each)]

    def other_owners(self, *, workbook: str, workflow: str) -> list[str]:
        """The other projects that have a workbook or workflow of these names, as far as we see.

        Mistral looks names up among all that a user may see, the own project's not first: it would
        update one of theirs. A user sees public ones, an administrator everybody's.
        """
        project = self.project_id()
        owners = {each.project_id for each in self._workbooks(workbook)}
        owners |= {each.project_id for each in self._workflows(workflow)}
        return sorted(owners - {project}) if project else []

    def create_workflow(self, definition: str) -> str:
        """Create a workflow of the project; its id."""
        answer = self.request("create workflow", "post", "/workflows?scope=private", definition)
        with reading("Mistral", "create workflow"):
            return text_in(answer["workflows"][0], "id")

    def delete_workflow(self, workflow_id: str) -> None:
        """Delete a workflow. That it is gone is fine."""
        self.finds("delete workflow", "delete", "workflows", workflow_id)

    def save_workbook(self, definition: str, *, scope: str, update: bool) -> None:
        """Create or (update) replace the project's workbook; its workflows keep their ids."""
        method, operation = ("put", "update workbook") if update else ("post", "create workbook")
        self.request(operation, method, f"/workbooks?scope={scope}", definition)

    def action_exists(self, name: str) -> bool:
        """Whether Mistral knows an action, which it does if its executors have what it needs."""
        return self.finds("show action", "get", "actions", name)

    def action_inputs(self, name: str) -> set[str]:
        """The names of what an action takes.

        :raises ServiceError: Mistral doesn't know it, or doesn't answer.
        """
        answer = self.request("show action", "get", f"/actions/{quote(name)}")
        with reading("Mistral", "show action"):
            # As a signature: "name, instance, description=null".
            return set(re.findall(r"(?:^|, )(\w+)", text_in(answer, "input")))

    # Parts

    def _project(self) -> str | None:
        """The project whose objects are asked for; None: all, or the client can't tell."""
        if self.scope.is_own:
            return self.project_id()
        return self.scope.project_id

    def _scoped(self, filters: dict[str, str]) -> dict[str, str]:
        others = {} if self.scope.is_own else {"all_projects": "true"}
        project = self._project()
        return filters | others | ({"project_id": project} if project else {})

    def _workflows(self, name: str) -> list[Workflow]:
        """The workflows of this name, in no namespace, that this login can see."""
        query = {"name": f"eq:{name}", "fields": "id,name,namespace,scope,project_id,tags"}
        found = self.pages("list workflows", "workflows", rows.workflow, query)
        return [each for each in found if each is not None]

    def _workbooks(self, name: str) -> list[Workbook]:
        """The same of workbooks."""
        found = self.pages("list workbooks", "workbooks", rows.workbook, {"name": f"eq:{name}"})
        return [each for each in found if each is not None]

    def _is_usable(self, found: Workflow | Workbook) -> bool:
        return found.scope == "public" or self.project_id() in (None, found.project_id)


def connect(
    session: Session, region_name: str | None, interface: str | None, scope: Scope = OWN
) -> Mistral:
    """Make a client for the ``workflowv2`` service of the session's catalog."""
    # Not at import: mistralclient costs every command that doesn't need it.
    from mistralclient.api.v2.client import Client

    log_in(session)
    with translated("Mistral", "find its endpoint"):
        url = session.get_endpoint(
            service_type="workflowv2", region_name=region_name, interface=interface or "public"
        )
    if url is None:
        where = f" in region {region_name}" if region_name else ""
        raise ServiceError(
            f"the service catalog has no 'workflowv2' endpoint{where}; schedules need Mistral",
            service="Mistral",
            operation="find its endpoint",
        )
    return Mistral(Client(mistral_url=url.rstrip("/"), session=session), scope)
