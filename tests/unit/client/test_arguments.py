# SPDX-License-Identifier: Apache-2.0
"""Every argument of every public method: a wrong type is an error that names it, and no request."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from trove_schedules import manager
from trove_schedules.arguments import _KINDS
from trove_schedules.backups.restore import ScheduleRestore
from trove_schedules.declared import Action, Step
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.manager import ScheduledBackups
from trove_schedules.schedules.schedule import ScheduleTrial

METHODS = {
    name: method
    for name, method in inspect.getmembers(ScheduledBackups, inspect.isfunction)
    if not name.startswith("_")
}
#: What stands for the arguments that are right.
GOOD = {
    "schedule": "nightly",
    "policy": "nightly",
    "instance": "m",
    "execution": "e",
    "backup": "b",
    "pattern": "0 2 * * *",
    "name": "nightly",
    "since": datetime(2026, 1, 1, tzinfo=UTC),
    "declared": {"schedules": []},
    "step": Step(Action.KEEP, "i", "m", "n", "s"),
    "restore": ScheduleRestore(*[None] * 13, instance_id="i"),
    "trial": ScheduleTrial("s", "t", datetime(2026, 1, 1, tzinfo=UTC)),
}
ARGUMENTS = [
    (name, argument)
    for name, method in METHODS.items()
    for argument in inspect.signature(method).parameters
    if argument != "self"
]


def test_every_argument_of_every_method_is_known():
    assert {argument for _, argument in ARGUMENTS} <= _KINDS.keys()
    assert inspect.signature(manager.connect).parameters.keys() <= _KINDS.keys()


class Strange:
    """Nothing that any argument may be."""


@pytest.mark.parametrize(("method", "argument"), ARGUMENTS)
@pytest.mark.parametrize("wrong", [Strange(), 12.5, {"id": 5}, SimpleNamespace(id=5), [None]])
def test_a_wrong_type_is_refused_by_the_arguments_name_before_any_request(
    cloud, schedules, method, argument, wrong
):
    required = [
        name
        for name, parameter in inspect.signature(METHODS[method]).parameters.items()
        if name != "self" and parameter.default is parameter.empty and name in GOOD
    ]
    given = {name: GOOD[name] for name in required} | {argument: wrong}
    with pytest.raises(InvalidScheduleError, match=rf"^the argument {argument} can't be .*; give "):
        getattr(schedules, method)(**given)
    assert cloud.mock.request_history == []


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda api: api.schedule_show(None), "schedule can't be None; give the ID or name"),
        (lambda api: api.schedule_create(12, "0 2 * * *", "n"), "instance can't be 12; give the"),
        (
            lambda api: api.schedule_create("m", "0 2 * * *", "n", incremental="no"),
            "incremental can't be 'no'; give True or False",
        ),
        (lambda api: api.schedule_set("n", incremental=1), "incremental can't be 1; give True"),
        (
            lambda api: api.schedule_set("n", keep_last=True),
            "keep_last can't be True; give a whole",
        ),
        (lambda api: api.schedule_set("n", keep_days="3"), "keep_days can't be '3'; give a whole"),
        (lambda api: api.schedule_set("n", unset="keep_last"), "unset can't be 'keep_last'; give"),
        (lambda api: api.schedule_delete("n", force="no"), "force can't be 'no'; give True or"),
        (lambda api: api.schedule_health("nightly"), "schedules can't be 'nightly'; give a list"),
        (lambda api: api.schedule_health([None]), "schedules can't be [None]; give a list"),
        (lambda api: api.execution_list("n", limit=True), "limit can't be True; give a whole"),
        (lambda api: api.trial_end(None), "trial can't be None; give what schedule_trial"),
        (lambda api: manager.connect(5), "cloud can't be 5; give a text"),
        (lambda api: manager.connect(session="x"), "session can't be 'x'; give a keystoneauth"),
    ],
)
def test_the_error_tells_the_value_and_what_to_give(cloud, schedules, call, told):
    with pytest.raises(InvalidScheduleError) as caught:
        call(schedules)
    assert told in str(caught.value)
    assert cloud.mock.request_history == []


def test_a_secret_url_of_a_wrong_type_is_not_repeated(schedules):
    with pytest.raises(InvalidScheduleError, match="can't be a bytes") as caught:
        schedules.schedule_set("n", notify_url=b"https://hc.test/secret")
    assert "secret" not in str(caught.value)


def test_a_missing_argument_is_pythons_own_error(schedules):
    with pytest.raises(TypeError, match="schedule"):
        schedules.schedule_show()
