# SPDX-License-Identifier: Apache-2.0
"""What the history of a project costs as it grows: 0, 1,000 and 100,000 executions.

Puts rows as Mistral's own into the database of a mini cloud: a hundred schedules, each due every
hour with three attempts, from now back. The last column is the time beside that with 1,000.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import trove_schedules
from bench import report
from bench.history import execution_row, insert_rows, trigger_row
from bench.minicloud import login, mini_cloud
from bench.report import Report
from trove_minicloud.services.preparation import database_file
from trove_schedules.health import Health, State
from trove_schedules.schedules.plan import Plan
from trove_schedules.workbook import DRILL

SIZES = (0, 1_000, 100_000)
SCHEDULES = 100
ATTEMPTS = 3
#: What Mistral keeps of each execution of the workbook, roughly.
_SPEC, _CONTEXT = 9_000, 1_000
_AT_ONCE = 5_000
_NO_LIMIT = "[DEFAULT]\nhttp_get_rate = 100000\n"
#: Growth that is allowed from a thousand to a hundred thousand.
_AT_MOST = 2.0


#: What is told of schedules whose backups Trove doesn't have, with and without executions.
_TOLD = {State.STALE, State.LOST}


def fill(database: Path, project: str, size: int) -> str:
    """Put the rows in, and return the id of one of the schedules."""
    with sqlite3.connect(database, timeout=60) as connection:
        for table in ("cron_triggers_v2", "workflow_executions_v2"):
            connection.execute(f"delete from {table} where project_id = ?", [project])
        workflow, name = connection.execute(
            "select id, name from workflow_definitions_v2 where name = 'trove.backup_create'"
        ).fetchone()
        now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        triggers = [_trigger(now, workflow, name, project) for _ in range(SCHEDULES)]
        insert_rows(connection, "cron_triggers_v2", triggers)
        rows = _executions(triggers, size, now, project)
        while several := [row for row, _ in zip(rows, range(_AT_ONCE), strict=False)]:
            insert_rows(connection, "workflow_executions_v2", several)
    return str(triggers[0]["name"]).split(":")[2]


def _trigger(now: datetime, workflow: str, name: str, project: str) -> dict[str, Any]:
    instance, schedule = str(uuid.uuid4()), str(uuid.uuid4())
    wanted = Plan("0 * * * *", "hourly", attempts=ATTEMPTS, retry_every=15)
    plan = wanted.checked(schedule)
    row = trigger_row(
        plan, instance, schedule, now + timedelta(hours=1), now, workflow, name, project
    )
    return row | {"updated_at": now}


def _executions(
    triggers: list[dict[str, Any]], size: int, now: datetime, project: str
) -> Iterator[dict[str, Any]]:
    """The newest of each schedule first: the last attempt of three has made the backup."""
    due = now.replace(minute=0, second=0)
    for number in range(size):
        firing, which = divmod(number, SCHEDULES)
        hours, attempt = divmod(firing, ATTEMPTS)
        row = execution_row(triggers[which], 0, now, project)
        at = due - timedelta(hours=hours + 1) + timedelta(minutes=15 * (ATTEMPTS - 1 - attempt))
        done = {"status": "Backup complete", "backup_id": str(uuid.uuid4())}
        if attempt < ATTEMPTS - 1:
            done["status"] = "Skipped: already backed up as backup b"
        yield row | {
            "spec": json.dumps({"spec": "s" * _SPEC}),
            "context": json.dumps({"context": "c" * _CONTEXT}),
            "output": json.dumps(done),
            "created_at": at + timedelta(seconds=which % 60),
            "updated_at": at + timedelta(seconds=which % 60 + 20),
        }


def run(full: bool) -> Report:
    found = Report("growth")
    rounds = 9 if full else 5
    with mini_cloud(overrides={"trove": _NO_LIMIT}) as root:
        session = login(root)
        api = trove_schedules.connect(session=session)
        api.workbook_load()
        # The instances are in these rows only.
        for name, found_of in (("instance_exists", True), ("instance_names", {})):
            setattr(api._own.trove, name, lambda *_, found_of=found_of: found_of)
        database = database_file(root.service("mistral"))
        seconds: dict[str, dict[int, list[float]]] = {}
        for size in SIZES:
            schedule = fill(database, session.get_project_id(), size)
            for what, (call, rows) in _questions(api, schedule, size).items():
                answer = call()
                found.expect(f"{what}, {size} executions: rows", len(answer), rows)
                told = {each.state for each in answer if isinstance(each, Health)}
                found.expect(f"{what}, {size} executions: states", told <= _TOLD, True)
                timed = report.timed(call)
                seconds.setdefault(what, {})[size] = [timed() for _ in range(rounds)]
    for what, by_size in seconds.items():
        for size, taken in by_size.items():
            found.add(
                f"{what}, {size} executions", "s", taken, against="1000 executions",
                theirs=by_size[SIZES[1]], at_most=_AT_MOST if size == SIZES[-1] else None,
            )  # fmt: skip
    found.series["median"] = {
        what: [[size, median(taken)] for size, taken in by_size.items()]
        for what, by_size in seconds.items()
    }
    return found


def _questions(
    api: trove_schedules.ScheduledBackups, schedule: str, size: int
) -> dict[str, tuple[Callable[[], list[Any]], int]]:
    """What is asked, and how many rows are the answer."""
    made = size // (SCHEDULES * ATTEMPTS) + bool(size % (SCHEDULES * ATTEMPTS) > 200)
    running = {"workflow_name": f"eq:{DRILL}", "state": "RUNNING"}
    mistral = api._mistral(None)
    return {
        "execution list --limit 10": (
            lambda: api.execution_list(schedule, limit=10),
            min(10, made),
        ),
        "execution list --limit 10 --all": (
            lambda: api.execution_list(schedule, limit=10, include_all=True),
            min(10, size // SCHEDULES),
        ),
        "health of one": (lambda: api.schedule_health([schedule]), 1),
        "health of 100 that miss backups": (api.schedule_health, SCHEDULES),
        "execution list --drills": (lambda: api.execution_list(schedule, drills_only=True), 0),
        "a run in progress": (lambda: list(mistral.executions(**running)), 0),
    }


if __name__ == "__main__":
    sys.exit(report.main(run))
