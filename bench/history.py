# SPDX-License-Identifier: Apache-2.0
"""Listing schedules and their history, beside python-troveclient's own code.

Puts rows straight into the database of a mini cloud's Mistral (a project with many schedules, one
of them with a history among many other runs), and gives both sides the same Keystone session. Once
with a tenth of the rows and once with all, to show how cost grows. Every answer of ours is checked
before its time counts.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import requests
from keystoneauth1.session import Session
from mistralclient.api.v2.client import Client as MistralClient
from troveclient.v1.backups import Backups

import trove_schedules
from bench import report
from bench.minicloud import login, mini_cloud
from bench.report import Report
from trove_minicloud.services.preparation import database_file
from trove_schedules.schedules.changing import with_attempts
from trove_schedules.schedules.pattern import runs
from trove_schedules.schedules.plan import Plan

#: Runs of the schedule whose history is asked for.
HISTORY = 200

#: Schedules and executions of the project.
SIZES = ((500, 2000), (5000, 20000))


class Project:
    """What was put into Mistral's database, and a count of the requests that were sent.

    :ivar schedules: the API under test, with the session that both sides use.
    :ivar instances: ids; instance n has the schedules 2n and 2n+1.
    :ivar executions: how many there are.
    :ivar history: ids of the executions of the first schedule, newest first.
    :ivar requests: the URLs asked for so far.
    """

    def __init__(self, session: Session, database: Path, triggers: int, executions: int) -> None:
        self.session = session
        self.schedules = trove_schedules.connect(session=session)
        self.schedules.workbook_load()
        self.project = session.get_project_id()
        self.executions = executions
        self.requests: list[str] = []
        session.session = _counting_session(self.requests)
        self.instances = [str(uuid.uuid4()) for _ in range(triggers // 2)]
        self._database = database
        self.remove()
        with sqlite3.connect(database, timeout=60) as connection:
            self._fill(connection, triggers, executions)

    def remove(self) -> None:
        """Remove the project's rows, whoever put them there."""
        with sqlite3.connect(self._database, timeout=60) as connection:
            for table in ("cron_triggers_v2", "workflow_executions_v2"):
                connection.execute(f"delete from {table} where project_id = ?", [self.project])

    def _fill(self, connection: sqlite3.Connection, triggers: int, executions: int) -> None:
        project = self.project
        workflow, name = connection.execute(
            "select id, name from workflow_definitions_v2 where name = 'trove.backup_create'"
        ).fetchone()
        now = datetime.now(UTC).replace(tzinfo=None)
        rows = [
            _trigger(self.instances[i // 2], i, now, workflow, name, project)
            for i in range(triggers)
        ]
        insert_rows(connection, "cron_triggers_v2", rows)
        self.trigger_names = [row["name"] for row in rows]
        self.schedule_ids = [name.split(":")[2] for name in self.trigger_names]
        # The history of the first schedule lies evenly among that of the others.
        step = executions // HISTORY
        runs = [
            execution_row(
                rows[0] if i % step == 0 else rows[1 + i % (triggers - 1)], i, now, project
            )
            for i in range(executions)
        ]
        insert_rows(connection, "workflow_executions_v2", runs)
        self.history = [run["id"] for i, run in enumerate(runs) if i % step == 0]


def _counting_session(seen: list[str]) -> requests.Session:
    session = requests.Session()
    session.hooks["response"].append(lambda answer, *_, **__: seen.append(answer.url))
    return session


def _trigger(
    instance: str, number: int, now: datetime, workflow: str, name: str, project: str
) -> dict[str, Any]:
    schedule = str(uuid.uuid4())
    # As `create` makes one where no more than this is said: with attempts firings.
    wanted = Plan("H H(1-4) * * *", f"nightly-{number}")
    plan = with_attempts(wanted.checked(schedule), None, None)
    due = next(runs(plan.pattern, now.replace(tzinfo=UTC) + timedelta(days=300)))
    return trigger_row(
        plan, instance, schedule, due.replace(tzinfo=None), now, workflow, name, project
    )


def trigger_row(
    plan: Plan,
    instance: str,
    schedule: str,
    following: datetime,
    now: datetime,
    workflow: str,
    name: str,
    project: str,
) -> dict[str, Any]:
    """The trigger of a schedule that was made 100 days ago, as Mistral keeps it.

    :param following: its next firing. Times are naive, in UTC.
    """
    return {
        "id": str(uuid.uuid4()),
        "name": f"trove-backup:{instance}:{schedule}:1",
        "pattern": plan.trigger_pattern(),
        "next_execution_time": following,
        "workflow_name": name,
        "workflow_id": workflow,
        "workflow_params": "{}",
        "workflow_input": json.dumps(plan.workflow_input(instance, schedule, {})),
        "trust_id": None,
        "scope": "private",
        "project_id": project,
        "created_at": now - timedelta(days=100),
    }


def execution_row(
    trigger: dict[str, Any], number: int, now: datetime, project: str
) -> dict[str, Any]:
    triggered_by = {"type": "cron_trigger", "id": trigger["id"]}
    at = now - timedelta(minutes=number)
    return {
        "id": str(uuid.uuid4()),
        "name": trigger["workflow_name"],
        "description": json.dumps(
            {
                "description": f"Workflow execution created by cron trigger '({trigger['id']})'.",
                "triggered_by": triggered_by,
            }
        ),
        "workflow_name": trigger["workflow_name"],
        "workflow_namespace": "",
        "workflow_id": trigger["workflow_id"],
        "spec": "{}",
        "state": "SUCCESS",
        "input": trigger["workflow_input"],
        "output": json.dumps({"status": "Backup complete", "backup_id": str(uuid.uuid4())}),
        "params": "{}",
        "context": "{}",
        "runtime_context": "{}",
        "accepted": True,
        "tags": "[]",
        "scope": "private",
        "project_id": project,
        "created_at": at,
        "updated_at": at,
    }


def insert_rows(connection: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    columns = ", ".join(rows[0])
    places = ", ".join(f":{column}" for column in rows[0])
    values = [
        {
            key: value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value
            for key, value in row.items()
        }
        for row in rows
    ]
    connection.executemany(f"insert into {table} ({columns}) values ({places})", values)


def measure(project: Project, found: Report, rounds: int, *, goals: bool) -> None:
    """Both sides of each question, in turns.

    :param goals: whether the goals are for a project of this size.
    """
    new, session = project.schedules, project.session
    url = session.get_endpoint(service_type="workflowv2", interface="public")
    client = MistralClient(mistral_url=url, session=session)
    old = Backups(api=None)
    total = len(project.schedule_ids)

    def compare(
        what: str,
        expected: int,
        ours: Callable[[], list[Any]],
        theirs: Callable[[], list[Any]],
        goal: float,
        of: int = total,
    ) -> None:
        title, what = what, f"{what}, of {of}"
        project.requests.clear()
        found.expect(f"{what}: rows", len(ours()), expected)
        asked = len(project.requests)
        project.requests.clear()
        old_rows = len(theirs())
        against = f"python-troveclient: {old_rows} of {expected} rows"
        seconds = report.in_turns(rounds, report.timed(ours), report.timed(theirs))
        found.add(
            what,
            "s",
            seconds[0],
            against=against,
            theirs=seconds[1],
            at_most=goal if goals else None,
        )
        found.series.setdefault("requests", {})[what] = [asked, len(project.requests)]
        for side, values in zip(("trove-schedules", "python-troveclient"), seconds, strict=True):
            lines = found.series.setdefault("seconds", {}).setdefault(title, {})
            lines.setdefault(side, []).append([total, median(values)])

    instance = project.instances[-1]  # whose triggers are the last that were made
    compare(
        "schedules of one instance",
        2,
        lambda: new.schedule_list(instance),
        lambda: old.schedule_list(instance, mistral_client=client),
        1 / 5,
    )
    compare(
        "schedules of the project",
        total,
        new.schedule_list,
        # The old client lists by substring; the empty one is in every trigger.
        lambda: old.schedule_list("", mistral_client=client),
        1 / 5,
    )
    for limit, goal in ((20, 1 / 50), (None, 1 / 100)):
        compare(
            f"newest {limit} executions" if limit else f"all {HISTORY} executions",
            limit or HISTORY,
            lambda limit=limit: new.execution_list(project.schedule_ids[0], limit=limit),
            lambda limit=limit: old.execution_list(project.trigger_names[0], client, limit=limit),
            goal,
            of=project.executions,
        )
    newest = [each.id for each in new.execution_list(project.schedule_ids[0])]
    found.expect("the history is the schedule's own, newest first", newest, project.history)


def draw(found: Report, folder: Path) -> None:
    """How cost grows with the project: one picture for the lists, one for the histories."""
    for name, questions in (
        ("schedules", ("schedules of one instance", "schedules of the project")),
        ("history", ("newest 20 executions", f"all {HISTORY} executions")),
    ):
        report.line_chart(
            folder / f"bench-{name}.svg",
            "Time of a list as the project grows (four executions to each schedule)",
            ("schedules in the project", "seconds"),
            {
                f"{question}, {side}": points
                for question in questions
                for side, points in found.series["seconds"][question].items()
            },
            logarithmic=True,
        )


def run(full: bool) -> Report:
    found = Report("history")
    with mini_cloud() as root:
        database = database_file(root.service("mistral"))
        for size in SIZES:
            project = Project(login(root), database, *size)
            measure(project, found, rounds=3 if full else 1, goals=size == SIZES[-1])
    return found


if __name__ == "__main__":
    sys.exit(report.main(run, draw))
