# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime
from unittest import mock

import pytest

from tests import examples
from trove_schedules import workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.services import Services
from trove_schedules.clients.trove import Quota, Trove
from trove_schedules.errors import (
    PermissionDeniedError,
    ServiceUnavailableError,
    WorkbookMissingError,
)
from trove_schedules.health import preflight
from trove_schedules.schedules import zones
from trove_schedules.triggers import finding


@pytest.fixture
def listed(monkeypatch):
    """The listing of the project's schedules, empty."""
    listed = mock.create_autospec(finding.find_all, return_value=[])
    monkeypatch.setattr(preflight, "find_all", listed)
    return listed


@pytest.fixture
def look(monkeypatch, listed):
    """Run the checks of a cloud in which all is well but what a test changes."""
    require = mock.create_autospec(workbook.require, return_value="w")
    monkeypatch.setattr(workbook, "require", require)
    mistral = mock.create_autospec(Mistral, instance=True, spec_set=True)
    mistral.action_exists.return_value = True
    mistral.action_inputs.return_value = {"name", "storage_driver", "swift_container"}
    trove = mock.create_autospec(Trove, instance=True, spec_set=True)
    trove.backup_quota.return_value = Quota(50, 3)
    trove.instance_exists.return_value = True

    services = Services(mock.Mock(auth=None), trove, lambda: mistral)

    def look(instance=None):
        return {each.name: each for each in preflight.checks(services, instance)}

    look.mistral, look.trove, look.require = mistral, trove, require
    return look


def test_all_is_well_where_it_is_and_the_schedules_are_listed_once(look, listed):
    found = look()
    assert {name for name, each in found.items() if each.ok is False} == set()
    assert found["periodic server"].ok is None
    assert "3 of 50" in found["Trove"].said
    assert listed.call_count == 1
    assert look.trove.backup_quota.call_count == 1


def test_what_is_wrong_is_named_and_the_rest_is_looked_at_all_the_same(look):
    look.require.side_effect = WorkbookMissingError("load it")
    look.mistral.action_exists.side_effect = lambda name: name != "trove.backups_get"
    look.trove.backup_quota.return_value = Quota(50, 50)
    found = look()
    assert (found["workbook"].ok, found["workbook"].said) == (False, "load it")
    assert "trove.backups_get" in found["actions"].said
    assert found["Trove"].ok is False


def test_it_is_said_where_schedules_can_not_choose_their_storage(look):
    assert look()["actions"].said == "the workbook's actions are there"
    look.mistral.action_inputs.return_value = {"name", "swift_container"}
    found = look()["actions"]
    assert found.ok
    assert "can't choose where their backups are stored (storage-driver)" in found.said


@pytest.mark.parametrize("pattern", ["0 0 * * *x", "@hourli", "", "0 0 31 2 *"])
def test_a_trigger_with_a_pattern_that_nobody_reads_is_named_and_the_rest_looked_at(
    look, listed, pattern
):
    spoilt = examples.schedule(id="spoilt", pattern=pattern, keep_days=3)
    listed.return_value = [spoilt, examples.schedule(keep_days=3)]
    found = look()
    assert found["pattern"].ok is False
    assert "schedule spoilt: " in found["pattern"].said
    assert "set --pattern" in found["pattern"].said
    assert found["retention"].said == (
        "1 schedule may have 4 backups at once, those in progress included; the quota is 50"
    )
    assert found["Trove"].ok


def test_a_schedule_whose_offsets_are_not_those_of_its_zone_is_named(look, listed):
    table = zones.current("Europe/Berlin", datetime.now(UTC))
    good = examples.schedule(timezone="Europe/Berlin", offsets=table)
    listed.return_value = [good, examples.schedule()]
    assert "time zone" not in look()
    listed.return_value.append(
        examples.schedule(id="stale", timezone="Europe/Berlin", offsets=table[:3])
    )
    found = look()["time zone"]
    assert found.ok is False
    assert found.said.startswith("schedule stale: its table of offsets of Europe/Berlin")


def test_a_refusal_of_keystone_is_not_that_trove_hides_its_quota(look):
    look.trove.backup_quota.side_effect = PermissionDeniedError(
        "no", service="Keystone", operation="log in", status=403
    )
    assert look()["Trove"].ok is False


def _down(service):
    return ServiceUnavailableError(f"{service} is down", service=service, operation="answer")


def test_schedules_that_can_t_be_listed_are_a_line_and_trove_is_looked_at_all_the_same(
    look, listed
):
    listed.side_effect = down = _down("Mistral")
    look.trove.instance_status.return_value = "ACTIVE"
    found = look("m")
    assert (found["schedules"].ok, found["schedules"].said) == (False, str(down))
    assert found["Trove"].ok
    assert found["instance"].ok
    assert {"periodic server", "retention"}.isdisjoint(found)


def test_a_trove_that_is_down_is_a_line_and_ends_it(look):
    look.trove.backup_quota.side_effect = down = _down("Trove")
    found = look("m")
    assert (found["Trove"].ok, found["Trove"].said) == (False, str(down))
    assert list(found)[-1] == "Trove"


def test_a_quota_that_nobody_may_read_is_told_and_the_rest_is_looked_at(look, listed):
    look.trove.backup_quota.side_effect = PermissionDeniedError(
        "no", service="Trove", operation="show quotas", status=403
    )
    look.trove.instance_status.return_value = "SHUTDOWN"
    listed.return_value = [examples.schedule(keep_last=7)]
    found = look("m")
    assert (found["Trove"].ok, found["retention"].ok) == (None, None)
    assert "Trove: show quotas failed: no (HTTP 403)" in found["Trove"].said
    assert found["instance"].ok is False
    listed.return_value = [examples.schedule()]
    assert look()["retention"].ok is False


def test_a_used_up_quota_hides_neither_retention_nor_instance(look):
    look.trove.backup_quota.return_value = Quota(50, 50)
    look.trove.instance_status.return_value = "SHUTDOWN"
    found = look("m")
    assert found["retention"].ok
    assert "SHUTDOWN" in found["instance"].said


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"keep_last": 7}, 8),
        ({"keep_days": 30}, 31),
        ({"keep_last": 7, "keep_days": 30}, 31),
        ({"keep_last": 40, "keep_days": 30}, 41),
        ({"keep_last": 2, "incremental": True, "full_every": 4}, 6),
        ({"keep_days": 7, "pattern": "0 2 * * mon"}, 2),
        ({"keep_daily": 7, "keep_weekly": 4, "keep_monthly": 12}, 22),
    ],
)
def test_what_schedules_keep_must_fit_the_quota(look, listed, options, kept):
    listed.return_value = [examples.schedule(**options)]
    look.trove.backup_quota.return_value = Quota(kept, 0)
    assert look()["retention"].ok
    look.trove.backup_quota.return_value = Quota(kept - 1, 0)
    found = look()["retention"]
    assert found.ok is False
    assert f"may have {kept} backups at once, those in progress included" in found.said
    assert f"and the quota is {kept - 1}" in found.said


def test_what_is_pinned_must_fit_the_quota_too(look, listed):
    chained = {"keep_last": 2, "incremental": True, "full_every": 4}
    listed.return_value = [examples.schedule(**chained, pinned=("a", "b"))]
    assert "may have 14 backups at once" in look()["retention"].said


@pytest.mark.parametrize("options", [{}, {"keep_last": 7, "incremental": True}])
def test_schedules_that_delete_nothing_are_named(look, listed, options):
    listed.return_value = [examples.schedule(keep_days=1), examples.schedule(id="it", **options)]
    found = look()["retention"]
    assert found.ok is False
    assert "1 of 2" in found.said
    assert "the first: it" in found.said


def test_a_trigger_that_is_overdue_shows_that_nobody_fires(look, listed):
    past, fired = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    listed.return_value = [examples.schedule(keep_last=1, next_firing=past)]
    found = look()["periodic server"]
    assert found.ok is False
    assert "2026-01-01 00:00 UTC" in found.said
    listed.return_value = [
        examples.schedule(
            keep_last=1, next_firing=datetime(9999, 1, 1, tzinfo=UTC), updated_at=fired
        )
    ]
    assert look()["periodic server"].said == "last fired at 2026-01-02 00:00 UTC"


def test_schedules_whose_instance_is_gone_are_named_and_what_to_do(look, listed):
    listed.return_value = [
        examples.schedule(id=f"schedule-{n}", instance=f"{n}" + examples.INSTANCE[1:])
        for n in range(5)
    ]
    rest = listed.return_value[2:]
    look.trove.instance_names.return_value = {each.instance: "m" for each in rest}
    found = look()["instances"]
    assert (found.ok, found.said) == (True, "those of 5 schedules are there")
    look.trove.instance_exists.return_value = False
    found = look()["instances"]
    assert found.ok is False
    assert found.said.startswith("the instances of 2 schedules are gone. Delete these schedules ")
    assert "schedule delete schedule-0 schedule-1'; their backups stay" in found.said
    look.trove.instance_names.side_effect = ServiceUnavailableError(
        "no answer", service="Trove", operation="list instances"
    )
    assert look()["instances"].ok is False
