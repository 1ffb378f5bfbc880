# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

import trove_schedules
from trove_schedules import errors, manager


def test_every_public_name_is_there_though_it_is_imported_late():
    for name in trove_schedules.__all__:
        home = errors if name.endswith("Error") else manager
        assert getattr(trove_schedules, name) is getattr(home, name)


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'schedule_create'"):
        trove_schedules.schedule_create  # noqa: B018
