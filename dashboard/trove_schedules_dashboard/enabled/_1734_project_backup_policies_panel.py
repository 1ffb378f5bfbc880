# SPDX-License-Identifier: Apache-2.0
"""Switches the panel *Backup Policies* on, in trove-dashboard's group *Databases*.

It is part of the application that the switch of *Scheduled Backups* adds.
"""

PANEL = "backup_policies"
PANEL_DASHBOARD = "project"
PANEL_GROUP = "database"

ADD_PANEL = "trove_schedules_dashboard.content.backup_policies.panel.BackupPolicies"
