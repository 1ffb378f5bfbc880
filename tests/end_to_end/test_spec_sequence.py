# SPDX-License-Identifier: Apache-2.0
"""The spec's sequence, typed as printed there, by both commands and by Python."""

import re

from tests.end_to_end.cloud import LiveCloud, finished, leave_room, wait_for

#: Two firings of */2, the first at most two minutes away; the rest is room for a busy machine.
TWO_FIRINGS = 420.0

_SCHEDULE_PROPERTIES = [
    "created_at", "id", "input", "instance", "name", "next_execution_time", "parent_id", "pattern",
]  # fmt: skip


def test_the_spec_sequence_works_in_trove_in_openstack_and_in_python(cloud: LiveCloud) -> None:
    """It waits for true cron minutes: two firings of ``*/2``, nobody helping."""
    trusts = len(cloud.trusts())
    # All three have to be there when the first of them fires.
    leave_room(60, minutes=2)
    created = _cells(cloud.run("trove", "schedule-create", "m", "*/2 * * * *", "myback").out)
    assert created[0] == ["Property", "Value"]
    assert [row[0] for row in created[1:]] == _SCHEDULE_PROPERTIES
    by_trove = dict(created[1:])["id"]
    by_openstack = cloud.openstack(
        "schedule", "create", "m", "*/2 * * * *", "second", "-f", "json"
    ).json["id"]
    schedules = cloud.schedules()
    by_python = schedules.schedule_create("m", "*/2 * * * *", "third").id
    all_three = {by_trove: "myback", by_openstack: "second", by_python: "third"}

    listed = _cells(cloud.run("trove", "schedule-list", "m").out)
    assert listed[0] == ["ID", "Name", "Pattern", "Next Execution Time"]
    assert {row[0]: row[1] for row in listed[1:]} == all_three
    assert {row[2] for row in listed[1:]} == {"*/2 * * * *"}
    shown = cloud.openstack("schedule", "list", "--instance", "m", "-f", "json").json
    assert {row["ID"]: row["Name"] for row in shown} == all_three
    assert list(shown[0]) == ["ID", "Name", "Instance", "Pattern", "Next Due"]
    assert dict(_cells(cloud.run("trove", "schedule-show", by_trove).out))["name"] == "myback"
    assert cloud.openstack("schedule", "show", by_trove, "-f", "json").json["id"] == by_trove
    assert schedules.schedule_show(by_openstack).name == "second"

    # All three fire in the same minute. One makes the backup, and what the others do depends on
    # how far it is: they skip, or make one of their own.
    ended = {each: finished(schedules, each, 2, TWO_FIRINGS)[-2:] for each in all_three}
    for both in ended.values():
        for each in both:
            assert each.state == "SUCCESS", (each.state_info, each.output)
            status = each.output["status"]
            assert status == "Backup complete" or status.startswith("Skipped: "), each
            if status == "Backup complete":
                assert cloud.backup(each.backup_id)["status"] == "COMPLETED"

    # There may be a third by now.
    newest, oldest = (each.id for each in ended[by_trove])
    executions = _cells(cloud.run("trove", "execution-list", by_trove).out)
    assert executions[0] == ["ID", "Execution Time", "State", "Output"]
    # The oldest first, as the spec prints them.
    assert [(row[0], row[2]) for row in executions[1:3]] == [
        (oldest, "SUCCESS"),
        (newest, "SUCCESS"),
    ]
    as_json = cloud.openstack("schedule", "execution", "list", by_trove, "-f", "json").json
    assert [row["ID"] for row in as_json][-2:] == [newest, oldest]
    cloud.run("trove", "execution-delete", newest)
    cloud.openstack("schedule", "execution", "delete", oldest)
    left = _cells(cloud.run("trove", "execution-list", by_trove).out)[1:]
    assert not {newest, oldest} & {row[0] for row in left}

    cloud.run("trove", "schedule-delete", by_trove, "--force")
    cloud.openstack("schedule", "delete", "--force", by_openstack)
    schedules.schedule_delete(by_python, force=True)
    assert schedules.schedule_list("m") == []
    wait_for("end of the trusts", lambda: len(cloud.trusts()) == trusts, 60)


def test_the_commands_say_nothing_on_stderr(cloud: LiveCloud) -> None:
    assert cloud.openstack("schedule", "list", "--instance", "m").err == ""
    typed = cloud.run("trove", "schedule-list", "m")
    assert (typed.err, "b'" in typed.out) == ("", False)


def _cells(table: str) -> list[list[str]]:
    """The cells of a table as the commands print it."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"\s\|", line[1:])[:-1]] for line in lines]
