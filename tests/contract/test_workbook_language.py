# SPDX-License-Identifier: Apache-2.0
"""The workbook as Mistral's own parser and expression evaluator read it."""

import json
import re
from datetime import UTC, datetime, timedelta
from importlib import metadata, resources
from random import Random
from typing import ClassVar

import croniter
import pytest
import yaml
from mistral import expressions
from mistral.expressions.yaql_expression import INLINE_YAQL_REGEXP
from mistral.lang import parser
from yaql.standard_library import date_time

from tests.contract.mistral_api import MistralApi
from trove_schedules import workbook
from trove_schedules.model import marker
from trove_schedules.plan import Plan

SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
WORKFLOW = yaml.safe_load(workbook.text())["workflows"]["backup_create"]
TASKS = WORKFLOW["tasks"]


def strings(value):
    """Every text in a piece of YAML."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from strings(key)
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


EXPRESSIONS = sorted(
    {each for text in strings(WORKFLOW) for each in re.findall("<%.*?%>", text, re.DOTALL)}
)


@pytest.fixture(scope="module", autouse=True)
def _options(_mistral_api: MistralApi) -> None:
    """Mistral's options are there, with their defaults."""


def evaluate(expression, context, result=None):
    """Evaluate with a task whose result is given: the database is asked for one otherwise."""
    here = expression.replace("task().result", "$.result_of_task")
    return expressions.evaluate(here, context | {"result_of_task": result})


def scheduled(**options):
    """A run's variables as they begin, of a schedule with these options."""
    given = {"incremental": False, "schedule": {"id": SCHEDULE} | options}
    return given | {
        key: expressions.evaluate_recursively(WORKFLOW["vars"][key], given)
        for key in ("marker", "wants", "sight")
    }


@pytest.fixture(scope="module")
def parsed(_options):
    spec = parser.get_workbook_spec_from_yaml(workbook.text(), validate=True)
    return spec.get_workflows()["backup_create"]


def test_mistral_parses_it(parsed):
    assert parsed.get_tags() == [f"trove-schedules-{workbook.version_of(workbook.text())}"]
    assert set(parsed.get_tasks().item_keys()) == set(TASKS)


def test_every_input_but_instance_and_name_has_a_default(parsed):
    inputs = parsed.get_input()
    required = [name for name, default in inputs.items() if "NotDefined" in str(default)]
    assert required == ["instance", "name"]
    assert list(inputs)[:4] == ["instance", "name", "description", "parent_id"]


def test_the_actions_are_mistrals_and_mistral_extras():
    mapping = resources.files("mistral_extra.actions.openstack").joinpath("mapping.json")
    known = {f"trove.{name}" for name in json.loads(mapping.read_text())["trove"]}
    own = {each.name for each in metadata.entry_points(group="mistral.actions")}
    used = {task["action"].split()[0] for task in TASKS.values() if "action" in task}
    assert used - known == {"std.http"}
    assert "std.http" in own


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_expression_compiles_and_is_seen_whole(expression):
    # Mistral's own pattern doesn't cross lines: what it doesn't see, it takes for plain text.
    assert re.fullmatch(INLINE_YAQL_REGEXP, expression)
    expressions.validate(expression)


def test_nothing_is_of_another_expression_language():
    for text in strings(WORKFLOW):
        assert "{{" not in text
        assert "{%" not in text


def test_there_are_expressions_to_check():
    assert len(EXPRESSIONS) > 15


class TestDescription:
    EXPRESSION = TASKS["create"]["input"]["description"]

    @pytest.mark.parametrize("text", ["nightly", "<% env() %>", "é😀", "[schedule x]", "'\""])
    def test_the_marker_follows_the_text(self, text):
        context = scheduled() | {"description": text}
        assert evaluate(self.EXPRESSION, context) == f"{text} {marker(SCHEDULE)}"

    @pytest.mark.parametrize("nothing", [None, ""])
    def test_without_a_text_it_stands_alone(self, nothing):
        context = scheduled() | {"description": nothing}
        assert evaluate(self.EXPRESSION, context) == marker(SCHEDULE)

    @pytest.mark.parametrize("text", [None, "", "by hand"])
    def test_without_a_schedule_there_is_only_the_text(self, text):
        assert evaluate(self.EXPRESSION, {"description": text, "schedule": None}) == text


class TestSight:
    @pytest.mark.parametrize(
        ("given", "rows"),
        [
            ({"schedule": None, "incremental": True}, 5),
            ({"schedule": {"id": SCHEDULE}, "incremental": False}, 5),
            ({"schedule": {"id": SCHEDULE, "due": [120]}, "incremental": False}, 20),
            ({"schedule": {"id": SCHEDULE, "due": [120]}, "incremental": True}, 100),
            ({"schedule": {"id": SCHEDULE, "full_every": 7}, "incremental": True}, 57),
            ({"schedule": {"id": SCHEDULE, "full_every": 999}, "incremental": True}, 200),
        ],
    )
    def test_as_many_backups_are_listed_as_are_needed(self, given, rows):
        assert expressions.evaluate(WORKFLOW["vars"]["sight"], given) == rows


class TestDue:
    """When a backup was due, at any time of day; see also test_workbook_runs.py."""

    EXPRESSION = TASKS["look"]["publish"]["status"]

    @pytest.mark.parametrize(
        ("time", "due"),
        [
            ("00:00:00", "2026-03-01 00:00"),
            ("00:29:49", "2026-03-01 00:00"),
            ("00:29:58", "2026-03-01 00:30"),
            ("12:00:00", "2026-03-01 00:30"),
            ("23:59:49", "2026-03-01 23:50"),
            ("23:59:58", "2026-03-02 00:00"),
        ],
    )
    def test_it_was_the_last_due_minute(self, monkeypatch, time, due):
        self.at(monkeypatch, f"2026-03-01 {time}")
        told = evaluate(self.EXPRESSION, scheduled(due=[0, 30, 1430], deadline=-2), [])
        assert told == f"Skipped: due at {due} UTC, more than -2 minutes ago"

    def test_it_was_yesterday_where_nothing_was_due_today(self, monkeypatch):
        self.at(monkeypatch, "2026-03-01 00:10:00")
        told = evaluate(self.EXPRESSION, scheduled(due=[720, 1430], deadline=1), [])
        assert told == "Skipped: due at 2026-02-28 23:50 UTC, more than 1 minutes ago"

    @pytest.mark.parametrize(
        "pattern",
        [
            "0 2 * * *",
            "15,45 8-17 * * mon-fri",
            "30 4 1,15 * *",
            "30 4 1,15 * sun",
            "0 0 31 * *",
            "0 0 29 2 *",
            "0 12 * 3,11 7",
            "0 0 1-31 * mon",
            "0 0 */2 * */3",
        ],
    )
    def test_it_was_when_croniter_says_on_whatever_day_the_run_starts(self, monkeypatch, pattern):
        random = Random(pattern)
        plan = Plan("i", pattern, "n", deadline=1).workflow_input(SCHEDULE, {})["schedule"]
        for _ in range(6):
            second = random.randrange(4 * 366 * 86400)
            now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
            self.at(monkeypatch, f"{now:%Y-%m-%d %H:%M:%S}")
            told = evaluate(self.EXPRESSION, scheduled(**plan | {"deadline": -2}), [])
            minute = (now + timedelta(seconds=10)).replace(second=0) + timedelta(seconds=1)
            due = croniter.croniter(pattern, minute).get_prev(datetime)
            assert told == f"Skipped: due at {due:%Y-%m-%d %H:%M} UTC, more than -2 minutes ago"

    def test_it_was_on_whatever_day_where_the_schedule_is_an_older_one(self, monkeypatch):
        self.at(monkeypatch, "2026-03-03 12:00:00")
        older = {"pattern": "0 2 * * mon", "due": [120], "deadline": -2}
        assert "due at 2026-03-03 02:00 " in evaluate(self.EXPRESSION, scheduled(**older), [])

    @staticmethod
    def at(monkeypatch, time):
        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.fromisoformat(f"{time}+00:00")

        monkeypatch.setattr(date_time, "DATETIME_TYPE", Clock)


class TestUntidy:
    """Whether retention waits for this run."""

    OWN = f"orders [schedule {SCHEDULE}]"

    @pytest.mark.parametrize(
        ("options", "newest", "waits"),
        [
            ({"keep_last": 3}, {}, True),
            ({"keep_days": 3}, {}, True),
            ({}, {}, False),
            ({"keep_last": 3}, {"updated": "2026-01-02T00:39:59"}, False),
            ({"keep_last": 3}, {"updated": "2026-01-02 00:40:00.000000"}, True),
            ({"keep_last": 3}, {"updated": None}, False),
            ({"keep_last": 3}, {"status": "FAILED"}, False),
            ({"keep_last": 3}, {"status": "BUILDING"}, False),
            ({"keep_last": 3}, {"description": None}, False),
        ],
    )
    def test_only_after_a_success_that_no_run_saw_and_where_it_is_asked_for(
        self, options, newest, waits
    ):
        row = {
            "id": "b",
            "description": self.OWN,
            "status": "COMPLETED",
            "created": "2026-01-02T00:00:00",
            "updated": "2026-01-02T01:00:00",
        }
        given = scheduled(**options)
        given["retains"] = expressions.evaluate(WORKFLOW["vars"]["retains"], given)
        untidy = TASKS["look"]["publish"]["untidy"]
        older = row | {"created": "2026-01-01T00:00:00", "updated": "2026-01-01T00:01:00"}
        assert evaluate(untidy, given, [row | newest, older]) is waits
        assert evaluate(untidy, given, []) is False


class TestRefusals:
    VERDICT = TASKS["create"]["publish-on-error"]["verdict"]
    ALONE: ClassVar = {"base": {"parent": None, "remark": ""}}
    INCREMENTAL: ClassVar = {"base": {"parent": "p", "remark": ""}}

    @staticmethod
    def told(message, status):
        """The result of a failed action, as Mistral keeps it."""
        failure = f"TroveAction.backups.create failed: {message} (HTTP {status})"
        return f"The action raised an exception [action=<x>, action_ex_id=y, msg='{failure}']"

    @pytest.mark.parametrize("status", [400, 401, 403, 404])
    def test_what_trove_refuses_for_good_is_not_tried_again(self, status):
        assert evaluate(self.VERDICT, self.ALONE, self.told("no", status)) == "failed"

    @pytest.mark.parametrize("status", [409, 422, 500, 502, 503, 504])
    def test_what_may_pass_is(self, status):
        assert evaluate(self.VERDICT, self.ALONE, self.told("no", status)) == "unsure"

    def test_a_failure_without_a_status_is_tried_again(self):
        assert evaluate(self.VERDICT, self.ALONE, "timed out") == "unsure"

    def test_with_a_parent_it_is_the_parent_that_may_be_missing(self):
        told = self.told("no such thing", 404)
        assert evaluate(self.VERDICT, self.INCREMENTAL, told) == "orphan"
        assert evaluate(self.VERDICT, self.INCREMENTAL, self.told("no", 403)) == "failed"

    def test_troves_own_words_tell_a_running_backup_from_an_instance_that_is_down(self, trove):
        running = self.told(trove["refusals"]["running"], 422)
        assert evaluate(self.VERDICT, self.ALONE, running) == "overtaken"
        for cause in ("down", "task"):
            refusal = self.told(trove["refusals"][cause], 422)
            assert evaluate(self.VERDICT, self.ALONE, refusal) == "unsure"

    def test_of_two_refusals_of_one_status_a_used_up_quota_lasts_and_a_busy_minute_passes(
        self, trove
    ):
        assert trove["statuses"]["QuotaExceeded"] == trove["rate_limited"]["status"] == 413
        quota = self.told(trove["messages"]["quota"], 413)
        assert evaluate(self.VERDICT, self.ALONE, quota) == "failed"
        limited = self.told(trove["rate_limited"]["body"]["overLimit"]["message"], 413)
        assert evaluate(self.VERDICT, self.ALONE, limited) == "unsure"

    def test_a_result_that_is_no_text_is_understood_too(self):
        assert evaluate(self.VERDICT, self.ALONE, {"code": "HTTP 404"}) == "failed"
        assert evaluate(self.VERDICT, self.ALONE, None) == "unsure"


class TestWatch:
    PUBLISH = TASKS["watch"]["publish"]

    @pytest.mark.parametrize(
        ("state", "status"),
        [
            ("COMPLETED", "Backup complete"),
            ("FAILED", "Backup failed"),
            ("NEW", "Backup in progress"),
            ("BUILDING", "Backup in progress"),
            ("SAVING", "Backup in progress"),
        ],
    )
    def test_the_status_follows_from_the_backups_state(self, state, status):
        assert evaluate(self.PUBLISH["status"], {}, {"status": state}) == status

    def test_looks_get_rarer_up_to_a_minute_and_end_within_45(self):
        delay, waited, looks = 1, 0, 0
        while waited < 2700:
            context = {"delay": delay, "waited": waited}
            delay = evaluate(self.PUBLISH["delay"], context)
            waited = evaluate(self.PUBLISH["waited"], context)
            looks += 1
        assert delay == 60
        assert waited < 2760
        assert looks < 60
