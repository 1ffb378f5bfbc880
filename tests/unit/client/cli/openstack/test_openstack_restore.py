# SPDX-License-Identifier: Apache-2.0
"""``restore``: what it asks of the API, what it says, and how it ends."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests import examples
from tests.unit.client.cli.conftest import BACKUP
from trove_schedules.cli.openstack import following
from trove_schedules.cli.openstack.restore import RestorePolicy, RestoreSchedule
from trove_schedules.clients.instances import InstanceDetails
from trove_schedules.errors import InstanceNotFoundError, ServiceUnavailableError

NEW = "55555555-be9b-49c1-a2f7-ca6c1213896f"


@pytest.fixture
def restore():
    return examples.restore(instance_id=NEW)


@pytest.fixture
def building():
    return InstanceDetails(
        NEW, "again", "BUILD", "7", 5, None, "postgresql", "18.6", None, None, (), None
    )


@pytest.fixture
def run_it(app, connect, schedules, restore, monkeypatch):
    """Run the command as ``openstack`` does; its exit status."""
    monkeypatch.setattr(following, "_POLL", 0)
    schedules.schedule_restore.return_value = schedules.policy_restore.return_value = restore

    def run_it(*arguments, command=RestoreSchedule):
        command = command(app, None)
        return command.run(command.get_parser("restore").parse_args(["s", "again", *arguments]))

    return run_it


def asked(schedules):
    schedules.schedule_restore.assert_called_once()
    arguments, options = schedules.schedule_restore.call_args
    given = {name: value for name, value in options.items() if value not in (None, False)}
    return arguments, {name: value for name, value in given.items() if name != "report"}


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], {}),
        (["--at", "2026-01-31T05:12"], {"at": "2026-01-31T05:12"}),
        (["--backup", BACKUP], {"backup": BACKUP}),
        (["--flavor", "8"], {"flavor": "8"}),
        (["--volume-size", "0"], {}),
        (["--volume-size", "9"], {"volume_size": 9}),
        (["--datastore-version", "18.7"], {"datastore_version": "18.7"}),
        (["--network", "n"], {"network": "n"}),
        (["--configuration", "c"], {"configuration": "c"}),
        (["--dry-run"], {"dry_run": True}),
    ],
)
def test_each_option_reaches_the_api(schedules, run_it, arguments, options):
    assert run_it(*arguments) == 0
    assert asked(schedules) == (("s", "again"), options)
    schedules.schedule_restore_progress.assert_not_called()


def test_a_volume_of_zero_is_not_one_that_is_left_out(schedules, run_it):
    run_it("--volume-size", "0")
    assert schedules.schedule_restore.call_args.kwargs["volume_size"] == 0


@pytest.mark.parametrize(
    "options", [{"instance": "m"}, {"instance": "m", "at": "2026-01-31T05:12"}, {"backup": BACKUP}]
)
def test_of_a_policy_the_instance_reaches_the_api_too(schedules, run_it, options):
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    assert run_it(*words, command=RestorePolicy) == 0
    schedules.policy_restore.assert_called_once()
    arguments, asked = schedules.policy_restore.call_args
    given = {name: value for name, value in asked.items() if value not in (None, False)}
    del given["report"]
    assert (arguments, given) == (("s", "again"), options)
    schedules.schedule_restore.assert_not_called()


def test_of_a_policy_it_says_how_to_see_whether_that_takes_the_new_instance(
    schedules, run_it, building, restore, capsys
):
    schedules.schedule_restore_progress.return_value = replace(building, status="ACTIVE")
    assert run_it("--instance", "m", "--wait", command=RestorePolicy) == 0
    told = capsys.readouterr().err
    assert f"openstack database backup policy preview {restore.schedule_id}\n" in told


def test_a_time_and_a_backup_exclude_each_other(schedules, run_it, capsys):
    with pytest.raises(SystemExit):
        run_it("--at", "2026-01-31T05:12", "--backup", BACKUP)
    assert "not allowed with argument --at" in capsys.readouterr().err
    assert schedules.mock_calls == []


def test_people_read_what_is_lost_and_programs_seconds(app, schedules, run_it):
    run_it()
    table = app.stdout.getvalue()
    assert "3 h 12 min" in table
    run_it("-f", "json")
    values = json.loads(app.stdout.getvalue().removeprefix(table))
    assert values["lost"] == 3 * 3600 + 12 * 60
    assert values["backup_created"] == "2026-01-31T02:00:00+00:00"
    assert (values["instance_id"], values["addresses"], values["missing"]) == (NEW, None, None)


def test_what_is_restored_is_said_before_anything_is_made(schedules, run_it, restore, capsys):
    def restored(*_arguments, report, **_options):
        report("restoring backup b")
        return restore

    schedules.schedule_restore.side_effect = restored
    run_it()
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("UTC  restoring backup b")
    assert second.endswith(f"instance {NEW} is being made")


def test_a_remark_is_said(schedules, run_it, restore, capsys):
    schedules.schedule_restore.return_value = replace(restore, remark="Mistral is down")
    run_it()
    assert "UTC  Mistral is down\n" in capsys.readouterr().err


def test_awaited_it_says_how_to_connect_and_what_is_left_to_do(
    app, schedules, run_it, building, restore, capsys
):
    ready = replace(building, status="ACTIVE", addresses=("10.0.0.7",))
    schedules.schedule_restore_progress.side_effect = [
        ServiceUnavailableError("busy", service="Trove", operation="show instance"),
        building,
        ready,
    ]
    assert run_it("--wait", "-f", "json") == 0
    schedules.schedule_restore_progress.assert_called_with(restore)
    told = capsys.readouterr().err
    assert "can't read it now; trying again: Trove" in told
    assert f"instance {NEW}: BUILD (0 s)" in told
    assert f"instance {NEW}: ACTIVE (0 s)" in told
    assert "it is ready. Connect to 10.0.0.7, port 5432 unless your cloud has another" in told
    assert f"openstack database backup schedule create {NEW} <pattern> <name>" in told
    values = json.loads(app.stdout.getvalue())
    assert (values["addresses"], values["usual_port"]) == (["10.0.0.7"], 5432)
    assert values["status"] == "ACTIVE"


def test_a_datastore_of_an_unknown_port_and_no_address_are_said_as_such(
    schedules, run_it, building, capsys
):
    schedules.schedule_restore_progress.return_value = replace(
        building, status="HEALTHY", datastore="new"
    )
    assert run_it("--wait") == 0
    assert "Connect to an address that Trove doesn't tell, with the" in capsys.readouterr().err


def test_one_that_fails_says_why(schedules, run_it, building, capsys):
    schedules.schedule_restore_progress.return_value = replace(
        building, status="ERROR", fault="disk is full"
    )
    assert run_it("--wait") == 1
    assert "it has failed: disk is full. Delete it ('openstack database" in capsys.readouterr().err


def test_it_waits_no_longer_than_it_was_told_and_shows_what_it_saw(
    app, schedules, run_it, building, capsys
):
    schedules.schedule_restore_progress.return_value = building
    assert run_it("--wait", "--timeout", "0.001", "-f", "json") == 2
    assert "it is still being made; 'openstack database instance" in capsys.readouterr().err
    assert json.loads(app.stdout.getvalue())["status"] == "BUILD"


def test_one_that_somebody_deletes_is_an_error(schedules, run_it):
    schedules.schedule_restore_progress.side_effect = InstanceNotFoundError("somebody has deleted")
    with pytest.raises(Exception, match="somebody has deleted"):
        run_it("--wait")


def test_a_dry_run_waits_for_nothing(schedules, run_it, restore, capsys):
    schedules.schedule_restore.return_value = replace(restore, instance_id=None)
    assert run_it("--dry-run", "--wait") == 0
    assert "is being made" not in capsys.readouterr().err
    schedules.schedule_restore_progress.assert_not_called()
