# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

import trove_schedules
from trove_schedules import errors, manager
from trove_schedules.backups.restore import ScheduleRestore
from trove_schedules.clients.trove import Backup
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.schedule import Schedule


def test_every_public_name_is_there_though_it_is_imported_late():
    homes = {
        "Backup": Backup,
        "Policy": Policy,
        "Schedule": Schedule,
        "ScheduleExecution": ScheduleExecution,
        "ScheduleRestore": ScheduleRestore,
        "ScheduledBackupError": errors.ScheduledBackupError,
        "ScheduledBackups": manager.ScheduledBackups,
        "connect": manager.connect,
    }
    assert {name: getattr(trove_schedules, name) for name in trove_schedules.__all__} == homes


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'schedule_create'"):
        trove_schedules.schedule_create  # noqa: B018
