# SPDX-License-Identifier: Apache-2.0
"""Switches the panel *Scheduled Backups* on, in trove-dashboard's group *Databases*."""

from trove_schedules.errors import AuthenticationError, NotFoundError, ScheduledBackupError

PANEL = "backup_schedules"
PANEL_DASHBOARD = "project"
PANEL_GROUP = "database"

ADD_PANEL = "trove_schedules_dashboard.content.backup_schedules.panel.BackupSchedules"
ADD_INSTALLED_APPS = ["trove_schedules_dashboard"]
ADD_JS_FILES = [
    "dashboard/project/backup_schedules/schedule_form.js",
    "dashboard/project/backup_schedules/schedule_progress.js",
    "dashboard/project/backup_schedules/schedule_states.js",
    "dashboard/project/backup_schedules/instance_names.js",
]
ADD_SCSS_FILES = ["dashboard/project/backup_schedules/pages.scss"]
EXTRA_TABS = {
    "trove_dashboard.content.databases.tabs.InstanceDetailTabs": (
        "trove_schedules_dashboard.content.backup_schedules.tabs.InstanceSchedulesTab",
    ),
}
ADD_EXCEPTIONS = {
    "not_found": (NotFoundError,),
    "recoverable": (ScheduledBackupError,),
    "unauthorized": (AuthenticationError,),
}
