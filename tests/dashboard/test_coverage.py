# SPDX-License-Identifier: Apache-2.0
"""The panel that says what protects each instance."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from horizon import base

from tests.dashboard.examples import (
    BACKUP,
    CATALOG,
    INDEX,
    LEGACY,
    NOW,
    ORDERS,
    health,
    schedule,
    service,
)
from tests.dashboard.test_policies import policy
from trove_schedules import Backup
from trove_schedules.coverage import Cover, Coverage
from trove_schedules.errors import ServiceUnavailableError
from trove_schedules.health import State
from trove_schedules_dashboard.content.backup_coverage.overview import (
    KINDS,
    LEFT_OUT,
    NEEDS_HELP,
    PROVEN,
    UNPROTECTED,
    UNPROVEN,
    overview,
)

POLICY = policy("all nightly")
PANEL = "/project/backup_coverage/"
PART = f"{PANEL}instances/"


def covered(name: str = "orders", state: Cover = Cover.PROTECTED, **changes: Any) -> Coverage:
    fields: dict[str, Any] = {
        "instance": ORDERS,
        "name": name,
        "project_id": None,
        "state": state,
        "reason": "last backup 5 min ago",
        "schedules": (),
        "backup": None,
        "age": None,
        "last_proven": None,
        "proven_backup": None,
        "replica_of": None,
    }
    return Coverage(**fields | changes)


NIGHTLY = schedule("nightly")
PAUSED = schedule("off", paused=True)
BAD = replace(health(State.FAILED, "no space"), schedule_id=NIGHTLY.id)
GOOD = replace(health(), schedule_id=NIGHTLY.id)


@pytest.mark.parametrize(
    ("coverage", "state", "kind", "todo", "page"),
    [
        (
            covered(state=Cover.UNPROTECTED),
            GOOD,
            UNPROTECTED,
            "Protect",
            f"{INDEX}create/?instance={ORDERS}&name=nightly&keep_last=14",
        ),
        (
            covered(state=Cover.PAUSED, schedules=(PAUSED,)),
            GOOD,
            UNPROTECTED,
            "Resume",
            f"{INDEX}{PAUSED.id}/",
        ),
        (covered(schedules=(NIGHTLY,)), BAD, NEEDS_HELP, "Find out why", f"{INDEX}{NIGHTLY.id}/"),
        (
            covered(schedules=(NIGHTLY,), last_proven=NOW),
            BAD,
            NEEDS_HELP,
            "Find out why",
            f"{INDEX}{NIGHTLY.id}/",
        ),
        (covered(schedules=(NIGHTLY,)), GOOD, UNPROVEN, "Prove", f"{INDEX}{NIGHTLY.id}/"),
        (covered(schedules=(NIGHTLY,), last_proven=NOW), GOOD, PROVEN, None, None),
        (
            covered(policies=(POLICY,)),
            replace(BAD, schedule_id=POLICY.id),
            NEEDS_HELP,
            "Find out why",
            f"/project/backup_policies/{POLICY.id}/",
        ),
        (
            covered(policies=(POLICY,)),
            replace(BAD, schedule_id=POLICY.id, instance=LEGACY),
            UNPROVEN,
            "Prove",
            f"/project/backup_policies/{POLICY.id}/",
        ),
        (covered(state=Cover.REPLICA), GOOD, LEFT_OUT, None, None),
        (covered(state=Cover.EXCLUDED), GOOD, LEFT_OUT, None, None),
    ],
)
def test_each_instance_is_of_one_kind_and_leads_to_what_to_do(
    coverage: Coverage, state: Any, kind: Any, todo: str | None, page: str | None
) -> None:
    [row] = overview([coverage], [state]).rows
    assert row.kind is kind
    assert row.todo == (None if todo is None else (todo, page))


def test_the_worst_come_first_and_are_counted() -> None:
    found = overview(
        [
            covered("e", schedules=(NIGHTLY,), last_proven=NOW),
            covered("d", schedules=(PAUSED,)),
            covered("c", Cover.UNPROTECTED),
            covered("b", Cover.UNPROTECTED),
            covered("a", Cover.REPLICA),
        ],
        [BAD],
    )
    assert [row.name for row in found.rows] == ["b", "c", "e", "d", "a"]
    assert [(bar.kind, bar.count) for bar in found.bars] == list(
        zip(KINDS, (2, 1, 1, 0, 1), strict=True)
    )
    widths = [bar.width for bar in found.bars]
    assert widths == [widths[0], widths[0] / 2, widths[0] / 2, 0, widths[0] / 2]
    assert found.protected == 2


def test_the_page_is_there_before_anything_is_asked(client: Any, schedules: Any) -> None:
    page = client.get(PANEL).content.decode()
    assert f'data-url="{PART}"' in page
    schedules.coverage.assert_not_called()


def test_the_part_that_comes_later_says_how_many_and_which(client: Any, schedules: Any) -> None:
    backup = Backup(BACKUP, ORDERS, "nightly", None, "COMPLETED", None, NOW, 0.5)
    schedules.coverage.return_value = [
        covered("legacy", Cover.UNPROTECTED, instance=LEGACY, reason="no <i>schedule</i>"),
        covered(schedules=(NIGHTLY,), backup=backup, last_proven=NOW),
    ]
    schedules.schedule_health.return_value = [GOOD]
    page = client.get(PART).content.decode()
    assert "1 of 2 instances are protected" in page
    assert "Unprotected: 1. Needs help: 0. Protected, restore not proven: 0." in page
    assert "no &lt;i&gt;schedule&lt;/i&gt;" in page
    form = f"{INDEX}create/?instance={LEGACY}&amp;name=nightly&amp;keep_last=14"
    assert f'href="{form}" aria-label="Protect: legacy"' in page
    assert f'<a href="{INDEX}{NIGHTLY.id}/">nightly</a>' in page
    assert page.count("2030-01-01 12:00:00 UTC") == 2
    assert [float(width) for width in re.findall(r'<rect x="252" y="4" width="([\d.]+)"', page)]


def test_what_a_policy_protects_is_judged_by_the_health_of_the_policy(
    client: Any, schedules: Any
) -> None:
    schedules.coverage.return_value = [covered(policies=(POLICY,))]
    schedules.schedule_health.return_value = []
    ill = replace(BAD, schedule_id=POLICY.id, name="all nightly")
    schedules.policy_health.return_value = [SimpleNamespace(instances=(ill,))]
    page = client.get(PART).content.decode()
    assert list(schedules.policy_health.call_args.args[0]) == [POLICY]
    assert "all nightly: FAILED, no space" in page
    assert f'<a href="/project/backup_policies/{POLICY.id}/">all nightly</a>' in page


def test_protect_fills_the_form_in(client: Any, trove: Any, schedules: Any) -> None:
    [row] = overview([covered("legacy", Cover.UNPROTECTED, instance=LEGACY)], []).rows
    assert row.todo is not None
    response = client.get(row.todo[1])
    assert f'<option value="{LEGACY}" selected>legacy</option>' in response.content.decode()
    form = response.context["form"]
    filled_in = {name: form[name].value() for name in ("name", "pattern", "keep_last")}
    assert filled_in == {"name": "nightly", "pattern": "0 2 * * *", "keep_last": "14"}
    assert not form.advanced_is_open


def test_without_instances_the_page_says_what_to_do_first(client: Any, schedules: Any) -> None:
    schedules.coverage.return_value, schedules.schedule_health.return_value = [], []
    assert "launch the first one there" in client.get(PART).content.decode()


def test_a_service_that_cant_say_what_is_protected_is_named(client: Any, schedules: Any) -> None:
    down = ServiceUnavailableError("no answer", service="Mistral", operation="list cron triggers")
    schedules.coverage.side_effect = down
    assert str(down) in client.get(PART).content.decode()


def test_the_panel_is_the_first_of_the_databases(client: Any) -> None:
    dashboard = base.Horizon.get_dashboard("project")
    group = dashboard.get_panel_group("database")
    assert next(panel.slug for panel in group) == "backup_coverage"


def test_without_both_services_there_is_no_panel(client: Any, user: Any) -> None:
    user.service_catalog = [each for each in CATALOG if each["type"] != "workflowv2"]
    user.service_catalog.append(service("object-store", "http://swift.test"))
    assert client.get(PANEL).status_code == 403
    assert client.get(PART).status_code == 403
