# SPDX-License-Identifier: Apache-2.0
"""What the page of a schedule says of it, and of the backups that it made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import median
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from trove_schedules import Backup, Schedule, ScheduleExecution
from trove_schedules.schedules.names import schedule_of
from trove_schedules.schedules.options import OPTIONS, STORES
from trove_schedules_dashboard.content.backup_schedules import text
from trove_schedules_dashboard.content.backup_schedules.tables import BackupRow, ExecutionsTable


def details(schedule: Schedule) -> list[tuple[str, str]]:
    """Labels and values of what a schedule is to do. Options that it doesn't have are left out."""
    minutes = schedule.deadline and _("%d minutes") % schedule.deadline
    rows = [
        (_("Next Run"), text.next_run(schedule)),
        (_("Kind"), text.kind(schedule)),
        (_("Keeps"), text.retention(schedule)),
        (_("Pinned"), ", ".join(schedule.pinned)),
        *((_(OPTIONS[name].title), getattr(schedule, name)) for name in STORES),
        (_("Attempts"), text.attempts(schedule)),
        (_("Deadline"), minutes),
        (_("Notify URL"), schedule.notify_url),
        (_("Webhook"), schedule.webhook_url and text.webhook(schedule)),
        (_("Description"), schedule.description or "-"),
        (_("Created"), text.utc(schedule.created_at)),
    ]
    return [(label, value) for label, value in rows if value]


def backup_rows(
    schedule: Schedule, backups: Sequence[Backup], executions: Sequence[ScheduleExecution]
) -> list[BackupRow]:
    """The schedule's backups among these, and the pinned ones that are not among them.

    :param executions: its newest runs, the newest first.
    """
    runs = {each.backup_id: each for each in executions if each.backup_id}
    # A page of executions begins after one of them.
    before = {each.id: newer.id for newer, each in pairwise(executions)}
    page = reverse("horizon:project:backup_schedules:executions", args=[schedule.id])

    def run_url(run: ScheduleExecution | None) -> str | None:
        if run is None:
            return None
        marker = before.get(run.id)
        query = {ExecutionsTable._meta.pagination_param: marker}
        return f"{page}?{urlencode(query)}" if marker else page

    def row(backup_id: str, backup: Backup | None) -> BackupRow:
        run = runs.get(backup_id)
        return BackupRow(backup_id, backup, backup_id in schedule.pinned, run, run_url(run))

    own = {each.id: each for each in backups if schedule_of(each.description) == schedule.id}
    elsewhere = [each for each in schedule.pinned if each not in own]
    return [row(each.id, each) for each in own.values()] + [row(each, None) for each in elsewhere]


@dataclass(frozen=True, slots=True)
class Progress:
    """A run, or a drill, that is in progress.

    :ivar name: which of the two, for the page.
    :ivar usual: seconds that most of the newest runs took; 0 where that is not known.
    :ivar told: the same in words.
    :ivar url: where the page asks for that again.
    """

    name: str
    usual: int
    seconds: float
    told: str
    url: str


def progress_of(execution: ScheduleExecution, usual: int, *, drill: bool) -> Progress:
    """How far a run, or a drill, is that has not ended."""
    name = "drill_progress" if drill else "progress"
    return Progress(
        name=name,
        usual=usual,
        seconds=(text.now() - execution.created_at).total_seconds(),
        told=text.in_progress(execution, usual, drill=drill),
        url=reverse(f"horizon:project:backup_schedules:{name}", args=[execution.id, usual]),
    )


def progress_of_newest(
    executions: Sequence[ScheduleExecution], *, drill: bool = False
) -> Progress | None:
    """How far the newest run is, if it has not ended.

    :param executions: the newest runs, or drills, the newest first.
    """
    if not executions or not executions[0].in_progress(text.now()):
        return None
    took = [text.duration(each) for each in executions if each.state == "SUCCESS"]
    known = [each.total_seconds() for each in took if each is not None]
    return progress_of(executions[0], ceil(median(known)) if known else 0, drill=drill)
