# SPDX-License-Identifier: Apache-2.0
"""What rows of schedules, of their executions and of trove-dashboard's tables can do."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _, ngettext_lazy
from horizon import exceptions, messages, tables

from trove_schedules import ScheduleExecution
from trove_schedules.errors import ScheduledBackupError
from trove_schedules.schedules.names import schedule_of
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_schedules.permissions import PERMISSIONS

#: What the list can be restricted by.
FILTERS = ("instance", "state")
INDEX = "horizon:project:backup_schedules:index"
RESTORE = "horizon:project:backup_schedules:restore"
#: Mistral can't change a trigger: a change is a new one, and the end of the old one.
REPLACE = (("workflow", "cron_triggers:create"), ("workflow", "cron_triggers:delete"))


def index_url(instance_id: str | None, **filters: str) -> str:
    """The list of the schedules of an instance, or of all, restricted by the other filters."""
    chosen = ({"instance": instance_id} if instance_id else {}) | filters
    return reverse(INDEX) + (f"?{urlencode(chosen)}" if chosen else "")


def _about(table: tables.DataTable, page: str) -> str:
    """A page of the panel about the instance that a list of schedules is about, if it is of one."""
    instance = table.kwargs.get("instance_id") or table.request.GET.get("instance")
    query = f"?{urlencode({'instance': instance})}" if instance else ""
    return reverse(f"horizon:project:backup_schedules:{page}") + query


class ViewSchedules(tables.LinkAction):
    """In the pulldown of an instance: to its schedules."""

    name = "backup_schedules"
    verbose_name = _("Scheduled Backups")
    icon = "clock-o"
    policy_rules = (("workflow", "cron_triggers:list"),)

    def allowed(self, request: HttpRequest, datum: Any = None) -> bool:
        return bool(request.user.has_perms(PERMISSIONS))

    def get_link_url(self, datum: Any = None) -> str:
        return index_url(datum.id)


class CreateSchedule(tables.LinkAction):
    """To the form, with the instance that the list is about filled in."""

    name = "create"
    verbose_name = _("Create Schedule")
    classes = ("ajax-modal",)
    icon = "plus"
    policy_rules = (("workflow", "cron_triggers:create"),)

    def get_link_url(self, datum: Any = None) -> str:
        return _about(self.table, "create")


class ViewExecutions(tables.LinkAction):
    """To the executions of a schedule."""

    name = "executions"
    verbose_name = _("Executions")
    url = "horizon:project:backup_schedules:executions"
    icon = "list"
    policy_rules = (("workflow", "executions:list"),)


class ViewDrills(tables.LinkAction):
    """To the drills of a schedule."""

    name = "drills"
    verbose_name = _("Restore Drills")
    url = "horizon:project:backup_schedules:drills"
    icon = "medkit"
    policy_rules = (("workflow", "executions:list"),)


class RepeatDrills(tables.LinkAction):
    """To the form that has drills of the schedule whose drills are listed done by a pattern."""

    name = "repeat"
    verbose_name = _("Repeat Drills")
    classes = ("ajax-modal",)
    icon = "repeat"
    policy_rules = REPLACE
    form = "horizon:project:backup_schedules:repeat_drills"

    def get_link_url(self, datum: Any = None) -> str:
        return reverse(self.form, args=[self.table.kwargs["schedule_id"]])


class RestoreSchedule(tables.LinkAction):
    """To the form that restores a backup of a schedule, with the newest one chosen."""

    name = "restore"
    verbose_name = _("Restore")
    url = RESTORE
    classes = ("ajax-modal",)
    icon = "undo"


class RestoreExecution(RestoreSchedule):
    """The same, with the backup of a run chosen."""

    restores = RESTORE

    def allowed(self, request: HttpRequest, datum: Any = None) -> bool:
        return datum is None or _restores(datum)

    def get_link_url(self, datum: Any = None) -> str:
        # By its own id: all else is the same in each row.
        return restore_url(self.table.kwargs["schedule_id"], page=self.restores, execution=datum.id)


class RestoreOfSchedule(RestoreSchedule):
    """The same, with a backup of the schedule chosen whose page this is."""

    def allowed(self, request: HttpRequest, datum: Any = None) -> bool:
        return datum is None or datum.is_restorable

    def get_link_url(self, datum: Any = None) -> str:
        return restore_url(self.table.kwargs["schedule_id"], backup=datum.id)


class RestoreBackup(RestoreSchedule):
    """The same, in the pulldown of a backup that a schedule has made."""

    name = "restore_scheduled"
    verbose_name = _("Restore by Schedule")

    def allowed(self, request: HttpRequest, datum: Any = None) -> bool:
        if not request.user.has_perms(PERMISSIONS):
            return False
        return datum is not None and datum.status == "COMPLETED" and _schedule_of(datum) is not None

    def get_link_url(self, datum: Any = None) -> str:
        return restore_url(_schedule_of(datum), backup=datum.id)


class ViewSchedule(tables.LinkAction):
    """In the pulldown of a backup that a schedule has made: to that schedule."""

    name = "backup_schedule"
    verbose_name = _("Schedule")
    icon = "clock-o"
    policy_rules = (("workflow", "cron_triggers:list"),)

    def allowed(self, request: HttpRequest, datum: Any = None) -> bool:
        if not request.user.has_perms(PERMISSIONS):
            return False
        return datum is not None and _schedule_of(datum) is not None

    def get_link_url(self, datum: Any = None) -> str:
        return reverse("horizon:project:backup_schedules:detail", args=[_schedule_of(datum)])


def restore_url(schedule_id: str | None, *, page: str = RESTORE, **chosen: str) -> str:
    """The form that restores a backup of a schedule: this one, or that of an execution.

    :param page: that of policies restores the backup of one of their instances.
    """
    return f"{reverse(page, args=[schedule_id])}?{urlencode(chosen)}"


def _restores(execution: ScheduleExecution) -> bool:
    """Whether an execution has a backup that can be restored."""
    return execution.state == "SUCCESS" and execution.backup_id is not None


def _schedule_of(backup: Any) -> str | None:
    """The schedule of a backup as trove-dashboard lists it."""
    return schedule_of(getattr(backup, "description", None))


class EditSchedule(tables.LinkAction):
    """To the form that changes a schedule."""

    name = "edit"
    verbose_name = _("Edit Schedule")
    url = "horizon:project:backup_schedules:edit"
    classes = ("ajax-modal",)
    icon = "pencil"
    policy_rules = REPLACE


class Told(tables.BatchAction):
    """Tells why something couldn't be done; Horizon's own would only say that."""

    # Only what is dangerous is asked about, and so explained.
    help_text = ""

    def do(self, request: HttpRequest, obj_id: str) -> None:
        raise NotImplementedError

    def action(self, request: HttpRequest, obj_id: str) -> None:
        try:
            self.do(request, obj_id)
        except ScheduledBackupError as error:
            messages.error(request, str(error))
            raise exceptions.HandledException([type(error), error, error.__traceback__]) from error


class PauseSchedule(Told):
    name = "pause"
    policy_rules = REPLACE

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Pause Schedule", "Pause Schedules", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Paused Schedule", "Paused Schedules", count)

    def allowed(self, request: HttpRequest, datum: Any = None) -> bool:
        return datum is None or not datum.schedule.paused

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.schedule_pause(request, obj_id)


class ResumeSchedule(Told):
    name = "resume"
    policy_rules = REPLACE

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Resume Schedule", "Resume Schedules", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Resumed Schedule", "Resumed Schedules", count)

    def allowed(self, request: HttpRequest, datum: Any = None) -> bool:
        return datum is None or datum.schedule.paused

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.schedule_resume(request, obj_id)


class RunSchedule(Told):
    name = "run"
    policy_rules = (("workflow", "executions:create"),)

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Run Now", "Run Now", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Started a Run of Schedule", "Started Runs of Schedules", count)

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.schedule_run(request, obj_id)


class PinBackup(Told):
    name = "pin"
    policy_rules = REPLACE

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Pin", "Pin", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Pinned Backup", "Pinned Backups", count)

    def allowed(self, request: HttpRequest, datum: Any = None) -> bool:
        return datum is None or (datum.is_restorable and not datum.pinned)

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.schedule_pin(request, str(self.table.kwargs["schedule_id"]), obj_id)


class UnpinBackup(Told):
    name = "unpin"
    policy_rules = REPLACE

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Unpin", "Unpin", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Unpinned Backup", "Unpinned Backups", count)

    def allowed(self, request: HttpRequest, datum: Any = None) -> bool:
        return datum is None or datum.pinned

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.schedule_unpin(request, str(self.table.kwargs["schedule_id"]), obj_id)


class DrillSchedule(Told):
    name = "drill"
    policy_rules = (("workflow", "executions:create"),)

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Run a Drill", "Run Drills", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Started a Drill of Schedule", "Started Drills of Schedules", count)

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.schedule_drill(request, obj_id)


class DeletionTold(Told, tables.DeleteAction):
    """A deletion, with the looks of Horizon's."""


class DeleteSchedule(DeletionTold):
    help_text = _("The backups that the schedule made are kept, and so are its executions.")
    policy_rules = (("workflow", "cron_triggers:delete"),)

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Delete Schedule", "Delete Schedules", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Deleted Schedule", "Deleted Schedules", count)

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.schedule_delete(request, obj_id)

    def get_success_url(self, request: Any = None) -> str:
        # The page of the schedule itself is gone with it.
        if "schedule_id" in self.table.kwargs:
            return index_url(None)
        return str(super().get_success_url(request))


class DeleteExecution(DeletionTold):
    help_text = _("The record of the run is deleted. The backup that it made is kept.")
    policy_rules = (("workflow", "executions:delete"),)

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Delete Execution", "Delete Executions", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Deleted Execution", "Deleted Executions", count)

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.execution_delete(request, obj_id)


class DeleteDrill(DeleteExecution):
    help_text = _("The record of the drill is deleted, and its proof is lost.")

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Delete Drill", "Delete Drills", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Deleted Drill", "Deleted Drills", count)
