# SPDX-License-Identifier: Apache-2.0
"""``notify test``: how it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trove_schedules.cli.openstack import following
from trove_schedules.cli.openstack.notify import NotifyTest, NotifyTestPolicy


def test_a_policy_is_meant_though_a_schedule_may_have_its_name(app, connect, schedules, execution):
    schedules.webhook_test.return_value = execution
    schedules.execution_show.return_value = execution
    command = NotifyTestPolicy(app, None)
    command.run(command.get_parser("test").parse_args(["nightly"]))
    schedules.policy_show.assert_called_once_with("nightly")
    schedules.webhook_test.assert_called_once_with(schedules.policy_show.return_value)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (
            {
                "state": "SUCCESS",
                "output": {"status": "Webhook delivered, answered by HTTP 200"},
            },
            0,
        ),
        (
            {
                "state": "ERROR",
                "state_info": "The webhook is answered by nothing.",
                "output": {"status": "Webhook not delivered"},
            },
            1,
        ),
    ],
)
def test_it_waits_for_the_answer_and_tells_it(
    app, connect, schedules, execution, monkeypatch, capsys, end, status
):
    monkeypatch.setattr(following, "_POLL", 0)
    running = replace(execution, state="RUNNING", backup_id=None, output={}, manual=True)
    schedules.webhook_test.return_value = running
    schedules.execution_show.side_effect = [running, replace(running, **end)]
    command = NotifyTest(app, None)
    assert command.run(command.get_parser("test").parse_args(["s"])) == status
    schedules.webhook_test.assert_called_once_with("s")
    assert f"{end['state']} {end['output']['status']}" in capsys.readouterr().err
    assert (end.get("state_info") or "answered by HTTP 200") in app.stdout.getvalue()
