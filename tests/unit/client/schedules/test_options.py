# SPDX-License-Identifier: Apache-2.0
"""The table of options, and that everything which can't read it says the same."""

import inspect
from dataclasses import fields

import pytest

from trove_schedules import Schedule, ScheduledBackups
from trove_schedules.schedules.names import marker, new_schedule_id
from trove_schedules.schedules.options import (
    NUMBERS,
    OPTIONS,
    UNSETTABLE,
    Changes,
    MoreOptions,
    Options,
)
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.text import MAX_TEXT

#: Arguments of the spec, which ``create`` has by name.
OF_SPEC = ["pattern", "name", "description", "parent_id"]


def test_every_option_can_be_given_and_changed():
    assert list(MoreOptions.__annotations__) == [each for each in OPTIONS if each not in OF_SPEC]
    assert Changes.__annotations__.keys() == OPTIONS.keys()
    for method in (ScheduledBackups.schedule_create, ScheduledBackups.schedule_set):
        assert inspect.signature(method).parameters.keys() >= OPTIONS.keys()


def test_the_types_that_callers_are_told_are_those_of_the_table():
    for row in fields(Options):
        told = str(Changes.__annotations__[row.name].__forward_arg__)
        assert told.split(" |")[0] == str(row.type).split(" |")[0], row.name


def test_a_schedule_and_its_plan_have_every_option():
    for kind in (Plan, Schedule):
        assert {each.name for each in fields(kind)} >= OPTIONS.keys()
    assert {each.name for each in fields(Plan)} == OPTIONS.keys()


@pytest.mark.parametrize("option", OPTIONS.values(), ids=list(OPTIONS))
def test_a_row_says_all_that_people_ask(option):
    assert option.title
    assert option.help
    assert not option.help.endswith(".")
    assert option.kind is bool or option.unit
    assert option.argument.startswith("--")
    if option.kind is int:
        assert option.otherwise


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("keep_days", 1, True),
        ("keep_days", 36500, True),
        ("keep_days", 0, False),
        ("keep_days", 36501, False),
        ("keep_days", True, False),
        ("keep_days", "3", False),
        ("keep_days", None, False),
        ("incremental", False, True),
        ("incremental", 1, False),
        ("notify_url", "anything", True),
        ("notify_url", 5, False),
        ("webhook_on", "always", True),
        ("webhook_on", "never", False),
    ],
)
def test_a_value_fits_by_its_type_and_bounds(name, value, fits):
    assert OPTIONS[name].takes(value) is fits


def test_the_bounds_of_texts_leave_room_for_the_marker():
    assert OPTIONS["name"].most == MAX_TEXT
    assert OPTIONS["description"].most == MAX_TEXT - len(f" {marker(new_schedule_id())}")


def test_what_is_derived():
    assert NUMBERS == {
        "full_every": 100,
        "keep_last": 1000,
        "keep_days": 36500,
        "keep_hourly": 1000,
        "keep_daily": 1000,
        "keep_weekly": 1000,
        "keep_monthly": 1000,
        "keep_yearly": 1000,
        "attempts": 12,
        "retry_every": 59,
        "deadline": 1440,
    }
    assert (
        *("description", "parent_id", "incremental"),
        *("full_every", "keep_last", "keep_days", "keep_hourly", "keep_daily", "keep_weekly"),
        *("keep_monthly", "keep_yearly", "swift_container", "storage_driver", "deadline"),
        *("notify_url", "webhook_url"),
    ) == UNSETTABLE
    assert OPTIONS["parent_id"].argument == "--parent"
    assert OPTIONS["keep_days"].argument == "--keep-days"
    assert [name for name, each in OPTIONS.items() if each.secret] == [
        "notify_url",
        "webhook_url",
    ]
