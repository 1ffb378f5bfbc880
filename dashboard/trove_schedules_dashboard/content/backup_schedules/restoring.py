# SPDX-License-Identifier: Apache-2.0
"""The form that restores a backup, of a schedule or of one instance of a policy."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from horizon import forms, messages
from horizon.utils.memoized import memoized_method

from trove_schedules import Backup, ScheduleRestore
from trove_schedules.errors import ScheduledBackupError
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_schedules import text
from trove_schedules_dashboard.content.backup_schedules.actions import INDEX
from trove_schedules_dashboard.content.backup_schedules.failures import report
from trove_schedules_dashboard.content.backup_schedules.forms import AskingForm

_SOURCES = _("Empty: that of the instance that was backed up.")
_TEXTS = ("flavor", "datastore_version", "network", "configuration")


class RestoreForm(AskingForm):
    """Makes an instance from a backup; it begins as the instance that was backed up."""

    name = forms.CharField(label=_("Name of the new instance"), max_length=255)
    backup = forms.ChoiceField(
        label=_("Backup"),
        help_text=_("What was written after the backup is lost. Times are in UTC."),
    )
    flavor = forms.CharField(label=_("Flavor"), help_text=_SOURCES, required=False)
    volume_size = forms.IntegerField(
        label=_("Size of the volume in GB"),
        help_text=_("Empty: that of the instance that was backed up. 0: no volume."),
        required=False,
        min_value=0,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    datastore_version = forms.CharField(
        label=_("Version of the datastore"), help_text=_SOURCES, required=False
    )
    network = forms.CharField(label=_("Network"), help_text=_SOURCES, required=False)
    configuration = forms.CharField(
        label=_("Configuration group"), help_text=_SOURCES, required=False
    )

    def __init__(
        self,
        request: HttpRequest,
        *args: Any,
        schedule_id: str,
        plan: ScheduleRestore,
        of_policy: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(request, *args, **kwargs)
        self.schedule_id, self.plan, self.of_policy = schedule_id, plan, of_policy
        try:
            found = api.backup_list(request, plan.source)
        except ScheduledBackupError as error:
            report(request, error)
            found = []
        choices = {each.id: _time_and_size(each) for each in found if each.status == "COMPLETED"}
        # An older one than those that are listed.
        choices.setdefault(plan.backup.id, _time_and_size(plan.backup))
        self.fields["backup"].choices = choices.items()
        if not plan.source_exists:
            self.fields["flavor"].required = True
            self.fields["flavor"].help_text = _(
                "The instance that was backed up is gone, and nothing else tells its flavor."
            )
            self.fields["network"].help_text = _("Empty: none. It is not known which it was.")

    def ask(self, request: HttpRequest, data: dict[str, Any]) -> ScheduleRestore:
        like = {name: data[name] or None for name in _TEXTS} | {"volume_size": data["volume_size"]}
        instance = self.plan.source if self.of_policy else None
        restore = api.restore(
            request, self.schedule_id, data["name"], data["backup"], instance, like
        )
        messages.success(
            request,
            _("Instance %(name)s is being made from the backup of %(time)s.")
            % {"name": restore.name, "time": text.utc(restore.backup.created)},
        )
        if restore.remark:
            messages.warning(request, restore.remark)
        return restore


class RestoreView(forms.ModalFormView):
    """The form; it leads to the list of instances.

    The schedule may be gone: its backups stay.
    """

    form_class = RestoreForm
    form_id = "restore_backup_form"
    modal_id = "restore_backup_modal"
    modal_header = page_title = _("Restore Backup")
    submit_label = _("Restore")
    template_name = "project/backup_schedules/restore.html"
    #: Where schedules are listed.
    index = INDEX
    of_policy = False

    @memoized_method
    def plan(self) -> ScheduleRestore | None:
        """What would be made of the backup that is chosen in the address, or of the newest one."""
        chosen, execution_id = (self.request.GET.get(key) for key in ("backup", "execution"))
        try:
            if execution_id:
                chosen = api.execution_show(self.request, execution_id).backup_id
            return api.restore_plan(
                self.request,
                self.schedule_id,
                chosen,
                self.request.GET.get("instance"),
                of_policy=self.of_policy,
            )
        except ScheduledBackupError as error:
            report(self.request, error, redirect=reverse(self.index))
            return None

    @property
    def schedule_id(self) -> str:
        return str(self.kwargs["schedule_id"])

    def get_form_kwargs(self) -> dict[str, Any]:
        own = {"schedule_id": self.schedule_id, "plan": self.plan(), "of_policy": self.of_policy}
        return super().get_form_kwargs() | own

    def get_initial(self) -> dict[str, Any]:
        plan = self.plan()
        try:
            source = api.instance_name(self.request, plan.source)
        except ScheduledBackupError as error:
            report(self.request, error, redirect=reverse(self.index))
        as_it_was = {name: getattr(plan, name) for name in (*_TEXTS, "volume_size")}
        return {"name": f"{source}-restored", "backup": plan.backup.id} | as_it_was

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["submit_url"] = self.request.get_full_path()
        context["cancel_url"] = reverse(self.index)
        return context

    def get_success_url(self) -> str:
        return reverse("horizon:project:databases:index")


def _time_and_size(backup: Backup) -> str:
    """A backup among others: when it was made, its name and its size."""
    size = "" if backup.size is None else f", {backup.size:.3g} GB"
    return f"{text.utc(backup.created)}, {backup.name}{size}"
