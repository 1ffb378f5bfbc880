# SPDX-License-Identifier: Apache-2.0
"""Listing schedules and their history, beside python-troveclient's own code.

Starts a mini cloud of its own, puts rows straight into Mistral's database (a project with many
schedules, one of them with a history among many other runs), and gives both sides the same
Keystone session. Every answer is checked before its time counts.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from keystoneauth1.session import Session
from mistralclient.api.v2.client import Client as MistralClient
from openstack.config import OpenStackConfig
from troveclient.v1.backups import Backups

import trove_schedules
from trove_minicloud import daemon
from trove_minicloud.root import Root

#: Runs of the schedule whose history is asked for.
HISTORY = 200


class Project:
    """What was put into Mistral's database, and a count of the requests that were sent.

    :ivar schedules: the API under test, with the session that both sides use.
    :ivar instances: ids; instance n has the schedules 2n and 2n+1.
    :ivar history: ids of the executions of the first schedule, newest first.
    :ivar requests: the URLs asked for so far.
    """

    def __init__(self, session: Session, database: Path, triggers: int, executions: int) -> None:
        self.session = session
        self.schedules = trove_schedules.connect(session=session)
        self.schedules.workbook_load()
        self.requests: list[str] = []
        session.session = _counting_session(self.requests)
        self.instances = [str(uuid.uuid4()) for _ in range(triggers // 2)]
        with sqlite3.connect(database, timeout=60) as connection:
            self._fill(connection, triggers, executions)

    def _fill(self, connection: sqlite3.Connection, triggers: int, executions: int) -> None:
        project = self.session.get_project_id()
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
    given = {
        "instance": instance,
        "name": f"nightly-{number}",
        "description": None,
        "parent_id": None,
        "incremental": False,
        "schedule": {"id": schedule},
    }
    return {
        "id": str(uuid.uuid4()),
        "name": f"trove-backup:{instance}:{schedule}:1",
        "pattern": "0 2 * * *",
        "next_execution_time": now + timedelta(days=300),
        "workflow_name": name,
        "workflow_id": workflow,
        "workflow_params": "{}",
        "workflow_input": json.dumps(given),
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


class Bench:
    """Runs both sides of a question and keeps the row for the table."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.rows: list[dict[str, Any]] = []
        self.wrong: list[str] = []

    def compare(
        self,
        what: str,
        expected: int,
        ours: Callable[[], list[Any]],
        theirs: Callable[[], list[Any]],
    ) -> None:
        ours()  # both sides hold a token and a connection then
        seconds, found, asked = self._time(ours)
        if found != expected:
            self.wrong.append(f"{what}: {found} rows, expected {expected}")
        their_seconds, their_found, their_asked = self._time(theirs)
        self.rows.append(
            {
                "what": what,
                "expected": expected,
                "rows": found,
                "seconds": round(seconds, 3),
                "requests": asked,
                "old rows": their_found,
                "old seconds": round(their_seconds, 3),
                "old requests": their_asked,
                "ratio": round(seconds / their_seconds, 4),
            }
        )

    def _time(self, call: Callable[[], list[Any]]) -> tuple[float, int, int]:
        self._project.requests.clear()
        start = time.perf_counter()
        found = call()
        return time.perf_counter() - start, len(found), len(self._project.requests)


def measure(project: Project) -> Bench:
    new, session = project.schedules, project.session
    url = session.get_endpoint(service_type="workflowv2", interface="public")
    client = MistralClient(mistral_url=url, session=session)
    old = Backups(api=None)
    bench = Bench(project)
    instance = project.instances[-1]  # whose triggers are the last that were made
    bench.compare(
        "schedules of one instance",
        2,
        lambda: new.schedule_list(instance),
        lambda: old.schedule_list(instance, mistral_client=client),
    )
    everything = 2 * len(project.instances)
    bench.compare(
        "schedules of the project",
        everything,
        new.schedule_list,
        # The old client lists by substring; the empty one is in every trigger.
        lambda: old.schedule_list("", mistral_client=client),
    )
    for limit in (20, None):
        bench.compare(
            f"newest {limit} executions" if limit else f"all {HISTORY} executions",
            limit or HISTORY,
            lambda limit=limit: new.execution_list(project.schedule_ids[0], limit=limit),
            lambda limit=limit: old.execution_list(project.trigger_names[0], client, limit=limit),
        )
    newest = [each.id for each in new.execution_list(project.schedule_ids[0])]
    if newest != project.history:
        bench.wrong.append("the history is not the schedule's own, newest first")
    return bench


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--triggers", type=int, default=5000)
    parser.add_argument("--executions", type=int, default=20000)
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trove-schedules-bench-") as folder:
        root = Root.at(folder)
        daemon.up(root, lambda line: print(line, file=sys.stderr))
        try:
            database = root.service("mistral") / "data" / "database.sqlite"
            config = OpenStackConfig(config_files=[str(root.clouds_file)], load_envvars=False)
            session = config.get_one("minicloud").get_session()
            bench = measure(Project(session, database, arguments.triggers, arguments.executions))
        finally:
            daemon.down(root)
    print(f"{arguments.triggers} schedules, {arguments.executions} executions in the project")
    columns = list(bench.rows[0])
    widths = [max(len(str(row[c])) for row in [*bench.rows, {c: c}]) for c in columns]
    for line in [dict(zip(columns, columns, strict=True)), *bench.rows]:
        print("  ".join(str(line[c]).ljust(w) for c, w in zip(columns, widths, strict=True)))
    if arguments.json:
        arguments.json.write_text(json.dumps(bench.rows, indent=2) + "\n")
    for fault in bench.wrong:
        print(f"WRONG: {fault}", file=sys.stderr)
    return 1 if bench.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
