# SPDX-License-Identifier: Apache-2.0
"""A policy's plan, and the schedule that one of its instances has by it."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.changing import changed, planned
from trove_schedules.schedules.names import POLICY, new_schedule_id
from trove_schedules.schedules.options import OPTIONS
from trove_schedules.schedules.plan import Plan
from trove_schedules.schedules.policy import (
    Policy,
    PolicyChanges,
    PolicyOptions,
    PolicyPlan,
)
from trove_schedules.schedules.schedule import Schedule
from trove_schedules.schedules.selection import POLICY_OPTIONS, SELECTING, Selection

AN_ID = new_schedule_id()
A_TIME = datetime(2026, 1, 1, tzinfo=UTC)
AN_INSTANCE = "2b1df1e6-52e2-48ac-affb-49ef33319758"


def plan(**options):
    return planned(AN_ID, "0 2 * * *", "nightly", None, None, options, PolicyPlan)


def policy(**values):
    standing = {
        "id": AN_ID,
        "name": "nightly",
        "pattern": "0 2 * * *",
        "paused": False,
        "created_at": A_TIME,
        "updated_at": None,
        "next_execution_time": None,
        "input": {},
        "changed_at": A_TIME,
        "owed_since": A_TIME,
        "next_firing": None,
        "generation": 1,
        "trigger_id": "t",
        "earlier_trigger_ids": (),
    }
    return Policy(**(standing | values))


class TestTable:
    def test_a_policy_has_all_of_a_schedule_but_the_parent_and_what_it_selects(self):
        assert POLICY_OPTIONS.keys() == (OPTIONS.keys() | SELECTING.keys()) - {"parent_id"}
        assert list(POLICY_OPTIONS)[:8] == [
            *("pattern", "name", "description"),
            *("match", "exclude", "datastores", "replicas", "max_parallel"),
        ]

    def test_what_callers_are_told_is_the_table(self):
        assert PolicyChanges.__annotations__.keys() == POLICY_OPTIONS.keys()
        assert PolicyOptions.__annotations__.keys() | {"pattern", "name", "description"} == (
            POLICY_OPTIONS.keys()
        )

    @pytest.mark.parametrize("option", SELECTING.values(), ids=list(SELECTING))
    def test_a_row_says_all_that_people_ask(self, option):
        assert option.title and option.help and not option.help.endswith(".")
        assert option.kind is bool or (option.unit and option.otherwise)


class TestPlan:
    def test_its_input_has_a_selection_and_no_instance(self):
        given = plan(match=["a*", "a*"], replicas=True, keep_last=3).workflow_input("*", AN_ID, {})
        assert list(given) == ["name", "description", "incremental", "schedule", "selection"]
        assert given["selection"] == {
            "match": ["a*"],
            "replicas": True,
            "takes": r"^(?s:a.*)\Z",
        }
        assert given["schedule"]["keep_last"] == 3

    def test_what_was_written_is_read(self):
        made = plan(exclude=["b"], max_parallel=9, incremental=True, full_every=7)
        given = made.workflow_input("*", AN_ID, {})
        assert PolicyPlan.read(given, "0 2 * * *") == made

    def test_a_plan_of_a_schedule_is_another(self):
        assert plan() != planned(AN_ID, "0 2 * * *", "nightly", None, None, {})
        assert (plan().kind, Plan.kind) == (POLICY, "trove-backup")

    def test_one_instance_s_backup_is_no_parent(self):
        with pytest.raises(InvalidScheduleError, match="for many; make the policy incremental"):
            PolicyPlan("0 2 * * *", "n", None, AN_INSTANCE).checked(AN_ID)

    def test_its_selection_is_checked(self):
        with pytest.raises(InvalidScheduleError, match="without its"):
            plan(match=["["])

    def test_what_it_selects_is_changed_and_unset_like_any_option(self):
        before = plan(match=["a*"], exclude=["ab"], max_parallel=9, keep_last=3)
        after = changed(before, AN_ID, {"match": ["c*", "d*"]}, ["exclude", "max_parallel"])
        assert after.selection == Selection(match=("c*", "d*"))
        assert (after.keep_last, after.attempts) == (3, before.attempts)
        assert changed(before, AN_ID, {"match": ["a*"]}, []) == before

    def test_a_new_pattern_keeps_what_is_selected(self):
        before = plan(datastores=["mysql"])
        assert changed(before, AN_ID, {"pattern": "0 4 * * *"}, []).selection == before.selection

    def test_what_can_t_be_unset_is_told_by_its_own_table(self):
        with pytest.raises(InvalidScheduleError, match=r"pattern can't be unset; .*datastores"):
            changed(plan(), AN_ID, {}, ["pattern"])
        with pytest.raises(InvalidScheduleError, match="parent_id can't be unset"):
            changed(plan(), AN_ID, {}, ["parent_id"])


class TestOf:
    def test_an_instance_s_schedule_is_the_policy_s_but_for_the_instance(self):
        whole = policy(keep_last=3, selection=Selection(match=("a",)), pinned=("b",))
        part = whole.of(AN_INSTANCE)
        assert type(part) is Schedule
        assert part.instance == AN_INSTANCE
        for each in fields(Schedule):
            if each.name != "instance":
                assert getattr(part, each.name) == getattr(whole, each.name)

    @pytest.mark.parametrize(
        ("born", "owed"),
        [
            (None, A_TIME),
            (A_TIME - timedelta(days=1), A_TIME),
            (A_TIME + timedelta(days=1), A_TIME + timedelta(days=1)),
        ],
    )
    def test_nothing_is_owed_from_before_it_was_born(self, born, owed):
        assert policy().of(AN_INSTANCE, born).owed_since == owed

    def test_its_plan_has_its_selection(self):
        selected = Selection(exclude=("x",))
        assert policy(selection=selected).plan == PolicyPlan(
            "0 2 * * *", "nightly", selection=selected
        )

    def test_a_run_by_hand_is_of_its_selection(self):
        given = policy(selection=Selection(match=("a",))).input_by_hand()
        assert given["schedule"]["manual"] is True
        assert given["selection"]["match"] == ["a"]
        assert "instance" not in given
