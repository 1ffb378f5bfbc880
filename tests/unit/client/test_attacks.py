# SPDX-License-Identifier: Apache-2.0
"""Whatever Mistral, Trove, a proxy or another user puts into an answer: an answer, or our error.

Users of a project can make cron triggers, executions and backups of their own, with names that look
like a schedule's. They must not stop the others' schedules from being listed.
"""

from __future__ import annotations

import contextlib
import json
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests_mock
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.mistral_api import URL
from tests.unit.client.fake_cloud import FakeCloud
from tests.unit.client.rows import add_schedule
from trove_schedules.backups.retention import judge
from trove_schedules.cli.openstack import columns, schedule as commands
from trove_schedules.errors import InvalidScheduleError, ScheduledBackupError, ServiceError
from trove_schedules.health import State
from trove_schedules.manager import ScheduledBackups
from trove_schedules.schedules import pattern as cron
from trove_schedules.schedules.names import marker, schedule_of
from trove_schedules.schedules.plan import Plan

MANY = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])

ANY_TEXT = st.text(max_size=20)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
#: What Mistral takes for the inputs of the workflow, somebody's own trigger.
INPUT = st.fixed_dictionaries(
    {},
    optional={
        "instance": ANY_JSON,
        "name": ANY_JSON,
        "description": ANY_JSON,
        "parent_id": ANY_JSON,
        "incremental": ANY_JSON,
        "schedule": ANY_JSON
        | st.fixed_dictionaries(
            {},
            optional={
                "id": ANY_JSON,
                "pattern": ANY_JSON
                | st.sampled_from(["0 2 * * *", "@daily", "0 0 31 2 *", "R * * * *"]),
                "created_at": ANY_JSON | st.sampled_from(["0001-01-01T00:00:00+14:00", "now"]),
                "earlier": ANY_JSON | st.sampled_from([["%", ""], [None]]),
                "due": ANY_JSON,
                "attempts": ANY_JSON | st.sampled_from([0, -1, 3, 10**30]),
                "retry_every": ANY_JSON | st.sampled_from([0, -1, 20, 10**30]),
                "keep_last": ANY_JSON | st.sampled_from([0, -1, 3, 10**30]),
                "keep_days": ANY_JSON | st.sampled_from([0, -1, 3, 10**30]),
                "keep_yearly": ANY_JSON | st.sampled_from([0, -1, 3, 10**30]),
                "offsets": ANY_JSON | st.sampled_from([[], [[0]], [[0, 10**30]], [[0, "x"]]]),
                "manual": ANY_JSON,
            },
        ),
    },
)
#: Cron triggers that Mistral keeps; it takes whatever croniter takes.
PATTERN = st.sampled_from(
    ["0 2 * * *", "@daily", "* * * * * *", "0 0 L * *", "R R * * *", "0 0 29 2 *", "0 0 * * sat#2"]
)
NEXT = st.sampled_from(
    ["2026-06-01 02:00:00", "9999-12-30 23:00:00", "9999-12-31 23:59:00", "0001-01-01 00:00:00"]
)


@contextlib.contextmanager
def a_cloud() -> Iterator[tuple[FakeCloud, ScheduledBackups, str]]:
    """A cloud with an instance, made anew for each example."""
    with requests_mock.Mocker() as mock:
        cloud = FakeCloud(mock)
        cloud.mistral.add_workflow(cloud.project)
        yield cloud, cloud.schedules(), cloud.add_instance("m")


def through_a_proxy(
    cloud: FakeCloud,
    asked: Callable[[str], str] = lambda url: url,
    answered: Callable[[Any], None] = lambda answer: None,
) -> None:
    """Let somebody between us and Mistral alter what is asked, and what is answered."""

    def pass_on(request: Any, context: Any) -> str:
        response = cloud.mistral.ask("GET", asked(request.url), request.headers)
        context.headers.update(response.headers)
        answer = response.json()
        answered(answer)
        return json.dumps(answer)

    cloud.mock.get(re.compile(re.escape(URL) + "/"), text=pass_on)


def every_call(
    schedules: ScheduledBackups, schedule: str, instance: str
) -> list[Callable[[], Any]]:
    """Everything that a user can do with a schedule."""
    return [
        schedules.schedule_list,
        lambda: schedules.schedule_list(instance),
        lambda: schedules.schedule_show(schedule),
        lambda: schedules.execution_list(schedule),
        lambda: schedules.execution_list(schedule, limit=3),
        schedules.schedule_health,
        lambda: schedules.schedule_prune(schedule, dry_run=True),
        lambda: schedules.schedule_run(schedule),
        lambda: schedules.schedule_pause(schedule),
        lambda: schedules.schedule_resume(schedule),
        lambda: schedules.schedule_set(schedule, name="other"),
        lambda: schedules.schedule_trial(schedule),
        lambda: schedules.schedule_delete(schedule),
    ]


class TestAnswers:
    """A service's answer that is not what it should be is an error, never an empty list."""

    @staticmethod
    def calls(schedules: ScheduledBackups) -> list[Callable[[], Any]]:
        unknown = str(uuid.uuid4())
        return [
            *every_call(schedules, unknown, unknown),
            lambda: schedules.schedule_create("m", "0 2 * * *", "x"),
            lambda: schedules.execution_show(unknown),
            lambda: schedules.execution_delete(unknown),
            schedules.workbook_load,
            lambda: schedules.check("m"),
        ]

    @MANY
    @given(
        answer=ANY_JSON
        | st.dictionaries(
            st.sampled_from(
                ["cron_triggers", "executions", "workflows", "workbooks", "instances", "backups",
                 "instance", "quotas", "next", "links"]
            ),
            ANY_JSON | st.lists(st.dictionaries(st.sampled_from(["id", "name"]), ANY_JSON)),
        ),
        status=st.sampled_from([200, 200, 200, 400, 404, 500, 503]),
    )  # fmt: skip
    def test_any_json(self, answer: Any, status: int) -> None:
        self.answered(json.dumps(answer), status)

    @pytest.mark.parametrize(
        "text",
        ["", "<html>proxy</html>", "null", "[]", "[" * 100_000, '{"cron_triggers": ', "\udcff"],
        ids=["empty", "html", "null", "list", "deep", "cut", "surrogate"],
    )
    @pytest.mark.parametrize("status", [200, 404, 500])
    def test_no_json(self, text: str, status: int) -> None:
        self.answered(text.encode(errors="surrogateescape"), status)

    def answered(self, text: str | bytes, status: int) -> None:
        with a_cloud() as (cloud, schedules, _):
            for service in ("http://mistral.test", "http://trove.test"):
                content = {"text": text} if isinstance(text, str) else {"content": text}
                cloud.mock.register_uri(
                    requests_mock.ANY,
                    requests_mock.ANY,
                    status_code=status,
                    additional_matcher=lambda request, host=service: request.url.startswith(host),
                    **content,
                )
            for call in self.calls(schedules):
                with contextlib.suppress(ScheduledBackupError):
                    call()

    @pytest.mark.parametrize("kind", ["cron_triggers", "executions", "workflows"])
    @pytest.mark.parametrize("gone", ["the list", "a key", "the id"])
    def test_what_mistral_leaves_out_is_not_taken_for_nothing(
        self, cloud, schedules, schedule, kind: str, gone: str
    ) -> None:
        cloud.mistral.add_execution(cloud.project, schedule.trigger_id)
        key = {"cron_triggers": "name", "executions": "project_id", "workflows": "scope"}[kind]

        def spoil(answer: Any) -> None:
            if gone == "the list":
                answer.pop(kind, None)
            for row in answer.get(kind, []):
                del row["id" if gone == "the id" else key]

        through_a_proxy(cloud, answered=spoil)
        call = {
            "cron_triggers": schedules.schedule_list,
            "executions": lambda: schedules.execution_list(schedule),
            "workflows": lambda: schedules.schedule_run(schedule),
        }[kind]
        with pytest.raises(ServiceError, match="unexpected answer"):
            call()

    def test_a_page_that_leads_to_itself_is_an_error_and_not_an_endless_list(
        self, cloud, schedules, schedule
    ) -> None:
        cloud.mistral.max_limit = 1
        through_a_proxy(cloud, asked=lambda url: re.sub("marker=[^&]*", "", url))
        with pytest.raises(ServiceError, match="repeats it"):
            schedules.schedule_list()

    def test_a_list_of_backups_that_trove_leaves_out_is_not_no_backups(
        self, cloud, schedules, schedule
    ) -> None:
        cloud.mock.get(requests_mock.ANY, json={"links": []}, additional_matcher=(
            lambda request: "/backups" in request.url
        ))  # fmt: skip
        (found,) = schedules.schedule_health()
        assert (found.state, "unexpected answer" in found.reason) == (State.UNKNOWN, True)


class TestOtherPeoplesTriggers:
    """A trigger with a schedule's name that somebody made by hand, in the same project."""

    @MANY
    @given(spoilt=INPUT, pattern=PATTERN, following=NEXT)
    def test_every_call_answers_or_refuses_and_the_good_schedule_is_there(
        self, spoilt: dict[str, Any], pattern: str, following: str
    ) -> None:
        with a_cloud() as (cloud, schedules, instance):
            good = schedules.schedule_create(instance, "0 2 * * *", "nightly")
            row = add_schedule(
                cloud, instance,
                workflow_input=json.dumps(spoilt), pattern=pattern, next_execution_time=following,
            )  # fmt: skip
            bad = row["name"].split(":")[2]
            cloud.add_backup(instance, description=marker(bad))
            cloud.mistral.add_execution(
                cloud.project, row["id"], input=json.dumps(spoilt), output=json.dumps(spoilt)
            )
            assert good in schedules.schedule_list(instance)
            health = {each.schedule_id: each for each in schedules.schedule_health()}
            assert set(health) == {good.id, bad}
            for each in schedules.schedule_list():
                commands.properties(each)
                commands._health_properties(health[each.id])
                columns.table([each], commands._more(health))
            for call in every_call(schedules, bad, instance):
                with contextlib.suppress(ScheduledBackupError):
                    call()
            assert good in schedules.schedule_list(instance)

    @MANY
    @given(
        name=ANY_TEXT
        | st.from_regex(
            r"trove-backup(-trial)?:[%_0-9a-f-]{0,40}:[%_]{0,3}:[0-9]{0,30}", fullmatch=True
        ),
        spoilt=INPUT,
    )
    def test_names_that_merely_look_like_a_schedule_s(
        self, name: str, spoilt: dict[str, Any]
    ) -> None:
        with a_cloud() as (cloud, schedules, instance):
            good = schedules.schedule_create(instance, "0 2 * * *", "nightly")
            cloud.mistral.add_trigger(cloud.project, name, workflow_input=json.dumps(spoilt))
            assert schedules.schedule_list() == schedules.schedule_list(instance) == [good]
            assert schedules.schedule_show(good.id) == good

    @MANY
    @given(given=INPUT, pattern=ANY_JSON)
    def test_a_plan_is_read_from_any_input_and_is_within_its_bounds(
        self, given: dict[str, Any], pattern: Any
    ) -> None:
        plan = Plan.read(given, pattern)
        assert plan.keep_last is None or 1 <= plan.keep_last <= 1000
        assert plan.keep_days is None or 1 <= plan.keep_days <= 36500
        assert plan.keep_yearly is None or 1 <= plan.keep_yearly <= 1000
        assert 1 <= plan.attempts <= 12

    @MANY
    @given(
        description=ANY_TEXT | ANY_JSON.map(json.dumps),
        output=st.dictionaries(ANY_TEXT, ANY_JSON, max_size=3),
    )
    def test_executions_with_foreign_descriptions_are_nobody_s(
        self, description: str, output: dict[str, Any]
    ) -> None:
        with a_cloud() as (cloud, schedules, instance):
            schedule = schedules.schedule_create(instance, "0 2 * * *", "nightly")
            for text in (description, f"{description} {schedule.trigger_id}"):
                foreign = cloud.mistral.add_execution(
                    cloud.project, schedule.trigger_id, description=text, output=output
                )
                assert schedules.execution_show(foreign["id"]).schedule_id is None
            own = cloud.mistral.add_execution(cloud.project, schedule.trigger_id, output=output)
            assert [each.id for each in schedules.execution_list(schedule)] == [own["id"]]


class TestMarkers:
    """A backup is a schedule's where its description ends with the marker, on its instance."""

    VICTIM = "a2d0b3c4-1111-4222-8333-5e6f70819203"

    @pytest.mark.parametrize(
        "text",
        [
            f"[schedule {VICTIM}] by hand",
            f"[schedule {VICTIM}]\n",
            f"[schedule {VICTIM.upper()}]",
            f"[schedule {VICTIM}] [schedule 00000000-0000-4000-8000-000000000000]",
            f"[schedule %]{VICTIM}",
            "[schedule ]",
        ],
    )
    def test_what_only_looks_like_the_marker_is_not_it(self, cloud, instance, text: str) -> None:
        assert schedule_of(text) != self.VICTIM
        cloud.add_backup(instance, description=text)
        backups = cloud.schedules()._own.trove.backups()
        now = datetime(2030, 1, 1, tzinfo=UTC)
        assert judge(backups, self.VICTIM, {"keep_last": 1}, now=now) == []

    @pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "BUILDING"])
    def test_another_instance_s_backup_with_a_forged_marker_says_nothing_of_the_schedule(
        self, cloud, schedules, schedule, status: str
    ) -> None:
        before = schedules.schedule_health()[0]
        other = cloud.add_instance("other")
        cloud.add_backup(
            other, status=status, description=marker(schedule.id), created="2030-01-01T00:00:00"
        )
        after = schedules.schedule_health()[0]
        assert (after.state, after.kept, after.last_success) == (before.state, 0, None)

    @MANY
    @given(description=st.text(alphabet="[]schedule 0a-", max_size=60))
    def test_a_description_can_t_make_a_backup_another_schedule_s(self, description: str) -> None:
        mine, theirs = str(uuid.uuid4()), self.VICTIM
        forged = f"{description}{marker(theirs)}"
        given = Plan("0 2 * * *", "n", forged).workflow_input("i", mine, {})
        # As the workbook writes it.
        assert schedule_of(f"{given['description']} {marker(mine)}") == mine


class TestOptions:
    """Any option at all: a schedule that works, or a refusal before any request."""

    @MANY
    @given(
        pattern=st.text(alphabet="0123456789*/,-HLR?#@ monsat", max_size=30)
        | st.from_regex(r"([0-9*/,H-]{1,5} ){4}[0-9*/,-]{1,4}", fullmatch=True)
        | ANY_JSON,
        name=ANY_TEXT | ANY_JSON,
        description=st.none() | ANY_TEXT | ANY_JSON,
        numbers=st.dictionaries(
            st.sampled_from(["full_every", "keep_last", "keep_days", "attempts", "retry_every",
                             "deadline"]),
            st.integers(-1, 100) | ANY_JSON,
            max_size=3,
        ),
        incremental=st.booleans(),
    )  # fmt: skip
    def test_create(
        self, pattern: Any, name: Any, description: Any, numbers: dict[str, Any], incremental: bool
    ) -> None:
        with a_cloud() as (cloud, schedules, instance):
            try:
                made = schedules.schedule_create(
                    instance, pattern, name, description, incremental=incremental, **numbers
                )
            except InvalidScheduleError:
                assert cloud.mistral.rows("cron_triggers") == []
                assert cloud.mock.request_history == []
                return
            assert schedules.schedule_show(made.id) == made
            assert schedules.schedule_list(instance) == [made]
            assert (made.name, made.description) == (name, description)
            assert cron.validate(made.pattern) == made.pattern

    @MANY
    @given(
        call=st.sampled_from(["schedule_show", "schedule_delete", "execution_list", "schedule_run",
                              "execution_show", "execution_delete", "schedule_pause"]),
        text=st.text(alphabet="%_*/.?#&=;:0123456789abcdef-\\'\" \n\x00", max_size=40),
    )  # fmt: skip
    def test_ids_that_are_none_find_nothing(self, call: str, text: str) -> None:
        with a_cloud() as (cloud, schedules, instance):
            made = schedules.schedule_create(instance, "0 2 * * *", "nightly")
            cloud.mistral.add_execution(cloud.project, made.trigger_id)
            with pytest.raises(LookupError):
                getattr(schedules, call)(text)
            assert schedules.schedule_list() == [made]
