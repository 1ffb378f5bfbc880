# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from osc_lib.exceptions import CommandError
from prometheus_client.parser import text_string_to_metric_families

from trove_schedules.cli.openstack.metrics import ScheduleMetrics
from trove_schedules.coverage import Cover
from trove_schedules.errors import ScheduleNotFoundError, ServiceUnavailableError
from trove_schedules.health import Limits, PolicyHealth, State

PREFIX, COVERAGE = "trove_backup_schedule_", "trove_backup_coverage_"


def test_prometheus_reads_that_there_are_no_schedules(run, schedules) -> None:
    schedules.schedule_health.return_value = []
    schedules.coverage.return_value = []
    families = list(text_string_to_metric_families(run(ScheduleMetrics)))
    assert families
    samples = [each for family in families for each in family.samples]
    assert {each.name for each in samples} == {f"{COVERAGE}instances"}
    assert {each.value for each in samples} == {0}


def test_prometheus_reads_what_is_written_for_it(run, schedules, good) -> None:
    schedules.schedule_health.return_value = [replace(good, quota_left=None)]
    written = run(ScheduleMetrics)
    families = {each.name: each for each in text_string_to_metric_families(written)}
    samples = {
        each.name: each
        for family in families.values()
        for each in family.samples
        if each.labels.get("state", "OK") == "OK" and each.name.startswith(PREFIX)
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
    schedules.coverage.side_effect = schedules.instance_names.side_effect = ServiceUnavailableError(
        "down", service="Trove", operation="list instances"
    )
    written = run(ScheduleMetrics)
    assert COVERAGE not in written
    assert "The coverage of instances can't be read: Trove: list instances" in caplog.text
    assert 'instance_id="' in written
    assert "instance_name" not in written
    assert "The instances have no names" in caplog.text


def test_prometheus_reads_each_instance_and_how_many_are_unprotected(
    run, schedules, covered
) -> None:
    forgotten = replace(
        covered, instance="i2", name='a "b"', state=Cover.UNPROTECTED, backup=None, last_proven=None
    )
    schedules.coverage.return_value = [forgotten, covered]
    schedules.instance_names.return_value |= {"i2": 'a "b"'}
    families = {each.name: each for each in text_string_to_metric_families(run(ScheduleMetrics))}
    counts = families[f"{COVERAGE}instances"].samples
    assert {each.labels["state"]: each.value for each in counts} == dict.fromkeys(Cover, 0) | {
        "UNPROTECTED": 1,
        "PROTECTED": 1,
    }
    names = {"project_id": "a-project", "project_name": "shop"}
    first = {"instance_id": "i2", "instance_name": 'a "b"'} | names
    second = {"instance_id": covered.instance, "instance_name": "orders-db"} | names
    states = families[f"{COVERAGE}state"].samples
    assert [each.labels for each in states] == [
        first | {"state": "UNPROTECTED"},
        second | {"state": "PROTECTED"},
    ]
    assert {each.value for each in states} == {1}
    for name, time in (
        ("last_backup", covered.backup.created),
        ("last_proven_restore", covered.last_proven),
    ):
        [sample] = families[f"{COVERAGE}{name}_timestamp_seconds"].samples
        assert (sample.labels, sample.value) == (second, time.timestamp())


def test_coverage_has_the_same_limits_and_is_told_where_none_is_chosen(run, schedules) -> None:
    run(ScheduleMetrics, "--max-age", "26h", "--exclude", "test-*")
    schedules.coverage.assert_called_once_with(exclude=["test-*"], max_age=timedelta(hours=26))
    schedules.coverage.reset_mock()
    for chosen in (["nightly"], ["--instance", "m"]):
        run(ScheduleMetrics, *chosen)
    schedules.coverage.assert_not_called()


def test_the_instances_of_policies_are_told_as_those_of_schedules(run, schedules, good) -> None:
    part = replace(good, schedule_id="a-policy", name="fleet", instance="i", state=State.FAILED)
    told = PolicyHealth(
        "a-policy", "fleet", State.FAILED, "1 instance: FAILED", None, (part,), 0, ()
    )
    schedules.policy_health.return_value = [told]
    written = run(ScheduleMetrics, "--max-age", "26h")
    assert 'state{schedule="a-policy",name="fleet",instance_id="i"' in written
    schedules.policy_health.assert_called_once_with(limits=Limits(max_age=timedelta(hours=26)))
    schedules.policy_health.reset_mock()
    for chosen in (["nightly"], ["--instance", "m"]):
        run(ScheduleMetrics, *chosen)
    schedules.policy_health.assert_not_called()


def test_what_keeps_policies_from_being_read_is_no_end_of_the_others(
    run, schedules, caplog
) -> None:
    schedules.policy_health.side_effect = ServiceUnavailableError(
        "down", service="Mistral", operation="list cron triggers"
    )
    assert 'instance_name="orders-db"' in run(ScheduleMetrics)
    assert "The health of policies can't be read" in caplog.text


def test_while_mistral_is_down_the_instances_keep_their_names(run, schedules, caplog) -> None:
    schedules.coverage.side_effect = ServiceUnavailableError(
        "down", service="Mistral", operation="list cron triggers"
    )
    assert 'instance_name="orders-db"' in run(ScheduleMetrics)
    assert "The coverage of instances can't be read" in caplog.text


def test_an_administrator_sees_all_projects_by_their_names(
    app, run, schedules, good, covered
) -> None:
    overview = schedules.overview.return_value
    overview.coverage.return_value = [covered]
    overview.instance_names.return_value = {covered.instance: "theirs"}
    overview.schedule_health.return_value = [replace(good, project_id="p2")]
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
    overview.coverage.return_value = []
    overview.instance_names.return_value = {}
    overview.schedule_health.return_value = [replace(good, project_id="p2")]
    find = app.client_manager.sdk_connection.identity.find_project
    find.return_value = SimpleNamespace(id="p2", name="two")
    assert 'project_name="two"' in run(ScheduleMetrics, "--project", "two")
    schedules.overview.assert_called_once_with(project="p2")
    find.assert_called_once_with("two")
    find.return_value = None
    with pytest.raises(CommandError, match="no project has the ID or name 'three'"):
        run(ScheduleMetrics, "--project", "three")
