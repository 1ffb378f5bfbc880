# SPDX-License-Identifier: Apache-2.0
"""What a schedule is to do: checked, and written as a workflow's input."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from tests.unit.client.schedules.plans import BACKUP, INSTANCE, NIGHTLY, SCHEDULE, plans
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.options import NUMBERS
from trove_schedules.schedules.pattern import due_days, due_minutes
from trove_schedules.schedules.plan import MOST_DUE, Plan


class TestWritten:
    @given(plans(), st.sampled_from([{}, {"earlier": ["t1", "t2"], "created_at": "x"}]))
    def test_a_plan_reads_back_from_its_workflow_input(self, plan, past):
        kept = json.loads(json.dumps(plan.workflow_input(INSTANCE, SCHEDULE, past)))
        assert Plan.read(kept, plan.trigger_pattern()) == plan
        assert past.items() <= kept["schedule"].items()

    @given(plans())
    def test_the_input_has_the_specs_keys_then_ours_and_no_absent_option(self, plan):
        kept = plan.workflow_input(INSTANCE, SCHEDULE, {})
        assert list(kept) == [
            *("instance", "name", "description", "parent_id", "incremental", "schedule")
        ]
        assert None not in kept["schedule"].values()
        assert list(kept["schedule"])[:2] == ["id", "pattern"]

    @given(plans())
    def test_what_is_due_is_told_exactly_where_the_workflow_needs_it(self, plan):
        kept = plan.workflow_input(INSTANCE, SCHEDULE, {})["schedule"]
        if plan.attempts > 1 or plan.deadline is not None:
            assert kept["due"] == due_minutes(plan.pattern)
            assert kept.get("due_days") == due_days(plan.pattern)
        else:
            assert {"due", "due_days"}.isdisjoint(kept)

    def test_a_zone_is_kept_with_its_offsets_and_what_is_due_on_its_clock(self):
        plan = Plan("30 2 * * sun", "n", timezone="Europe/Berlin").checked(SCHEDULE)
        kept = plan.workflow_input(INSTANCE, SCHEDULE, {})["schedule"]
        assert kept["timezone"] == "Europe/Berlin"
        assert kept["offsets"] == [list(pair) for pair in plan.offsets()]
        assert (kept["due"], kept["due_days"]) == ([150], "^..-.. (0)$")
        assert "every_hour" not in kept
        assert plan.trigger_pattern() == "0,30 0,1 * * sun"

    @pytest.mark.parametrize("pattern", ["0 * * * *", "*/5 * * * *", "* * * * *"])
    def test_what_is_the_same_in_utc_needs_no_due_times(self, pattern):
        plan = Plan(pattern, "n", timezone="Europe/Berlin").checked(SCHEDULE)
        kept = plan.workflow_input(INSTANCE, SCHEDULE, {})["schedule"]
        assert {"due", "due_days", "every_hour"}.isdisjoint(kept) and kept["offsets"]
        assert plan.trigger_pattern() == pattern

    def test_that_every_hour_is_due_is_told(self):
        plan = Plan("0 * * * mon", "n", timezone="Europe/Berlin").checked(SCHEDULE)
        assert plan.workflow_input(INSTANCE, SCHEDULE, {})["schedule"]["every_hour"] is True

    @given(plans(), st.sampled_from(["Europe/Berlin", "Africa/Casablanca", "Asia/Kathmandu"]))
    def test_a_zone_adds_at_most_1500_bytes(self, plan, zone):
        with_zone = replace(plan, timezone=zone).checked(SCHEDULE)
        inputs = [each.workflow_input(INSTANCE, SCHEDULE, {}) for each in (plan, with_zone)]
        without, with_it = (len(json.dumps(each)) for each in inputs)
        assert with_it - without <= 1500

    def test_a_plain_schedule_keeps_nothing_but_id_and_pattern(self):
        plan = Plan("* * * * *", "n")
        kept = {"id": SCHEDULE, "pattern": "* * * * *"}
        assert plan.workflow_input(INSTANCE, SCHEDULE, {})["schedule"] == kept

    def test_the_trigger_fires_at_the_guard_ticks_too(self):
        assert NIGHTLY.trigger_pattern() == "0,20,40 2 * * *"
        assert NIGHTLY.pattern == "0 2 * * *"


class TestRead:
    def test_python_troveclients_input_takes_its_pattern_from_the_trigger(self):
        given = {"instance": INSTANCE, "name": "old", "description": None, "incremental": None}
        assert Plan.read(given, "0 2 * * *") == Plan("0 2 * * *", "old")

    @pytest.mark.parametrize("kept", [None, 5, "x", [], {"pattern": None, "attempts": "3"}])
    def test_what_somebody_spoilt_is_as_if_it_were_not_there(self, kept):
        given = {"instance": INSTANCE, "name": "n", "schedule": kept}
        assert Plan.read(given, "0 2 * * *") == Plan("0 2 * * *", "n")

    @given(
        st.dictionaries(st.sampled_from(["instance", "name", "schedule"]), st.none() | st.text())
    )
    def test_no_input_is_too_strange_to_read(self, given):
        assert Plan.read(given, None).attempts == 1


class TestChecked:
    def test_an_h_is_frozen_for_good(self):
        plan = Plan("H H(1-4) * * *", "n").checked(SCHEDULE)
        assert plan.pattern == "40 1 * * *"
        assert plan.checked(SCHEDULE) == plan

    @pytest.mark.parametrize(("name", "largest"), NUMBERS.items())
    @pytest.mark.parametrize("wrong", [0, -1, True, 2.0, "3", None])
    def test_a_number_out_of_range_is_refused(self, name, largest, wrong):
        wrong = largest + 1 if wrong is None else wrong
        plan = replace(NIGHTLY, **{"incremental": True, name: wrong})
        with pytest.raises(InvalidScheduleError) as caught:
            plan.checked(SCHEDULE)
        assert f"{name.replace('_', '-')} {wrong!r}" in str(caught.value)

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ({"parent_id": BACKUP, "incremental": True}, "exclude each other"),
            ({"full_every": 4}, "for incremental schedules"),
            ({"full_every": 4, "parent_id": BACKUP}, "for incremental schedules"),
            ({"attempts": 1}, "one attempt has none"),
            ({"retry_every": None}, "needs the minutes between them"),
            ({"pattern": "*/30 2 * * *"}, "run into the next due time"),
            ({"timezone": "Berlin"}, "'Berlin' is not a time zone"),
            ({"pattern": "0 2 31 2 *"}, "never comes"),
            ({"name": ""}, "name ''"),
            ({"description": "d" * 208}, "at most 207"),
        ],
    )
    def test_what_can_not_be_is_refused(self, values, told):
        with pytest.raises(InvalidScheduleError, match=told):
            replace(NIGHTLY, **values).checked(SCHEDULE)

    @pytest.mark.parametrize(
        "values", [{"deadline": 5}, {"attempts": 2, "retry_every": 1, "pattern": "*/4 * * * *"}]
    )
    def test_what_needs_due_times_is_refused_where_they_are_too_many(self, values):
        plan = replace(Plan("*/4 * * * *", "n"), **values)
        with pytest.raises(InvalidScheduleError, match=f"at most {MOST_DUE} due times"):
            plan.checked(SCHEDULE)

    def test_a_plan_of_the_most_due_times_is_fine(self):
        assert Plan("*/5 * * * *", "n", deadline=5).checked(SCHEDULE).deadline == 5
