# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from osc_lib.exceptions import CommandError
from prometheus_client.parser import text_string_to_metric_families

from trove_schedules.cli.openstack.metrics import ScheduleMetrics
from trove_schedules.errors import ScheduleNotFoundError, ServiceUnavailableError
from trove_schedules.health import State

PREFIX = "trove_backup_schedule_"


def test_prometheus_reads_that_there_are_no_schedules(run, schedules) -> None:
    schedules.schedule_health.return_value = []
    families = list(text_string_to_metric_families(run(ScheduleMetrics)))
    assert families
    assert not [each for family in families for each in family.samples]


def test_prometheus_reads_what_is_written_for_it(run, schedules, good) -> None:
    schedules.schedule_health.return_value = [replace(good, quota_left=None)]
    written = run(ScheduleMetrics)
    families = {each.name: each for each in text_string_to_metric_families(written)}
    samples = {
        each.name: each
        for family in families.values()
        for each in family.samples
        if each.labels.get("state", "OK") == "OK"
    }
    assert {name.removeprefix(PREFIX): sample.value for name, sample in samples.items()} == {
        "state": 1,
        "last_success_timestamp_seconds": good.last_success.timestamp(),
        "last_proven_restore_timestamp_seconds": good.last_proven.timestamp(),
        "next_execution_timestamp_seconds": good.next_execution_time.timestamp(),
        "missed": 0,
        "chain_depth": 2,
        "kept": 7,
        "last_backup_size_gigabytes": 0.25,
        "last_backup_duration_seconds": 61.0,
    }
    assert samples[f"{PREFIX}kept"].labels == {
        "schedule": good.schedule_id,
        "name": good.name,
        "instance_id": good.instance,
        "instance_name": "orders-db",
        "project_id": "a-project",
        "project_name": "shop",
    }
    assert not families[f"{PREFIX}quota_left"].samples
    assert {family.type for family in families.values()} == {"gauge"}
    assert sum(sample.value for sample in families[f"{PREFIX}state"].samples) == 1


@pytest.mark.parametrize("state", [State.OK, State.FAILED, State.UNKNOWN])
def test_whatever_the_health_is_it_could_be_read(app, connect, schedules, good, state) -> None:
    schedules.schedule_health.return_value = [replace(good, state=state)]
    command = ScheduleMetrics(app, None)
    assert command.run(command.get_parser("metrics").parse_args([])) == 0


def test_what_keeps_it_from_being_read_is_an_error_and_prints_nothing(app, run, schedules) -> None:
    schedules.schedule_health.side_effect = ScheduleNotFoundError("no backup schedule of id x")
    with pytest.raises(CommandError, match="no backup schedule of id x"):
        run(ScheduleMetrics, "x")
    assert app.stdout.getvalue() == ""


def test_names_that_trove_does_not_tell_are_left_out(run, schedules, good, caplog) -> None:
    schedules.instance_names.side_effect = ServiceUnavailableError(
        "down", service="Trove", operation="list instances"
    )
    written = run(ScheduleMetrics)
    assert 'instance_id="' in written
    assert "instance_name" not in written
    assert "The instances have no names" in caplog.text


def test_an_administrator_sees_all_projects_by_their_names(app, run, schedules, good) -> None:
    overview = schedules.overview.return_value
    overview.schedule_health.return_value = [replace(good, project_id="p2")]
    overview.instance_names.return_value = {good.instance: "theirs"}
    projects = app.client_manager.sdk_connection.identity.projects
    projects.return_value = [
        SimpleNamespace(id="p1", name="one"),
        SimpleNamespace(id="p2", name="two"),
    ]
    written = run(ScheduleMetrics, "--all-projects")
    assert 'instance_name="theirs",project_id="p2",project_name="two"' in written
    schedules.overview.assert_called_once_with()


def test_an_administrator_sees_another_project(app, run, schedules, good) -> None:
    overview = schedules.overview.return_value
    overview.schedule_health.return_value = [replace(good, project_id="p2")]
    overview.instance_names.return_value = {}
    find = app.client_manager.sdk_connection.identity.find_project
    find.return_value = SimpleNamespace(id="p2", name="two")
    assert 'project_name="two"' in run(ScheduleMetrics, "--project", "two")
    schedules.overview.assert_called_once_with(project="p2")
    find.assert_called_once_with("two")
    find.return_value = None
    with pytest.raises(CommandError, match="no project has the ID or name 'three'"):
        run(ScheduleMetrics, "--project", "three")
