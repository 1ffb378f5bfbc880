# SPDX-License-Identifier: Apache-2.0
"""The pages of the panel."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from horizon import forms, tables, views
from horizon.utils.memoized import memoized_method

from trove_schedules import Policy
from trove_schedules.drills.drill import ScheduleDrill
from trove_schedules.errors import ScheduledBackupError
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_policies import selection
from trove_schedules_dashboard.content.backup_policies.forms import (
    CreateForm,
    DraftForm,
    EditForm,
    RepeatForm,
    shown,
)
from trove_schedules_dashboard.content.backup_policies.instances import instances
from trove_schedules_dashboard.content.backup_policies.tables import (
    INDEX,
    PoliciesTable,
    PolicyDrillsTable,
    PolicyExecutionsTable,
)
from trove_schedules_dashboard.content.backup_schedules import badge, restoring, text
from trove_schedules_dashboard.content.backup_schedules.details import details
from trove_schedules_dashboard.content.backup_schedules.failures import report
from trove_schedules_dashboard.content.backup_schedules.fields import ASKED
from trove_schedules_dashboard.content.backup_schedules.views import (
    NEEDS_HELP,
    DrillsView as ScheduleDrillsView,
    ExecutionsView as ScheduleExecutionsView,
    RepeatView as ScheduleRepeatView,
    ScheduleFormView,
    ScheduleMixin,
    remarks_on,
    states_of,
)

_DETAIL = "horizon:project:backup_policies:detail"
_DRILLS = "horizon:project:backup_policies:drills"
_REMARKS = "horizon:project:backup_policies:remarks"
#: From how many of the newest runs the page tells how long one takes.
_TIMED = 10


class IndexView(tables.DataTableView):
    """The policies of the project, of which there are few."""

    table_class = PoliciesTable
    template_name = "project/backup_policies/index.html"
    page_title = _("Backup Policies")

    def get_data(self) -> list[Policy]:
        try:
            found = api.policy_list(self.request)
            if self._needs_help:
                health = api.policy_health_list(self.request)
                ill = {each.policy_id for each in health if badge.needs_help(each.state)}
                found = [each for each in found if each.id in ill]
        except ScheduledBackupError as error:
            report(self.request, error)
            return []
        return sorted(found, key=lambda policy: (policy.name.lower(), policy.id))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["needs_help"] = self._needs_help
        return context

    @property
    def _needs_help(self) -> bool:
        return self.request.GET.get("state") == NEEDS_HELP


@login_required
def states(request: HttpRequest) -> JsonResponse:
    """How the policies of the list are, for the cells that the list leaves empty."""
    try:
        found = api.policy_health_list(request)
    except ScheduledBackupError as error:
        return JsonResponse({"error": str(error)})
    return states_of(
        {each.policy_id: badge.badge(each) for each in found},
        sum(badge.needs_help(each.state) for each in found),
        f"{reverse(INDEX)}?{urlencode({'state': NEEDS_HELP})}",
    )


@login_required
@require_POST
def remarks(request: HttpRequest) -> JsonResponse:
    """What is to be said of what has been typed in a form so far; nothing while that is wrong."""
    return remarks_on(request, DraftForm, api.policy_show)


class CreateView(forms.ModalFormView):
    """The form; in a dialog where the browser runs scripts."""

    form_class = CreateForm
    form_id = "create_backup_policy_form"
    modal_id = "create_backup_policy_modal"
    modal_header = page_title = _("Create Policy")
    submit_label = _("Create Policy")
    template_name = "project/backup_policies/create.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["submit_url"] = self.request.get_full_path()
        context["cancel_url"] = self.get_success_url()
        context["remarks_url"] = reverse(_REMARKS)
        return context

    def get_success_url(self) -> str:
        return reverse(INDEX)


class _PolicyMixin(ScheduleMixin):
    """A page about one policy; without it the list is shown, with the reason."""

    @memoized_method
    def get_schedule(self) -> Policy | None:
        try:
            return api.policy_show(self.request, self.schedule_id)
        except ScheduledBackupError as error:
            report(self.request, error, redirect=reverse(INDEX))
            return None


class EditView(_PolicyMixin, ScheduleFormView):
    """The form that changes a policy; it leads to the policy's page."""

    form_class = EditForm
    form_id = "edit_backup_policy_form"
    modal_id = "edit_backup_policy_modal"
    modal_header = page_title = _("Edit Policy")
    template_name = "project/backup_policies/edit.html"
    remarks = _REMARKS

    def get_initial(self) -> dict[str, Any]:
        policy = self.get_schedule()
        names = ("pattern", "generation", *ASKED)
        return {name: getattr(policy, name) for name in names} | shown(policy)

    def get_success_url(self) -> str:
        return reverse(_DETAIL, args=[self.schedule_id])


class RestoreView(restoring.RestoreView):
    """The form that restores a backup of one of a policy's instances."""

    index = INDEX
    of_policy = True


class DetailView(_PolicyMixin, views.HorizonTemplateView):
    """One policy: what it does, and which instances it takes now."""

    template_name = "project/backup_policies/detail.html"
    page_title = "{{ schedule.name }}"

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        handled: HttpResponse | None = self._table(self.get_schedule()).maybe_handle()
        return handled or redirect(request.get_full_path())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["schedule"] = policy = self.get_schedule()
        table = self._table(policy)
        context["url"] = self.request.get_full_path()
        context["actions"] = table.render_row_actions(table.data[0])
        context["selection"] = selection.told(policy.selection)
        context["rows"] = details(policy)
        context["drill"] = drill = self.asked(api.policy_drill_show, policy)
        context["next_drill"] = text.utc(drill.next_execution_time) if drill else None
        context["progress"] = self.progress(
            self.asked(api.execution_list, policy, limit=_TIMED) or []
        )
        health = next(iter(self.asked(api.policy_health, [policy]) or []), None)
        context["badge"] = badge.badge(health) if health else None
        candidates = self.asked(api.policy_preview, policy.id)
        if candidates is not None:
            backups = self.asked(api.backup_list) or []
            context["instances"] = instances(policy, candidates, health, backups)
        return context

    def _table(self, policy: Policy) -> PoliciesTable:
        return PoliciesTable(self.request, data=[policy], **self.kwargs)


class ExecutionsView(_PolicyMixin, ScheduleExecutionsView):
    """The executions of a policy, or of one of its instances, newest first, in pages."""

    table_class = PolicyExecutionsTable
    template_name = "project/backup_policies/executions.html"
    address = "horizon:project:backup_policies:executions"
    detail = _DETAIL

    @property
    def subject(self) -> str | Policy:
        # Without it, the list is shown, with the reason.
        return self.get_schedule() or self.schedule_id

    @property
    def _instance(self) -> str | None:
        return self.request.GET.get("instance") or None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["instance"] = self._instance
        return context


class DrillsView(_PolicyMixin, ScheduleDrillsView):
    """The drills of a policy's instances, newest first, in pages."""

    table_class = PolicyDrillsTable
    template_name = "project/backup_policies/drills.html"
    address = _DRILLS
    detail = _DETAIL

    @property
    def subject(self) -> str | Policy:
        # Without it, the list is shown, with the reason.
        return self.get_schedule() or self.schedule_id


class RepeatView(_PolicyMixin, ScheduleRepeatView):
    """The form that has the instances of a policy drilled in turn; it leads to their drills."""

    form_class = RepeatForm
    template_name = "project/backup_policies/repeat.html"
    index = reverse_lazy(INDEX)
    drills = _DRILLS

    def drill(self) -> ScheduleDrill | None:
        return api.policy_drill_show(self.request, self.schedule_id)
