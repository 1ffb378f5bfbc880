# SPDX-License-Identifier: Apache-2.0
"""What a schedule is to do: checked, changed, and written as a workflow's input."""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given, strategies as st

from trove_schedules.errors import InvalidPatternError, InvalidScheduleError
from trove_schedules.schedules.names import marker
from trove_schedules.schedules.notify import USUAL_SUFFIXES
from trove_schedules.schedules.pattern import due_days, due_minutes
from trove_schedules.schedules.plan import (
    MOST_DUE,
    NUMBERS,
    UNSETTABLE,
    Plan,
    changed,
    check_text,
    guarded,
)

INSTANCE = "5328f62a-d999-4be3-90bb-83cc6af4469c"
SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
BACKUP = "0d8c4bd9-0d2c-4cd6-9b0d-1b9ff6e4c0a7"
NIGHTLY = Plan(INSTANCE, "0 2 * * *", "nightly", attempts=3, retry_every=20)


def number(name):
    return st.none() | st.integers(1, NUMBERS[name])


NOTIFIES = st.fixed_dictionaries(
    {"notify_url": st.just("https://hc.test/ping/1")},
    optional=dict.fromkeys(USUAL_SUFFIXES, st.sampled_from(["", "-", "/start", "?status=up"])),
)


@st.composite
def plans(draw):
    """Plans that pass their check."""
    incremental = draw(st.booleans())
    plan = Plan(
        instance=INSTANCE,
        pattern=draw(st.sampled_from(["0 2 * * *", "H H(1-4) * * *", "*/15 * * * *", "5 4 * * 1"])),
        name=draw(st.sampled_from(["nightly", "<% env() %> a", "é 资料 1"])),
        description=draw(st.none() | st.sampled_from(["", "before the batch"])),
        parent_id=draw(st.none() | st.just(BACKUP)) if not incremental else None,
        incremental=incremental,
        full_every=draw(number("full_every")) if incremental else None,
        keep_last=draw(number("keep_last")),
        keep_days=draw(number("keep_days")),
        deadline=draw(number("deadline")),
        **draw(st.just({}) | NOTIFIES),
    ).checked(SCHEDULE)
    attempts = draw(st.sampled_from([None, 1, 2, 3]))
    try:
        return guarded(plan, attempts, None).checked(SCHEDULE)
    except InvalidPatternError:
        return plan


class TestWritten:
    @given(plans(), st.sampled_from([{}, {"earlier": ["t1", "t2"], "created_at": "x"}]))
    def test_a_plan_reads_back_from_its_workflow_input(self, plan, past):
        kept = json.loads(json.dumps(plan.workflow_input(SCHEDULE, past)))
        assert Plan.read(kept, plan.trigger_pattern()) == plan
        assert past.items() <= kept["schedule"].items()

    @given(plans())
    def test_the_input_has_the_specs_keys_then_ours_and_no_absent_option(self, plan):
        kept = plan.workflow_input(SCHEDULE, {})
        assert list(kept) == [
            *("instance", "name", "description", "parent_id", "incremental", "schedule")
        ]
        assert None not in kept["schedule"].values()
        assert list(kept["schedule"])[:2] == ["id", "pattern"]

    @given(plans())
    def test_what_is_due_is_told_exactly_where_the_workflow_needs_it(self, plan):
        kept = plan.workflow_input(SCHEDULE, {})["schedule"]
        if plan.attempts > 1 or plan.deadline is not None:
            assert kept["due"] == due_minutes(plan.pattern)
            assert kept.get("due_days") == due_days(plan.pattern)
        else:
            assert {"due", "due_days"}.isdisjoint(kept)

    def test_a_plain_schedule_keeps_nothing_but_id_and_pattern(self):
        plan = Plan(INSTANCE, "* * * * *", "n")
        kept = {"id": SCHEDULE, "pattern": "* * * * *"}
        assert plan.workflow_input(SCHEDULE, {})["schedule"] == kept

    def test_the_trigger_fires_at_the_guard_ticks_too(self):
        assert NIGHTLY.trigger_pattern() == "0,20,40 2 * * *"
        assert NIGHTLY.pattern == "0 2 * * *"


class TestRead:
    def test_python_troveclients_input_takes_its_pattern_from_the_trigger(self):
        given = {"instance": INSTANCE, "name": "old", "description": None, "incremental": None}
        assert Plan.read(given, "0 2 * * *") == Plan(INSTANCE, "0 2 * * *", "old")

    @pytest.mark.parametrize("kept", [None, 5, "x", [], {"pattern": None, "attempts": "3"}])
    def test_what_somebody_spoilt_is_as_if_it_were_not_there(self, kept):
        given = {"instance": INSTANCE, "name": "n", "schedule": kept}
        assert Plan.read(given, "0 2 * * *") == Plan(INSTANCE, "0 2 * * *", "n")

    @given(
        st.dictionaries(st.sampled_from(["instance", "name", "schedule"]), st.none() | st.text())
    )
    def test_no_input_is_too_strange_to_read(self, given):
        assert Plan.read(given, None).attempts == 1


class TestChecked:
    def test_an_h_is_frozen_for_good(self):
        plan = Plan(INSTANCE, "H H(1-4) * * *", "n").checked(SCHEDULE)
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
            ({"pattern": "50 2 * * *"}, "run into the next hour"),
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
    def test_what_needs_due_minutes_is_refused_where_they_are_too_many(self, values):
        plan = replace(Plan(INSTANCE, "*/4 * * * *", "n"), **values)
        with pytest.raises(InvalidScheduleError, match=f"at most {MOST_DUE} due minutes"):
            plan.checked(SCHEDULE)

    def test_a_plan_of_just_so_many_due_minutes_is_fine(self):
        assert Plan(INSTANCE, "*/5 * * * *", "n", deadline=5).checked(SCHEDULE).deadline == 5


class TestGuarded:
    PLAIN = Plan(INSTANCE, "0 2 * * *", "n")

    @pytest.mark.parametrize(
        ("attempts", "retry_every", "wanted"),
        [
            (None, None, (3, 20)),
            (1, None, (1, None)),
            (2, None, (2, 20)),
            (4, None, (4, 15)),
            (None, 7, (3, 7)),
            (5, 1, (5, 1)),
        ],
    )
    def test_what_is_not_said_is_as_usual(self, attempts, retry_every, wanted):
        plan = guarded(self.PLAIN, attempts, retry_every)
        assert (plan.attempts, plan.retry_every) == wanted

    @pytest.mark.parametrize("attempts", [0, -1, 13, "3", 2.0])
    def test_attempts_that_are_no_number_of_times_are_refused(self, attempts):
        with pytest.raises(InvalidScheduleError, match="attempts"):
            guarded(self.PLAIN, attempts, None)

    def test_a_pattern_without_room_gets_one_attempt_unless_asked_for_more(self):
        plain = replace(self.PLAIN, pattern="* * * * *")
        assert guarded(plain, None, None) == plain
        with pytest.raises(InvalidPatternError, match="run into the next"):
            guarded(plain, 2, None)


class TestChanged:
    def change(self, plan=NIGHTLY, *, unset=(), **changes):
        return changed(plan, SCHEDULE, changes, unset)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("name", "other"),
            ("description", "words"),
            ("description", ""),
            ("parent_id", BACKUP),
            ("incremental", True),
            ("keep_last", 3),
            ("keep_days", 4),
            ("deadline", 5),
            ("notify_url", "https://hc.test/1"),
        ],
    )
    def test_what_is_named_changes_and_nothing_else(self, name, value):
        assert self.change(**{name: value}) == replace(NIGHTLY, **{name: value})

    @pytest.mark.parametrize("name", [each for each in UNSETTABLE if each != "incremental"])
    def test_what_is_unset_goes_and_nothing_else(self, name):
        whole = replace(
            NIGHTLY,
            incremental=True,
            description="d",
            notify_url="https://hc.test/1",
            **dict.fromkeys(("full_every", "keep_last", "keep_days", "deadline"), 3),
        )
        if name == "parent_id":
            whole = replace(whole, incremental=False, full_every=None, parent_id=BACKUP)
        assert asdict(self.change(whole, unset=[name])) == asdict(whole) | {name: None}

    def test_suffixes_change_and_go_with_their_url(self):
        watched = replace(NIGHTLY, notify_url="https://hc.test/1")
        otherwise = replace(watched, notify_start="-")
        assert self.change(watched, notify_start="-") == otherwise
        assert self.change(otherwise, notify_url="https://hc.test/2").notify_start == "-"
        assert self.change(otherwise, notify_start="/start") == watched
        assert self.change(otherwise, unset=["notify_url"]) == NIGHTLY
        with pytest.raises(InvalidScheduleError, match="notify-start: there is no notify URL"):
            self.change(NIGHTLY, notify_start="-")

    @pytest.mark.parametrize("how", [{"unset": ["incremental"]}, {"incremental": False}])
    def test_full_every_goes_with_incremental(self, how):
        chain = replace(NIGHTLY, incremental=True, full_every=4)
        assert self.change(chain, **how) == NIGHTLY

    def test_a_new_base_takes_the_place_of_the_old_one(self):
        chain = replace(NIGHTLY, incremental=True, full_every=4)
        fixed = replace(NIGHTLY, parent_id=BACKUP)
        assert self.change(chain, parent_id=BACKUP) == fixed
        assert self.change(fixed, incremental=True, full_every=4) == chain

    def test_two_bases_at_once_are_refused(self):
        with pytest.raises(InvalidScheduleError, match="exclude each other"):
            self.change(parent_id=BACKUP, incremental=True)

    @pytest.mark.parametrize(
        ("changes", "wanted"),
        [
            ({"attempts": 1}, ("0 2 * * *", 1, None)),
            ({"attempts": 5}, ("0 2 * * *", 5, 10)),
            ({"attempts": 2, "retry_every": 9}, ("0 2 * * *", 2, 9)),
            ({"retry_every": 9}, ("0 2 * * *", 3, 9)),
            ({"pattern": "5 4 * * *"}, ("5 4 * * *", 3, 20)),
            ({"pattern": "50 4 * * *"}, ("50 4 * * *", 3, 4)),
            ({"pattern": "* * * * *"}, ("* * * * *", 1, None)),
            ({"pattern": "50 4 * * *", "attempts": 2}, ("50 4 * * *", 2, 5)),
        ],
    )
    def test_guard_ticks_stay_or_are_chosen_to_fit(self, changes, wanted):
        new = self.change(**changes)
        assert (new.pattern, new.attempts, new.retry_every) == wanted

    def test_attempts_of_the_users_own_choice_stay_with_a_new_pattern_or_spacing(self):
        own = replace(NIGHTLY, attempts=5, retry_every=7)
        assert self.change(own, pattern="5 4 * * *") == replace(own, pattern="5 4 * * *")
        assert self.change(own, retry_every=8) == replace(own, retry_every=8)

    def test_one_attempt_stays_one(self):
        once = replace(NIGHTLY, attempts=1, retry_every=None)
        assert self.change(once, pattern="5 4 * * *") == replace(once, pattern="5 4 * * *")

    def test_attempts_that_do_not_fit_are_refused(self):
        with pytest.raises(InvalidPatternError, match="run into the next hour"):
            self.change(retry_every=30)

    @pytest.mark.parametrize(
        "how",
        [
            {"name": "nightly"},
            {"pattern": " 0  2 * * * "},
            {"attempts": 3},
            {"unset": ["keep_last"]},
            {"unset": ["incremental"]},
            {"incremental": False},
        ],
    )
    def test_what_is_so_already_stays_so(self, how):
        assert self.change(**how) == NIGHTLY

    def test_an_h_that_is_given_again_is_no_change(self):
        hashed = Plan(INSTANCE, "H 2 * * *", "n").checked(SCHEDULE)
        assert self.change(hashed, pattern="H 2 * * *") == hashed

    @pytest.mark.parametrize("how", [{}, {"name": None}])
    def test_no_option_at_all_is_refused(self, how):
        with pytest.raises(InvalidScheduleError, match=r"nothing to change; name .* option"):
            self.change(**how)

    @pytest.mark.parametrize("name", ["name", "pattern", "attempts", "retry_every", "instance"])
    def test_what_a_schedule_needs_can_not_be_unset(self, name):
        with pytest.raises(InvalidScheduleError, match=f"{name} can't be unset"):
            self.change(unset=[name])

    def test_to_set_and_unset_the_same_is_refused(self):
        with pytest.raises(InvalidScheduleError, match="keep_last: either set or unset"):
            self.change(keep_last=3, unset=["keep_last"])

    @pytest.mark.parametrize("name", ["instance", "kep_last"])
    def test_a_misspelt_change_is_a_type_error(self, name):
        with pytest.raises(TypeError, match=name):
            self.change(**{name: INSTANCE})

    @given(plans(), plans())
    def test_whatever_is_changed_the_result_passes_its_check(self, old, new):
        changes = {key: value for key, value in asdict(new).items() if value is not None}
        del changes["instance"]
        try:
            result = self.change(old, **changes)
        except InvalidScheduleError:
            return
        assert result.checked(SCHEDULE) == result
        assert result.instance == old.instance


class TestText:
    @pytest.mark.parametrize("text", ["n", "1", "<% env() %>", "é a", "a" * 255])
    def test_what_trove_takes_is_taken(self, text):
        check_text("name", text)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "name ''"),
            ("x" * 256, "256 characters long; at most 255"),
            (None, "must be a text"),
            (b"n", "must be a text"),
            ("资料", "letter"),
            *(
                (f"a{control}b", "control characters")
                for control in (
                    "\n",
                    "\t",
                    "\0",
                    "\x1b",
                    "\x7f",
                    "\x9b",
                    "\x85",
                    "\u2028",
                    "\ud800",
                )
            ),
            ("nightly\n", "single line"),
        ],
    )
    def test_what_trove_would_refuse_is_refused(self, text, told):
        with pytest.raises(InvalidScheduleError, match=told):
            check_text("name", text)

    def test_room_is_left_for_what_is_added(self):
        addition = f" {marker(SCHEDULE)}"
        check_text("description", "d" * 207, addition)
        check_text("description", "", addition)
        with pytest.raises(InvalidScheduleError, match="at most 207"):
            check_text("description", "d" * 208, addition)
