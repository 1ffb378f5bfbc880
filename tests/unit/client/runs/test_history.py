# SPDX-License-Identifier: Apache-2.0
"""The executions of a schedule, across the triggers that it has had."""

import json
from datetime import UTC, datetime, timedelta

import pytest

import trove_schedules
from tests.mistral_api import Caller
from tests.unit.client.rows import OTHER_PROJECT, UNKNOWN, triggers
from trove_schedules.errors import (
    ExecutionNotFoundError,
    ScheduleConflictError,
    ScheduleNotFoundError,
)
from trove_schedules.runs import history


class TestExecutionList:
    @pytest.fixture
    def runs(self, cloud, schedule):
        """Ids of 200 runs, newest first, among others' runs."""
        for _ in range(20):
            cloud.mistral.add_execution(cloud.project, UNKNOWN)
        ids = [
            cloud.mistral.add_execution(cloud.project, schedule.trigger_id)["id"]
            for _ in range(200)
        ]
        cloud.mistral.requests.clear()
        return ids[::-1]

    def test_twenty_are_exactly_one_request(self, cloud, schedules, schedule, runs):
        found = schedules.execution_list(schedule.id, limit=20)
        assert [each.id for each in found] == runs[:20]
        assert cloud.mistral.count("GET", "/executions") == 1

    def test_all_are_at_most_two_requests(self, cloud, schedules, schedule, runs):
        assert [each.id for each in schedules.execution_list(schedule)] == runs
        assert cloud.mistral.count("GET", "/executions") <= 2

    @pytest.mark.parametrize(
        ("max_limit", "limits"),
        [(1, (None, 1, 20)), *((each, (None, 1, 20, 200, 2000)) for each in (7, 200, 1000))],
    )
    def test_as_many_as_asked_for_whatever_the_page_limit(
        self, cloud, schedules, schedule, runs, max_limit, limits
    ):
        cloud.mistral.max_limit = max_limit
        for limit in limits:
            found = schedules.execution_list(schedule, limit=limit)
            assert [each.id for each in found] == runs[:limit], limit

    @pytest.mark.parametrize("max_limit", [7, 1000])
    def test_a_marker_continues_where_a_page_ended(
        self, cloud, schedules, schedule, runs, max_limit
    ):
        cloud.mistral.max_limit = max_limit
        pages, last = [], ""
        while page := schedules.execution_list(schedule, marker=last, limit=60):
            pages += page
            last = page[-1]
        assert [each.id for each in pages] == runs

    @pytest.mark.parametrize("nothing", ["", None])
    def test_no_marker_starts_at_the_newest(self, schedules, schedule, runs, nothing):
        assert schedules.execution_list(schedule, marker=nothing, limit=1)[0].id == runs[0]

    def test_markers_that_are_not_of_this_schedule_are_refused(self, cloud, schedules, schedule):
        other = cloud.mistral.add_execution(cloud.project, UNKNOWN)
        foreign = cloud.mistral.add_execution(OTHER_PROJECT, schedule.trigger_id)
        for wrong in (UNKNOWN, "not-an-id", other["id"], foreign["id"], schedule.id):
            with pytest.raises(ExecutionNotFoundError, match="marker"):
                schedules.execution_list(schedule, marker=wrong)

    @pytest.mark.parametrize(
        "description",
        [
            "trigger {id} did it",
            '{{"triggered_by": {{"type": "cron_trigger", "id": "x {id}"}}}}',
            '{{"triggered_by": {{"type": "event_trigger", "id": "{id}"}}}}',
            '{{"note": "{id}"}}',
            '["{id}"]',
        ],
    )
    def test_a_description_that_only_resembles_one_is_dropped(
        self, cloud, schedules, schedule, description
    ):
        real = cloud.mistral.add_execution(cloud.project, schedule.trigger_id)
        cloud.mistral.add_execution(
            cloud.project, "x", description=description.format(id=schedule.trigger_id)
        )
        found = schedules.execution_list(schedule, limit=1)
        assert [each.id for each in found] == [real["id"]]
        assert [each.id for each in schedules.execution_list(schedule)] == [real["id"]]

    def test_an_administrator_gets_no_other_projects_forgeries(self, cloud, schedule):
        cloud.mistral.add_execution(OTHER_PROJECT, schedule.trigger_id)
        assert cloud.schedules(admin=True).execution_list(schedule) == []

    def test_an_execution_is_read_into_typed_values(self, cloud, schedules, schedule):
        row = cloud.mistral.add_execution(
            cloud.project,
            schedule.trigger_id,
            state="ERROR",
            state_info="why",
            output='{"status": "Backup failed", "backup_id": "b"}',
            created_at="2026-03-01 02:00:00",
            updated_at="2026-03-01 02:01:00",
        )
        (found,) = schedules.execution_list(schedule)
        assert found == trove_schedules.ScheduleExecution(
            id=row["id"],
            schedule_id=schedule.id,
            backup_id="b",
            manual=False,
            created_at=datetime(2026, 3, 1, 2, 0, tzinfo=UTC),
            updated_at=datetime(2026, 3, 1, 2, 1, tzinfo=UTC),
            state="ERROR",
            state_info="why",
            output={"status": "Backup failed", "backup_id": "b"},
        )

    def test_a_run_that_has_published_nothing_yet_has_an_empty_output(
        self, cloud, schedules, schedule
    ):
        cloud.mistral.add_execution(
            cloud.project, schedule.trigger_id, state="RUNNING", output=None
        )
        (found,) = schedules.execution_list(schedule)
        assert (found.output, found.backup_id) == ({}, None)


class TestAcrossGenerations:
    @pytest.fixture
    def runs(self, cloud, schedules, schedule):
        """Ids of 4 x 6 runs, newest first; the schedule was changed three times in between."""
        ids = []
        for n in range(4):
            if n:
                schedules.schedule_set(schedule, name=f"n{n}")
            ids += [cloud.mistral.fire(triggers(cloud)[0])["id"] for _ in range(6)]
            cloud.mistral.add_execution(cloud.project, UNKNOWN)
            cloud.mistral.wait(minutes=1)
        cloud.mistral.requests.clear()
        return ids[::-1]

    def requests(self, cloud):
        return cloud.mistral.count("GET", "/executions")

    def test_all_are_listed_in_order_by_a_request_each(self, cloud, schedules, schedule, runs):
        assert [each.id for each in schedules.execution_list(schedule)] == runs
        assert self.requests(cloud) == 4

    def test_in_pages_of_five_none_is_listed_twice_or_left_out(
        self, cloud, schedules, schedule, runs
    ):
        found, marker, costs = [], "", []
        while True:
            cloud.mistral.requests.clear()
            page = schedules.execution_list(schedule, marker=marker, limit=5)
            costs.append(self.requests(cloud))
            if not page:
                break
            found += [each.id for each in page]
            marker = page[-1].id
        assert found == runs
        # A page that spans generations asks for each of them, and for no earlier one.
        assert costs == [1, 2, 2, 2, 1, 1]

    def test_the_newest_cost_one_request_however_many_generations(
        self, cloud, schedules, schedule, runs
    ):
        found = schedules.execution_list(schedule, limit=6)
        assert [each.id for each in found] == runs[:6]
        assert self.requests(cloud) == 1

    def test_no_earlier_trigger_is_asked_for_what_is_too_old(
        self, cloud, schedules, schedule, runs
    ):
        changed = schedules.schedule_show(schedule)
        made = {row["id"]: row["created_at"] for row in cloud.mistral.rows("executions")}
        mistral = schedules._mistral(None)

        def costs(since):
            cloud.mistral.requests.clear()
            found = [each.id for each in history.since(mistral, changed, since)]
            text = f"{since:%Y-%m-%d %H:%M:%S}"
            assert found == [each for each in runs if made[each] >= text]
            return self.requests(cloud)

        # Clocks may be a minute apart.
        assert costs(changed.changed_at + timedelta(seconds=61)) == 1
        assert costs(changed.changed_at) == 4
        assert costs(changed.changed_at - timedelta(seconds=15)) == 4

    @pytest.mark.parametrize("max_limit", [1, 4, 7])
    def test_whatever_the_page_limit(self, cloud, schedules, schedule, runs, max_limit):
        cloud.mistral.max_limit = max_limit
        assert [each.id for each in schedules.execution_list(schedule)] == runs
        found = schedules.execution_list(schedule, marker=runs[3], limit=9)
        assert [each.id for each in found] == runs[4:13]

    def test_every_one_can_be_the_marker(self, schedules, schedule, runs):
        for at, each in enumerate(runs):
            found = schedules.execution_list(schedule, marker=each, limit=3)
            assert [one.id for one in found] == runs[at + 1 : at + 4]

    def test_pauses_without_runs_in_between_do_no_harm(self, cloud, schedules, schedule, runs):
        schedules.schedule_pause(schedule)
        schedules.schedule_resume(schedule)
        newest = cloud.mistral.fire(triggers(cloud)[0])["id"]
        found = schedules.execution_list(schedule, limit=3)
        assert [each.id for each in found] == [newest, *runs[:2]]

    def test_a_run_of_any_generation_is_found_by_one_request(
        self, cloud, schedules, schedule, runs
    ):
        cloud.mistral.change("executions", {"id": runs[-1]}, state="RUNNING")
        cloud.mistral.requests.clear()
        with pytest.raises(ScheduleConflictError, match=rf"in progress.*{runs[-1]}"):
            schedules.schedule_set(schedule, name="other")
        assert self.requests(cloud) == 1

    def test_a_run_that_nobody_will_end_is_in_nobodys_way(self, cloud, schedules, schedule):
        cloud.mistral.add_execution(cloud.project, schedule.trigger_id, state="RUNNING")
        cloud.add_backup(schedule.instance, "SAVING", description=f"[schedule {schedule.id}]")
        cloud.mistral.wait(minutes=59)
        with pytest.raises(ScheduleConflictError, match="in progress"):
            schedules.schedule_set(schedule, name="new")
        cloud.mistral.wait(minutes=1)
        assert schedules.schedule_set(schedule, name="new").name == "new"

    def test_another_schedules_run_is_in_nobodys_way(self, cloud, schedules, instance, schedule):
        other = schedules.schedule_create(instance, "0 3 * * *", "other")
        cloud.mistral.add_execution(cloud.project, other.trigger_id, state="RUNNING")
        assert schedules.schedule_set(schedule, name="new").name == "new"

    def test_another_schedules_run_is_no_marker(self, cloud, schedules, instance, schedule, runs):
        other = schedules.schedule_create(instance, "0 3 * * *", "other")
        row = cloud.mistral.add_execution(cloud.project, other.trigger_id)
        with pytest.raises(ExecutionNotFoundError, match=schedule.id):
            schedules.execution_list(schedule, marker=row["id"])

    def test_all_say_whose_they_are(self, schedules, schedule, runs):
        found = schedules.execution_list(schedule)
        assert {each.schedule_id for each in found} == {schedule.id}
        assert schedules.execution_show(runs[-1]).schedule_id == schedule.id


class TestWindows:
    """Only as much of the project's past is asked for as the answer needs."""

    @pytest.fixture
    def schedule(self, schedules, instance):
        return schedules.schedule_create(instance, "0 * * * *", "hourly", attempts=1)

    @pytest.fixture
    def old(self, cloud, schedule):
        """Ids of 20 days' runs, newest first; there is none of the last days but one and two."""
        [row] = triggers(cloud)
        hours = [
            datetime(2025, 11, 1, tzinfo=UTC) + timedelta(hours=n)
            for n in range(480)
            if not 17 <= n // 24 <= 18
        ]
        cloud.mistral.change("cron_triggers", row, created_at=hours[0], updated_at=hours[-1])
        made = [
            cloud.mistral.add_execution(
                cloud.project,
                row["id"],
                created_at=f"{hour:%Y-%m-%d %H:%M:%S}",
                updated_at=f"{hour + timedelta(minutes=59):%Y-%m-%d %H:%M:%S}",
            )["id"]
            for hour in hours
        ]
        cloud.mistral.requests.clear()
        return made[::-1]

    def asked(self, cloud):
        """The times from which on Mistral was asked for executions."""
        return [
            query.get("updated_at")
            for method, path, query in cloud.mistral.requests
            if (method, path) == ("GET", "/executions")
        ]

    @pytest.mark.parametrize(
        ("limit", "windows"),
        [(1, ["11-20 22:59"]), (10, ["11-20 13:59"]), (24, ["11-19 23:59"])],
    )
    def test_the_first_holds_the_due_times_that_are_wanted(
        self, cloud, schedules, schedule, old, limit, windows
    ):
        found = schedules.execution_list(schedule, limit=limit)
        assert [each.id for each in found] == old[:limit]
        assert self.asked(cloud) == [f"gte:2025-{each}:00" for each in windows]

    def test_each_further_one_reaches_four_times_as_far_back(self, cloud, schedules, schedule, old):
        found = schedules.execution_list(schedule, limit=25)
        assert [each.id for each in found] == old[:25]
        assert self.asked(cloud) == ["gte:2025-11-19 22:59:00", "gte:2025-11-16 22:56:00"]

    @pytest.mark.parametrize(
        ("max_limit", "limits"),
        [
            (5, (1, 7, 23, 24, 25, 432)),
            (1000, (1, 7, 23, 24, 25, 200, 431, 432, 433, 5000)),
        ],
    )
    def test_what_is_listed_is_exact(self, cloud, schedules, schedule, old, max_limit, limits):
        cloud.mistral.max_limit = max_limit
        for limit in limits:
            found = schedules.execution_list(schedule, limit=limit)
            assert [each.id for each in found] == old[:limit], limit

    def test_pages_by_marker_add_up_to_the_whole(self, schedules, schedule, old):
        for limit in (5, 24, 100):
            found, marker = [], ""
            while page := schedules.execution_list(schedule, marker=marker, limit=limit):
                found += [each.id for each in page]
                marker = page[-1]
            assert found == old, limit

    def test_all_at_once_need_no_windows(self, cloud, schedules, schedule, old):
        assert [each.id for each in schedules.execution_list(schedule)] == old
        assert self.asked(cloud) == [None]

    def test_of_several_created_in_one_second_none_is_left_out_by_a_marker(
        self, cloud, schedules, schedule
    ):
        for _ in range(7):
            cloud.mistral.add_execution(
                cloud.project, schedule.trigger_id, created_at="2026-01-01 02:00:00"
            )
        every = [each.id for each in schedules.execution_list(schedule)]
        for at, marker in enumerate(every):
            found = schedules.execution_list(schedule, marker=marker, limit=3)
            assert [each.id for each in found] == every[at + 1 : at + 4]

    def test_a_pattern_that_only_mistral_reads_has_its_history(self, cloud, schedules, schedule):
        [row] = triggers(cloud)
        run = cloud.mistral.fire(row)["id"]
        cloud.mistral.change("cron_triggers", row, pattern="@daily")
        assert [each.id for each in schedules.execution_list(schedule, limit=3)] == [run]


class TestGuardTicks:
    @pytest.fixture
    def nights(self, cloud, schedule):
        """Ids of five nights' backups, newest first, each with two further attempts after it."""
        (row,) = triggers(cloud)
        done = '{"status": "Skipped: already backed up as b"}'
        made = []
        for _ in range(5):
            made.append(cloud.mistral.fire(row)["id"])
            for _ in range(2):
                cloud.mistral.fire(row, output=done)
        cloud.mistral.requests.clear()
        return made[::-1]

    def test_those_that_found_nothing_to_do_are_folded(self, schedules, schedule, nights):
        assert [each.id for each in schedules.execution_list(schedule)] == nights
        found = schedules.execution_list(schedule, limit=3)
        assert [each.id for each in found] == nights[:3]

    def test_a_page_of_backups_is_one_request_with_their_guard_ticks(
        self, cloud, schedules, schedule, nights
    ):
        found = schedules.execution_list(schedule, limit=4)
        assert [each.id for each in found] == nights[:4]
        assert cloud.mistral.count("GET", "/executions") == 1

    def test_they_are_listed_where_all_are_asked_for(self, schedules, schedule, nights):
        found = schedules.execution_list(schedule, include_all=True)
        assert len(found) == 15
        assert [each.had_nothing_to_do for each in found] == [True, True, False] * 5
        assert [each.id for each in found if not each.had_nothing_to_do] == nights

    @pytest.mark.parametrize("include_all", [True, False])
    def test_pages_go_on_where_they_ended(self, schedules, schedule, nights, include_all):
        found, marker = [], ""
        while page := schedules.execution_list(
            schedule, marker=marker, limit=2, include_all=include_all
        ):
            found += page
            marker = page[-1]
        assert len({each.id for each in found}) == len(found) == (15 if include_all else 5)

    def test_a_folded_one_can_be_the_marker(self, schedules, schedule, nights):
        newest = schedules.execution_list(schedule, include_all=True, limit=1)[0]
        assert newest.had_nothing_to_do
        found = schedules.execution_list(schedule, marker=newest)
        assert [each.id for each in found] == nights

    @pytest.mark.parametrize(
        "status", ["Skipped: backup b is running", "Backup complete", "already backed up", None]
    )
    def test_nothing_else_is_folded(self, cloud, schedules, schedule, status):
        output = json.dumps({"status": status})
        cloud.mistral.add_execution(cloud.project, schedule.trigger_id, output=output)
        assert len(schedules.execution_list(schedule)) == 1


class TestRunByHand:
    def test_it_has_the_schedules_input_and_says_that_it_is_manual(
        self, cloud, schedules, schedule
    ):
        started = schedules.schedule_run(schedule.id)
        body = json.loads(cloud.mistral.bodies[-1])
        assert cloud.mistral.requests[-1][:2] == ("POST", "/executions")
        assert body["workflow_id"] == cloud.mistral.rows("workflows")[0]["id"]
        given = json.loads(body["input"])
        assert given["schedule"].pop("manual") is True
        # A run by hand is owed, whenever it is.
        assert schedule.input["schedule"].pop("owed_since")
        assert given == schedule.input
        assert (started.manual, started.schedule_id, started.state) == (
            True,
            schedule.id,
            "RUNNING",
        )

    def test_it_is_listed_among_the_others_and_marked(self, cloud, schedules, schedule):
        scheduled = cloud.mistral.fire(triggers(cloud)[0])["id"]
        by_hand = schedules.schedule_run(schedule)
        found = schedules.execution_list(schedule)
        assert [(each.id, each.manual) for each in found] == [
            (by_hand.id, True),
            (scheduled, False),
        ]
        assert schedules.execution_show(by_hand).manual

    def test_it_is_still_listed_after_a_change(self, schedules, schedule):
        by_hand = schedules.schedule_run(schedule)
        schedules.schedule_set(schedule, name="other", force=True)
        assert [each.id for each in schedules.execution_list(schedule)] == [by_hand.id]

    def test_a_paused_schedule_can_be_run_and_stays_paused(self, schedules, schedule):
        schedules.schedule_pause(schedule)
        assert schedules.schedule_run(schedule).manual
        assert schedules.schedule_show(schedule).paused

    def test_no_rights_are_delegated(self, cloud, schedules, schedule):
        (token,) = cloud.mistral.callers
        cloud.mistral.callers[token] = Caller(cloud.project, may_delegate=False)
        assert schedules.schedule_run(schedule).state == "RUNNING"

    def test_an_unknown_schedule_is_not_run(self, cloud, schedules):
        with pytest.raises(ScheduleNotFoundError):
            schedules.schedule_run(UNKNOWN)
        assert cloud.mistral.rows("executions") == []

    def test_it_notes_who_started_it(self, cloud, schedules, schedule):
        assert schedules.schedule_run(schedule).started_by == "user"
        [found] = schedules.execution_list(schedule)
        assert found.started_by == schedules.execution_show(found.id).started_by == "user"

    @pytest.mark.parametrize(
        "note",
        [
            {"type": "manual", "id": "t"},
            {"type": "manual", "id": "t", "user": 1},
            {"type": "cron_trigger", "id": "t", "user": "somebody"},
            "x",
        ],
    )
    def test_where_the_note_names_nobody_nobody_is_named(self, cloud, schedules, note):
        row = cloud.mistral.add_execution(
            cloud.project, description=json.dumps({"triggered_by": note})
        )
        assert schedules.execution_show(row["id"]).started_by is None
