# SPDX-License-Identifier: Apache-2.0
"""What a policy file forbids is not offered; without one everything is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from openstack_auth import policy

import trove_schedules_dashboard
from tests.dashboard.examples import BACKUP, INDEX, execution, schedule
from tests.dashboard.test_coverage import covered
from trove_schedules.coverage import Cover

PACKAGE = Path(trove_schedules_dashboard.__file__).parent
SAMPLE = PACKAGE / "conf" / "mistral_policy.yaml"


def _read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Horizon read the files that its settings name now; the test's end takes that back."""
    others = policy._get_enforcer()
    monkeypatch.setattr(policy, "_ENFORCER", None)
    monkeypatch.setattr(policy, "_ENFORCER", others | policy._get_enforcer())


@pytest.fixture
def forbid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Forbids one rule of Mistral and allows those that are asked for beside it."""

    def write(rule: str) -> None:
        rules = [
            f"{kind}:{verb}"
            for kind in ("cron_triggers", "executions")
            for verb in ("list", "create", "delete")
        ]
        lines = [f'"{each}": "{"!" if each == rule else "@"}"' for each in rules]
        (tmp_path / "mistral.yaml").write_text("\n".join(lines))
        monkeypatch.setattr(settings, "POLICY_FILES", {"workflow": str(tmp_path / "mistral.yaml")})
        _read_anew(monkeypatch)

    return write


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


@pytest.mark.parametrize("rule", ["cron_triggers:create", "cron_triggers:delete"])
def test_pins_go_with_the_right_to_change_a_schedule(
    client: Any, trove: Any, schedules: Any, forbid: Any, rule: str
) -> None:
    schedules.schedule_show.return_value = shown = schedule(pinned=(BACKUP,))
    schedules.execution_list.return_value = []
    address = f"{INDEX}{shown.id}/"
    assert "schedule_backups__unpin" in client.get(address).content.decode()
    forbid(rule)
    assert "schedule_backups__unpin" not in client.get(address).content.decode()


def test_protect_goes_with_the_right_to_create(client: Any, schedules: Any, forbid: Any) -> None:
    schedules.coverage.return_value = [covered(state=Cover.UNPROTECTED)]
    schedules.schedule_health.return_value = []
    address = "/project/backup_coverage/instances/"
    assert "Protect: orders" in client.get(address).content.decode()
    forbid("cron_triggers:create")
    assert "Protect: orders" not in client.get(address).content.decode()


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


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Horizon with the shipped files: the policy sample, as an operator may change it."""
    shutil.copytree(SAMPLE.parent, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(policy, "_BASE_PATH", str(tmp_path))
    for name in ("POLICY_FILES", "DEFAULT_POLICY_FILES"):
        monkeypatch.setattr(settings, name, {})
    [snippet] = PACKAGE.joinpath("local_settings.d").glob("*.py")
    exec(snippet.read_text())  # as Horizon does
    _read_anew(monkeypatch)
    return tmp_path / SAMPLE.name


def test_with_the_shipped_policy_a_member_may_do_everything(
    client: Any, trove: Any, schedules: Any, sample: Path
) -> None:
    schedules.schedule_list.return_value = [schedule()]
    page = client.get(INDEX).content.decode()
    for action in ("action_create", "delete", "pause", "run", "drill"):
        assert f"backup_schedules__{action}" in page


def test_a_rule_of_the_sample_that_is_changed_hides_its_action(
    client: Any, trove: Any, schedules: Any, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedules.schedule_list.return_value = [schedule()]
    text = sample.read_text()
    line = '#"executions:create": "rule:admin_or_owner"'
    assert line in text
    sample.write_text(text.replace(line, '"executions:create": "rule:admin_only"'))
    _read_anew(monkeypatch)
    page = client.get(INDEX).content.decode()
    assert "backup_schedules__delete" in page
    assert "backup_schedules__run" not in page


def test_the_sample_has_each_rule_that_the_panels_ask_for() -> None:
    code = "".join(path.read_text() for path in PACKAGE.joinpath("content").rglob("*.py"))
    asked = set(re.findall(r'"workflow", "([a-z_:]+)"', code))
    assert len(asked) == 6
    assert set(re.findall(r'^#"([a-z_:]+)": "', SAMPLE.read_text(), re.MULTILINE)) == asked
    defaults = yaml.safe_load(SAMPLE.parent.joinpath("default_policies/mistral.yaml").read_text())
    assert asked <= {rule["name"] for rule in defaults}
