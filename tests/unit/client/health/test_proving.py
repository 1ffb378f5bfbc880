# SPDX-License-Identifier: Apache-2.0
"""The proof that Mistral fires and reaches Trove; tests/end_to_end/test_prove.py has it live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from trove_schedules import clock
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.mistral_rows import Execution
from trove_schedules.clients.services import Services
from trove_schedules.clients.trove import Trove
from trove_schedules.errors import PermissionDeniedError, ServiceError, ServiceUnavailableError
from trove_schedules.health import proving

NOW = datetime(2026, 3, 10, 2, 0, 5, tzinfo=UTC)


def execution(state: str = "SUCCESS", info: str | None = None) -> Execution:
    return Execution(
        id="e", workflow_name="w", trigger_id="t", manual=False, input={}, output={}, state=state,
        state_info=info, created_at=NOW + timedelta(minutes=3), updated_at=None,
    )  # fmt: skip


@pytest.fixture
def mistral(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """A Mistral that creates what it is asked for, and in which each look takes a minute."""
    made: mock.Mock = mock.create_autospec(Mistral, instance=True)
    made.session = mock.Mock(auth=None)
    made.create_workflow.return_value = "w"
    made.create_cron_trigger.return_value = mock.Mock(id="t")
    made.executions.return_value = iter(())
    made.has_cron_trigger.return_value = True
    now = [NOW]
    monkeypatch.setattr("trove_schedules.clock.now", lambda: now[0])

    def sleep(_seconds: float) -> None:
        now[0] += timedelta(minutes=1)

    monkeypatch.setattr(proving.time, "sleep", sleep)
    return made


def services_of(mistral: mock.Mock) -> Services:
    return Services(mock.Mock(auth=None), mock.create_autospec(Trove), lambda: mistral)


def prove(mistral: mock.Mock, skews: Any = None) -> dict[str, tuple[bool | None, str]]:
    services = services_of(mistral)
    with mock.patch.object(services, "skews", side_effect=skews or [{}]):
        return {each.name: (each.ok, each.said) for each in proving.prove(services, lambda _: None)}


def test_what_was_made_is_deleted_in_the_end(mistral: mock.Mock) -> None:
    mistral.executions.side_effect = [iter(()), iter((execution(),))]
    found = prove(mistral)
    assert found["firing"] == (True, "Mistral fired a trigger 5 s after its time")
    assert found["Trove from the executors"] == (True, "answers Mistral's actions")
    names = [name for name, *_ in mistral.method_calls if name.startswith("delete")]
    assert names == ["delete_execution", "delete_cron_trigger", "delete_workflow"]
    mistral.delete_execution.assert_called_once_with("e", force=True)
    assert mistral.create_cron_trigger.call_args.kwargs == {
        "first_time": datetime(2026, 3, 10, 2, 3, tzinfo=UTC), "count": 1,
    }  # fmt: skip


def test_a_trust_that_keystone_refuses_names_its_rule(mistral: mock.Mock) -> None:
    mistral.create_cron_trigger.side_effect = PermissionDeniedError(
        "You are not authorized to perform the requested action: identity:create_trust.",
        service="Mistral", operation="create cron trigger", status=403,
    )  # fmt: skip
    ok, said = prove(mistral)["trust"]
    assert (ok, said.endswith("Keystone's rule identity:create_trust refuses it")) == (False, True)
    mistral.delete_workflow.assert_called_once_with("w")
    mistral.delete_cron_trigger.assert_not_called()


def test_patience_ends_after_four_minutes(mistral: mock.Mock) -> None:
    mistral.executions.side_effect = lambda **_: iter(())
    ok, said = prove(mistral)["firing"]
    assert not ok
    assert "did not fire a trigger for 02:03 UTC" in said
    assert mistral.executions.call_count == 6


def test_an_execution_that_does_not_end_is_told_and_deleted(mistral: mock.Mock) -> None:
    mistral.executions.side_effect = lambda **_: iter((execution("RUNNING"),))
    ok, said = prove(mistral)["Trove from the executors"]
    assert (ok, "still RUNNING" in said) == (False, True)
    mistral.delete_execution.assert_called_once_with("e", force=True)


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ("Failed to find action [action_name=trove.limits_list]", "lack Mistral's actions"),
        ("The request you have made requires authentication. (HTTP 401)", "accept the trust"),
        ("Policy doesn't allow limits:index (HTTP 403)", "refuses the user's roles"),
        ("Unable to establish connection to http://trove", "don't reach Trove"),
        ("something else", "something else"),
        (None, "Mistral does not say why"),
    ],
)
def test_what_an_error_means_is_told(mistral: mock.Mock, info: str | None, told: str) -> None:
    mistral.executions.side_effect = lambda **_: iter((execution("ERROR", info),))
    ok, said = prove(mistral)["Trove from the executors"]
    assert (ok, told in said) == (False, True)


def test_an_error_on_the_way_leaves_nothing(mistral: mock.Mock) -> None:
    mistral.executions.side_effect = ServiceError("no", service="Mistral", operation="list")
    with pytest.raises(ServiceError):
        prove(mistral)
    mistral.delete_cron_trigger.assert_called_once_with("t")
    mistral.delete_workflow.assert_called_once_with("w")


@pytest.mark.parametrize(
    ("skews", "ok", "told"),
    [
        ({"Keystone": 0, "Mistral": 1, "Trove": -1}, True, "agree"),
        ({"Keystone": 300, "Mistral": 301, "Trove": 299}, True, "Mistral +301 s"),
        ({"Keystone": 0, "Mistral": 45, "Trove": 0}, False, "differ: have them follow"),
        ({"Keystone": 0, "Mistral": None, "Trove": None}, None, "have no date"),
    ],
)
def test_clocks_are_compared_with_each_other(
    mistral: mock.Mock, skews: dict[str, int | None], ok: bool | None, told: str
) -> None:
    found = prove(
        mistral,
        [{name: None if each is None else timedelta(seconds=each) for name, each in skews.items()}],
    )["clocks"]
    assert found[0] == ok
    assert told in found[1]


def test_a_service_that_is_long_in_answering_has_no_skew(
    mistral: mock.Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*_: object) -> datetime:
        proving.time.sleep(60)
        return clock.now()

    monkeypatch.setattr("trove_schedules.clients.services.date_of", answer)
    assert proving.clocks(services_of(mistral)).ok


def test_a_service_that_is_down_is_no_skew(mistral: mock.Mock) -> None:
    down = ServiceUnavailableError("down", service="Trove", operation="ask for the time")
    ok, said = prove(mistral, down)["clocks"]
    assert (ok, "down" in said) == (None, True)
