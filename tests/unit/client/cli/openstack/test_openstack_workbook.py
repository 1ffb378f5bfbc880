# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
from osc_lib.exceptions import CommandError

from trove_schedules import workbook
from trove_schedules.cli.openstack.workbook import LoadWorkbook, ShowWorkbook
from trove_schedules.errors import WorkbookError


@pytest.mark.parametrize(("options", "public"), [([], False), (["--public"], True)])
def test_load_says_what_it_did(run, schedules, options, public):
    schedules.workbook_load.return_value = workbook.Loaded("created", 3, "private")
    printed = run(LoadWorkbook, "-f", "json", *options)
    schedules.workbook_load.assert_called_once_with(public=public)
    assert json.loads(printed) == {
        "action": "created",
        "detail": "version 3 was loaded for this project",
        "scope": "private",
        "version": 3,
    }


def test_load_says_that_the_public_one_serves_already(run, schedules):
    schedules.workbook_load.return_value = workbook.Loaded("unchanged", 3, "public")
    assert "the public workbook serves this project already; nothing was" in run(LoadWorkbook)


def test_load_fails_where_a_workbook_must_not_be_replaced(run, schedules):
    schedules.workbook_load.side_effect = WorkbookError("the workbook 'trove' is newer")
    with pytest.raises(CommandError, match="newer"):
        run(LoadWorkbook)


def test_show_prints_the_workbook_itself_and_needs_no_login(run, connect):
    assert run(ShowWorkbook) == workbook.text()
    assert ShowWorkbook.auth_required is False
    connect.assert_not_called()
