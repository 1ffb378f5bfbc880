# SPDX-License-Identifier: Apache-2.0
"""What the schedules assume of Mistral's cron triggers beyond its API."""

import json
from datetime import UTC, datetime
from unittest import mock

import pytest
from mistral import exceptions
from mistral.db.v2.sqlalchemy import models
from mistral.services import periodic, triggers
from oslo_config import cfg

from trove_minicloud.services import firing_watch
from trove_schedules.clients.mistral_rows import triggered_by
from trove_schedules.schedules import pattern
from trove_schedules.schedules.names import TriggerName

PATTERNS = [
    "* * * * *",
    "*/7 * * * *",
    "59 23 31 12 *",
    "0 0 29 2 *",
    "0 0 13 * fri",
    "30 2 * jan-mar,DEC 7",
    "0,30 0-6/2 1,15 * mon-fri/2",
    "0 0 * * 5-7",
    "5 4 31 */2 0",
]
STARTS = [
    datetime(2024, 2, 28, 23, 59, 59),  # noqa: DTZ001 - Mistral's own are naive
    datetime(2026, 3, 29, 1, 30, 0, 123456),  # noqa: DTZ001 - summer time starts in Europe
    datetime(2026, 12, 31, 23, 59, 0),  # noqa: DTZ001
]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("given", PATTERNS)
def test_our_runs_are_the_times_that_mistral_advances_a_trigger_to(given, start):
    ours = pattern.runs(pattern.validate(given), start.replace(tzinfo=UTC))
    moment = start
    for _ in range(5):
        moment = triggers.get_next_execution_time(given, moment)
        assert next(ours) == moment.replace(tzinfo=UTC)


def test_names_and_patterns_fit_their_columns():
    columns = models.CronTrigger.__table__.c
    name = TriggerName(10**9, "0" * 36, "0" * 36)
    assert columns.name.type.length == 200 >= len(str(name))
    assert columns.pattern.type.length == pattern.MAX_LENGTH


def test_a_name_is_unique_in_a_project():
    uniques = [
        {column.name for column in each.columns}
        for each in models.CronTrigger.__table__.constraints
        if type(each).__name__ == "UniqueConstraint"
    ]
    assert {"name", "project_id"} in uniques


def test_a_run_is_described_by_its_trigger_as_the_client_reads_it(api):
    trigger = mock.Mock(id="the-id", project_id="p", workflow_params={}, workflow_input={})
    with (
        mock.patch.object(periodic.triggers, "get_next_cron_triggers", return_value=[trigger]),
        mock.patch.object(periodic, "advance_cron_trigger", return_value=True),
        mock.patch.object(periodic.security, "create_context", return_value=None),
        mock.patch.object(periodic.rpc, "get_engine_client") as engine,
        mock.patch.object(periodic.db_api_v2, "get_maintenance_status", return_value="RUNNING"),
    ):
        periodic.process_cron_triggers_v2(None, None)
    started = engine.return_value.start_workflow.call_args
    description = json.loads(started.kwargs["description"])
    assert triggered_by(description["triggered_by"]) == ("cron_trigger", "the-id")
    # The workflow is started by its name: every one that Mistral could take must be good.
    assert started.args[0] is trigger.workflow.name


def test_each_look_and_each_firing_shows_the_watch_that_the_thread_goes_on(api, monkeypatch):
    for name in ("process_cron_triggers_v2", "advance_cron_trigger"):
        monkeypatch.setattr(periodic, name, getattr(periodic, name))
    watch = firing_watch.watch(periodic)
    looks: list[float] = []

    def advance(_trigger, _time=None):
        looks.append(watch._alive_at)
        watch._alive_at = 0.0
        raise exceptions.DBEntityNotFoundError("gone")

    trigger = mock.MagicMock(remaining_executions=None, next_execution_time=STARTS[0])
    with (
        mock.patch.object(periodic.triggers, "get_next_cron_triggers", return_value=[trigger] * 2),
        mock.patch.object(periodic.triggers, "get_next_execution_time", advance),
        mock.patch.object(periodic.db_api_v2, "get_maintenance_status", return_value="RUNNING"),
    ):
        tasks = periodic.MistralPeriodicTasks(cfg.CONF)
        tasks.run_periodic_tasks(None, raise_on_error=True)
    assert len(looks) == 2
    assert all(looks)


def test_there_is_no_way_to_update_a_trigger():
    from mistral.api.controllers.v2.cron_trigger import CronTriggersController

    assert not hasattr(CronTriggersController, "put")
