# SPDX-License-Identifier: Apache-2.0
"""Adds row actions: to the schedules of an instance, and to the schedule of a backup."""

from typing import Any

from django.apps import AppConfig


class TroveSchedulesConfig(AppConfig):
    """The application that ``ADD_INSTALLED_APPS`` names."""

    name = "trove_schedules_dashboard"
    verbose_name = "Scheduled backups"

    def ready(self) -> None:
        # trove-dashboard offers no hook for a row action (for a tab there is EXTRA_TABS), so the
        # action joins the finished table class. Horizon reads both places at each rendering.
        from trove_dashboard.content.database_backups.tables import BackupsTable
        from trove_dashboard.content.databases.tables import InstancesTable

        from trove_schedules_dashboard.content.backup_schedules.actions import (
            RestoreBackup,
            ViewSchedule,
            ViewSchedules,
        )

        # Not first, which would make it the button beside the pulldown, nor after deletion.
        _add(InstancesTable, ViewSchedules, 2)
        _add(BackupsTable, RestoreBackup, 1)
        _add(BackupsTable, ViewSchedule, 2)


def _add(table: Any, action: Any, place: int) -> None:
    """Let a row of a table offer an action, at a place among those that it offers."""
    actions = table._meta.row_actions
    if action not in actions:
        table._meta.row_actions = (*actions[:place], action, *actions[place:])
        table.base_actions[action.name] = action()
