# SPDX-License-Identifier: Apache-2.0
"""The workbook as Mistral's own parser and expression evaluator read it."""

import json
import re
from importlib import resources

import pytest
import yaml
from mistral import expressions
from mistral.expressions.yaql_expression import INLINE_YAQL_REGEXP
from mistral.lang import parser

from tests.contract.mistral_api import MistralApi
from trove_schedules import workbook
from trove_schedules.model import marker

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


def test_the_actions_are_mistral_extras():
    mapping = resources.files("mistral_extra.actions.openstack").joinpath("mapping.json")
    known = json.loads(mapping.read_text())["trove"]
    used = {task["action"].split()[0] for task in TASKS.values() if "action" in task}
    assert used
    assert used <= {f"trove.{name}" for name in known}


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
        context = {"description": text, "schedule": {"id": SCHEDULE}}
        assert evaluate(self.EXPRESSION, context) == f"{text} {marker(SCHEDULE)}"

    @pytest.mark.parametrize("nothing", [None, ""])
    def test_without_a_text_it_stands_alone(self, nothing):
        context = {"description": nothing, "schedule": {"id": SCHEDULE}}
        assert evaluate(self.EXPRESSION, context) == marker(SCHEDULE)

    @pytest.mark.parametrize("text", [None, "", "by hand"])
    def test_without_a_schedule_there_is_only_the_text(self, text):
        assert evaluate(self.EXPRESSION, {"description": text, "schedule": None}) == text


class TestOverlap:
    EXPRESSION = TASKS["look"]["publish"]["status"]

    @pytest.mark.parametrize("state", ["NEW", "BUILDING", "SAVING"])
    def test_a_running_backup_is_named(self, state):
        backups = [{"id": "a", "status": "COMPLETED"}, {"id": "b", "status": state}]
        assert evaluate(self.EXPRESSION, {}, backups) == "Skipped: backup b is running"

    @pytest.mark.parametrize("states", [[], ["COMPLETED"], ["FAILED", "DELETE_FAILED", "RESTORED"]])
    def test_others_are_no_hindrance(self, states):
        backups = [{"id": str(i), "status": each} for i, each in enumerate(states)]
        assert evaluate(self.EXPRESSION, {}, backups) is None


class TestRefusals:
    BREAK_ON = TASKS["create"]["retry"]["break-on"]
    OVERTAKEN = TASKS["create"]["publish-on-error"]["overtaken"]

    @staticmethod
    def told(message, status):
        """The result of a failed action, as Mistral keeps it."""
        failure = f"TroveAction.backups.create failed: {message} (HTTP {status})"
        return f"The action raised an exception [action=<x>, action_ex_id=y, msg='{failure}']"

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
    def test_what_trove_refuses_for_good_is_not_tried_again(self, status):
        assert evaluate(self.BREAK_ON, {}, self.told("no", status)) is True

    @pytest.mark.parametrize("status", [409, 422, 500, 502, 503, 504])
    def test_what_may_pass_is(self, status):
        assert evaluate(self.BREAK_ON, {}, self.told("no", status)) is False

    def test_a_failure_without_a_status_is_tried_again(self):
        assert evaluate(self.BREAK_ON, {}, "timed out") is False

    def test_troves_own_words_tell_a_running_backup_from_an_instance_that_is_down(self, trove):
        running = self.told(trove["refusals"]["running"], 422)
        assert evaluate(self.BREAK_ON, {}, running) is True
        assert evaluate(self.OVERTAKEN, {}, running) is True
        for cause in ("down", "task"):
            refusal = self.told(trove["refusals"][cause], 422)
            assert evaluate(self.BREAK_ON, {}, refusal) is False
            assert evaluate(self.OVERTAKEN, {}, refusal) is False

    def test_a_result_that_is_no_text_is_understood_too(self):
        assert evaluate(self.BREAK_ON, {}, {"code": "HTTP 404"}) is True
        assert evaluate(self.BREAK_ON, {}, None) is False


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
