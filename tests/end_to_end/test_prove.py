# SPDX-License-Identifier: Apache-2.0
"""Whether Mistral can act for a user here: each link, and what is said where it is missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.end_to_end import ticks
from tests.end_to_end.cloud import LiveCloud
from trove_schedules import ScheduledBackups
from trove_schedules.clients.services import Services
from trove_schedules.health import proving

_HURRIED = timedelta(seconds=90)


@pytest.fixture
def prove(
    cloud: LiveCloud, schedules: ScheduledBackups, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, tuple[bool | None, str]]]:
    """The proof, but the trigger fires at once; nothing may be left of it."""
    monkeypatch.setattr(proving, "INTERVAL", 0.5)

    def prove(
        before: Callable[[], object] = lambda: None,
        *,
        fires: bool = True,
        patience: timedelta = _HURRIED,
    ) -> dict[str, tuple[bool | None, str]]:
        services: Services = schedules._own
        said: list[str] = []

        def report(now: str) -> None:
            if not said:
                before()
                [trigger] = services.mistral.cron_triggers(name="has:trove_schedules_proof_")
                if fires:
                    ticks.fire(cloud, trigger.id)
            said.append(now)

        try:
            found = list(proving.prove(services, report, patience))
        finally:
            assert services.mistral.cron_triggers(name="has:trove_schedules_proof_") == []
            assert (
                list(services.mistral.executions(workflow_name="has:trove_schedules_proof_")) == []
            )
            rows = services.mistral.request(
                "list", "get", "/workflows?name=has:trove_schedules_proof_"
            )
            assert rows["workflows"] == []
        return {each.name: (each.ok, each.said) for each in found}

    return prove


def test_all_is_well(prove: Callable[..., dict[str, tuple[bool | None, str]]]) -> None:
    found = prove()
    assert {name: ok for name, (ok, _) in found.items()} == dict.fromkeys(
        ("clocks", "trust", "firing", "Trove from the executors"), True
    )


def test_a_trigger_that_nobody_fires(
    prove: Callable[..., dict[str, tuple[bool | None, str]]],
) -> None:
    ok, said = prove(fires=False, patience=timedelta(seconds=2))["firing"]
    assert not ok
    assert "--server periodic" in said
    assert "[cron_trigger] enabled" in said


def test_a_trust_that_is_gone(
    cloud: LiveCloud, prove: Callable[..., dict[str, tuple[bool | None, str]]]
) -> None:
    def delete_trusts() -> None:
        with ticks.mistral_database(cloud) as database:
            [[trust]] = database.execute(
                "select trust_id from cron_triggers_v2 where name like 'trove_schedules_proof%'"
            ).fetchall()
        cloud.session().delete(f"{cloud.settings.keystone_url}/OS-TRUST/trusts/{trust}")

    ok, said = prove(delete_trusts)["firing"]
    assert not ok
    assert "left no execution: it can't use the trust" in said


def test_executors_that_lack_the_action(
    prove: Callable[..., dict[str, tuple[bool | None, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = proving._DEFINITION.replace("trove.limits_list", "trove.no_such_action")
    monkeypatch.setattr(proving, "_DEFINITION", lacking)
    ok, said = prove()["Trove from the executors"]
    assert not ok
    assert "install mistral-extra" in said
    assert "no_such_action" in said


def test_executors_that_do_not_reach_trove(
    cloud: LiveCloud, prove: Callable[..., dict[str, tuple[bool | None, str]]]
) -> None:
    with cloud.killed("trove"):
        found = prove()
    ok, said = found["Trove from the executors"]
    assert not ok
    assert "the executors don't reach Trove" in said
    assert found["clocks"][0] is None
