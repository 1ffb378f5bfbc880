# SPDX-License-Identifier: Apache-2.0
"""The rules of schedules, on a real session, a real Mistral client and Mistral's own API."""

import inspect
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
import requests
from hypothesis import HealthCheck, given, settings, strategies as st
from mistralclient.api.v2.client import Client

import trove_schedules
from tests.mistral_api import URL, Caller, RefusedError
from tests.unit.client.rows import (
    OTHER_PROJECT,
    UNKNOWN,
    add_schedule,
    change_triggers,
    id_of,
    triggers,
)
from trove_schedules.errors import (
    AmbiguousNameError,
    AuthenticationError,
    BackupNotFoundError,
    ExecutionNotFoundError,
    InstanceNotFoundError,
    InvalidPatternError,
    InvalidScheduleError,
    NotDelegableError,
    PermissionDeniedError,
    ScheduleConflictError,
    ScheduleNotFoundError,
    ServiceError,
    ServiceUnavailableError,
    WorkbookMissingError,
    WorkbookOutdatedError,
)
from trove_schedules.manager import ScheduledBackups
from trove_schedules.schedules.names import marker
from trove_schedules.schedules.pattern import freeze


class TestSignatures:
    """The spec's argument names, order and defaults, self left out."""

    @pytest.mark.parametrize(
        ("method", "arguments"),
        [
            (
                "schedule_create",
                "instance, pattern, name, description=None, parent_id=None, mistral_client=None",
            ),
            ("schedule_list", "instance=None, mistral_client=None"),
            ("schedule_show", "schedule, mistral_client=None"),
            ("schedule_delete", "schedule, mistral_client=None"),
            ("execution_list", "schedule, mistral_client=None, marker='', limit=None"),
            ("execution_delete", "execution, mistral_client=None"),
        ],
    )
    def test_a_method_takes_the_specs_arguments(self, method, arguments):
        parameters = list(inspect.signature(getattr(ScheduledBackups, method)).parameters.values())
        positional = [
            each.replace(annotation=inspect.Parameter.empty)
            for each in parameters[1:]
            if each.kind is not inspect.Parameter.KEYWORD_ONLY
        ]
        assert ", ".join(map(str, positional)) == arguments


class TestCreate:
    def test_a_schedule_comes_back_as_mistral_keeps_it(self, cloud, schedules, instance):
        made = schedules.schedule_create(instance, "0 2 * * *", "nightly", "before the batch")
        (row,) = triggers(cloud)
        assert made.id == id_of(row)
        assert made.trigger_id == row["id"] != made.id
        assert (made.name, made.instance, made.pattern) == ("nightly", instance, "0 2 * * *")
        assert (made.description, made.parent_id, made.incremental) == (
            "before the batch",
            None,
            False,
        )
        assert made.next_execution_time == datetime(2026, 1, 1, 2, 0, tzinfo=UTC)
        assert made.created_at.utcoffset() is not None
        assert made.updated_at is None
        assert made.input == json.loads(row["workflow_input"])
        assert schedules.schedule_show(made.id) == made

    def test_the_input_holds_the_specs_keys_then_ours(self, cloud, schedules, instance):
        made = schedules.schedule_create(instance, "0 2 * * *", "nightly")
        assert list(made.input.items()) == [
            ("instance", instance),
            ("name", "nightly"),
            ("description", None),
            ("parent_id", None),
            ("incremental", False),
            (
                "schedule",
                {
                    "id": made.id,
                    "pattern": "0 2 * * *",
                    "owed_since": "2026-01-01T00:00:01+00:00",
                    "attempts": 3,
                    "retry_every": 20,
                    "due": [120],
                },
            ),
        ]

    def test_the_trigger_is_named_after_instance_schedule_and_generation(
        self, cloud, schedules, instance
    ):
        made = schedules.schedule_create(instance, "0 2 * * *", "nightly")
        assert triggers(cloud)[0]["name"] == f"trove-backup:{instance}:{made.id}:1"

    def test_the_workflow_is_given_by_its_id_and_nothing_else_is_sent(self, cloud, schedule):
        (body,) = [
            json.loads(body)
            for body, each in zip(cloud.mistral.bodies, cloud.mistral.requests, strict=True)
            if each[0] == "POST"
        ]
        assert body["workflow_id"] == cloud.mistral.rows("workflows")[0]["id"]
        assert set(body) == {"name", "workflow_id", "pattern", "workflow_input"}

    @pytest.mark.parametrize("kind", ["id", "name", "object"])
    def test_the_instance_is_given_by_id_name_or_object(self, cloud, schedules, instance, kind):
        given = {"id": instance, "name": "m", "object": SimpleNamespace(id=instance)}[kind]
        assert schedules.schedule_create(given, "0 2 * * *", "nightly").instance == instance

    def test_an_instance_on_troves_second_page_is_found_by_name(self, cloud, schedules):
        ids = {f"db-{i}": cloud.add_instance(f"db-{i}") for i in range(45)}
        made = [schedules.schedule_create(name, "0 2 * * *", "n").instance for name in ids]
        assert made == list(ids.values())

    def test_every_schedule_gets_its_own_id(self, schedules, instance):
        made = {schedules.schedule_create(instance, "0 2 * * *", "nightly").id for _ in range(3)}
        assert len(made) == 3

    def test_the_pattern_is_kept_with_single_spaces(self, schedules, instance):
        assert schedules.schedule_create(instance, " 0  2 * * * ", "n").pattern == "0 2 * * *"

    @pytest.mark.parametrize(
        "text",
        [
            "<% env() %>",
            "{{ 1 + 1 }} {% raw %} a",
            'it\'s "quoted" \\ a',
            "naïve 資料庫 😀 \u200f a",
            "-- ; $(x) `y` %s {0}",
            "a" * 255,
        ],
    )
    def test_a_name_goes_out_unchanged(self, cloud, schedules, instance, text):
        assert schedules.schedule_create(instance, "0 2 * * *", text).name == text
        assert json.loads(triggers(cloud)[0]["workflow_input"])["name"] == text

    @pytest.mark.parametrize("text", ["", "😀", "<% env() %> {{ x }} '\"\\", "d" * 207])
    def test_a_description_goes_out_unchanged(self, cloud, schedules, instance, text):
        made = schedules.schedule_create(instance, "0 2 * * *", "n", text)
        assert made.description == text
        assert json.loads(triggers(cloud)[0]["workflow_input"])["description"] == text

    def test_a_description_and_its_marker_just_fit(self):
        assert len("d" * 207 + f" {marker(UNKNOWN)}") == 255

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(name=st.text(max_size=260), description=st.none() | st.text(max_size=210))
    def test_a_text_is_kept_or_refused_never_altered(
        self, cloud, schedules, instance, name, description
    ):
        before = len(triggers(cloud))
        try:
            made = schedules.schedule_create(instance, "0 2 * * *", name, description)
        except InvalidScheduleError:
            assert len(triggers(cloud)) == before
        else:
            assert (made.name, made.description) == (name, description)

    def test_a_parent_is_checked_and_kept(self, cloud, schedules, instance):
        backup = cloud.add_backup(instance)
        made = schedules.schedule_create(instance, "0 2 * * *", "n", parent_id=backup)
        assert (made.parent_id, made.incremental) == (backup, False)

    def test_a_parent_may_be_an_object(self, cloud, schedules, instance):
        backup = SimpleNamespace(id=cloud.add_backup(instance))
        made = schedules.schedule_create(instance, "0 2 * * *", "n", None, backup)
        assert made.parent_id == backup.id

    def test_incremental_is_kept(self, schedules, instance):
        assert schedules.schedule_create(instance, "0 2 * * *", "n", incremental=True).incremental

    @pytest.mark.parametrize(
        ("options", "kept"),
        [
            ({"keep_last": 3, "keep_days": 4}, {"keep_last": 3, "keep_days": 4}),
            ({"incremental": True, "full_every": 7}, {"full_every": 7}),
            ({"attempts": 2, "retry_every": 9}, {"attempts": 2, "retry_every": 9}),
            ({"deadline": 30}, {"deadline": 30, "due": [120]}),
            ({"notify_url": "http://hc.test/1"}, {"notify_url": "http://hc.test/1"}),
            (
                {"notify_url": "http://hc.test/1", "notify_fail": "?status=down"},
                {"notify_url": "http://hc.test/1", "notify_fail": "?status=down"},
            ),
        ],
    )
    def test_every_option_is_kept_in_the_input_and_shown(
        self, cloud, schedules, instance, options, kept
    ):
        made = schedules.schedule_create(instance, "0 2 * * *", "n", **options)
        assert kept.items() <= json.loads(triggers(cloud)[0]["workflow_input"])["schedule"].items()
        shown = schedules.schedule_show(made.id)
        assert {name: getattr(shown, name) for name in options} == options

    def test_more_attempts_widen_the_trigger_and_not_what_is_shown(
        self, cloud, schedules, instance
    ):
        made = schedules.schedule_create(instance, "0 2 * * *", "n")
        assert triggers(cloud)[0]["pattern"] == "0,20,40 2 * * *"
        assert (made.pattern, made.attempts, made.retry_every) == ("0 2 * * *", 3, 20)
        assert schedules.schedule_create(instance, "0 2 * * *", "n", attempts=1).attempts == 1
        assert triggers(cloud)[1]["pattern"] == "0 2 * * *"

    def test_a_zone_is_kept_shown_and_renewed(self, cloud, schedules, instance):
        made = schedules.schedule_create(instance, "0 2 * * *", "n", timezone="Europe/Berlin")
        [trigger] = triggers(cloud)
        assert (trigger["pattern"], made.timezone) == ("0,20,40 0,1 * * *", "Europe/Berlin")
        assert made.pattern == "0 2 * * *" and len(made.offsets) > 20
        assert made.next_execution_time.astimezone(ZoneInfo("Europe/Berlin")).hour == 2
        assert schedules.schedule_set(made, timezone="Europe/Berlin") == made
        # Its table is an older one.
        given = json.loads(trigger["workflow_input"])
        given["schedule"]["offsets"] = given["schedule"]["offsets"][:2]
        trigger["workflow_input"] = json.dumps(given)
        changed = schedules.schedule_set(made.id, timezone="Europe/Berlin")
        assert changed.offsets == made.offsets
        assert changed.owed_since == made.owed_since
        in_utc = schedules.schedule_set(made.id, timezone="UTC")
        assert (in_utc.offsets, triggers(cloud)[0]["pattern"]) == ((), "0,20,40 2 * * *")
        assert "offsets" not in json.loads(triggers(cloud)[0]["workflow_input"])["schedule"]
        assert in_utc.owed_since > made.owed_since

    def test_after_the_due_time_the_next_one_is_shown_though_guard_ticks_come_first(
        self, cloud, schedules, instance
    ):
        made = schedules.schedule_create(instance, "0 2 * * *", "n")
        change_triggers(cloud, next_execution_time="2026-01-01 02:20:00")
        shown = schedules.schedule_show(made)
        assert shown.next_execution_time == datetime(2026, 1, 2, 2, 0, tzinfo=UTC)
        assert shown.next_firing == datetime(2026, 1, 1, 2, 20, tzinfo=UTC)

    def test_an_h_is_frozen_by_the_schedules_own_id(self, schedules, instance):
        made = [schedules.schedule_create(instance, "H H(1-4) * * *", "n") for _ in range(8)]
        assert len({each.pattern for each in made}) > 1
        for each in made:
            minute, hour, *rest = each.pattern.split()
            assert 0 <= int(minute) <= 59 and 1 <= int(hour) <= 4 and rest == ["*"] * 3
            assert each.pattern == freeze("H H(1-4) * * *", each.id)

    def test_a_lost_answer_leaves_one_schedule(self, cloud, schedules, instance):
        def lose(method, path):
            if method == "POST":
                raise requests.exceptions.ConnectionError("reset")

        cloud.mistral.after = lose
        made = schedules.schedule_create(instance, "0 2 * * *", "n")
        assert [made.trigger_id] == [row["id"] for row in triggers(cloud)]

    def test_requests_are_few(self, cloud, schedules, instance):
        schedules.schedule_create(instance, "0 2 * * *", "n")
        assert [(each.method, each.hostname) for each in cloud.mock.request_history] == [
            ("POST", "keystone.test"),
            ("GET", "trove.test"),
            ("GET", "mistral.test"),
            ("POST", "mistral.test"),
        ]


NOTHING_IS_SENT = [
    ({"pattern": pattern}, InvalidPatternError, f"{pattern!r}")
    for pattern in (
        "61 * * * *",
        "* * * *",
        "* * * * * *",
        "@reboot",
        "0 0 31 2 *",
        "R * * * *",
        "",
    )
] + [
    ({"pattern": None}, InvalidPatternError, "None"),
    ({"name": ""}, InvalidScheduleError, "name ''"),
    ({"name": "x" * 256}, InvalidScheduleError, "256 characters"),
    ({"name": None}, InvalidScheduleError, "name can't be None; give a text"),
    ({"name": b"n"}, InvalidScheduleError, "name can't be b'n'; give a text"),
    ({"name": "资料"}, InvalidScheduleError, "letter"),
    ({"name": "a\nb"}, InvalidScheduleError, "single line"),
    ({"name": "nightly\n"}, InvalidScheduleError, "single line"),
    ({"name": "tab\tand bell\x07"}, InvalidScheduleError, "control characters"),
    ({"name": "\x1b[2Jnightly"}, InvalidScheduleError, "holds '\\x1b'"),
    ({"name": "a\ud800"}, InvalidScheduleError, "control characters"),
    ({"description": "d" * 208}, InvalidScheduleError, "at most 207"),
    ({"description": "two\nlines"}, InvalidScheduleError, "single line"),
    ({"description": "\udfff"}, InvalidScheduleError, "control characters"),
    ({"description": "line\n"}, InvalidScheduleError, "single line"),
    ({"description": 5}, InvalidScheduleError, "description can't be 5; give a text"),
    ({"parent_id": UNKNOWN, "incremental": True}, InvalidScheduleError, "exclude each other"),
    ({"full_every": 3}, InvalidScheduleError, "for incremental schedules"),
    ({"keep_last": 0}, InvalidScheduleError, "keep-last 0 is not a number from 1"),
    ({"attempts": 2, "retry_every": 60}, InvalidScheduleError, "retry-every 60"),
    ({"pattern": "*/5 2 * * *", "attempts": 12}, InvalidPatternError, "run into the next due"),
    ({"notify_url": "ftp://hc.test/1"}, InvalidScheduleError, "http:// or https://"),
    ({"notify_start": "/go"}, InvalidScheduleError, "there is no notify URL"),
    ({"deadline": 5, "pattern": "* * * * *"}, InvalidScheduleError, "due times a day"),
]


class TestBadInput:
    @pytest.mark.parametrize(("wrong", "error", "told"), NOTHING_IS_SENT)
    def test_nothing_at_all_is_sent(self, cloud, schedules, wrong, error, told):
        good = {"instance": "m", "pattern": "0 2 * * *", "name": "nightly"}
        with pytest.raises(error) as caught:
            schedules.schedule_create(**(good | wrong))
        assert told in str(caught.value)
        assert isinstance(caught.value, ValueError)
        assert cloud.mock.request_history == []

    def test_with_an_application_credential_nothing_is_sent_either(self, cloud):
        schedules = ScheduledBackups(cloud.session(method="application_credential"))
        with pytest.raises(NotDelegableError, match="user name and password"):
            schedules.schedule_create("m", "0 2 * * *", "nightly")
        assert cloud.mock.request_history == []

    def test_but_it_can_list_and_show(self, cloud, schedule):
        other = ScheduledBackups(cloud.session(method="application_credential"))
        assert other.schedule_list() == [schedule]
        assert other.schedule_show(schedule.id) == schedule
        assert other.execution_list(schedule.id) == []

    def test_the_callers_mistral_client_may_not_be_of_one_either(self, cloud, schedules, instance):
        session = cloud.session(method="application_credential")
        client = Client(mistral_url=URL, session=session)
        with pytest.raises(NotDelegableError):
            schedules.schedule_create(instance, "0 2 * * *", "n", mistral_client=client)
        assert cloud.mock.request_history == []

    def test_a_token_of_an_application_credential_is_found_out_by_mistral(
        self, cloud, schedules, instance
    ):
        schedules.schedule_list()
        (token,) = cloud.mistral.callers
        cloud.mistral.callers[token] = Caller(cloud.project, may_delegate=False)
        with pytest.raises(NotDelegableError, match="user name and password"):
            schedules.schedule_create(instance, "0 2 * * *", "n")
        assert triggers(cloud) == []

    @pytest.mark.parametrize("limit", [0, -1, "5", 2.0])
    def test_a_limit_that_is_no_positive_number_sends_nothing(self, cloud, schedules, limit):
        with pytest.raises(InvalidScheduleError, match="limit"):
            schedules.execution_list(UNKNOWN, limit=limit)
        assert cloud.mock.request_history == []

    @pytest.mark.parametrize("name", ["nothing-is-named-so", UNKNOWN])
    def test_an_unknown_instance(self, cloud, schedules, name):
        with pytest.raises(InstanceNotFoundError, match=name):
            schedules.schedule_create(name, "0 2 * * *", "n")
        assert triggers(cloud) == []

    def test_two_instances_of_that_name(self, cloud, schedules, instance):
        cloud.add_instance("m")
        with pytest.raises(AmbiguousNameError, match=instance):
            schedules.schedule_create("m", "0 2 * * *", "n")
        assert triggers(cloud) == []

    def test_an_unknown_parent(self, cloud, schedules, instance):
        with pytest.raises(BackupNotFoundError, match=UNKNOWN):
            schedules.schedule_create(instance, "0 2 * * *", "n", parent_id=UNKNOWN)
        assert triggers(cloud) == []

    def test_a_parent_of_another_instance(self, cloud, schedules, instance):
        other = cloud.add_instance("other")
        with pytest.raises(InvalidScheduleError, match=other):
            schedules.schedule_create(instance, "0 2 * * *", "n", parent_id=cloud.add_backup(other))
        assert triggers(cloud) == []

    def test_a_parent_that_another_schedule_s_retention_may_delete(
        self, cloud, schedules, instance
    ):
        other = schedules.schedule_create(instance, "0 2 * * *", "other", keep_last=2)
        backup = cloud.add_backup(instance, description=marker(other.id))
        with pytest.raises(InvalidScheduleError, match=f"{other.id}, whose retention may delete"):
            schedules.schedule_create(instance, "0 2 * * *", "n", parent_id=backup)
        assert len(triggers(cloud)) == 1
        # Its own is kept by its runs, and nobody deletes one of a schedule that keeps all.
        own = schedules.schedule_set(other, parent_id=backup)
        assert own.parent_id == backup
        schedules.schedule_set(own, unset=["keep_last"])
        assert schedules.schedule_create(instance, "0 2 * * *", "n", parent_id=backup)

    @pytest.mark.parametrize(
        "status", ["NEW", "BUILDING", "SAVING", "FAILED", "DELETE_FAILED", "RESTORED"]
    )
    def test_a_parent_that_is_not_completed(self, cloud, schedules, instance, status):
        backup = cloud.add_backup(instance, status)
        with pytest.raises(InvalidScheduleError, match=f"{status}; a parent must be COMPLETED"):
            schedules.schedule_create(instance, "0 2 * * *", "n", parent_id=backup)
        assert triggers(cloud) == []

    def test_a_missing_workbook(self, cloud, schedules, instance):
        cloud.mistral.clear("workflows")
        with pytest.raises(WorkbookMissingError, match="workbook load"):
            schedules.schedule_create(instance, "0 2 * * *", "n")

    def test_an_outdated_workbook(self, cloud, schedules, instance):
        [row] = cloud.mistral.rows("workflows")
        cloud.mistral.change("workflows", row, tags=[])
        with pytest.raises(WorkbookOutdatedError):
            schedules.schedule_create(instance, "0 2 * * *", "n")
        assert triggers(cloud) == []

    def test_trove_down(self, cloud, schedules):
        cloud.mock.get(
            f"http://trove.test/v1.0/{cloud.project}/instances",
            exc=requests.exceptions.ConnectionError,
        )
        with pytest.raises(ServiceUnavailableError, match=r"^Trove: list instances failed"):
            schedules.schedule_create("m", "0 2 * * *", "n")
        assert triggers(cloud) == []

    def test_mistral_down(self, cloud, schedules, instance):
        def nobody(method, path):
            raise requests.exceptions.ConnectionError("refused")

        cloud.mistral.before = nobody
        with pytest.raises(ServiceUnavailableError, match=r"^Mistral: "):
            schedules.schedule_create(instance, "0 2 * * *", "n")

    def test_keystone_down(self, cloud, schedules):
        cloud.mock.post(
            "http://keystone.test/v3/auth/tokens", exc=requests.exceptions.ConnectionError
        )
        for call in (
            schedules.schedule_list,
            lambda: schedules.schedule_create("m", "0 2 * * *", "n"),
        ):
            with pytest.raises(ServiceUnavailableError, match=r"^Keystone: log in failed"):
                call()

    def test_a_refused_login(self, cloud, schedules):
        cloud.mock.post("http://keystone.test/v3/auth/tokens", status_code=401)
        with pytest.raises(AuthenticationError, match="Keystone"):
            schedules.schedule_list()

    def test_a_policy_that_forbids_triggers(self, cloud, schedules):
        def forbid(method, path):
            raise RefusedError(403, "Policy doesn't allow cron_triggers:list")

        cloud.mistral.before = forbid
        with pytest.raises(PermissionDeniedError, match="cron_triggers:list"):
            schedules.schedule_list()


#: What takes a schedule and changes none.
EVERY_CALL = {
    "show": lambda schedules, name: schedules.schedule_show(name),
    "executions": lambda schedules, name: schedules.execution_list(name),
    "drills": lambda schedules, name: schedules.execution_list(name, drills_only=True),
    "set": lambda schedules, name: schedules.schedule_set(name, keep_last=3),
    "pause": lambda schedules, name: schedules.schedule_pause(name),
    "resume": lambda schedules, name: schedules.schedule_resume(name),
    "prune": lambda schedules, name: schedules.schedule_prune(name),
    "trial": lambda schedules, name: schedules.schedule_trial(name),
    "drill every": lambda schedules, name: schedules.schedule_drill_every(name, None),
    "drill show": lambda schedules, name: schedules.schedule_drill_show(name),
    "health": lambda schedules, name: schedules.schedule_health([name])[0],
    "run": lambda schedules, name: schedules.schedule_run(name),
}


class TestShowAndDelete:
    def test_a_schedule_is_shown_by_id_and_by_object(self, schedules, schedule):
        assert schedules.schedule_show(schedule.id) == schedule
        assert schedules.schedule_show(schedule) == schedule

    @pytest.mark.parametrize("given", [UNKNOWN, "night", "nightly ", "", "%", "a/b", "😀"])
    @pytest.mark.parametrize("method", ["schedule_show", "schedule_delete", "execution_list"])
    def test_an_unknown_one_is_not_found(self, cloud, schedules, schedule, method, given):
        with pytest.raises(ScheduleNotFoundError, match="schedule list"):
            getattr(schedules, method)(given)
        assert len(triggers(cloud)) == 1

    def test_it_is_given_by_a_name_that_no_other_has(self, cloud, schedules, schedule):
        schedules.schedule_create(schedule.instance, "0 2 * * *", "weekly")
        for name, call in EVERY_CALL.items():
            made = call(schedules, "nightly")
            assert getattr(made, "schedule_id", schedule.id) == schedule.id, name
        schedules.schedule_delete("nightly", force=True)
        assert [each.name for each in schedules.schedule_list()] == ["weekly"]

    def test_an_id_costs_no_look_at_names_and_a_name_one_list(self, cloud, schedules, schedule):
        cloud.mistral.requests.clear()
        schedules.schedule_show(schedule.id)
        assert [each[2].get("name") for each in cloud.mistral.requests] == [f"has:{schedule.id}"]
        cloud.mistral.requests.clear()
        assert schedules.schedule_show("nightly") == schedule
        assert [each[2].get("name") for each in cloud.mistral.requests] == [None]

    def test_a_name_of_several_is_refused_with_their_ids_and_instances(
        self, cloud, schedules, schedule
    ):
        other = schedules.schedule_create(cloud.add_instance("n"), "0 3 * * *", "nightly")
        with pytest.raises(AmbiguousNameError) as caught:
            schedules.schedule_delete("nightly")
        for each in (schedule, other):
            assert f"{each.id} of instance {each.instance}" in str(caught.value)
        assert len(triggers(cloud)) == 2

    def test_of_very_many_some_are_named(self, cloud, schedules, instance):
        for _ in range(30):
            add_schedule(cloud, instance)
        with pytest.raises(AmbiguousNameError, match=r"30 backup schedules.*and 10 more$"):
            schedules.schedule_show("nightly")

    def test_a_name_that_looks_like_an_id_is_an_id_first(self, schedules, schedule):
        named = schedules.schedule_create(schedule.instance, "0 3 * * *", schedule.id)
        assert schedules.schedule_show(schedule.id) == schedule
        schedules.schedule_delete(schedule)
        assert schedules.schedule_show(schedule.id) == named

    def test_one_without_a_name_is_not_what_nothing_names(self, cloud, schedules, instance):
        add_schedule(cloud, instance, workflow_input="{}")
        with pytest.raises(ScheduleNotFoundError):
            schedules.schedule_delete("")

    def test_its_trigger_or_instance_id_is_not_its_id(self, schedules, schedule):
        for other in (schedule.trigger_id, schedule.instance):
            with pytest.raises(ScheduleNotFoundError):
                schedules.schedule_show(other)

    def test_another_project_sees_shows_and_deletes_nothing(self, cloud, schedule):
        other = cloud.schedules(OTHER_PROJECT)
        assert other.schedule_list() == []
        for method in (other.schedule_show, other.schedule_delete, other.execution_list):
            with pytest.raises(ScheduleNotFoundError):
                method(schedule.id)
        assert len(triggers(cloud)) == 1

    def test_deleting_removes_the_trigger_by_mistrals_id(self, cloud, schedules, schedule):
        schedules.schedule_delete(schedule)
        assert triggers(cloud) == []
        assert cloud.mistral.count("DELETE", f"/cron_triggers/{schedule.trigger_id}") == 1

    def test_executions_of_a_deleted_schedule_stay(self, cloud, schedules, schedule):
        row = cloud.mistral.add_execution(cloud.project, schedule.trigger_id)
        schedules.schedule_delete(schedule)
        assert schedules.execution_show(row["id"]).id == row["id"]

    def test_stale_generations_go_with_it(self, cloud, schedules, instance):
        old = add_schedule(cloud, instance)
        add_schedule(cloud, instance, generation=2, schedule=id_of(old))
        bystander = add_schedule(cloud, instance)
        schedules.schedule_delete(id_of(old))
        assert triggers(cloud) == [bystander]

    @pytest.mark.parametrize(("generation", "left"), [(1, [1, 2]), (2, [2])])
    def test_while_a_run_is_in_progress_it_is_refused(
        self, cloud, schedules, instance, generation, left
    ):
        rows = {1: add_schedule(cloud, instance)}
        rows[2] = add_schedule(
            cloud, instance, generation=2, schedule=id_of(rows[1]), earlier=(rows[1]["id"],)
        )
        cloud.mistral.wait(minutes=3)
        run = cloud.mistral.add_execution(cloud.project, rows[generation]["id"], state="RUNNING")
        with pytest.raises(ScheduleConflictError, match=run["id"]):
            schedules.schedule_delete(id_of(rows[1]))
        # The first is a leftover, which goes unless a run would lose its rights by that.
        assert triggers(cloud) == [rows[each] for each in left]

    def test_a_run_that_is_too_old_to_do_anything_is_no_hindrance(self, cloud, schedules, schedule):
        run = cloud.mistral.add_execution(cloud.project, schedule.trigger_id, state="RUNNING")
        cloud.add_backup(schedule.instance, "SAVING", description=marker(schedule.id))
        cloud.mistral.wait(minutes=59)
        with pytest.raises(ScheduleConflictError, match=run["id"]):
            schedules.schedule_delete(schedule)
        cloud.mistral.wait(minutes=1)
        schedules.schedule_delete(schedule)
        assert triggers(cloud) == []

    def test_one_that_is_hung_does_not_hide_a_young_one(self, cloud, schedules, schedule):
        cloud.mistral.add_execution(cloud.project, schedule.trigger_id, state="RUNNING")
        cloud.mistral.wait(hours=2)
        run = cloud.mistral.add_execution(cloud.project, schedule.trigger_id, state="RUNNING")
        # Newer, and another schedule's.
        cloud.mistral.add_execution(cloud.project, UNKNOWN, state="RUNNING")
        with pytest.raises(ScheduleConflictError, match=run["id"]):
            schedules.schedule_delete(schedule)

    def test_unless_it_is_forced(self, cloud, schedules, schedule):
        cloud.mistral.add_execution(cloud.project, schedule.trigger_id, state="RUNNING")
        schedules.schedule_delete(schedule, force=True)
        assert triggers(cloud) == []

    def test_finished_and_other_schedules_runs_are_no_hindrance(self, cloud, schedules, schedule):
        for state in ("SUCCESS", "ERROR", "CANCELLED"):
            cloud.mistral.add_execution(cloud.project, schedule.trigger_id, state=state)
        cloud.mistral.add_execution(cloud.project, UNKNOWN, state="RUNNING")
        schedules.schedule_delete(schedule)
        assert triggers(cloud) == []

    def test_nor_is_a_run_that_merely_speaks_of_the_schedule(self, cloud, schedules, schedule):
        cloud.mistral.add_execution(
            cloud.project,
            UNKNOWN,
            state="RUNNING",
            description=json.dumps({"note": schedule.trigger_id}),
        )
        schedules.schedule_delete(schedule)
        assert triggers(cloud) == []

    def test_a_vanished_trigger_is_as_good_as_deleted(self, cloud, schedules, schedule):
        def vanish(method, path):
            if method == "DELETE":
                cloud.mistral.clear("cron_triggers")

        cloud.mistral.before = vanish
        schedules.schedule_delete(schedule)
        assert cloud.mistral.count("DELETE", f"/cron_triggers/{schedule.trigger_id}") == 1


class TestExecutions:
    @pytest.fixture
    def row(self, cloud, schedule):
        given = json.dumps(schedule.input)
        return cloud.mistral.add_execution(cloud.project, schedule.trigger_id, input=given)

    def test_one_is_shown_with_its_schedule(self, schedules, schedule, row):
        assert schedules.execution_show(row["id"]).schedule_id == schedule.id

    def test_one_is_deleted_by_id_or_object(self, cloud, schedules, schedule, row):
        schedules.execution_delete(schedules.execution_show(row["id"]))
        assert cloud.mistral.rows("executions") == []

    @pytest.mark.parametrize("state", ["SUCCESS", "ERROR", "CANCELLED"])
    def test_every_finished_one_can_be_deleted(self, cloud, schedules, row, state):
        cloud.mistral.change("executions", row, state=state)
        schedules.execution_delete(row["id"])
        assert cloud.mistral.rows("executions") == []

    @pytest.mark.parametrize("state", ["RUNNING", "PAUSED", "IDLE"])
    def test_an_unfinished_one_cannot(self, cloud, schedules, row, state):
        cloud.mistral.change("executions", row, state=state)
        with pytest.raises(ScheduleConflictError, match=f"{state}.*wait for its end"):
            schedules.execution_delete(row["id"])
        cloud.mistral.wait(hours=1)
        with pytest.raises(ScheduleConflictError, match=f"update -s CANCELLED {row['id']}"):
            schedules.execution_delete(row["id"])
        assert [each["id"] for each in cloud.mistral.rows("executions")] == [row["id"]]

    def test_one_that_somebody_else_deletes_meanwhile_is_deleted(self, cloud, schedules, row):
        def vanish(method, path):
            if method == "DELETE":
                cloud.mistral.clear("executions")

        cloud.mistral.before = vanish
        schedules.execution_delete(row["id"])

    @pytest.mark.parametrize("method", ["execution_show", "execution_delete"])
    @pytest.mark.parametrize("given", [UNKNOWN, "", "not-an-id", "../workbooks/trove"])
    def test_an_unknown_one_is_not_found(self, schedules, method, given):
        with pytest.raises(ExecutionNotFoundError):
            getattr(schedules, method)(given)

    @pytest.mark.parametrize("method", ["execution_show", "execution_delete"])
    def test_executions_of_other_workflows_are_none_of_ours(self, cloud, schedules, method):
        row = cloud.mistral.add_execution(cloud.project, "x", workflow_name="billing.run")
        with pytest.raises(ExecutionNotFoundError):
            getattr(schedules, method)(row["id"])
        assert cloud.mistral.rows("executions") == [row]

    @pytest.mark.parametrize("admin", [False, True])
    @pytest.mark.parametrize("method", ["execution_show", "execution_delete"])
    def test_nor_are_another_projects(self, cloud, admin, method, row):
        other = cloud.schedules(OTHER_PROJECT, admin=admin)
        with pytest.raises(ExecutionNotFoundError):
            getattr(other, method)(row["id"])
        assert cloud.mistral.rows("executions") == [row]

    @pytest.mark.parametrize("text", ["{}", '{"schedule": null}', '{"schedule": "x"}'])
    def test_an_input_without_a_schedule_gives_none(self, cloud, schedules, row, text):
        cloud.mistral.change("executions", row, input=text)
        assert schedules.execution_show(row["id"]).schedule_id is None


class TestCallersClient:
    """``mistral_client=`` is used for everything that goes to Mistral."""

    @pytest.fixture
    def client(self, cloud):
        token = cloud.mistral.log_in(Caller(cloud.project))
        return Client(mistral_url=URL, auth_token=token, project_id=cloud.project)

    def test_the_six_methods_work_with_a_client_that_has_only_a_token(
        self, cloud, instance, client
    ):
        # The session is of a cloud without Mistral: only the client can reach it.
        del cloud.services["workflowv2"]
        schedules = cloud.schedules()
        made = schedules.schedule_create(instance, "0 2 * * *", "n", None, None, client)
        assert schedules.schedule_list(instance, client) == [made]
        assert schedules.schedule_list("m", mistral_client=client) == [made]
        assert schedules.schedule_show(made.id, client) == made
        row = cloud.mistral.add_execution(cloud.project, made.trigger_id)
        assert len(schedules.execution_list(made.id, client, "", 5)) == 1
        schedules.execution_delete(row["id"], client)
        schedules.schedule_delete(made.id, client)
        assert triggers(cloud) == []

    def test_a_client_with_a_keystone_session_is_of_that_sessions_project(self, cloud, instance):
        row = add_schedule(cloud, instance, project=OTHER_PROJECT)
        add_schedule(cloud, instance)
        client = Client(mistral_url=URL, session=cloud.session(OTHER_PROJECT))
        found = cloud.schedules().schedule_list(mistral_client=client)
        assert [each.id for each in found] == [id_of(row)]

    def test_mistral_down_is_told_the_same_way(self, cloud, schedules, client):
        def nobody(method, path):
            raise requests.exceptions.ConnectionError("refused")

        cloud.mistral.before = nobody
        with pytest.raises(ServiceUnavailableError, match=r"^Mistral: list cron triggers failed"):
            schedules.schedule_list(mistral_client=client)


class TestConnect:
    def test_a_session_is_used_as_it_is(self, cloud):
        assert trove_schedules.connect(session=cloud.session()).schedule_list() == []

    def test_a_cloud_and_a_session_together_are_refused(self, cloud):
        with pytest.raises(InvalidScheduleError, match="'demo'"):
            trove_schedules.connect("demo", session=cloud.session())

    def test_the_region_given_is_the_one_asked(self, cloud):
        with pytest.raises(ServiceError, match="RegionTwo"):
            trove_schedules.connect(
                session=cloud.session(), region_name="RegionTwo"
            ).schedule_list()

    def test_connecting_sends_nothing(self, cloud):
        trove_schedules.connect(session=cloud.session())
        assert cloud.mock.request_history == []

    def test_the_workbook_can_be_loaded(self, cloud, schedules, instance):
        cloud.mistral.clear("workflows")
        assert schedules.workbook_load().action == "created"
        assert schedules.schedule_create(instance, "0 2 * * *", "n").name == "n"
