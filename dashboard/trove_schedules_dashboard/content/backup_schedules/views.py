# SPDX-License-Identifier: Apache-2.0
"""The pages of the panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from horizon import exceptions, forms, tables, views
from horizon.utils.functions import get_page_size
from horizon.utils.memoized import memoized_method

from trove_schedules import Backup, Policy, Schedule, ScheduleExecution
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.errors import (
    InvalidScheduleError,
    ScheduledBackupError,
    ScheduleNotFoundError,
)
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_schedules import badge, text
from trove_schedules_dashboard.content.backup_schedules.actions import index_url
from trove_schedules_dashboard.content.backup_schedules.chart import chart
from trove_schedules_dashboard.content.backup_schedules.details import (
    Progress,
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
#: From how many of the newest drills it tells how long one takes.
DRILLS = 10
#: The value of the filter that leaves those schedules that need help.
NEEDS_HELP = "help"
#: The fields of the form that a link can fill in.
_FILLED_IN = ("instance", "name", "keep_last")
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
        if self._needs_help:
            found = [each for each in found if each.id in self._ill()]
        # By what doesn't change from one page to the next, as the time of the next run does.
        found.sort(key=lambda each: (each.name.lower(), each.id))
        return [Row(each, each.instance) for each in self._page(found)]

    def has_more_data(self, table: tables.DataTable) -> bool:
        return self._has_more

    def has_prev_data(self, table: tables.DataTable) -> bool:
        return self._has_prev

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
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
        return {name: self.request.GET.get(name) for name in _FILLED_IN}

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
    return states_of(
        {each.schedule_id: badge.cells(each) for each in found},
        sum(badge.needs_help(each.state) for each in found),
        index_url(instance, state=NEEDS_HELP),
    )


@login_required
def instance_names(request: HttpRequest) -> JsonResponse:
    """The names of the project's instances, for the pages that have only their ids.

    Trove lists 20 instances at a time, so that a page that waited for 1,000 would wait for 50
    answers.
    """
    try:
        return JsonResponse({"names": api.instance_names(request)})
    except ScheduledBackupError as error:
        return JsonResponse({"error": str(error)})


def states_of(cells: dict[str, dict[str, str]], ill: int, url: str) -> JsonResponse:
    """What a list is told of its rows, by their ids.

    :param ill: how many need help, which ``url`` lists.
    """
    told = text.need_help(ill, len(cells))
    return JsonResponse({"told": told, "ill": ill, "url": url, "rows": cells})


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
    return remarks_on(request, DraftForm, api.schedule_show)


def remarks_on(
    request: HttpRequest, draft: type[Any], show: Callable[[HttpRequest, str], Schedule]
) -> JsonResponse:
    """What is to be said of what has been typed in a form so far.

    :param draft: the form that takes it, however little it is.
    :param show: what finds that which the form changes.
    """
    schedule_id = request.GET.get("schedule")
    try:
        old = show(request, schedule_id) if schedule_id else None
        form = draft(request, data=request.POST, schedule=old)
        found = form.remarks() if form.is_valid() else []
    except InvalidScheduleError:
        found = []
    except ScheduledBackupError as error:
        return JsonResponse({"error": str(error)})
    said = [{"said": each.said, "warning": each.warning} for each in found]
    return JsonResponse({"remarks": said})


@login_required
def progress(
    request: HttpRequest, execution_id: UUID, usual: int, *, drill: bool = False
) -> JsonResponse:
    """How far a run, or a drill, is whose progress a page shows."""
    try:
        execution = api.execution_show(request, str(execution_id))
    except ScheduledBackupError as error:
        return JsonResponse({"error": str(error)})
    now = progress_of(execution, usual, drill=drill)
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
            if isinstance(error, ScheduleNotFoundError):
                self._lead_to_policy()
            report(self.request, error, redirect=index_url(None))
            return None

    def _lead_to_policy(self) -> None:
        """Show the page of the policy that has this id, if one has.

        trove-dashboard's list of backups knows only the id of what made one.
        """
        with suppress(ScheduledBackupError):
            policy = api.policy_show(self.request, self.schedule_id)
            raise exceptions.Http302(
                reverse("horizon:project:backup_policies:detail", args=[policy.id])
            )

    def progress(self, executions: Sequence[ScheduleExecution]) -> list[Progress]:
        """How far the newest run and the newest drill are, those of them that have not ended.

        :param executions: the newest runs, the newest first.
        """
        found = [progress_of_newest(executions)]
        drill = self.asked(api.drill_in_progress, self.schedule_id)
        if drill is not None:
            earlier = self.asked(
                api.execution_list, self.schedule_id, limit=DRILLS, drills_only=True
            )
            found.append(progress_of_newest([drill, *(earlier or [])], drill=True))
        return [each for each in found if each is not None]

    def asked(self, call: Callable[..., T], *arguments: Any, **options: Any) -> T | None:
        """What one service answers, or None where it doesn't, which is told: the rest is shown."""
        try:
            return call(self.request, *arguments, **options)
        except ScheduledBackupError as error:
            report(self.request, error)
            return None


class ScheduleFormView(ScheduleMixin, forms.ModalFormView):
    """A form about one schedule.

    :cvar remarks: the page that says what is to be known of what has been typed, if it has one.
    """

    remarks: str | None = None
    submit_label = _("Save Changes")

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"schedule": self.get_schedule()}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["submit_url"] = self.request.get_full_path()
        context["cancel_url"] = self.get_success_url()
        if self.remarks is not None:
            query = urlencode({"schedule": self.schedule_id})
            context["remarks_url"] = f"{reverse(self.remarks)}?{query}"
        return context


class EditView(ScheduleFormView):
    """The form that changes a schedule; it leads to the schedule's page."""

    remarks = "horizon:project:backup_schedules:remarks"
    form_class = EditForm
    form_id = "edit_backup_schedule_form"
    modal_id = "edit_backup_schedule_modal"
    modal_header = page_title = _("Edit Schedule")
    template_name = "project/backup_schedules/edit.html"

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
    index = reverse_lazy("horizon:project:backup_schedules:index")
    drills = "horizon:project:backup_schedules:drills"

    def get_initial(self) -> dict[str, Any]:
        try:
            drill = self.drill()
        except ScheduledBackupError as error:
            report(self.request, error, redirect=self.index)
        return {"pattern": drill.pattern if drill else ""}

    def drill(self) -> ScheduleDrill | None:
        """When drills are done now."""
        return api.schedule_drill_show(self.request, self.schedule_id)

    def get_success_url(self) -> str:
        return reverse(self.drills, args=[self.schedule_id])


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
        name = self.asked(api.instance_name, schedule.instance)
        context["instance_name"] = schedule.instance if name is None else name
        context["rows"] = details(schedule)
        context["drill"] = drill = self.asked(api.schedule_drill_show, self.schedule_id)
        context["next_drill"] = text.utc(drill.next_execution_time) if drill else None
        health = self.asked(api.schedule_health, schedule)
        if health is not None:
            context["badge"] = badge.badge(health)
            context["last_proven"] = text.last_proven(health)
        executions = self.asked(api.execution_list, self.schedule_id, limit=DRAWN)
        backups = self._backups(schedule)
        if executions is not None:
            sizes = {each.id: each.size for each in backups if each.size is not None}
            context["chart"] = chart(executions, sizes, now)
        context["progress"] = self.progress(executions or [])
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
        return self.asked(api.backup_list, schedule.instance) or []


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
                self.subject,
                self._marker,
                size + 1,
                drills_only=self.drills_only,
                instance=self._instance,
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
        query = f"?{urlencode({'instance': self._instance})}" if self._instance else ""
        return reverse(self.address, args=[self.schedule_id]) + query

    @property
    def subject(self) -> str | Policy:
        """What the executions are of."""
        return self.schedule_id

    @property
    def _instance(self) -> str | None:
        """Of a policy, the instance whose runs are shown."""
        return None


class DrillsView(ExecutionsView):
    """The drills of a schedule, likewise."""

    table_class = DrillsTable
    page_title = _("Restore Drills of {{ schedule.name }}")
    address = "horizon:project:backup_schedules:drills"
    drills_only = True
