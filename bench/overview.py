# SPDX-License-Identifier: Apache-2.0
"""The health of a whole cloud, as an administrator asks for it: requests and seconds.

Puts 200 projects with 10 schedules each, their runs of two days and their backups into the
databases of a mini cloud's Mistral and Trove, and asks at Trove's default rate limit. One of a
hundred schedules has neither runs nor backups. Then all is moved into one project, which has to
cost as many requests.
"""

from __future__ import annotations

import sqlite3
import sys
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import requests

import trove_schedules
from bench import report
from bench.burst import cpu_seconds
from bench.crowd import Crowd, Member
from bench.history import execution_row, insert_rows, trigger_row
from bench.minicloud import login, mini_cloud
from bench.report import Report
from trove_minicloud import settings
from trove_minicloud.root import Root
from trove_minicloud.services.preparation import database_file
from trove_schedules.health import Health, State
from trove_schedules.schedules.plan import Plan

PROJECTS, SCHEDULES = 200, 10
#: Backups of a schedule, one a day.
KEPT = 7
#: One of N schedules has no run and no backup.
ILL = 100
#: The runs of the last days are in Mistral.
DAYS = 2
#: In minutes.
_DAY = 24 * 60


class Cloud:
    """What was put into the databases.

    :ivar schedules: how many, in all projects.
    """

    def __init__(
        self, root: Root, projects: int, schedules: int, owners: Sequence[str] = ()
    ) -> None:
        """:param owners: ids of projects that are there; none: new ones that nobody is in."""
        self.schedules = projects * schedules
        self._files = {name: database_file(root.service(name)) for name in ("mistral", "trove")}
        self._projects = list(owners) or [uuid.uuid4().hex for _ in range(projects)]
        crowd = Crowd(root)
        members = [
            Member(str(uuid.uuid4()), instance, project, 1)
            for project in self._projects
            for instance in crowd.instances(project, schedules)
        ]
        well = [member for number, member in enumerate(members) if number % ILL]
        crowd.keep(well, KEPT)
        # The newest is of now: nothing that was due is missing.
        self._change("trove", "update backups set created = datetime(created, '+1 day')")
        self._schedule(members, well)

    def _schedule(self, members: Sequence[Member], well: Sequence[Member]) -> None:
        """Triggers for all of them, and the runs of those that are well."""
        now = datetime.now(UTC).replace(tzinfo=None)
        tomorrow = now + timedelta(days=1)
        with sqlite3.connect(self._files["mistral"], timeout=60) as connection:
            workflow = connection.execute(
                "select id, name from workflow_definitions_v2 where name = 'trove.backup_create'"
            ).fetchone()
            triggers = {}
            for each in members:
                plan = Plan("0 2 * * *", "nightly").checked(each.id)
                triggers[each.id] = trigger_row(
                    plan, each.instance, each.id, tomorrow, now, *workflow, each.project
                )
            insert_rows(connection, "cron_triggers_v2", list(triggers.values()))
            runs = [
                execution_row(triggers[each.id], day * _DAY, now, each.project)
                for day in range(DAYS)
                for each in well
            ]
            insert_rows(connection, "workflow_executions_v2", runs)

    def join(self) -> None:
        """Move all into one project."""
        for service, table, column in (
            ("mistral", "cron_triggers_v2", "project_id"),
            ("mistral", "workflow_executions_v2", "project_id"),
            ("trove", "instances", "tenant_id"),
            ("trove", "backups", "tenant_id"),
        ):
            self._change(service, f"update {table} set {column} = '{self._projects[0]}'")

    def _change(self, service: str, statement: str) -> None:
        with sqlite3.connect(self._files[service], timeout=60) as connection:
            connection.execute(statement)


def measure(root: Root, found: Report, projects: int, schedules: int) -> None:
    """Ask for the health of all projects, then of the same schedules in one."""
    cloud = Cloud(root, projects, schedules)
    ours = _asked(root, found, cloud)
    cloud.join()
    theirs = _asked(root, found, cloud)
    what = f"health of {cloud.schedules} schedules in {projects} projects"
    for unit, value in ours.items():
        found.add(what, unit, value, against="in 1 project", theirs=theirs[unit])
        if "requests" in unit:
            found.expect(f"{unit} of one project", theirs[unit], value)


def _asked(root: Root, found: Report, cloud: Cloud) -> dict[str, float]:
    """What one look by an administrator costs, by unit."""
    session = login(root, "minicloud-admin")
    answers: list[requests.Response] = []
    session.session = requests.Session()
    session.session.hooks["response"].append(lambda answer, *_, **__: answers.append(answer))
    overview = trove_schedules.connect(session=session).overview()
    health: list[Health] = []
    before = cpu_seconds(root)
    seconds = report.timed(lambda: health.extend(overview.schedule_health()))()
    used = cpu_seconds(root)
    ill = -(-cloud.schedules // ILL)
    found.expect(
        "states", Counter(each.state for each in health),
        {State.OK: cloud.schedules - ill, State.LOST: ill},
    )  # fmt: skip
    unsure = sum("not looked up" in each.reason for each in health)
    found.expect("schedules whose instance was not looked up", unsure, 0)
    costs = {"s": seconds}
    known = settings.load_or_create(root)
    for name, url in (("Mistral", known.mistral_url), ("Trove", known.trove_url)):
        own = [answer for answer in answers if answer.url.startswith(url)]
        costs[f"requests to {name}"] = len(own)
        costs[f"s of processor in {name}"] = used[name.lower()] - before[name.lower()]
    return costs


def run(full: bool) -> Report:
    found = Report("overview")
    with mini_cloud() as root:
        measure(root, found, PROJECTS if full else PROJECTS // 10, SCHEDULES)
    return found


if __name__ == "__main__":
    sys.exit(report.main(run))
