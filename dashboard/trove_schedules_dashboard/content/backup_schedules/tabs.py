# SPDX-License-Identifier: Apache-2.0
"""The tab on trove-dashboard's page of an instance."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from horizon import tabs

from trove_schedules.errors import ScheduledBackupError
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_schedules.failures import report
from trove_schedules_dashboard.content.backup_schedules.permissions import PERMISSIONS
from trove_schedules_dashboard.content.backup_schedules.tables import Row, SchedulesTable


class InstanceSchedulesTab(tabs.TableTab):
    """The schedules of the instance."""

    table_classes = (SchedulesTable,)
    name = _("Scheduled Backups")
    slug = "backup_schedules_tab"
    template_name = "project/backup_schedules/_list.html"
    preload = False

    def allowed(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perms(PERMISSIONS))

    def get_backup_schedules_data(self) -> list[Row]:
        instance = self.tab_group.kwargs["instance"]
        try:
            found = api.schedule_list(self.request, instance.id)
        except ScheduledBackupError as error:
            report(self.request, error)
            return []
        return [Row(each, instance.name) for each in found]
