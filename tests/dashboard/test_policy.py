# SPDX-License-Identifier: Apache-2.0
"""What a policy file forbids is not offered; without one everything is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from openstack_auth import policy

from tests.dashboard.examples import INDEX, execution, schedule


@pytest.fixture
def forbid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Forbids one rule of Mistral and allows those that are asked for beside it."""

    def write(rule: str) -> None:
        rules = [
            f"{kind}:{verb}"
            for kind in ("cron_triggers", "executions")
            for verb in ("list", "create", "delete")
        ]
        lines = [f'"{each}": "{"!" if each == rule else "@"}"' for each in rules]
        (tmp_path / "mistral.yaml").write_text("\n".join(lines))
        monkeypatch.setitem(settings.POLICY_FILES, "workflow", str(tmp_path / "mistral.yaml"))
        policy.reset()

    yield write
    monkeypatch.undo()
    policy.reset()


@pytest.mark.parametrize(
    ("rule", "hidden"),
    [
        ("cron_triggers:create", "backup_schedules__action_create"),
        ("cron_triggers:delete", "backup_schedules__delete"),
        ("cron_triggers:create", "/edit/"),
        ("cron_triggers:delete", "/edit/"),
        ("cron_triggers:create", "backup_schedules__pause"),
        ("cron_triggers:delete", "backup_schedules__pause"),
        ("executions:create", "backup_schedules__run"),
        ("executions:create", "backup_schedules__drill"),
        ("executions:list", "/executions/"),
        ("executions:list", "/drills/"),
    ],
)
def test_actions_on_schedules_go_with_their_rule(
    client: Any, trove: Any, schedules: Any, forbid: Any, rule: str, hidden: str
) -> None:
    schedules.schedule_list.return_value = [schedule()]
    assert hidden in client.get(INDEX).content.decode()
    forbid(rule)
    response = client.get(INDEX)
    assert response.status_code == 200
    assert hidden not in response.content.decode()


def test_the_deletion_of_executions_goes_with_its_rule(
    client: Any, schedules: Any, forbid: Any
) -> None:
    schedules.schedule_show.return_value = schedule()
    schedules.execution_list.return_value = [execution()]
    forbid("executions:delete")
    page = client.get(f"{INDEX}{schedule().id}/executions/").content.decode()
    assert "Backup complete" in page
    assert "executions__delete" not in page


@pytest.mark.parametrize(
    ("rule", "hidden"),
    [
        ("executions:delete", "drills__delete"),
        ("cron_triggers:create", "/drills/repeat/"),
        ("cron_triggers:delete", "/drills/repeat/"),
    ],
)
def test_actions_on_drills_go_with_their_rule(
    client: Any, schedules: Any, forbid: Any, rule: str, hidden: str
) -> None:
    schedules.schedule_show.return_value = shown = schedule()
    schedules.execution_list.return_value = [execution()]
    address = f"{INDEX}{shown.id}/drills/"
    assert hidden in client.get(address).content.decode()
    forbid(rule)
    assert hidden not in client.get(address).content.decode()


def test_the_panel_goes_with_the_right_to_list(client: Any, forbid: Any) -> None:
    link = f'href="{INDEX}"'
    assert link in client.get("/project/").content.decode()
    forbid("cron_triggers:list")
    assert link not in client.get("/project/").content.decode()
