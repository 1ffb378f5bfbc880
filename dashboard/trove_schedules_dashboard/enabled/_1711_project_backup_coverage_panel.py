# SPDX-License-Identifier: Apache-2.0
"""Switches the panel *Backup Coverage* on, as the first of trove-dashboard's group *Databases*.

It is part of the application that the switch of *Scheduled Backups* adds.
"""

PANEL = "backup_coverage"
PANEL_DASHBOARD = "project"
PANEL_GROUP = "database"

ADD_PANEL = "trove_schedules_dashboard.content.backup_coverage.panel.BackupCoverage"
ADD_JS_FILES = ["dashboard/project/backup_coverage/coverage.js"]
