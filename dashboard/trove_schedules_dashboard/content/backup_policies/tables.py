# SPDX-License-Identifier: Apache-2.0
"""The table of policies, and what its rows can do."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _, ngettext_lazy
from horizon import tables

from trove_schedules import Policy
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_policies import selection
from trove_schedules_dashboard.content.backup_schedules import text
from trove_schedules_dashboard.content.backup_schedules.actions import (
    REPLACE,
    DeleteDrill,
    DeleteExecution,
    DeletionTold,
    DrillSchedule,
    EditSchedule,
    RepeatDrills,
    RestoreExecution,
    RunSchedule,
    Told,
    ViewDrills,
    ViewExecutions,
)
from trove_schedules_dashboard.content.backup_schedules.quick import QuickMeta, QuickTable
from trove_schedules_dashboard.content.backup_schedules.tables import (
    NAMED_DROPDOWN,
    WIDE,
    DrillsTable,
    ExecutionsTable,
)

_PAGES = "horizon:project:backup_policies"
INDEX = f"{_PAGES}:index"


class CreatePolicy(tables.LinkAction):
    """To the form."""

    name = "create"
    verbose_name = _("Create Policy")
    url = f"{_PAGES}:create"
    classes = ("ajax-modal",)
    icon = "plus"
    policy_rules = (("workflow", "cron_triggers:create"),)


class RestorePolicyExecution(RestoreExecution):
    """To the form that restores a backup of a policy, with that of a run of one instance chosen."""

    restores = f"{_PAGES}:restore"


class PolicyExecutionsTable(ExecutionsTable):
    """The runs of a policy, or of one of its instances."""

    def get_pagination_string(self) -> str:
        chosen = {"instance": instance} if (instance := self.request.GET.get("instance")) else {}
        return "&".join(filter(None, (urlencode(chosen), super().get_pagination_string())))

    class Meta(ExecutionsTable.Meta):
        row_actions = (RestorePolicyExecution, DeleteExecution)


class ViewPolicyExecutions(ViewExecutions):
    """To the executions of a policy."""

    url = f"{_PAGES}:executions"


class ViewPolicyDrills(ViewDrills):
    """To the drills of a policy."""

    url = f"{_PAGES}:drills"


class RepeatPolicyDrills(RepeatDrills):
    """To the form that has the instances of a policy drilled in turn."""

    form = f"{_PAGES}:repeat_drills"


class PolicyDrillsTable(DrillsTable):
    """The drills of a policy's instances, and turns that came to none."""

    instance = tables.Column(
        "instance",
        link=lambda drill: (
            drill.instance and reverse("horizon:project:databases:detail", args=[drill.instance])
        ),
        verbose_name=_("Instance"),
        classes=("schedule-instance",),
    )

    class Meta(DrillsTable.Meta):
        columns = ("time", "instance", "state", "duration", "outcome", "backup")
        no_data_message = _("No drill yet. Run a Drill, in the menu of the policy, starts one.")
        table_actions = (RepeatPolicyDrills, DeleteDrill)


class EditPolicy(EditSchedule):
    """To the form that changes a policy."""

    verbose_name = _("Edit Policy")
    url = f"{_PAGES}:edit"


class RunPolicy(RunSchedule):
    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Started a Run of Policy", "Started Runs of Policies", count)

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.policy_run(request, obj_id)


class DrillPolicy(DrillSchedule):
    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Started a Drill of Policy", "Started Drills of Policies", count)

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.policy_drill(request, obj_id)


class PausePolicy(Told):
    name = "pause"
    policy_rules = REPLACE

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Pause Policy", "Pause Policies", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Paused Policy", "Paused Policies", count)

    def allowed(self, request: HttpRequest, datum: Any = None) -> bool:
        return datum is None or not datum.paused

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.policy_pause(request, obj_id)


class ResumePolicy(Told):
    name = "resume"
    policy_rules = REPLACE

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Resume Policy", "Resume Policies", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Resumed Policy", "Resumed Policies", count)

    def allowed(self, request: HttpRequest, datum: Any = None) -> bool:
        return datum is None or datum.paused

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.policy_resume(request, obj_id)


class DeletePolicy(DeletionTold):
    help_text = _("The backups that the policy made are kept, and so are its executions.")
    policy_rules = (("workflow", "cron_triggers:delete"),)

    @staticmethod
    def action_present(count: int) -> Any:
        return ngettext_lazy("Delete Policy", "Delete Policies", count)

    @staticmethod
    def action_past(count: int) -> Any:
        return ngettext_lazy("Deleted Policy", "Deleted Policies", count)

    def do(self, request: HttpRequest, obj_id: str) -> None:
        api.policy_delete(request, obj_id)

    def get_success_url(self, request: Any = None) -> str:
        # The page of the policy itself is gone with it.
        return reverse(INDEX)


class PoliciesTable(QuickTable):
    name = tables.Column("name", link=f"{_PAGES}:detail", verbose_name=_("Name"))
    instances = tables.Column(
        lambda policy: selection.told(policy.selection), verbose_name=_("Instances")
    )
    pattern = tables.Column(
        lambda policy: f"{policy.pattern} {policy.timezone}",
        verbose_name=_("Pattern"),
        classes=WIDE,
    )
    keeps = tables.Column(text.retention, verbose_name=_("Keeps"), classes=WIDE)
    next_run = tables.Column(text.next_run, verbose_name=_("Next Run"))
    # The page fills this in when it is there, as that of schedules does.
    state = tables.Column(lambda policy: "", verbose_name=_("State"), classes=("schedule-state",))

    def kind_of(self, datum: Policy) -> bool:
        return datum.paused

    @property
    def states_url(self) -> str:
        """Where the page asks how these policies are."""
        return reverse(f"{_PAGES}:states")

    def get_empty_message(self) -> Any:
        if self.request.GET.get("state"):
            return _("No policy needs help.")
        return super().get_empty_message()

    class Meta(QuickMeta):
        name = "backup_policies"
        verbose_name = _("Backup Policies")
        no_data_message = _(
            "No policy here. Create Policy makes one that backs up every instance of the project."
        )
        table_actions = (CreatePolicy, DeletePolicy)
        row_actions = (
            ViewPolicyExecutions,
            RunPolicy,
            DrillPolicy,
            ViewPolicyDrills,
            EditPolicy,
            PausePolicy,
            ResumePolicy,
            DeletePolicy,
        )
        row_actions_dropdown_template = NAMED_DROPDOWN
