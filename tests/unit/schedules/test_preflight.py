# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from unittest import mock

import pytest

from trove_schedules import preflight, triggers, workbook
from trove_schedules.clients.mistral import Mistral
from trove_schedules.clients.trove import Quota, Trove
from trove_schedules.errors import WorkbookMissingError


@pytest.fixture
def listed(monkeypatch):
    """The listing of the project's schedules, empty."""
    listed = mock.create_autospec(triggers.find_all, return_value=[])
    monkeypatch.setattr(triggers, "find_all", listed)
    return listed


@pytest.fixture
def look(monkeypatch, listed):
    """Run the checks of a cloud in which all is well but what a test changes."""
    require = mock.create_autospec(workbook.require, return_value="w")
    monkeypatch.setattr(workbook, "require", require)
    mistral = mock.create_autospec(Mistral, instance=True, spec_set=True)
    mistral.action_exists.return_value = True
    trove = mock.create_autospec(Trove, instance=True, spec_set=True)
    trove.backup_quota.return_value = Quota(50, 3)

    def look():
        found = preflight.checks(mock.Mock(auth=None), lambda: mistral, trove, None)
        return {each.name: each for each in found}

    look.mistral, look.trove, look.require = mistral, trove, require
    return look


def test_all_is_well_where_it_is_and_the_schedules_are_listed_once(look, listed):
    found = look()
    assert {name for name, each in found.items() if each.ok is False} == set()
    assert found["periodic server"].ok is None
    assert "3 of 50" in found["Trove"].said
    assert listed.call_count == 1


def test_what_is_wrong_is_named_and_the_rest_is_looked_at_all_the_same(look):
    look.require.side_effect = WorkbookMissingError("load it")
    look.mistral.action_exists.side_effect = lambda name: name != "trove.backups_get"
    look.trove.backup_quota.return_value = Quota(50, 50)
    found = look()
    assert (found["workbook"].ok, found["workbook"].said) == (False, "load it")
    assert "trove.backups_get" in found["actions"].said
    assert found["Trove"].ok is False
