# SPDX-License-Identifier: Apache-2.0
"""The pages of the panel."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import forms, tables, views
from horizon.utils.memoized import memoized_method

from trove_schedules import Policy
from trove_schedules.errors import ScheduledBackupError
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_policies import selection
from trove_schedules_dashboard.content.backup_policies.forms import CreateForm, EditForm, shown
from trove_schedules_dashboard.content.backup_policies.tables import INDEX, PoliciesTable
from trove_schedules_dashboard.content.backup_schedules.details import details
from trove_schedules_dashboard.content.backup_schedules.failures import report
from trove_schedules_dashboard.content.backup_schedules.fields import ASKED
from trove_schedules_dashboard.content.backup_schedules.views import (
    ExecutionsView as ScheduleExecutionsView,
    ScheduleFormView,
    ScheduleMixin,
)

_DETAIL = "horizon:project:backup_policies:detail"


class IndexView(tables.DataTableView):
    """The policies of the project, of which there are few."""

    table_class = PoliciesTable
    template_name = "project/backup_policies/index.html"
    page_title = _("Backup Policies")

    def get_data(self) -> list[Policy]:
        try:
            found = api.policy_list(self.request)
        except ScheduledBackupError as error:
            report(self.request, error)
            return []
        return sorted(found, key=lambda policy: (policy.name.lower(), policy.id))


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

    def get_initial(self) -> dict[str, Any]:
        policy = self.get_schedule()
        names = ("pattern", "generation", *ASKED)
        return {name: getattr(policy, name) for name in names} | shown(policy)

    def get_success_url(self) -> str:
        return reverse(_DETAIL, args=[self.schedule_id])


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
        try:
            context["preview"] = selection.preview(api.policy_preview(self.request, policy.id))
        except ScheduledBackupError as error:
            report(self.request, error)
        return context

    def _table(self, policy: Policy) -> PoliciesTable:
        return PoliciesTable(self.request, data=[policy], **self.kwargs)


class ExecutionsView(_PolicyMixin, ScheduleExecutionsView):
    """The executions of a policy, newest first, in pages."""

    address = "horizon:project:backup_policies:executions"
    detail = _DETAIL
