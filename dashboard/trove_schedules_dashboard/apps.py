# SPDX-License-Identifier: Apache-2.0
"""Adds the row action that leads from an instance to its schedules."""

from django.apps import AppConfig


class TroveSchedulesConfig(AppConfig):
    """The application that ``ADD_INSTALLED_APPS`` names."""

    name = "trove_schedules_dashboard"
    verbose_name = "Scheduled backups"

    def ready(self) -> None:
        # trove-dashboard offers no hook for a row action (for a tab there is EXTRA_TABS), so the
        # action joins the finished table class. Horizon reads both places at each rendering.
        from trove_dashboard.content.databases.tables import InstancesTable

        from trove_schedules_dashboard.content.backup_schedules.tables import ViewSchedules

        actions = InstancesTable._meta.row_actions
        if ViewSchedules not in actions:
            # Not first, which would make it the button beside the pulldown, nor after deletion.
            InstancesTable._meta.row_actions = (*actions[:2], ViewSchedules, *actions[2:])
            InstancesTable.base_actions[ViewSchedules.name] = ViewSchedules()
