# SPDX-License-Identifier: Apache-2.0
"""The objects of the spec's examples, and the commands run without a cloud."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from tests import examples
from tests.examples import BACKUP, INSTANCE, SCHEDULE
from trove_schedules import Backup, Policy
from trove_schedules.coverage import Cover, Coverage
from trove_schedules.health import Health, State
from trove_schedules.manager import ScheduledBackups
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.schedules.selection import Selection


@pytest.fixture
def schedule() -> Schedule:
    return examples.schedule(
        name="myback",
        pattern="*/2 * * * *",
        created_at=datetime(2016, 6, 14, 14, 47, 16, 865731, tzinfo=UTC),
        next_execution_time=datetime(2016, 6, 14, 7, 48, tzinfo=UTC),
        input={"instance": INSTANCE, "description": None, "parent_id": None, "name": "mý “b”"},
    )


@pytest.fixture
def policy(schedule: Schedule) -> Policy:
    values = {each.name: getattr(schedule, each.name) for each in fields(Schedule)}
    selection = Selection(match=("db-*", "x"), exclude=("db-test",), datastores=("mysql",))
    return Policy(**values | {"instance": "*", "input": {}, "selection": selection})


@pytest.fixture
def good() -> Health:
    """That all is well with the schedule."""
    return Health(
        schedule_id=SCHEDULE,
        instance=INSTANCE,
        name='a "name" with \\',
        state=State.OK,
        reason="last backup 5 min ago",
        last_success=datetime(2026, 3, 10, 2, 0, tzinfo=UTC),
        age=300.4,
        next_execution_time=datetime(2026, 3, 11, 2, 0, tzinfo=UTC),
        missed=0,
        chain_depth=2,
        kept=7,
        quota_left=43,
        last_proven=datetime(2026, 3, 8, 4, 0, tzinfo=UTC),
        proven_backup=BACKUP,
        last_size=0.25,
        last_duration=61.0,
        project_id="a-project",
    )


@pytest.fixture
def covered() -> Coverage:
    """That the schedule protects its instance."""
    return Coverage(
        instance=INSTANCE,
        name="orders-db",
        project_id="a-project",
        state=Cover.PROTECTED,
        reason="last backup 5 min ago",
        schedules=(examples.schedule(),),
        backup=Backup(
            id=BACKUP,
            instance_id=INSTANCE,
            name="nightly",
            description=None,
            status="COMPLETED",
            parent_id=None,
            created=datetime(2026, 3, 10, 2, 0, tzinfo=UTC),
            size=0.25,
        ),
        age=300.4,
        last_proven=datetime(2026, 3, 8, 4, 0, tzinfo=UTC),
        proven_backup=BACKUP,
        replica_of=None,
    )


@pytest.fixture
def execution() -> ScheduleExecution:
    return ScheduleExecution(
        id="38ef2289-4330-4554-8574-4b5351f69713",
        schedule_id=SCHEDULE,
        backup_id=BACKUP,
        manual=False,
        created_at=datetime(2016, 6, 14, 14, 49, 59, tzinfo=UTC),
        updated_at=datetime(2016, 6, 14, 14, 50, 7, tzinfo=UTC),
        state="SUCCESS",
        state_info=None,
        output={"status": "Backup complete", "backup_id": BACKUP},
    )


@pytest.fixture(scope="session")
def api() -> Any:
    """All calls of the API, whose signatures take a while to read."""
    return mock.create_autospec(ScheduledBackups, instance=True, spec_set=True)


@pytest.fixture
def schedules(api: Any, good: Health, covered: Coverage) -> Any:
    """The API, whose calls are recorded and must be calls that the real one takes."""
    api.reset_mock(return_value=True, side_effect=True)
    api.schedule_health.return_value = [good]
    api.schedule_drill_show.return_value = None
    api.schedule_remarks.return_value = []
    api.policy_remarks.return_value = []
    api.instance_names.return_value = {INSTANCE: "orders-db"}
    api.coverage.return_value = [covered]
    # Each is asked the same questions.
    for each in (api, api.overview.return_value):
        each.snapshot.return_value = each
    return api


@pytest.fixture
def connect(schedules: Any, monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    connect = mock.Mock(return_value=schedules)
    monkeypatch.setattr("trove_schedules.manager.connect", connect)
    return connect


@pytest.fixture
def app() -> mock.Mock:
    """As much of the ``openstack`` program as commands use."""
    app = mock.Mock(spec_set=["client_manager", "stdout"], stdout=io.StringIO())
    app.client_manager = mock.Mock(
        spec_set=["auth_ref", "interface", "region_name", "sdk_connection", "session"]
    )
    app.client_manager.auth_ref = mock.Mock(project_id="a-project", project_name="shop")
    return app


@pytest.fixture
def take(app: mock.Mock, connect: mock.Mock) -> Callable[..., Any]:
    """Parse arguments for a command and return what its action returns."""

    def take(command_class: Any, *arguments: str) -> Any:
        command = command_class(app, None)
        return command.take_action(command.get_parser("openstack").parse_args(arguments))

    return take


@pytest.fixture
def run(app: mock.Mock, connect: mock.Mock) -> Callable[..., str]:
    """Parse arguments, run a command as ``openstack`` does, and return what it prints."""

    def run(command_class: Any, *arguments: str) -> str:
        command = command_class(app, None)
        command.run(command.get_parser("openstack").parse_args(arguments))
        return str(app.stdout.getvalue())

    return run
