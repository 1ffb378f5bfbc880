# SPDX-License-Identifier: Apache-2.0
"""The panel, offered where the catalog has both Trove and Mistral."""

import horizon
from django.utils.translation import gettext_lazy as _
from openstack_dashboard.dashboards.project import dashboard

from trove_schedules_dashboard.content.backup_schedules.permissions import PERMISSIONS


class BackupPolicies(horizon.Panel):
    """*Backup Policies*, in the group *Databases*."""

    name = _("Backup Policies")
    slug = "backup_policies"
    permissions = PERMISSIONS
    policy_rules = (("workflow", "cron_triggers:list"),)


dashboard.Project.register(BackupPolicies)
