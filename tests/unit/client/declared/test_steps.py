# SPDX-License-Identifier: Apache-2.0
"""From a file to the schedules: what differs, what is done, and what a killed run leaves."""

import json
import uuid

import pytest
import yaml

from tests.unit.client.rows import UNKNOWN, add_schedule
from trove_schedules import workbook
from trove_schedules.declared import Action, Difference, options_of
from trove_schedules.errors import (
    AmbiguousNameError,
    InstanceNotFoundError,
    InvalidScheduleError,
    ScheduleConflictError,
)

URL = "https://hc.test/very-secret"
DAILY = {"name": "nightly", "instance": "m", "pattern": "0 2 * * *"}


@pytest.fixture(autouse=True)
def drills(cloud):
    """The workflows of drills and policies are loaded too."""
    cloud.mistral.add_workflow(cloud.project, name=workbook.DRILL)
    cloud.mistral.add_workflow(cloud.project, name=workbook.POLICY)
    cloud.mistral.add_workflow(cloud.project, name=workbook.POLICY_DRILL)


FLEET = {"name": "fleet", "pattern": "0 2 * * *", "match": ["db-*"]}


def of(*entries):
    return {"schedules": list(entries)}


def apply(schedules, declared, prune=False):
    """As the command does; what was done."""
    steps = schedules.schedule_steps(declared, prune=prune)
    for step in steps:
        schedules.schedule_apply(step)
    return [str(step.action) for step in steps]


def triggers(cloud):
    return [row["name"] for row in cloud.mistral.rows("cron_triggers")]


def test_what_is_missing_is_made_and_the_second_time_nothing_is_done(cloud, schedules, instance):
    declared = of(DAILY | {"keep_last": 14}, DAILY | {"name": "weekly", "pattern": "0 3 * * 0"})
    assert apply(schedules, declared) == ["create", "create"]
    made = {each.name: each for each in schedules.schedule_list()}
    assert made["nightly"].keep_last == 14
    assert all(each.declared and each.instance == instance for each in made.values())
    requests = len(cloud.mock.request_history)
    assert apply(schedules, declared) == ["keep", "keep"]
    methods = [each.method for each in cloud.mock.request_history[requests:]]
    assert methods == ["GET"] * 3
    assert schedules.schedule_list() == list(schedules.schedule_list())


def test_what_differs_is_changed_and_keeps_its_id(cloud, schedules, instance):
    apply(schedules, of(DAILY | {"keep_last": 14, "description": "old"}))
    [before] = schedules.schedule_list()
    declared = of(DAILY | {"pattern": "0 3 * * *", "keep_days": 7})
    [step] = schedules.schedule_steps(declared)
    assert (step.action, step.schedule_id, step.instance) == (Action.CHANGE, before.id, instance)
    assert step.differences == (
        Difference("pattern", "0 2 * * *", "0 3 * * *"),
        Difference("description", "old", None),
        Difference("keep_last", 14, None),
        Difference("keep_days", None, 7),
    )
    after = schedules.schedule_apply(step)
    assert (after.id, after.generation, after.declared) == (before.id, 2, True)
    assert schedules.schedule_list() == [after]
    assert apply(schedules, declared) == ["keep"]


def test_a_schedule_of_a_hash_keeps_its_time(schedules, instance):
    declared = of(DAILY | {"pattern": "H H(1-4) * * *", "drill_every": "H H * * 0"})
    [step] = schedules.schedule_steps(declared)
    told = {each.name: each.after for each in step.differences}
    assert (told["pattern"], told["drill_every"]) == ("H H(1-4) * * *", "H H * * 0")
    assert apply(schedules, declared) == ["create"]
    assert apply(schedules, declared) == ["keep"]


def test_one_made_by_hand_is_taken_over_only_if_it_is_named(cloud, schedules, instance):
    by_hand = schedules.schedule_create("m", "0 2 * * *", "nightly")
    other = schedules.schedule_create("m", "0 2 * * *", "other")
    assert not by_hand.declared
    [step] = schedules.schedule_steps(of(DAILY), prune=True)
    assert step.differences == (Difference("declared", False, True),)
    taken = schedules.schedule_apply(step)
    assert (taken.id, taken.declared, taken.plan) == (by_hand.id, True, by_hand.plan)
    assert apply(schedules, of(DAILY), prune=True) == ["keep"]
    assert {each.id for each in schedules.schedule_list()} == {by_hand.id, other.id}


def test_without_a_mark_one_is_made_and_changed_and_no_prune_deletes_it(schedules, instance):
    [step] = schedules.schedule_steps(of(DAILY), mark=False)
    made = schedules.schedule_apply(step)
    assert not made.declared
    [step] = schedules.schedule_steps(of(DAILY | {"keep_last": 3}), mark=False)
    assert step.differences == (Difference("keep_last", None, 3),)
    changed = schedules.schedule_apply(step)
    assert (changed.id, changed.declared) == (made.id, False)
    assert apply(schedules, of(), prune=True) == []


def test_a_mark_stays_where_none_is_asked_for(schedules, instance):
    apply(schedules, of(DAILY))
    [step] = schedules.schedule_steps(of(DAILY | {"keep_last": 3}), mark=False)
    assert schedules.schedule_apply(step).declared


def test_the_mark_stays_whatever_is_done_by_hand(schedules, instance):
    apply(schedules, of(DAILY))
    changed = schedules.schedule_set("nightly", keep_last=3)
    assert changed.declared
    assert schedules.schedule_pause(changed).declared
    assert schedules.schedule_resume("nightly").declared
    assert apply(schedules, of(DAILY)) == ["change"]


def test_prune_deletes_what_is_marked_and_no_longer_declared_and_nothing_else(schedules, instance):
    schedules.schedule_create("m", "0 2 * * *", "by hand")
    apply(schedules, of(DAILY, DAILY | {"name": "weekly", "drill_every": "0 4 * * 0"}))
    assert apply(schedules, of(DAILY)) == ["keep"]
    assert apply(schedules, of(DAILY), prune=True) == ["keep", "delete"]
    assert {each.name for each in schedules.schedule_list()} == {"by hand", "nightly"}
    assert apply(schedules, of(), prune=True) == ["delete"]
    assert {each.name for each in schedules.schedule_list()} == {"by hand"}


def test_another_name_or_instance_is_another_schedule(cloud, schedules, instance):
    cloud.add_instance("n")
    apply(schedules, of(DAILY))
    renamed = of(DAILY | {"name": "daily"}, DAILY | {"instance": "n"})
    assert apply(schedules, renamed, prune=True) == ["create", "create", "delete"]


def test_paused_is_as_declared_or_stays(schedules, instance):
    paused = of(DAILY | {"paused": True})
    apply(schedules, paused)
    [made] = schedules.schedule_list()
    assert (made.paused, made.generation) == (True, 1)
    assert apply(schedules, paused) == ["keep"]
    assert apply(schedules, of(DAILY)) == ["keep"]
    assert apply(schedules, of(DAILY | {"paused": False})) == ["change"]
    schedules.schedule_pause("nightly")
    assert apply(schedules, of(DAILY)) == ["keep"]


def test_drills_are_as_declared(schedules, instance):
    apply(schedules, of(DAILY | {"drill_every": "0 4 * * 0"}))
    assert schedules.schedule_drill_show("nightly").pattern == "0 4 * * 0"
    [step] = schedules.schedule_steps(of(DAILY | {"drill_every": "0 5 * * 0"}))
    assert step.differences == (Difference("drill_every", "0 4 * * 0", "0 5 * * 0"),)
    schedules.schedule_apply(step)
    [found] = schedules.schedule_list()
    assert (schedules.schedule_drill_show(found).pattern, found.generation) == ("0 5 * * 0", 1)
    assert apply(schedules, of(DAILY)) == ["change"]
    assert schedules.schedule_drill_show("nightly") is None


def test_no_secret_is_told_and_one_that_is_left_out_stays(schedules, instance):
    [step] = schedules.schedule_steps(of(DAILY | {"notify_url": URL}))
    assert Difference("notify_url", None, "(secret)") in step.differences
    schedules.schedule_apply(step)
    assert apply(schedules, of(DAILY)) == ["keep"]
    [step] = schedules.schedule_steps(of(DAILY | {"notify_url": URL + "-2"}))
    assert step.differences == (Difference("notify_url", "(secret)", "(secret)"),)
    assert apply(schedules, of(DAILY | {"notify_url": None})) == ["change"]
    assert schedules.schedule_show("nightly").notify_url is None


@pytest.mark.parametrize(
    ("entry", "error", "told"),
    [
        ({"pattern": "0 2 * *"}, InvalidScheduleError, r"schedules\[1\] \(n of m\): .*has 4"),
        ({"drill_every": "x"}, InvalidScheduleError, r"\(n of m\): drill_every: "),
        ({"full_every": 3}, InvalidScheduleError, "full-every 3 is for incremental"),
        ({"name": "nightly"}, InvalidScheduleError, r"schedules\[0\] .* the same instance and"),
        ({"instance": "nobody"}, InstanceNotFoundError, "the project has no instance 'nobody'"),
        ({"instance": UNKNOWN}, InstanceNotFoundError, f"no instance '{UNKNOWN}'"),
        ({"instance": "twice"}, AmbiguousNameError, "2 instances are named 'twice'"),
    ],
)
def test_a_wrong_entry_is_told_with_its_place_before_anything_is_changed(
    cloud, schedules, instance, entry, error, told
):
    del instance
    for _ in range(2):
        cloud.add_instance("twice")
    with pytest.raises(error, match=told):
        schedules.schedule_steps(of(DAILY, DAILY | {"name": "n"} | entry))
    assert {each.method for each in cloud.mock.request_history} == {"GET", "POST"}
    assert triggers(cloud) == []


def test_of_two_with_the_name_the_marked_one_counts(cloud, schedules, instance):
    apply(schedules, of(DAILY))
    [mine] = schedules.schedule_list()
    schedules.schedule_create("m", "0 5 * * *", "nightly")
    [step] = schedules.schedule_steps(of(DAILY))
    assert (step.action, step.schedule_id) == (Action.KEEP, mine.id)


def test_of_two_unmarked_ones_none_is_chosen(cloud, schedules, instance):
    ids = [schedules.schedule_create("m", "0 5 * * *", "nightly").id for _ in range(2)]
    with pytest.raises(AmbiguousNameError) as caught:
        schedules.schedule_steps(of(DAILY))
    assert all(each in str(caught.value) for each in ids)


def test_instances_by_id_cost_no_list_of_instances(cloud, schedules, instance):
    declared = of(DAILY | {"instance": instance})
    apply(schedules, declared)
    cloud.mock.reset_mock()
    assert apply(schedules, declared) == ["keep"]
    assert cloud.trove_paths() == []


def test_a_schedule_changed_since_is_a_conflict(schedules, instance):
    apply(schedules, of(DAILY))
    [step] = schedules.schedule_steps(of(DAILY | {"keep_last": 3}))
    schedules.schedule_set("nightly", keep_last=5)
    with pytest.raises(ScheduleConflictError):
        schedules.schedule_apply(step)
    [found] = schedules.schedule_list()
    assert found.keep_last == 5


def test_fifty_schedules_twice_take_one_request_a_page(cloud, schedules):
    names = [f"db-{n}" for n in range(50)]
    for each in names:
        cloud.add_instance(each)
    declared = of(*(DAILY | {"instance": each, "keep_last": 7} for each in names))
    assert apply(schedules, declared) == ["create"] * 50
    before = schedules.schedule_list()
    cloud.mock.reset_mock()
    assert apply(schedules, declared) == ["keep"] * 50
    asked = [each.path.rpartition("/")[2] for each in cloud.mock.request_history]
    # Schedules, drills, and twenty instances a page.
    assert sorted(asked) == ["cron_triggers"] * 2 + ["instances"] * 3
    assert {each.method for each in cloud.mock.request_history} == {"GET"}
    assert schedules.schedule_list() == before


def test_what_is_exported_is_what_is_applied(cloud, schedules, instance):
    schedules.schedule_create("m", "0 2 * * *", "nightly", keep_last=3, notify_url=URL)
    schedules.schedule_drill_every("nightly", "0 4 * * 0")
    text = schedules.schedule_export()
    assert "very-secret" not in text
    assert "very-secret" in schedules.schedule_export(secrets=True)
    [step] = schedules.schedule_steps(yaml.safe_load(text))
    assert [each.name for each in step.differences] == ["declared"]


class TestPolicies:
    def test_one_is_made_changed_and_left_alone(self, cloud, schedules):
        declared = {"policies": [FLEET | {"keep_last": 14}]}
        [step] = schedules.schedule_steps(declared)
        assert step.is_of_policy
        told = {each.name: each.after for each in step.differences}
        assert told == {"pattern": "0 2 * * *", "match": ["db-*"], "keep_last": 14}
        made = schedules.schedule_apply(step)
        assert schedules.policy_list() == [made]
        assert (made.id, made.declared, made.selection.match) == (step.schedule_id, True, ("db-*",))
        requests = len(cloud.mock.request_history)
        assert apply(schedules, declared) == ["keep"]
        # Policies, and their drills.
        assert len(cloud.mock.request_history) == requests + 2

        declared = {"policies": [FLEET | {"match": ["db-*", "m"], "max_parallel": 2}]}
        [step] = schedules.schedule_steps(declared)
        assert step.differences == (
            Difference("match", ["db-*"], ["db-*", "m"]),
            Difference("max_parallel", 5, 2),
            Difference("keep_last", 14, None),
        )
        changed = schedules.schedule_apply(step)
        assert (changed.id, changed.generation) == (made.id, 2)
        assert apply(schedules, declared) == ["keep"]

    def test_its_drills_are_as_declared(self, schedules):
        apply(schedules, {"policies": [FLEET | {"drill_every": "0 4 * * 0"}]})
        assert schedules.policy_drill_show("fleet").pattern == "0 4 * * 0"
        [step] = schedules.schedule_steps({"policies": [FLEET | {"drill_every": "H 5 * * 0"}]})
        [difference] = step.differences
        assert (difference.name, difference.before) == ("drill_every", "0 4 * * 0")
        assert difference.after.endswith(" 5 * * 0")
        schedules.schedule_apply(step)
        text = schedules.schedule_export()
        assert f"drill_every: {difference.after}" in text
        assert apply(schedules, yaml.safe_load(text)) == ["keep"]
        assert apply(schedules, {"policies": [FLEET]}) == ["change"]
        assert schedules.policy_drill_show("fleet") is None
        with pytest.raises(InvalidScheduleError, match=r"\(fleet\): drill_every: .*at most 288"):
            schedules.schedule_steps({"policies": [FLEET | {"drill_every": "* * * * *"}]})

    def test_prune_deletes_only_what_is_marked_and_only_of_the_lists_that_are_there(
        self, schedules, instance
    ):
        schedules.policy_create("by hand", "0 2 * * *")
        apply(schedules, {"schedules": [DAILY], "policies": [FLEET]})
        assert apply(schedules, of(), prune=True) == ["delete"]
        assert {each.name for each in schedules.policy_list()} == {"by hand", "fleet"}
        apply(schedules, of(DAILY))
        assert apply(schedules, {"policies": []}, prune=True) == ["delete"]
        assert [each.name for each in schedules.policy_list()] == ["by hand"]
        assert [each.name for each in schedules.schedule_list()] == ["nightly"]

    def test_a_schedule_and_a_policy_may_have_the_same_name(self, schedules, instance):
        declared = {"schedules": [DAILY], "policies": [FLEET | {"name": "nightly"}]}
        assert apply(schedules, declared) == ["create", "create"]
        assert apply(schedules, declared, prune=True) == ["keep", "keep"]

    def test_it_is_paused_as_declared_or_stays(self, schedules):
        apply(schedules, {"policies": [FLEET | {"paused": True}]})
        assert schedules.policy_show("fleet").paused
        assert apply(schedules, {"policies": [FLEET]}) == ["keep"]
        assert apply(schedules, {"policies": [FLEET | {"paused": False}]}) == ["change"]

    @pytest.mark.parametrize(
        ("entries", "told"),
        [
            ([FLEET, FLEET], r"policies\[1\] \(fleet\): policies\[0\] .* has the same name"),
            ([FLEET | {"match": ["[x"]}], r"policies\[0\] \(fleet\): match '\[x' has a \["),
        ],
    )
    def test_what_is_wrong_is_told_with_its_place(self, cloud, schedules, entries, told):
        with pytest.raises(InvalidScheduleError, match=told):
            schedules.schedule_steps({"policies": entries})
        assert triggers(cloud) == []

    def test_no_instance_of_a_schedule_is_that_of_policies(self, schedules):
        apply(schedules, {"policies": [FLEET]})
        with pytest.raises(InstanceNotFoundError):
            schedules.schedule_steps({"schedules": [DAILY | {"instance": "*"}], "policies": []})

    def test_of_two_with_the_name_none_is_chosen(self, schedules):
        ids = [schedules.policy_create("fleet", "0 5 * * *").id for _ in range(2)]
        with pytest.raises(AmbiguousNameError, match="2 of this name") as caught:
            schedules.schedule_steps({"policies": [FLEET]})
        assert all(each in str(caught.value) for each in ids)

    def test_what_is_exported_is_what_is_applied(self, schedules, instance):
        schedules.schedule_create("m", "0 2 * * *", "nightly")
        schedules.policy_create("fleet", "0 2 * * *", match=["db-*"], notify_url=URL)
        text = schedules.schedule_export()
        assert "very-secret" not in text
        found = schedules.schedule_steps(yaml.safe_load(text))
        assert [[each.name for each in step.differences] for step in found] == [["declared"]] * 2


#: Made, changed with drills and pauses, taken over, pruned.
FIRST = of(
    DAILY | {"name": "changed", "keep_last": 1, "drill_every": "0 4 * * 0"},
    DAILY | {"name": "gone", "drill_every": "0 5 * * 0"},
    DAILY | {"name": "drilled", "drill_every": "0 6 * * 0"},
) | {
    "policies": [
        FLEET | {"drill_every": "0 4 * * *"},
        FLEET | {"name": "gone", "drill_every": "0 5 * * *"},
    ]
}
SECOND = of(
    DAILY | {"name": "new", "notify_url": URL, "drill_every": "0 7 * * 0"},
    DAILY | {"name": "changed", "keep_last": 2, "paused": True},
    DAILY | {"name": "by hand", "keep_days": 3},
    DAILY | {"name": "drilled", "drill_every": "H 8 * * 0"},
) | {
    "policies": [
        FLEET | {"match": ["m"], "drill_every": "0 4 * * *"},
        FLEET | {"name": "new", "drill_every": "0 6 * * *"},
    ]
}


def test_killed_at_any_request_and_run_again_it_is_right(cloud, schedules, instance):
    mistral = cloud.mistral
    schedules.schedule_create("m", "0 2 * * *", "by hand")
    apply(schedules, FIRST)
    requests, left = [], [mistral.save()]

    def note(method, path):
        """What there is before a request is what is left if the client is killed there."""
        requests.append((method, path))
        found = mistral.save()
        if found.rows != left[-1].rows:  # a request that only reads leaves nothing else
            left.append(found)

    mistral.before = note
    apply(schedules, SECOND, prune=True)
    mistral.before = lambda method, path: None
    left.append(mistral.save())
    assert len(requests) > len(left) > 20
    wanted = None
    for number, saved in enumerate(left):
        mistral.restore(saved)
        apply(schedules, SECOND, prune=True)
        assert set(apply(schedules, SECOND, prune=True)) == {"keep"}
        mistral.wait(minutes=10)
        seen = state(cloud, schedules)
        wanted = wanted or seen
        assert seen == wanted, f"killed after {number} writes"


def state(cloud, schedules):
    """What there is of each schedule, and how many triggers that takes once readers have tidied."""
    listed = schedules.schedule_list()
    policies = schedules.policy_list()
    drills = {each.id: schedules.schedule_drill_show(each) for each in listed}
    drills |= {each.id: schedules.policy_drill_show(each) for each in policies}
    found = sorted([*listed, *policies], key=lambda each: (each.kind, each.name))
    told = [
        (
            each.name,
            each.declared,
            each.paused,
            options_of(each),
            drills.get(each.id) and drills[each.id].pattern.partition(" ")[2],
        )
        for each in found
    ]
    drilled = [
        json.loads(row["workflow_input"])["selection"]
        for row in cloud.mistral.rows("cron_triggers")
        if row["workflow_name"] == workbook.POLICY_DRILL
    ]
    assert sorted(map(str, drilled)) == sorted(str(each.selection.written()) for each in policies)
    return told, len(triggers(cloud))


def test_a_mark_that_somebody_has_spoilt_is_none(cloud, schedules, instance):
    given = {
        "instance": instance,
        "name": "n",
        "schedule": {"id": str(uuid.uuid4()), "declared": "no"},
    }
    add_schedule(cloud, instance, workflow_input=json.dumps(given))
    [found] = schedules.schedule_list()
    assert not found.declared
