# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from tests import examples
from tests.examples import INSTANCE
from tests.unit.client.cli.conftest import BACKUP
from trove_schedules.cli.openstack.coverage import ListCoverage
from trove_schedules.coverage import Cover
from trove_schedules.errors import ServiceUnavailableError

#: A terminal of 90 columns holds this.
TABLE = """\
+-------------+-----------+----------+---------------------+-------------+---------------------+
| State       | Name      | Instance | Protected By        | Last Backup | Last Proven Restore |
+-------------+-----------+----------+---------------------+-------------+---------------------+
| UNPROTECTED | crm       | 5328f62a | —                   | None        | None                |
| PROTECTED   | orders-db | 5328f62a | nightly, w (paused) | 3 h ago     | 2 d ago             |
+-------------+-----------+----------+---------------------+-------------+---------------------+
"""


@pytest.fixture
def forgotten(covered):
    return replace(
        covered, name="crm", state=Cover.UNPROTECTED, schedules=(), backup=None, age=None,
        last_proven=None, proven_backup=None, reason="no schedule or policy backs it up; no backup",
    )  # fmt: skip


def test_people_read_six_columns(run, schedules, covered, forgotten) -> None:
    now = datetime.now(UTC)
    covered = replace(
        covered,
        schedules=(examples.schedule(), examples.schedule(name="w", paused=True)),
        backup=replace(covered.backup, created=now - timedelta(hours=3, minutes=1)),
        last_proven=now - timedelta(days=2, hours=1),
    )
    schedules.coverage.return_value = [forgotten, covered]
    assert run(ListCoverage) == TABLE


def test_programs_read_schedules_as_objects_and_times_in_full(run, schedules, covered) -> None:
    schedules.coverage.return_value = [covered]
    [row] = json.loads(run(ListCoverage, "-f", "json", "--long"))
    assert row == {
        "State": "PROTECTED",
        "Name": "orders-db",
        "Instance": INSTANCE,
        "Protected By": [
            {"id": examples.SCHEDULE, "kind": "schedule", "name": "nightly", "paused": False}
        ],
        "Last Backup": "2026-03-10T02:00:00+00:00",
        "Last Proven Restore": "2026-03-08T04:00:00+00:00",
        "Reason": "last backup 5 min ago",
        "Backup": BACKUP,
        "Made By": "by hand",
        "Age": 300,
        "Proven Backup": BACKUP,
        "Replica Of": None,
        "Project": "a-project",
    }


def test_a_policy_is_told_apart_from_a_schedule(app, run, schedules, covered, policy) -> None:
    made = replace(covered.backup, description=f"x [schedule {policy.id}]")
    both = replace(covered, policies=(replace(policy, paused=True),), backup=made)
    schedules.coverage.return_value = [both]
    assert "nightly, policy myback (paused)" in run(ListCoverage)
    app.stdout.truncate(0)
    app.stdout.seek(0)
    [row] = json.loads(run(ListCoverage, "--long", "-f", "json"))
    assert [each["kind"] for each in row["Protected By"]] == ["schedule", "policy"]
    assert row["Made By"] == f"policy {policy.id}"


@pytest.mark.parametrize("output", ["csv", "value", "yaml"])
def test_other_formats_hold_the_same_list(run, schedules, covered, output) -> None:
    schedules.coverage.return_value = [covered]
    written = run(ListCoverage, "-f", output, "-c", "Protected By")
    assert examples.SCHEDULE in written
    assert "Schedule(" not in written


def test_who_made_the_newest_backup(run, schedules, covered) -> None:
    made = replace(covered.backup, description=f"x [schedule {examples.SCHEDULE}]")
    schedules.coverage.return_value = [replace(covered, backup=made)]
    [row] = json.loads(run(ListCoverage, "-f", "json", "--long"))
    assert row["Made By"] == f"schedule {examples.SCHEDULE}"


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], {}),
        (["--max-age", "26h"], {"max_age": timedelta(hours=26)}),
        (["--exclude", "test-*", "--exclude", "x"], {"exclude": ["test-*", "x"]}),
    ],
)
def test_it_asks_for_what_the_arguments_say(take, schedules, covered, options, asked) -> None:
    schedules.coverage.return_value = [covered]
    take(ListCoverage, *options)
    schedules.coverage.assert_called_once_with(**({"exclude": [], "max_age": None} | asked))


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ([Cover.PROTECTED, Cover.REPLICA, Cover.EXCLUDED], 0),
        ([Cover.PAUSED, Cover.PROTECTED], 1),
        ([Cover.STALE, Cover.PAUSED], 2),
        ([Cover.UNPROTECTED, Cover.PROTECTED], 2),
        ([], 3),
    ],
)
def test_the_exit_status_is_that_of_the_worst(app, connect, schedules, covered, states, status):
    schedules.coverage.return_value = [replace(covered, state=state) for state in states]
    command = ListCoverage(app, None)
    assert command.run(command.get_parser("coverage").parse_args([])) == status


def test_what_can_not_be_read_is_unknown(app, connect, schedules, caplog) -> None:
    schedules.coverage.side_effect = ServiceUnavailableError(
        "down", service="Mistral", operation="list cron triggers"
    )
    command = ListCoverage(app, None)
    assert command.run(command.get_parser("coverage").parse_args([])) == 3
    assert "Mistral: list cron triggers failed: down" in caplog.text
    assert app.stdout.getvalue() == ""


def test_an_administrator_sees_all_projects_or_another(app, run, take, schedules, covered) -> None:
    overview = schedules.overview.return_value
    overview.coverage.return_value = [covered]
    [row] = json.loads(run(ListCoverage, "--all-projects", "-f", "json"))
    assert row["Project"] == "a-project"
    schedules.overview.assert_called_once_with()
    find = app.client_manager.sdk_connection.identity.find_project
    find.return_value = SimpleNamespace(id="p2", name="two")
    take(ListCoverage, "--project", "two")
    schedules.overview.assert_called_with(project="p2")
