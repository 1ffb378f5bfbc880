# SPDX-License-Identifier: Apache-2.0
"""The plan of a new schedule, and of one that is changed."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given

from tests.unit.client.schedules.plans import BACKUP, NIGHTLY, SCHEDULE, plans
from trove_schedules.errors import InvalidPatternError, InvalidScheduleError
from trove_schedules.schedules.changing import changed, planned, with_attempts
from trove_schedules.schedules.options import UNSETTABLE
from trove_schedules.schedules.plan import Plan

INSTANCE = "5328f62a-d999-4be3-90bb-83cc6af4469c"


class TestPlanned:
    def planned(self, pattern="0 2 * * *", name="nightly", **options):
        return planned(SCHEDULE, pattern, name, None, None, options)

    def test_without_options_it_has_the_usual_guard_ticks(self):
        assert self.planned() == NIGHTLY

    def test_none_is_the_same_as_left_out(self):
        assert self.planned(keep_last=None, notify_start=None, incremental=None) == NIGHTLY

    def test_the_guard_ticks_that_are_asked_for_are_its_own(self):
        plan = self.planned(attempts=2, retry_every=9)
        assert plan == replace(NIGHTLY, attempts=2, retry_every=9)

    def test_a_misspelt_option_is_a_type_error(self):
        with pytest.raises(TypeError, match="kep_last"):
            self.planned(kep_last=3)


class TestAttempts:
    PLAIN = Plan("0 2 * * *", "n")

    @pytest.mark.parametrize(
        ("attempts", "retry_every", "wanted"),
        [
            (None, None, (3, 20)),
            (1, None, (1, None)),
            (2, None, (2, 20)),
            (4, None, (4, 20)),
            (None, 7, (3, 7)),
            (5, 1, (5, 1)),
        ],
    )
    def test_what_is_not_said_is_as_usual(self, attempts, retry_every, wanted):
        plan = with_attempts(self.PLAIN, attempts, retry_every)
        assert (plan.attempts, plan.retry_every) == wanted

    @pytest.mark.parametrize("attempts", [0, -1, 13, "3", 2.0])
    def test_attempts_that_are_no_number_of_times_are_refused(self, attempts):
        with pytest.raises(InvalidScheduleError, match="attempts"):
            with_attempts(self.PLAIN, attempts, None)

    def test_a_pattern_without_room_gets_one_attempt_unless_asked_for_more(self):
        plain = replace(self.PLAIN, pattern="* * * * *")
        assert with_attempts(plain, None, None) == plain
        with pytest.raises(InvalidPatternError, match="run into the next"):
            with_attempts(plain, 2, None)


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
            ("webhook_url", "https://chat.test/hook?token=1"),
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
            webhook_url="https://chat.test/1",
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

    def test_what_a_webhook_is_told_goes_with_its_url(self):
        plain = replace(NIGHTLY, webhook_url="https://chat.test/1")
        chosen = replace(plain, webhook_on="always", webhook_format="slack")
        changed = self.change(plain, webhook_on="always", webhook_format="slack")
        assert changed == chosen
        assert self.change(chosen, unset=["webhook_url"]) == NIGHTLY
        with pytest.raises(InvalidScheduleError, match="webhook-on: there is no webhook URL"):
            self.change(NIGHTLY, webhook_on="always")
        told = "webhook-format can't be 'xml'; give one of json, slack, alertmanager"
        with pytest.raises(InvalidScheduleError, match=told):
            self.change(plain, webhook_format="xml")

    @pytest.mark.parametrize("url", ["ftp://chat.test/secret", "https://me:secret@chat.test/"])
    def test_a_webhook_that_can_t_be_asked_is_refused_without_showing_it(self, url):
        with pytest.raises(InvalidScheduleError, match=r"^the webhook URL ") as caught:
            self.change(NIGHTLY, webhook_url=url)
        assert "secret" not in str(caught.value)

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
            ({"attempts": 5}, ("0 2 * * *", 5, 20)),
            ({"attempts": 2, "retry_every": 9}, ("0 2 * * *", 2, 9)),
            ({"retry_every": 9}, ("0 2 * * *", 3, 9)),
            ({"pattern": "5 4 * * *"}, ("5 4 * * *", 3, 20)),
            ({"pattern": "50 4 * * *"}, ("50 4 * * *", 3, 20)),
            ({"pattern": "*/30 4 * * *"}, ("*/30 4 * * *", 3, 10)),
            ({"pattern": "* * * * *"}, ("* * * * *", 1, None)),
            ({"pattern": "*/10 4 * * *", "attempts": 2}, ("*/10 4 * * *", 2, 5)),
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
        with pytest.raises(InvalidPatternError, match="run into the next due time"):
            self.change(retry_every=30, pattern="0 * * * *")

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
        hashed = Plan("H 2 * * *", "n").checked(SCHEDULE)
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
        try:
            result = self.change(old, **changes)
        except InvalidScheduleError:
            return
        assert result.checked(SCHEDULE) == result
