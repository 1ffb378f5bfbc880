# SPDX-License-Identifier: Apache-2.0
"""The file: what may stand in it, and what is written."""

from datetime import UTC, datetime

import jsonschema
import pytest
import yaml

from tests import examples
from tests.examples import INSTANCE
from trove_schedules.declared import document
from trove_schedules.errors import AmbiguousNameError, InvalidScheduleError
from trove_schedules.schedules.options import OPTIONS
from trove_schedules.schedules.policy import Policy, PolicyPlan

ENTRY = {"name": "nightly", "instance": "orders-db", "pattern": "0 2 * * *"}
URL = "https://hc.test/very-secret"


def valid(declared):
    return jsonschema.Draft202012Validator(document.schema()).is_valid(declared)


def of(**more):
    return {"schedules": [ENTRY | more]}


def read(declared):
    return document.read(declared)


POLICY = {"name": "fleet", "pattern": "0 2 * * *"}


def policies(**more):
    return {"policies": [POLICY | more]}


def good_value(option):
    if option.kind is tuple:
        return ["db-*", "m"]
    if option.choices:
        return option.choices[0]
    if option.kind is bool:
        return True
    return 1 if option.kind is int else "a text"


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(document.schema())


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_a_key_of_its_type(name):
    option = OPTIONS[name]
    value = good_value(option)
    assert valid(of(**{name: value}))
    [entry] = read(of(**{name: value}))
    assert entry.options[name] == value
    wrong = "1" if option.kind is not str else 1
    assert not valid(of(**{name: wrong}))
    with pytest.raises(InvalidScheduleError, match=rf"^schedules\[0\]: {name} can't be "):
        read(of(**{name: wrong}))


@pytest.mark.parametrize("name", PolicyPlan.table)
def test_every_option_of_a_policy_is_a_key_of_its_type(name):
    option = PolicyPlan.table[name]
    value = good_value(option)
    assert valid(policies(**{name: value}))
    [entry] = read(policies(**{name: value}))
    assert (entry.options[name], entry.instance) == (value, "*")
    wrong = "1" if option.kind is not str else 1
    assert not valid(policies(**{name: wrong}))
    with pytest.raises(InvalidScheduleError, match=rf"^policies\[0\]: {name} can't be "):
        read(policies(**{name: wrong}))


@pytest.mark.parametrize("name", [each.name for each in OPTIONS.values() if each.kind is int])
def test_numbers_have_the_bounds_of_the_table(name):
    most = OPTIONS[name].most
    for number, fits in ((0, False), (1, True), (most, True), (most + 1, False), (True, False)):
        assert valid(of(**{name: number})) == fits
        if fits:
            read(of(**{name: number}))
        else:
            with pytest.raises(InvalidScheduleError, match=f"number from 1 to {most}"):
                read(of(**{name: number}))


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"schedules": [], "policy": []}, "unknown key 'policy'"),
        ({"schedules": ["nightly"]}, r"schedules\[0\]: a str is no schedule"),
        ({"schedules": [{}]}, r"schedules\[0\]: instance is missing\n.*pattern is missing"),
        (of(keep_lats=3), r"schedules\[0\]: unknown key 'keep_lats'"),
        (of(paused="no"), "paused can't be 'no'; give true or false"),
        (of(drill_every=7), "drill_every can't be 7; give a text, in quotes"),
        (of(instance=5), "instance can't be 5; give a text, in quotes"),
        (of(name=2026), "name can't be 2026; give a text, in quotes"),
        (policies(instance="m"), r"policies\[0\]: unknown key 'instance'"),
        (policies(drill_every=7), "drill_every can't be 7; give a text, in quotes"),
        (policies(parent_id=INSTANCE), "unknown key 'parent_id'"),
        (policies(match=["m", 5]), r"match can't be \['m', 5\]; give a list of texts"),
        ({"policies": ["fleet"]}, r"policies\[0\]: a str is no policy"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(declared, told):
    assert not valid(declared)
    with pytest.raises(InvalidScheduleError, match=told):
        read(declared)


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(InvalidScheduleError) as caught:
        read({"schedules": [ENTRY, ENTRY | {"keep_last": 0}, {**ENTRY, "instance": None}], "x": 1})
    assert str(caught.value).splitlines() == [
        "unknown key 'x'",
        "schedules[1]: keep_last can't be 0; give a number from 1 to 1000",
        "schedules[2]: instance is missing",
    ]


def test_no_value_of_a_secret_is_told():
    for wrong in ([URL], {"url": URL}):
        with pytest.raises(InvalidScheduleError) as caught:
            read(of(notify_url=wrong))
        assert "very-secret" not in str(caught.value)
    [entry] = read(of(notify_url="ftp://hc.test/very-secret"))
    with pytest.raises(InvalidScheduleError) as caught:
        entry.plan(examples.SCHEDULE, None)
    assert "very-secret" not in str(caught.value)
    assert str(caught.value).startswith("schedules[0] (nightly of orders-db): ")
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize("key", ["description", "keep_last", "drill_every", "notify_url"])
def test_null_is_the_same_as_to_leave_a_key_out(key):
    assert valid(of(**{key: None}))
    [entry] = read(of(**{key: None}))
    assert entry.plan(examples.SCHEDULE, None) == read(of())[0].plan(examples.SCHEDULE, None)


def test_a_secret_that_is_left_out_stays_and_null_removes_it():
    before = examples.schedule(notify_url=URL)
    assert read(of())[0].plan(before.id, before).notify_url == URL
    assert read(of(notify_url=None))[0].plan(before.id, before).notify_url is None


def policy(**options):
    values = {"match": ["db-*"], "max_parallel": 3} | options
    plan = PolicyPlan("0 2 * * *", "fleet").with_options(values)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Policy(
        **{name: getattr(plan, name) for name in OPTIONS}, selection=plan.selection, id=INSTANCE,
        paused=False, created_at=moment, updated_at=None, next_execution_time=None, input={},
        changed_at=moment, owed_since=moment, next_firing=None, generation=1, trigger_id="t",
        earlier_trigger_ids=(),
    )  # fmt: skip


def written(*schedules, names=None, drills=None, secrets=False):
    return document.written(
        schedules, {INSTANCE: "orders-db"} if names is None else names, drills or {},
        secrets=secrets,
    )  # fmt: skip


def test_a_plain_schedule_is_written_with_what_is_its_own():
    usual = examples.schedule(attempts=3, retry_every=20, keep_last=14)
    assert written(usual) == (
        "schedules:\n"
        "- name: nightly\n  instance: orders-db\n  pattern: 0 2 * * *\n  keep_last: 14\n"
    )
    assert written() == "schedules: []\n"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attempts": 1},
        {"attempts": 3, "retry_every": 20},
        {"attempts": 2, "retry_every": 7},
        {"attempts": 3, "retry_every": 10, "deadline": 60},
        {"incremental": True, "full_every": 7, "keep_days": 30},
        {"parent_id": INSTANCE, "description": "é “quoted”: #no comment"},
        {"notify_url": URL, "notify_start": "-", "notify_fail": ""},
        {"pattern": "* * * * *", "name": "yes"},
        {"name": "2026-01-01"},
    ],
)
def test_what_is_written_declares_the_same(changes):
    schedule = examples.schedule(**changes)
    declared = yaml.safe_load(written(schedule, secrets=True))
    assert valid(declared)
    [entry] = read(declared)
    assert entry.plan(schedule.id, schedule) == schedule.plan
    assert entry.plan(schedule.id, None) == schedule.plan


@pytest.mark.parametrize(
    "changes", [{}, {"match": [], "replicas": True}, {"keep_daily": 14, "datastores": ["mysql"]}]
)
def test_a_policy_that_is_written_declares_the_same(changes):
    found = policy(**changes)
    declared = yaml.safe_load(written(found))
    assert valid(declared)
    assert declared["schedules"] == []
    [entry] = read(declared)
    assert entry.plan(found.id, None) == found.plan


def test_a_policy_is_written_with_what_is_its_own():
    usual = policy(attempts=3, retry_every=20)
    assert written(usual) == (
        "schedules: []\n"
        "policies:\n"
        "- name: fleet\n  pattern: 0 2 * * *\n  match:\n  - db-*\n  max_parallel: 3\n"
    )


def test_two_policies_of_a_name_can_not_be_told_apart():
    with pytest.raises(AmbiguousNameError, match="the project has several policies named 'fleet'"):
        written(policy(), policy())


def test_secrets_are_left_out_with_a_comment_unless_asked_for():
    schedule = examples.schedule(notify_url=URL, notify_start="-")
    text = written(schedule)
    assert "very-secret" not in text
    assert "  # notify_url is left out: apply leaves it as it is.\n" in text
    [entry] = read(yaml.safe_load(text))
    assert entry.plan(schedule.id, schedule) == schedule.plan
    assert f"notify_url: {URL}" in written(schedule, secrets=True)


def test_pauses_and_drills_are_written():
    schedule = examples.schedule(paused=True)
    [entry] = read(yaml.safe_load(written(schedule, drills={schedule.id: "0 4 * * 0"})))
    assert (entry.paused, entry.drill_every) == (True, "0 4 * * 0")
    [entry] = read(yaml.safe_load(written(examples.schedule())))
    assert (entry.paused, entry.drill_every) == (None, None)


@pytest.mark.parametrize("names", [{}, {INSTANCE: "m", "another": "m"}])
def test_an_instance_without_a_name_of_its_own_is_written_by_its_id(names):
    [entry] = read(yaml.safe_load(written(examples.schedule(), names=names)))
    assert entry.instance == INSTANCE


def test_two_schedules_of_a_name_can_not_be_told_apart():
    other = examples.schedule(id=INSTANCE)
    with pytest.raises(AmbiguousNameError, match="several schedules named 'nightly'"):
        written(examples.schedule(), other)


def test_one_that_could_not_be_applied_is_a_comment_that_says_why():
    text = written(examples.schedule(pattern="@reboot"), examples.schedule(name="other"))
    assert f"# Schedule {examples.SCHEDULE} is left out, because it can't be applied: " in text
    assert [each["name"] for each in yaml.safe_load(text)["schedules"]] == ["other"]
    alone = written(examples.schedule(pattern="@reboot"))
    assert "is left out" in alone
    assert yaml.safe_load(alone) == {"schedules": []}
