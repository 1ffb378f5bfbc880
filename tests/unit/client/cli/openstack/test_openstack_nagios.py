# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace

import pytest

from trove_schedules.cli.openstack.health import ScheduleHealth
from trove_schedules.cli.openstack.policy import HealthPolicy
from trove_schedules.errors import ScheduleNotFoundError
from trove_schedules.health import PolicyHealth, State

BACKUPS = [
    ([], ["UNKNOWN - no schedules"]),
    (
        [("nightly", State.OK, "fine"), ("hourly", State.RUNNING, "fine")],
        ["OK - 2 schedules | ok=2 warning=0 critical=0 unknown=0 missed=0"],
    ),
    (
        [("a|b\n", State.FAILED, "no | space"), ("p", State.PAUSED, "paused"), ("o", State.OK, "")],
        [
            "CRITICAL - a/b\\n (s) is FAILED: no / space, and 1 more"
            " | ok=1 warning=1 critical=1 unknown=0 missed=0",
            "a/b\\n (s) is FAILED: no / space",
            "p (s) is PAUSED: paused",
        ],
    ),
]


@pytest.mark.parametrize(("found", "lines"), BACKUPS, ids=["none", "fine", "troubles"])
def test_the_first_line_is_the_status_a_text_and_figures(
    run, schedules, good, found, lines
) -> None:
    schedules.schedule_health.return_value = [
        replace(good, schedule_id="s", name=name, state=state, reason=reason)
        for name, state, reason in found
    ]
    assert run(ScheduleHealth, "-f", "nagios").splitlines() == lines


def test_a_policy_has_one_line_for_all_its_instances(run, schedules, good) -> None:
    told = PolicyHealth(
        policy_id="p",
        name="nightly",
        state=State.FAILED,
        reason="2 instances: 1 FAILED, 1 OK (orders)",
        next_execution_time=None,
        instances=(replace(good, missed=2), replace(good, missed=0)),
        not_reached=0,
        gone=(),
    )
    schedules.policy_health.return_value = [told]
    assert run(HealthPolicy, "-f", "nagios").splitlines() == [
        "CRITICAL - nightly (p) is FAILED: 2 instances: 1 FAILED, 1 OK (orders)"
        " | ok=0 warning=0 critical=1 unknown=0 missed=2",
        "nightly (p) is FAILED: 2 instances: 1 FAILED, 1 OK (orders)",
    ]


def test_no_policies_are_told_as_such(run, schedules) -> None:
    schedules.policy_health.return_value = []
    assert run(HealthPolicy, "-f", "nagios") == "UNKNOWN - no policies\n"


def test_the_first_line_tells_why_nothing_can_be_told(app, connect, schedules, caplog) -> None:
    schedules.schedule_health.side_effect = ScheduleNotFoundError("no schedule | x")
    command = ScheduleHealth(app, None)
    assert command.run(command.get_parser("health").parse_args(["x", "-f", "nagios"])) == 3
    assert app.stdout.getvalue() == "UNKNOWN - no schedule / x\n"
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == [
        "no schedule | x"
    ]
