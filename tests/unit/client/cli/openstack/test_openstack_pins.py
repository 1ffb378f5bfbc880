# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace

import pytest

from tests import examples
from trove_schedules.cli.openstack.pins import (
    PinBackup,
    PinBackupOfPolicy,
    UnpinBackup,
    UnpinBackupOfPolicy,
)
from trove_schedules.cli.openstack.policy import ShowPolicy
from trove_schedules.cli.openstack.schedule import ShowSchedule
from trove_schedules.health import PolicyHealth, State


@pytest.mark.parametrize(("options", "force"), [([], False), (["--force"], True)])
@pytest.mark.parametrize(
    ("command", "method"),
    [
        (PinBackup, "schedule_pin"),
        (UnpinBackup, "schedule_unpin"),
        (PinBackupOfPolicy, "policy_pin"),
        (UnpinBackupOfPolicy, "policy_unpin"),
    ],
)
def test_a_backup_of_a_schedule_is_pinned_or_not(take, schedules, command, method, options, force):
    take(command, "nightly", "a-backup", *options)
    getattr(schedules, method).assert_called_once_with("nightly", "a-backup", force=force)


def test_show_lists_the_pinned_backups(run, schedules):
    schedules.schedule_show.return_value = examples.schedule(pinned=("a", "b"))
    assert json.loads(run(ShowSchedule, "n", "-f", "json", "-c", "pinned")) == {
        "pinned": ["a", "b"]
    }
    assert "a, b" in run(ShowSchedule, "n", "-c", "pinned")


def test_show_lists_those_of_a_policy(run, schedules, policy):
    schedules.policy_drill_show.return_value = None
    schedules.policy_show.return_value = replace(policy, pinned=("a", "b"))
    schedules.policy_health.return_value = [
        PolicyHealth(policy.id, "n", State.OK, "fine", None, (), not_reached=0, gone=())
    ]
    assert json.loads(run(ShowPolicy, "n", "-f", "json", "-c", "pinned")) == {"pinned": ["a", "b"]}
