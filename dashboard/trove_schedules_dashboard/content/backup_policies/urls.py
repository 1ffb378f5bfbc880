# SPDX-License-Identifier: Apache-2.0
"""Addresses of the panel's pages."""

from django.urls import path

from trove_schedules_dashboard.content.backup_policies import views

urlpatterns = [
    path("", views.IndexView.as_view(), name="index"),
    path("states/", views.states, name="states"),
    path("remarks/", views.remarks, name="remarks"),
    path("create/", views.CreateView.as_view(), name="create"),
    path("<uuid:schedule_id>/", views.DetailView.as_view(), name="detail"),
    path("<uuid:schedule_id>/edit/", views.EditView.as_view(), name="edit"),
    path("<uuid:schedule_id>/restore/", views.RestoreView.as_view(), name="restore"),
    path("<uuid:schedule_id>/executions/", views.ExecutionsView.as_view(), name="executions"),
    path("<uuid:schedule_id>/drills/", views.DrillsView.as_view(), name="drills"),
    path("<uuid:schedule_id>/drills/repeat/", views.RepeatView.as_view(), name="repeat_drills"),
]
