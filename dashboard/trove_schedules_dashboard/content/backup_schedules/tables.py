# SPDX-License-Identifier: Apache-2.0
"""The tables of schedules and of executions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy as _, pgettext_lazy
from horizon import tables

from trove_schedules import Backup, Schedule, ScheduleExecution
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_schedules import text
from trove_schedules_dashboard.content.backup_schedules.actions import (
    FILTERS,
    CreateSchedule,
    DeleteDrill,
    DeleteExecution,
    DeleteSchedule,
    DrillSchedule,
    EditSchedule,
    PauseSchedule,
    PinBackup,
    RepeatDrills,
    RestoreExecution,
    RestoreOfSchedule,
    RestoreSchedule,
    ResumeSchedule,
    RunSchedule,
    UnpinBackup,
    ViewDrills,
    ViewExecutions,
    _about,
    _restores,
)
from trove_schedules_dashboard.content.backup_schedules.quick import QuickMeta, QuickRow, QuickTable

#: Bootstrap's classes of what a window of 800 pixels has no room for; the schedule's page has it.
WIDE = ("hidden-xs", "hidden-sm")
#: Horizon's own has a button without a name, which a screen reader can't tell.
NAMED_DROPDOWN = "project/backup_schedules/_row_actions.html"


@dataclass(frozen=True, slots=True)
class Row:
    """A schedule in a table, with the name of its instance, or its id until the page has that."""

    schedule: Schedule
    instance_name: str

    @property
    def id(self) -> str:
        return self.schedule.id

    @property
    def name(self) -> str:
        return self.schedule.name


class SchedulesTable(QuickTable):
    name = tables.Column(
        "name", link="horizon:project:backup_schedules:detail", verbose_name=_("Name")
    )
    instance = tables.Column(
        "instance_name",
        link=lambda row: reverse("horizon:project:databases:detail", args=[row.schedule.instance]),
        verbose_name=_("Instance"),
        classes=("schedule-instance",),
    )
    pattern = tables.Column(
        lambda row: f"{row.schedule.pattern} {row.schedule.timezone}",
        verbose_name=_("Pattern"),
        classes=WIDE,
    )
    next_run = tables.Column(lambda row: text.next_run(row.schedule), verbose_name=_("Next Run"))
    # The page fills these in when it is there: to know them takes longer than the list.
    state = tables.Column(lambda row: "", verbose_name=_("State"), classes=("schedule-state",))
    last_backup = tables.Column(
        lambda row: "", verbose_name=_("Last Backup"), classes=(*WIDE, "schedule-last-backup")
    )
    last_proven = tables.Column(
        lambda row: "",
        verbose_name=_("Last Proven Restore"),
        classes=(*WIDE, "schedule-last-proven"),
    )

    def kind_of(self, datum: Row) -> bool:
        return datum.schedule.paused

    @property
    def states_url(self) -> str:
        """Where the page asks how these schedules are."""
        return _about(self, "states")

    def get_empty_message(self) -> Any:
        if self.request.GET.get("state"):
            return _("No schedule needs help.")
        return super().get_empty_message()

    def get_pagination_string(self) -> str:
        return self._filtered(super().get_pagination_string())

    def get_prev_pagination_string(self) -> str:
        return self._filtered(super().get_prev_pagination_string())

    def _filtered(self, page: str) -> str:
        """The address of a page of the same list."""
        chosen = {name: self.request.GET[name] for name in FILTERS if self.request.GET.get(name)}
        return "&".join(filter(None, (urlencode(chosen), page)))

    class Meta(QuickMeta):
        name = "backup_schedules"
        verbose_name = _("Scheduled Backups")
        no_data_message = _("No schedule here. Create Schedule makes the first one.")
        table_actions = (CreateSchedule, DeleteSchedule)
        row_actions = (
            ViewExecutions,
            RunSchedule,
            RestoreSchedule,
            DrillSchedule,
            ViewDrills,
            EditSchedule,
            PauseSchedule,
            ResumeSchedule,
            DeleteSchedule,
        )
        row_actions_dropdown_template = NAMED_DROPDOWN


class UpdateExecution(QuickRow):
    """Asks for a run that is in progress again, until it has ended."""

    ajax = True

    def get_data(self, request: HttpRequest, obj_id: str) -> ScheduleExecution:
        return api.execution_show(request, obj_id)


class BackupColumn(tables.Column):
    """A backup, as a link for those who may see trove-dashboard's page of it."""

    def get_link_url(self, datum: ScheduleExecution | BackupRow) -> str | None:
        allowed = self.table.request.user.has_perm("openstack.services.object-store")
        if not allowed or datum.backup_id is None:
            return None
        return reverse("horizon:project:database_backups:detail", args=[datum.backup_id])


class ExecutionsTable(QuickTable):
    time = tables.Column(lambda run: text.utc(run.created_at), verbose_name=_("Execution Time"))
    state = tables.Column(
        "state",
        verbose_name=_("State"),
        status=True,
        status_choices=(
            ("running", None),
            ("success", True),
            ("paused", True),
            ("error", False),
            ("cancelled", False),
        ),
        display_choices=(
            ("running", pgettext_lazy("State of an execution", "Running")),
            ("success", pgettext_lazy("State of an execution", "Success")),
            ("paused", pgettext_lazy("State of an execution", "Paused")),
            ("error", pgettext_lazy("State of an execution", "Error")),
            ("cancelled", pgettext_lazy("State of an execution", "Cancelled")),
        ),
    )
    duration = tables.Column(lambda run: text.duration_so_far(run), verbose_name=_("Duration"))
    outcome = tables.Column(text.outcome, verbose_name=_("Output"))
    backup = BackupColumn("backup_id", link=True, verbose_name=_("Backup"), classes=("backup-id",))

    def kind_of(self, datum: ScheduleExecution) -> bool:
        return _restores(datum)

    def get_object_display(self, datum: ScheduleExecution) -> str:
        return text.utc(datum.created_at)

    class Meta(QuickMeta):
        name = "executions"
        verbose_name = _("Executions")
        no_data_message = _("No run yet. Run Now, in the menu of the schedule, starts one at once.")
        status_columns = ("state",)
        row_class = UpdateExecution
        table_actions: tuple[Any, ...] = (DeleteExecution,)
        row_actions: tuple[Any, ...] = (RestoreExecution, DeleteExecution)
        row_actions_dropdown_template = NAMED_DROPDOWN


class DrillsTable(ExecutionsTable):
    class Meta(ExecutionsTable.Meta):
        name = "drills"
        verbose_name = _("Restore Drills")
        no_data_message = _("No drill yet. Run a Drill, in the menu of the schedule, starts one.")
        table_actions = (RepeatDrills, DeleteDrill)
        row_actions = (DeleteDrill,)


@dataclass(frozen=True, slots=True)
class BackupRow:
    """A backup of a schedule; of one that is pinned, and not among the newest, only the id.

    :ivar run: what made it, where that is among the newest runs.
    :ivar run_url: the page of executions that begins with that.
    """

    id: str
    backup: Backup | None
    pinned: bool
    run: ScheduleExecution | None
    run_url: str | None

    @property
    def backup_id(self) -> str | None:
        return self.backup.id if self.backup else None

    @property
    def name(self) -> str:
        return text.utc(self.backup.created) if self.backup else self.id

    @property
    def is_restorable(self) -> bool:
        return self.backup is not None and self.backup.status == "COMPLETED"

    @property
    def kind(self) -> str:
        if self.backup is None:
            return "-"
        return gettext("Incremental") if self.backup.parent_id else gettext("Full")

    @property
    def size(self) -> str:
        size = self.backup.size if self.backup else None
        return "-" if size is None else text.size(size)

    @property
    def status(self) -> str:
        return self.backup.status if self.backup else gettext("Not among the newest")


class BackupsTable(QuickTable):
    """The backups of one schedule."""

    time = BackupColumn("name", link=True, verbose_name=_("Backup"))
    kind = tables.Column("kind", verbose_name=_("Kind"), classes=WIDE)
    size = tables.Column("size", verbose_name=_("Size"), classes=WIDE)
    status = tables.Column("status", verbose_name=_("State"))
    pinned = tables.Column(
        lambda row: gettext("Pinned") if row.pinned else "-", verbose_name=_("Pin")
    )
    run = tables.Column(
        lambda row: text.utc(row.run.created_at if row.run else None),
        link=lambda row: row.run_url,
        verbose_name=_("Run"),
    )

    def kind_of(self, datum: BackupRow) -> tuple[bool, bool]:
        return datum.is_restorable, datum.pinned

    class Meta(QuickMeta):
        name = "schedule_backups"
        verbose_name = _("Backups of the schedule")
        no_data_message = _("No backup yet. Run Now, in the menu above, makes one at once.")
        multi_select = False
        row_actions = (RestoreOfSchedule, PinBackup, UnpinBackup)
        row_actions_dropdown_template = NAMED_DROPDOWN
