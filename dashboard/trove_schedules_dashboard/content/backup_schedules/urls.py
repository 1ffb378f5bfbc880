# SPDX-License-Identifier: Apache-2.0
"""Addresses of the panel's pages."""

from django.urls import path

from trove_schedules_dashboard.content.backup_schedules import restoring, views

urlpatterns = [
    path("", views.IndexView.as_view(), name="index"),
    path("create/", views.CreateView.as_view(), name="create"),
    path("states/", views.states, name="states"),
    path("instance_names/", views.instance_names, name="instance_names"),
    path("next_runs/", views.next_runs, name="next_runs"),
    path("remarks/", views.remarks, name="remarks"),
    path("progress/<uuid:execution_id>/<int:usual>/", views.progress, name="progress"),
    path(
        "progress/drill/<uuid:execution_id>/<int:usual>/",
        views.progress,
        {"drill": True},
        name="drill_progress",
    ),
    path("<uuid:schedule_id>/", views.DetailView.as_view(), name="detail"),
    path("<uuid:schedule_id>/edit/", views.EditView.as_view(), name="edit"),
    path("<uuid:schedule_id>/executions/", views.ExecutionsView.as_view(), name="executions"),
    path("<uuid:schedule_id>/restore/", restoring.RestoreView.as_view(), name="restore"),
    path("<uuid:schedule_id>/drills/", views.DrillsView.as_view(), name="drills"),
    path("<uuid:schedule_id>/drills/repeat/", views.RepeatView.as_view(), name="repeat_drills"),
]
