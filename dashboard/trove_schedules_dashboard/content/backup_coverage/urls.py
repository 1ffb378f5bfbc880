# SPDX-License-Identifier: Apache-2.0
"""Addresses of the panel's pages."""

from django.urls import path

from trove_schedules_dashboard.content.backup_coverage import views

urlpatterns = [
    path("", views.IndexView.as_view(), name="index"),
    path("instances/", views.instances, name="instances"),
]
