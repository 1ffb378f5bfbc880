# SPDX-License-Identifier: Apache-2.0
"""The page, and what it asks for when it is there."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from horizon import views
from openstack_dashboard import policy

from trove_schedules.errors import ScheduledBackupError
from trove_schedules_dashboard import api
from trove_schedules_dashboard.content.backup_coverage.overview import overview


class IndexView(views.HorizonTemplateView):
    """The page, which is there at once and asks for the rest."""

    template_name = "project/backup_coverage/index.html"
    page_title = _("Backup Coverage")


@login_required
def instances(request: HttpRequest) -> HttpResponse:
    """The part of the page that takes longer: the picture, and the list of instances."""
    try:
        covered = api.coverage(request)
        policies = {each.id: each for one in covered for each in one.policies}
        of_policies = api.policy_health(request, list(policies.values()))
        by_policies = [each for one in of_policies for each in one.instances]
        found = overview(covered, [*api.health_list(request), *by_policies])
    except ScheduledBackupError as error:
        return render(request, "project/backup_coverage/_failure.html", {"error": error})
    may_create = policy.check((("workflow", "cron_triggers:create"),), request)
    context = {"overview": found, "may_create": may_create}
    return render(request, "project/backup_coverage/_instances.html", context)
