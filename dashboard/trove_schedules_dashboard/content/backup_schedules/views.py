# SPDX-License-Identifier: Apache-2.0
"""The pages of the panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from horizon import forms, tables, views
from horizon.utils.functions import get_page_size
from horizon.utils.memoized import memoized_method

from trove_schedules import Backup, Schedule, ScheduleExecution
from trove_schedules.errors import InvalidScheduleError, ScheduledBackupError
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_schedules import badge, text
from trove_schedules_dashboard.content.backup_schedules.actions import index_url
from trove_schedules_dashboard.content.backup_schedules.chart import chart
from trove_schedules_dashboard.content.backup_schedules.details import (
    backup_rows,
    details,
    progress_of,
    progress_of_newest,
)
from trove_schedules_dashboard.content.backup_schedules.failures import report
from trove_schedules_dashboard.content.backup_schedules.fields import ASKED
from trove_schedules_dashboard.content.backup_schedules.forms import (
    CreateForm,
    DraftForm,
    EditForm,
    RepeatForm,
    RestoreForm,
)
from trove_schedules_dashboard.content.backup_schedules.tables import (
    BackupsTable,
    DrillsTable,
    ExecutionsTable,
    Row,
    SchedulesTable,
)

T = TypeVar("T")

#: How many of the newest executions the details page draws.
DRAWN = 30
#: The value of the filter that leaves those schedules that need help.
NEEDS_HELP = "help"
#: How many of the next runs the form shows.
NEXT_RUNS = 3


class IndexView(tables.DataTableView):
    """The schedules of the project, or of one instance, in pages."""

    table_class = SchedulesTable
    template_name = "project/backup_schedules/index.html"
    page_title = _("Scheduled Backups")

    _has_more = False
    _has_prev = False

    def get_data(self) -> list[Row]:
        try:
            found = api.schedule_list(self.request, self._instance)
        except ScheduledBackupError as error:
            report(self.request, error)
            return []
        names = self._names()
        if self._needs_help:
            found = [each for each in found if each.id in self._ill()]
        # By what doesn't change from one page to the next, as the time of the next run does.
        found.sort(key=lambda each: (each.name.lower(), each.id))
        return [Row(each, names.get(each.instance, each.instance)) for each in self._page(found)]

    def has_more_data(self, table: tables.DataTable) -> bool:
        return self._has_more

    def has_prev_data(self, table: tables.DataTable) -> bool:
        return self._has_prev

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        names = self._names()
        if self._instance:
            names = {self._instance: self._instance} | names
        context["instances"] = sorted(names.items(), key=lambda item: item[1])
        context["instance"] = self._instance
        context["needs_help"] = self._needs_help
        return context

    @property
    def _instance(self) -> str | None:
        return self.request.GET.get("instance") or None

    @property
    def _needs_help(self) -> bool:
        return self.request.GET.get("state") == NEEDS_HELP

    @memoized_method
    def _ill(self) -> set[str]:
        """The ids of the schedules that need help."""
        try:
            found = api.health_list(self.request, self._instance)
        except ScheduledBackupError as error:
            report(self.request, error)
            return set()
        return {each.schedule_id for each in found if badge.needs_help(each.state)}

    @memoized_method
    def _names(self) -> dict[str, str]:
        try:
            return api.instance_names(self.request)
        except ScheduledBackupError as error:
            report(self.request, error)
            return {}

    def _page(self, found: list[Schedule]) -> list[Schedule]:
        """The page that begins after one schedule, or ends before one."""
        size = get_page_size(self.request)
        position = {each.id: number for number, each in enumerate(found)}
        after = position.get(self.request.GET.get(SchedulesTable._meta.pagination_param))
        before = position.get(self.request.GET.get(SchedulesTable._meta.prev_pagination_param))
        start = 0
        if after is not None:
            start = after + 1
        elif before is not None:
            start = max(before - size, 0)
        self._has_prev = start > 0
        self._has_more = start + size < len(found)
        return found[start : start + size]


class CreateView(forms.ModalFormView):
    """The form; in a dialog where the browser runs scripts."""

    form_class = CreateForm
    form_id = "create_backup_schedule_form"
    modal_id = "create_backup_schedule_modal"
    modal_header = page_title = _("Create Schedule")
    submit_label = _("Create Schedule")
    template_name = "project/backup_schedules/create.html"

    def get_initial(self) -> dict[str, Any]:
        return {"instance": self.request.GET.get("instance")}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["submit_url"] = self.request.get_full_path()
        context["cancel_url"] = index_url(self.request.GET.get("instance"))
        context["remarks_url"] = reverse("horizon:project:backup_schedules:remarks")
        return context

    def get_success_url(self) -> str:
        return index_url(self.request.GET.get("instance"))


@login_required
def states(request: HttpRequest) -> JsonResponse:
    """How the schedules of the list are, for the cells that the list leaves empty.

    One look at all costs as many requests as a look at one.
    """
    instance = request.GET.get("instance") or None
    try:
        found = api.health_list(request, instance)
    except ScheduledBackupError as error:
        return JsonResponse({"error": str(error)})
    ill = sum(badge.needs_help(each.state) for each in found)
    return JsonResponse(
        {
            "told": text.need_help(ill, len(found)),
            "ill": ill,
            "url": index_url(instance, state=NEEDS_HELP),
            "schedules": {each.schedule_id: badge.cells(each) for each in found},
        }
    )


@login_required
def next_runs(request: HttpRequest) -> JsonResponse:
    """The next runs of a pattern that is being typed, in UTC, or why it is not one."""
    try:
        pattern, zone = (request.GET.get(name, "") for name in ("pattern", "timezone"))
        found, example = api.next_runs(pattern, zone or "UTC", NEXT_RUNS)
    except ScheduledBackupError as error:
        return JsonResponse({"error": str(error)})
    return JsonResponse(
        {
            "runs": [f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in found],
            "note": _("For example; each schedule gets its own value for H.") if example else "",
        }
    )


@login_required
@require_POST
def remarks(request: HttpRequest) -> JsonResponse:
    """What is to be said of what has been typed in a form so far; nothing while that is wrong.

    By POST, because what is in an address is logged, and URLs in the form may be secrets.
    """
    schedule_id = request.GET.get("schedule")
    try:
        old = api.schedule_show(request, schedule_id) if schedule_id else None
        form = DraftForm(request, data=request.POST, schedule=old)
        found = form.remarks() if form.is_valid() else []
    except InvalidScheduleError:
        found = []
    except ScheduledBackupError as error:
        return JsonResponse({"error": str(error)})
    said = [{"said": each.said, "warning": each.warning} for each in found]
    return JsonResponse({"remarks": said})


@login_required
def progress(request: HttpRequest, execution_id: UUID, usual: int) -> JsonResponse:
    """How far a run is whose progress a page shows."""
    try:
        execution = api.execution_show(request, str(execution_id))
    except ScheduledBackupError as error:
        return JsonResponse({"error": str(error)})
    now = progress_of(execution, usual)
    ended = not execution.in_progress(text.now())
    return JsonResponse({"ended": ended, "told": now.told, "seconds": now.seconds})


class ScheduleMixin:
    """A page about one schedule; without it the list is shown, with the reason."""

    request: HttpRequest
    kwargs: dict[str, Any]

    @property
    def schedule_id(self) -> str:
        return str(self.kwargs["schedule_id"])

    @memoized_method
    def get_schedule(self) -> Schedule | None:
        try:
            return api.schedule_show(self.request, self.schedule_id)
        except ScheduledBackupError as error:
            report(self.request, error, redirect=index_url(None))
            return None


class ScheduleFormView(ScheduleMixin, forms.ModalFormView):
    """A form about one schedule."""

    submit_label = _("Save Changes")

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"schedule": self.get_schedule()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["submit_url"] = self.request.get_full_path()
        context["cancel_url"] = self.get_success_url()
        return context


class EditView(ScheduleFormView):
    """The form that changes a schedule; it leads to the schedule's page."""

    form_class = EditForm
    form_id = "edit_backup_schedule_form"
    modal_id = "edit_backup_schedule_modal"
    modal_header = page_title = _("Edit Schedule")
    template_name = "project/backup_schedules/edit.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        address = reverse("horizon:project:backup_schedules:remarks")
        context["remarks_url"] = f"{address}?{urlencode({'schedule': self.schedule_id})}"
        return context

    def get_initial(self) -> dict[str, Any]:
        schedule = self.get_schedule()
        names = ("pattern", "generation", *ASKED)
        return {name: getattr(schedule, name) for name in names}

    def get_success_url(self) -> str:
        return reverse("horizon:project:backup_schedules:detail", args=[self.schedule_id])


class RepeatView(ScheduleFormView):
    """The form that has drills done by a pattern; it leads to the list of drills."""

    form_class = RepeatForm
    form_id = "repeat_backup_drills_form"
    modal_id = "repeat_backup_drills_modal"
    modal_header = page_title = _("Repeat Drills")
    template_name = "project/backup_schedules/repeat.html"

    def get_initial(self) -> dict[str, Any]:
        try:
            drill = api.schedule_drill_show(self.request, self.schedule_id)
        except ScheduledBackupError as error:
            report(self.request, error, redirect=index_url(None))
        return {"pattern": drill.pattern if drill else ""}

    def get_success_url(self) -> str:
        return reverse("horizon:project:backup_schedules:drills", args=[self.schedule_id])


class RestoreView(ScheduleFormView):
    """The form that makes an instance from a backup; it leads to the list of instances."""

    form_class = RestoreForm
    form_id = "restore_backup_form"
    modal_id = "restore_backup_modal"
    modal_header = page_title = _("Restore Backup")
    submit_label = _("Restore")
    template_name = "project/backup_schedules/restore.html"

    def get_initial(self) -> dict[str, Any]:
        schedule = self.get_schedule()
        chosen, execution_id = (self.request.GET.get(key) for key in ("backup", "execution"))
        try:
            if execution_id:
                chosen = api.execution_show(self.request, execution_id).backup_id
            plan = api.restore_plan(self.request, schedule.id, chosen)
            source = api.instance_name(self.request, schedule.instance)
        except ScheduledBackupError as error:
            report(self.request, error, redirect=index_url(None))
        names = ("flavor", "volume_size", "datastore_version", "network", "configuration")
        as_it_was = {name: getattr(plan, name) for name in names}
        return {"name": f"{source}-restored", "backup": plan.backup.id} | as_it_was

    def get_success_url(self) -> str:
        return reverse("horizon:project:databases:index")


class DetailView(ScheduleMixin, views.HorizonTemplateView):
    """One schedule: what it does, how it is, its newest runs drawn, and its row's actions."""

    template_name = "project/backup_schedules/detail.html"
    page_title = "{{ schedule.name }}"

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        schedule = self.get_schedule()
        handled: HttpResponse | None = self._table(schedule).maybe_handle()
        if handled is None:
            handled = self._backups_table(schedule, self._backups(schedule), []).maybe_handle()
        return handled or redirect(request.get_full_path())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        schedule = self.get_schedule()
        now = text.now()
        context["schedule"] = schedule
        table = self._table(schedule)
        context["url"] = self.request.get_full_path()
        context["actions"] = table.render_row_actions(table.data[0])
        name = self._asked(api.instance_name, schedule.instance)
        context["instance_name"] = schedule.instance if name is None else name
        context["rows"] = details(schedule)
        context["drill"] = drill = self._asked(api.schedule_drill_show, self.schedule_id)
        context["next_drill"] = text.utc(drill.next_execution_time) if drill else None
        health = self._asked(api.schedule_health, schedule)
        if health is not None:
            context["health"] = health
            context["last_proven"] = text.last_proven(health)
            context["label"], context["icon"] = badge.look(health.state)
        executions = self._asked(api.execution_list, self.schedule_id, limit=DRAWN)
        backups = self._backups(schedule)
        if executions is not None:
            sizes = {each.id: each.size for each in backups if each.size is not None}
            context["chart"] = chart(executions, sizes, now)
            context["progress"] = progress_of_newest(executions)
        context["backups"] = self._backups_table(schedule, backups, executions or [])
        return context

    def _table(self, schedule: Schedule) -> SchedulesTable:
        return SchedulesTable(self.request, data=[Row(schedule, schedule.instance)], **self.kwargs)

    def _backups_table(
        self, schedule: Schedule, backups: list[Backup], executions: list[ScheduleExecution]
    ) -> BackupsTable:
        rows = backup_rows(schedule, backups, executions)
        return BackupsTable(self.request, data=rows, **self.kwargs)

    def _backups(self, schedule: Schedule) -> list[Backup]:
        """The instance's newest backups, whoever made them."""
        return self._asked(api.backup_list, schedule.instance) or []

    def _asked(self, call: Callable[..., T], *arguments: Any, **options: Any) -> T | None:
        """What one service answers, or None where it doesn't, which is told: the rest is shown."""
        try:
            return call(self.request, *arguments, **options)
        except ScheduledBackupError as error:
            report(self.request, error)
            return None


class ExecutionsView(ScheduleMixin, tables.DataTableView):
    """The executions of a schedule, newest first, in pages."""

    table_class = ExecutionsTable
    template_name = "project/backup_schedules/executions.html"
    page_title = _("Executions of {{ schedule.name }}")
    address = "horizon:project:backup_schedules:executions"
    detail = "horizon:project:backup_schedules:detail"
    drills_only = False

    _has_more = False

    def get_data(self) -> list[ScheduleExecution]:
        size = get_page_size(self.request)
        try:
            found = api.execution_list(
                self.request,
                self.schedule_id,
                self._marker,
                size + 1,
                drills_only=self.drills_only,
            )
        except ScheduledBackupError as error:
            # A marker may have been deleted meanwhile: its list is shown from the beginning.
            report(self.request, error, redirect=self._first_page if self._marker else None)
            return []
        self._has_more = len(found) > size
        return found[:size]

    def has_more_data(self, table: tables.DataTable) -> bool:
        return self._has_more

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        schedule = self.get_schedule()
        context["schedule"] = schedule
        context["first_page"] = self._first_page if self._marker else None
        detail = reverse(self.detail, args=[schedule.id])
        context["custom_breadcrumb"] = [(schedule.name, detail)]
        return context

    @property
    def _marker(self) -> str:
        return self.request.GET.get(ExecutionsTable._meta.pagination_param, "")

    @property
    def _first_page(self) -> str:
        return reverse(self.address, args=[self.schedule_id])


class DrillsView(ExecutionsView):
    """The drills of a schedule, likewise."""

    table_class = DrillsTable
    page_title = _("Restore Drills of {{ schedule.name }}")
    address = "horizon:project:backup_schedules:drills"
    drills_only = True
