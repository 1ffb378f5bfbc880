# SPDX-License-Identifier: Apache-2.0
"""The workbook as Mistral's own parser and expression evaluator read it."""

import json
import re
from datetime import UTC, datetime, timedelta
from importlib import metadata, resources
from random import Random

import croniter
import pytest
import yaml
from mistral import expressions
from mistral.expressions.yaql_expression import INLINE_YAQL_REGEXP
from mistral.lang import parser
from yaql.standard_library import date_time

from tests.mistral_api import MistralApi
from trove_minicloud.services import workbook_schemas
from trove_schedules import workbook
from trove_schedules.schedules.names import marker
from trove_schedules.schedules.plan import Plan

SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
WORKFLOWS = yaml.safe_load(workbook.text())["workflows"]
WORKFLOW = WORKFLOWS["backup_create"]
DECIDE, RUN, TROUBLE = (WORKFLOWS[f"backup_{each}"] for each in ("decide", "run", "trouble"))


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
    {each for text in strings(WORKFLOWS) for each in re.findall("<%.*?%>", text, re.DOTALL)}
)


@pytest.fixture(scope="module", autouse=True)
def _options(_mistral_api: MistralApi) -> None:
    """Mistral's options are there, with their defaults."""


def evaluate(expression, context, result=None):
    """Evaluate with a task whose result is given: the database is asked for one otherwise."""
    here = re.sub(r"task\(\w*\)\??\.result", "$.result_of_task", expression)
    return expressions.evaluate(here, context | {"result_of_task": result})


def stand_still(monkeypatch, moment):
    """Let it always be this moment for Mistral."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return moment

    monkeypatch.setattr(date_time, "DATETIME_TYPE", Clock)


#: In tests whose answer changes with the seconds that have passed.
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def _now(monkeypatch):
    """Mistral takes NOW for the time."""
    stand_still(monkeypatch, NOW)


def scheduled(**options):
    """The input of a run of a schedule with these options."""
    return {"incremental": False, "schedule": {"id": SCHEDULE} | options}


@pytest.fixture(scope="module")
def parsed(_options):
    workbook_schemas.remember()  # to check them for each task takes seconds
    spec = parser.get_workbook_spec_from_yaml(workbook.text(), validate=True)
    return spec.get_workflows()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_mistral_parses_it(parsed, name):
    assert set(parsed[name].get_tasks().item_keys()) == set(WORKFLOWS[name]["tasks"])


def test_the_workflows_that_triggers_or_people_start_bear_the_workbooks_version(parsed):
    tag = f"trove-schedules-{workbook.version_of(workbook.text())}"
    tagged = {name: parsed[name].get_tags() for name in WORKFLOWS if parsed[name].get_tags()}
    started = ("create", "drill", "hold", "policy", "policy_drill", "webhook")
    assert tagged == {f"backup_{name}": [tag] for name in started}


def test_what_gets_the_whole_input_of_a_workflow_has_all_its_inputs(parsed):
    decide, run, trouble, retention, webhook = (
        set(parsed[f"backup_{each}"].get_input())
        for each in ("decide", "run", "trouble", "retention", "webhook")
    )
    assert set(parsed["backup_create"].get_input()) | {"top", "since"} == decide
    assert decide | {"base"} == run == retention
    assert run < trouble
    assert run | {"backup_id", "reason", "test", "policy"} == webhook


def test_every_input_but_instance_and_name_has_a_default(parsed):
    inputs = parsed["backup_create"].get_input()
    required = [name for name, default in inputs.items() if "NotDefined" in str(default)]
    assert required == ["instance", "name"]
    assert list(inputs)[:4] == ["instance", "name", "description", "parent_id"]


def test_the_actions_are_mistrals_and_mistral_extras():
    mapping = resources.files("mistral_extra.actions.openstack").joinpath("mapping.json")
    known = {f"trove.{name}" for name in json.loads(mapping.read_text())["trove"]}
    own = {each.name for each in metadata.entry_points(group="mistral.actions")}
    tasks = [task for each in WORKFLOWS.values() for task in each["tasks"].values()]
    used = {task["action"].split()[0] for task in tasks if "action" in task}
    assert used - known == {"std.http", "std.noop"} <= own


def test_no_action_of_a_run_that_is_lost_keeps_it_from_going_on():
    runs = {name: each for name, each in WORKFLOWS.items() if name != "backup_drill"}
    lasting = [
        (name, task)
        for name, each in runs.items()
        for task, spec in each["tasks"].items()
        if spec.get("action", "std.noop") != "std.noop" and "timeout" not in spec
    ]
    assert lasting == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_what_mistral_keeps_in_each_execution_is_small(name):
    # backup_drill runs rarely, and backup_policy once for many instances.
    most = {
        "backup_create": 2360,
        "backup_decide": 6000,
        "backup_run": 4020,
        "backup_drill": 10_000,
        "backup_policy": 12_000,
    }.get(name, 5700)
    assert len(json.dumps(WORKFLOWS[name])) < most


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_expression_compiles_and_is_seen_whole(expression):
    # Mistral's own pattern doesn't cross lines: what it doesn't see, it takes for plain text.
    assert re.fullmatch(INLINE_YAQL_REGEXP, expression)
    expressions.validate(expression)


def test_nothing_is_of_another_expression_language():
    for text in strings(WORKFLOWS):
        assert "{{" not in text
        assert "{%" not in text


def test_there_are_expressions_to_check():
    assert len(EXPRESSIONS) > 100


class TestDescription:
    """What a backup is described by: see backup_decide and backup_run."""

    def text(self, description, number=None):
        """The description that Trove gets."""
        given = {"description": description, "top": None, "marker": marker(SCHEDULE)}
        if number:
            numbered = DECIDE["tasks"]["run"]["input"].replace("execution().input + ", "")
            base = {"parent": None, "number": number}
            description = evaluate(numbered, given | {"base": base})["description"]
        context = scheduled() | {"description": description}
        return evaluate(RUN["vars"]["body"]["description"], context)

    @pytest.mark.parametrize("text", ["nightly", "<% env() %>", "é😀", "[schedule x]", "'\""])
    def test_the_marker_follows_the_text(self, text):
        assert self.text(text) == f"{text} {marker(SCHEDULE)}"

    @pytest.mark.parametrize("nothing", [None, ""])
    def test_without_a_text_it_stands_alone(self, nothing):
        assert self.text(nothing) == marker(SCHEDULE)

    def test_the_number_in_the_chain_stands_before_it(self):
        assert self.text("nightly", 12) == f"nightly [chain 12] {marker(SCHEDULE)}"
        assert self.text(None, 1) == f"[chain 1] {marker(SCHEDULE)}"

    @pytest.mark.parametrize("length", range(190, 208))
    def test_where_it_does_not_fit_it_is_left_out(self, length):
        text = self.text("x" * length, 12)
        assert len(text) <= 255
        assert ("[chain 12]" in text) == (length + len(f" [chain 12] {marker(SCHEDULE)}") <= 255)

    @pytest.mark.parametrize("text", [None, "", "by hand"])
    def test_without_a_schedule_there_is_only_the_text(self, text):
        given = {"description": text, "schedule": None}
        assert evaluate(RUN["vars"]["body"]["description"], given) == text


class TestDue:
    """When a backup was due, at any time of day; see also test_workbook_runs.py."""

    def told(self, **options):
        """What a run of a schedule with these options would be told."""
        since = evaluate(WORKFLOW["vars"]["since"], scheduled(**options))
        last = evaluate(DECIDE["vars"]["last"], {"since": since})
        made = DECIDE["tasks"]["weigh"]["publish"]["made"]
        context = scheduled(**options) | {
            "last": last,
            "running": None,
            "done": None,
            "more": False,
        }
        return evaluate(made, context)["status"]

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
        told = self.told(due=[0, 30, 1430], deadline=-2)
        assert told == f"Skipped: due at {due} UTC, more than -2 minutes ago"

    def test_it_was_yesterday_where_nothing_was_due_today(self, monkeypatch):
        self.at(monkeypatch, "2026-03-01 00:10:00")
        told = self.told(due=[720, 1430], deadline=1)
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
            "0 2 L * *",
            "0 2 L,15 2,6 mon",
            "30 4 * * mon#1,fri#5",
        ],
    )
    def test_it_was_when_croniter_says_on_whatever_day_the_run_starts(self, monkeypatch, pattern):
        random = Random(pattern)
        plan = Plan(pattern, "n", deadline=1).workflow_input("i", SCHEDULE, {})["schedule"]
        for _ in range(6):
            second = random.randrange(4 * 366 * 86400)
            now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
            self.at(monkeypatch, f"{now:%Y-%m-%d %H:%M:%S}")
            told = self.told(**plan | {"deadline": -2, "owed_since": ""})
            minute = (now + timedelta(seconds=10)).replace(second=0) + timedelta(seconds=1)
            due = croniter.croniter(pattern, minute).get_prev(datetime)
            assert told == f"Skipped: due at {due:%Y-%m-%d %H:%M} UTC, more than -2 minutes ago"

    def test_it_was_on_whatever_day_where_the_schedule_is_an_older_one(self, monkeypatch):
        self.at(monkeypatch, "2026-03-03 12:00:00")
        older = {"pattern": "0 2 * * mon", "due": [120], "deadline": -2}
        assert "due at 2026-03-03 02:00 " in self.told(**older)

    @staticmethod
    def at(monkeypatch, time):
        stand_still(monkeypatch, datetime.fromisoformat(f"{time}+00:00"))


class TestPace:
    """How long a run waits before its first look, in seconds."""

    WAIT = WORKFLOW["tasks"]["look"]["wait-before"]

    @pytest.mark.parametrize("schedule", [None, {}, {"id": SCHEDULE}])
    def test_a_run_of_a_schedule_does_not_wait(self, schedule):
        assert evaluate(self.WAIT, {"schedule": schedule}) == 0

    def test_one_of_a_policy_waits_for_as_long_as_that_says_at_most(self):
        waits = {evaluate(self.WAIT, {"schedule": {"paced": 3}}) for _ in range(200)}
        assert waits == {0, 1, 2, 3}

    def test_the_look_is_not_given_up_while_it_waits(self):
        timeout = WORKFLOW["tasks"]["look"]["timeout"]
        assert evaluate(timeout, {"schedule": {"paced": 600}}) == 900
        assert [evaluate(timeout, {"schedule": each}) for each in (None, {})] == [300, 300]

    @pytest.mark.parametrize("most", [1, 3, 5, 10, 50])
    @pytest.mark.parametrize("count", [1, 9, 10, 25, 100, 1000])
    def test_no_more_than_ten_begin_in_a_minute(self, most, count):
        part = WORKFLOWS["backup_policy"]["tasks"]["pace"]["on-success"]["publish"]["global"][
            "part"
        ]
        given = {"selection": {"max_parallel": most}, "todo": [*range(count)], "ends": 3300}
        given |= {"start_by": datetime.now(UTC).timestamp() + 2700}
        paced = evaluate(part, given | {"schedule": {"id": SCHEDULE}})["paced"]
        assert count <= 9 or min(most, count) / (paced / 2) * 60 <= 10
        # Where those at a time have all waited for the longest, the next ones have time to begin.
        assert 2 * paced < 3300 - 600


def test_a_policy_does_not_wait_for_others_when_it_has_no_time_left():
    waits = WORKFLOWS["backup_policy"]["tasks"]["begin"]["retry"]["continue-on"]
    now = datetime.now(UTC).timestamp()
    for others, left, goes_on in ((True, 660, True), (True, 540, False), (False, 660, False)):
        assert evaluate(waits, {"others": others, "ends": now + left}) is goes_on


def test_a_policy_looks_for_the_due_time_as_its_runs_do():
    assert WORKFLOWS["backup_policy"]["vars"]["since"] == WORKFLOW["vars"]["since"]


class TestRefusals:
    VERDICT = TROUBLE["tasks"]["weigh"]["publish"]["verdict"]

    def verdict(self, said, parent=None):
        return evaluate(self.VERDICT, {"body": {"parent_id": parent}, "said": said})

    @staticmethod
    def told(message, status):
        """The result of a failed action, as Mistral keeps it."""
        failure = f"TroveAction.backups.create failed: {message} (HTTP {status})"
        return f"The action raised an exception [action=<x>, action_ex_id=y, msg='{failure}']"

    @pytest.mark.parametrize("status", [400, 401, 403, 404])
    def test_what_trove_refuses_for_good_is_not_tried_again(self, status):
        assert self.verdict(self.told("no", status)) == "failed"

    @pytest.mark.parametrize("status", [409, 422, 500, 502, 503, 504])
    def test_what_may_pass_is(self, status):
        assert self.verdict(self.told("no", status)) == "unsure"

    def test_a_failure_without_a_status_is_tried_again(self):
        assert self.verdict("timed out") == "unsure"

    def test_with_a_parent_it_is_the_parent_that_may_be_missing(self):
        told = self.told("Resource p cannot be found.", 404)
        assert self.verdict(told, "p") == "orphan"
        assert self.verdict(self.told("no", 403), "p") == "failed"

    def test_troves_own_words_tell_a_running_backup_from_an_instance_that_is_down(self, trove):
        running = self.told(trove["refusals"]["running"], 422)
        assert self.verdict(running) == "overtaken"
        for cause in ("down", "task"):
            refusal = self.told(trove["refusals"][cause], 422)
            assert self.verdict(refusal) == "unsure"

    def test_of_two_refusals_of_one_status_a_used_up_quota_lasts_and_a_busy_minute_passes(
        self, trove
    ):
        assert trove["statuses"]["QuotaExceeded"] == trove["rate_limited"]["status"] == 413
        quota = self.told(trove["messages"]["quota"], 413)
        assert self.verdict(quota) == "failed"
        limited = self.told(trove["rate_limited"]["body"]["overLimit"]["message"], 413)
        assert self.verdict(limited) == "unsure"

    def test_keystone_s_404_is_no_parent_that_is_missing(self):
        told = self.told("Could not find trust: 5a1b0c.", 404)
        assert self.verdict(told, "p") == "failed"


def test_branches_that_end_beside_each_other_never_hide_how_a_run_ends():
    # Mistral merges what they published in no order: null would win over a failure.
    for task in RUN["tasks"].values():
        for publish in ("publish", "publish-on-error"):
            assert task.get(publish, {}).get("ending", {}) is not None
    output = RUN["output"]
    context = {"state": "COMPLETED", "body": {"parent_id": None}, "remark": "", "untidied": ""}
    assert evaluate(output["status"], context | {"ending": {}}) == "Backup complete"
    failed = {"status": "Backup failed", "cause": "no disk"}
    assert evaluate(output["status"], context | {"ending": failed}) == "Backup failed"
    assert evaluate(output["cause"], context | {"ending": failed}) == "no disk"


def test_a_timeout_comes_after_all_that_a_task_waits_for():
    """It is for actions that are lost; one that came between two attempts would double them."""
    for workflow in WORKFLOWS.values():
        for name, task in workflow["tasks"].items():
            if "timeout" in task and "retry" in task:
                most = 60 if name == "watch" else 0
                waits = [int(each) for each in re.findall(r"random\(\d+, (\d+)\)", str(task))]
                delay = task["retry"]["delay"]
                most = most or (delay if isinstance(delay, int) else waits[-1])
                first = waits[0] if "wait-before" in task and waits else 2
                attempts = task["retry"]["count"] + 1
                assert task["timeout"] >= first + most * (attempts - 1) + 30 * attempts, name


@pytest.mark.usefixtures("_now")
class TestWatch:
    WATCH = RUN["tasks"]["watch"]

    def state(self, status, waited=0):
        context = {"until": NOW.timestamp() - waited + 2700}
        return evaluate(self.WATCH["publish"]["state"], context, {"status": status})

    @pytest.mark.parametrize("state", ["COMPLETED", "FAILED"])
    def test_what_has_ended_is_seen(self, state):
        assert self.state(state) == self.state(state, 3000) == state

    @pytest.mark.parametrize("state", ["NEW", "BUILDING", "SAVING"])
    def test_what_has_not_is_looked_at_for_45_minutes(self, state):
        assert self.state(state, 2600) == "open"
        assert self.state(state, 2800) == "late"

    @pytest.mark.parametrize(
        ("said", "state"),
        [
            ("Resource b cannot be found. (HTTP 404)", "lost"),
            ("Could not find trust: 5a1b0c. (HTTP 404)", "lost"),
            ("Unauthorized (HTTP 401)", "lost"),
            ("Trove is tired (HTTP 500)", "open"),
            (None, "open"),
        ],
    )
    def test_a_look_that_fails_is_repeated_unless_something_is_gone(self, said, state):
        context = {"until": NOW.timestamp() + 2700}
        assert evaluate(self.WATCH["publish-on-error"]["state"], context, said) == state

    @pytest.mark.parametrize(
        ("schedule", "minutes"), [(None, 45), ({}, 45), ({"ends": 50}, 45), ({"ends": 20}, 20)]
    )
    def test_it_ends_while_the_token_of_a_policys_run_lives(self, schedule, minutes):
        now = NOW.timestamp()
        if schedule:
            schedule = {"ends": now + 60 * schedule["ends"]}
        assert evaluate(RUN["vars"]["until"], {"schedule": schedule}) == now + 60 * minutes

    def test_looks_get_rarer_up_to_a_minute(self):
        waits = [self.WATCH["wait-before"]]
        for _ in range(7):
            context = {"asked": NOW.timestamp() - sum(waits)}
            waits.append(evaluate(self.WATCH["retry"]["delay"], context))
        assert waits == [2, 3, 6, 12, 24, 48, 60, 60]
        early = {"asked": NOW.timestamp() + 60}
        assert evaluate(self.WATCH["retry"]["delay"], early) == 1


@pytest.mark.usefixtures("_now")
class TestRetain:
    """How long a run may wait before retention begins, in seconds."""

    @pytest.fixture(autouse=True)
    def _longest(self, monkeypatch):
        monkeypatch.setattr("yaql.standard_library.math.random.randint", lambda _, most: most)

    def longest(self, updated, waited=0, **options):
        top = updated and [
            "a",
            f"{NOW - timedelta(minutes=updated):%Y-%m-%dT%H:%M:%S}",
            "COMPLETED",
        ]
        context = scheduled(**options) | {"asked": NOW.timestamp() - waited, "top": top}
        return evaluate(RUN["tasks"]["retain"]["wait-before"], context)

    def test_it_is_25_minutes(self):
        assert self.longest(1440) == 1500

    def test_it_is_less_where_the_instance_is_backed_up_often(self):
        assert self.longest(8) == 120
        assert self.longest(0.01) == 2

    def test_it_ends_while_the_token_lives(self):
        assert self.longest(1440, waited=2700) == 300

    def test_a_run_by_hand_one_of_a_policy_and_a_first_one_do_not_wait(self):
        assert self.longest(1440, manual=True) == 0
        assert self.longest(1440, paced=60) == 0
        assert self.longest(None) == 0
