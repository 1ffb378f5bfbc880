# SPDX-License-Identifier: Apache-2.0
"""Run the workbook's policies on Mistral's own engine; see workbook_runs.py.

Only Trove is made up, at the wire: one project for each scenario. Prints, as JSON, how each ended.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests_mock

from tests.contract.workbook_runs import (
    BUSY,
    GONE,
    NOW,
    OVER,
    SCHEDULE,
    WATCHER,
    Answer,
    fault,
    hurried,
    start_engine,
)

# The import above chooses the backend, before Mistral asks for one.
# isort: split
from mistral import context
from mistral.actions import std_actions
from mistral.db.v2 import api as db_api
from mistral.rpc import clients as rpc_clients
from mistral.services import workbooks

from trove_schedules import workbook

#: How long all of them may take, in seconds.
DEADLINE = 900
#: A fault whose text is as long as a fault can be said in one line of Nova's.
LONG = 'the disk of "é😀" is\nfull, ' * 100
#: A name that is as long as Trove takes it, and longer in JSON.
ODD = ("é😀\"'" * 64)[:255]
#: How many instances Trove shows in a page, whatever is asked for.
PAGE = 20
#: The same where a few instances have to make several pages: each of them costs a run.
FEW = 4
#: Of a schedule that is due at midnight and three times after that: the firing is the third.
GUARDED = {"due": [0], "owed_since": "2025-12-01T00:00:00+00:00", "retry_every": 5, "attempts": 4}


@dataclass
class Scenario:
    """A project: its instances and their backups, and what Trove answers.

    :ivar instances: rows of Trove's list, by :func:`database`.
    :ivar backups: rows by :func:`made`, when the run begins.
    :ivar refused: by the name of an instance, what a create is answered.
    :ivar faulty: the names of instances whose backups end FAILED.
    :ivar slow: the names of instances whose backups stay SAVING.
    :ivar page: the most of the instances that a list shows.
    :ivar lists: what a list of instances is answered, in turn; None stands for the instances.
    :ivar backup_lists: the same for the list of the project's backups.
    :ivar unlisted: by the name of an instance, what a list of its backups is answered.
    :ivar expires: after how many creates Trove knows the token no more.
    :ivar expired: what is answered from then on.
    :ivar cancelled: by the name of an instance whose backup never ends, the workflow that somebody
        cancels, of those that make the backup.
    :ivar beside: further runs: how many seconds after the first each of them is created.
    :ivar before: a run that never ends: its state, and how many minutes ago it was created.
    """

    instances: list[dict[str, Any]]
    schedule: dict[str, Any] = field(default_factory=dict)
    selection: dict[str, Any] = field(default_factory=dict)
    backups: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[str, Answer] = field(default_factory=dict)
    faulty: tuple[str, ...] = ()
    slow: tuple[str, ...] = ()
    page: int = PAGE
    lists: list[Answer | None] = field(default_factory=list)
    backup_lists: list[Answer | None] = field(default_factory=list)
    unlisted: dict[str, Answer] = field(default_factory=dict)
    expires: int | None = None
    expired: Answer = (401, "Unauthorized")
    cancelled: dict[str, str] = field(default_factory=dict)
    incremental: bool = False
    beside: tuple[int, ...] = ()
    before: tuple[str, int] | None = None
    project: str = field(default_factory=lambda: uuid.uuid4().hex)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    deletes: list[str] = field(default_factory=list)
    pings: list[str] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    most: int = 0

    def name_of(self, instance: str) -> str:
        return str(next(each["name"] for each in self.instances if each["id"] == instance))

    def running(self) -> int:
        return sum(each["status"] == "BUILDING" for each in self.backups)


def database(name: str, status: str = "ACTIVE", **fields: Any) -> dict[str, Any]:
    """An instance as Trove shows it."""
    return {
        "id": str(uuid.uuid4()),
        "name": name,
        "status": status,
        "datastore": {"type": "mysql", "version": "8.4"},
        **fields,
    }


def fleet(count: int, prefix: str = "db") -> list[dict[str, Any]]:
    return [database(f"{prefix}-{number}") for number in range(count)]


def made(
    instance: dict[str, Any], minutes: float, status: str = "COMPLETED", *, of: str = SCHEDULE
) -> dict[str, Any]:
    """A backup of an instance, made N minutes ago."""
    when = (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "id": str(uuid.uuid4()),
        "name": "nightly",
        "description": f"[schedule {of}]",
        "instance_id": instance["id"],
        "created": when,
        "updated": when,
        "size": 0.1,
        "status": status,
        "parent_id": None,
    }


def guarded(count: int, done: int, **options: Any) -> Scenario:
    """A further attempt, when the first N of the instances have their backup."""
    instances = fleet(count)
    backups = [made(each, 9) for each in instances[:done]]
    return Scenario(instances, GUARDED, backups=backups, **options)


def in_turn(count: int) -> list[dict[str, Any]]:
    """N instances of one page, named in the order in which Trove shows it."""
    ids = sorted((each["id"] for each in fleet(count)), reverse=True)
    return [database(f"db-{number}", id=each) for number, each in enumerate(ids)]


def replica() -> list[dict[str, Any]]:
    source = database("source")
    return [source, database("copy", replica_of={"id": source["id"], "links": []})]


def drilled() -> list[dict[str, Any]]:
    return [database("db"), database(f"trove-drill-{SCHEDULE}-{uuid.uuid4()}")]


def late_fleet() -> list[dict[str, Any]]:
    return [database("up"), database("down", "SHUTDOWN"), database("new", "BUILD")]


def watched(name: str) -> dict[str, str]:
    return {
        "notify_url": f"{WATCHER}/{name}",
        "webhook_url": f"{WATCHER}/{name}",
        "webhook_on": "always",
    }


QUOTA: Answer = (413, OVER)
OLD = fleet(2)
SCENARIOS = {
    "none": Scenario([]),
    "one": Scenario(fleet(1)),
    "several": Scenario(fleet(7), selection={"max_parallel": 3}, page=FEW),
    "many": Scenario(fleet(12), page=FEW),
    "huge": Scenario(
        [database(ODD, "ACTIVE" if n < 10 else "ERROR") for n in range(1000)],
        watched("huge"),
        {"max_parallel": 30},
        refused={ODD: (403, LONG)},
    ),
    "long": Scenario(
        [database(f"{n} " + "n" * 250, "ERROR" if n > 12 else "ACTIVE") for n in range(60)],
        selection={"max_parallel": 30},
        refused={f"{n} " + "n" * 250: (403, LONG) for n in range(40)},
    ),
    "matched": Scenario(
        [*fleet(2, "orders"), *fleet(2, "users"), *fleet(1, "orders-old")],
        selection={"takes": r"^(?s:orders.*)\Z", "leaves": r"^(?s:orders\-old.*)\Z"},
    ),
    "datastores": Scenario(
        [database("m"), database("p", datastore={"type": "postgresql", "version": "18"})],
        selection={"datastores": ["postgresql"]},
    ),
    "no_replicas": Scenario(replica()),
    "replicas": Scenario(replica(), selection={"replicas": True}),
    "no_drills": Scenario(drilled()),
    "unable": Scenario(late_fleet(), watched("unable")),
    "failing": Scenario(
        fleet(9),
        watched("failing"),
        refused={"db-2": QUOTA, "db-3": (403, "Policy forbids")},
        faulty=("db-4",),
    ),
    "watched": Scenario(fleet(3), watched("watched")),
    "guard_done": guarded(7, 7),
    "guard_watched": Scenario(
        OLD, GUARDED | watched("guard_watched"), {}, [made(o, 9) for o in OLD]
    ),
    "guard_some": guarded(7, 5),
    "guard_deleted": Scenario(
        fleet(2), GUARDED, backups=[made(each, 9) for each in fleet(5, "gone")]
    ),
    "guard_unlisted": guarded(3, 2, backup_lists=[(503, "Trove is tired")]),
    "guard_lost": guarded(
        4,
        2,
        unlisted={"db-2": (503, "Trove is tired"), "db-3": (401, "Unauthorized")},
    ),
    "guard_down": Scenario(
        [down := database("down", "SHUTDOWN")], GUARDED, backups=[made(down, 9)]
    ),
    "not_due": Scenario(fleet(2), GUARDED | {"owed_since": "2026-01-02T00:05:00+00:00"}),
    "by_hand": guarded(3, 3),
    "unlisted": Scenario(fleet(2), watched("unlisted"), lists=[(503, "Trove is tired")]),
    "list_recovers": Scenario(fleet(6), lists=[None, (503, "Trove is tired"), None], page=FEW),
    "busy": Scenario(fleet(2), refused={"db-1": (422, f"Instance x {BUSY}")}),
    "deleted": Scenario(fleet(3), refused={"db-1": (404, GONE)}),
    "slow": Scenario(fleet(3), watched("slow"), slow=("db-1",)),
    "expires": Scenario(fleet(12), GUARDED | watched("expires"), {"max_parallel": 1}, expires=4),
    "expires_last": Scenario(
        fleet(6),
        GUARDED | {"attempts": 3} | watched("expires_last"),
        {"max_parallel": 1},
        expires=4,
    ),
    "expires_for_keystone": Scenario(
        fleet(6),
        GUARDED,
        {"max_parallel": 1},
        expires=4,
        # A token of a trust is looked up by mistral-extra before Trove is asked anything.
        expired=(404, "Failed to validate token"),
    ),
    "expires_only": Scenario(fleet(3), watched("expires_only"), {"max_parallel": 1}, expires=2),
    "cancelled": Scenario(
        in_turn(9),
        watched("cancelled"),
        {"max_parallel": 2},
        faulty=("db-8",),
        cancelled={"db-0": workbook.WORKFLOW, "db-1": workbook.MAKING},
    ),
    "too_late": guarded(5, 2),
    "too_late_done": guarded(2, 2),
    "just_in_time": guarded(6, 0),
    "chain": Scenario(fleet(2), {"keep_last": 1}, incremental=True),
    "pinned": Scenario(fleet(2), {"keep_last": 1}),
    "overlapping": Scenario(fleet(4), GUARDED, {"max_parallel": 2}, beside=(0, 0, 1)),
    "kept_waiting": Scenario(fleet(2), watched("kept_waiting"), before=("PAUSED", 59)),
    "long_ago": Scenario(fleet(2), before=("RUNNING", 61)),
}
SCENARIOS["by_hand"].schedule = GUARDED | {"manual": True}
SCENARIOS["too_late"].schedule = GUARDED | watched("too_late") | {"deadline": 5}
SCENARIOS["too_late_done"].schedule = GUARDED | watched("too_late_done") | {"deadline": 5}
SCENARIOS["just_in_time"].schedule = GUARDED | {"deadline": 10}
for each in SCENARIOS["chain"].instances:
    SCENARIOS["chain"].backups += [made(each, 2 * 1440), made(each, 1440), made(each, 2880, of="x")]
for each in SCENARIOS["pinned"].instances:
    SCENARIOS["pinned"].backups += [made(each, 2 * 1440), made(each, 1440)]
SCENARIOS["pinned"].schedule["pinned"] = [SCENARIOS["pinned"].backups[0]["id"]]
BY_PROJECT = {each.project: each for each in SCENARIOS.values()}
LOCK = threading.RLock()


def trove(request: Any, context: Any) -> dict[str, Any]:
    with LOCK:
        return answered(request, context)


def answered(request: Any, context: Any) -> dict[str, Any]:
    address = urlsplit(request.url)
    context.headers["Content-Type"] = "application/json"
    project, *asked = address.path.removeprefix("/v1.0/").split("/")
    if not asked:  # python-troveclient begins anew when a token has ended
        return fault(context, 401, "Unauthorized")
    kind, *rest = asked
    scenario = BY_PROJECT[project]
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    of = "instance" if "instance_id" in query else "project"
    scenario.asked.append(f"{request.method} {kind}{'' if rest else f' of {of}'}")
    if (
        kind == "backups"
        and scenario.expires is not None
        and scenario.expires <= len(scenario.bodies)
    ):
        return fault(context, *scenario.expired)
    if kind == "instances":
        if rest:
            (found,) = [each for each in scenario.instances if each["id"] == rest[0]]
            return {"instance": found}
        return instances(scenario, query, context)
    if request.method == "POST":
        return create(scenario, request.json()["backup"], context)
    if rest and request.method == "DELETE":
        scenario.deletes.append(rest[0])
        scenario.backups = [each for each in scenario.backups if each["id"] != rest[0]]
        context.status_code = 202
        return {}
    if rest:
        return look(scenario, rest[0], context)
    return backups(scenario, query, context)


def instances(scenario: Scenario, query: dict[str, str], context: Any) -> dict[str, Any]:
    answer = next_of(scenario.lists)
    if answer is not None:
        return fault(context, *answer)
    rows = sorted(scenario.instances, key=lambda row: str(row["id"]))
    behind = [row for row in rows if row["id"] > query.get("marker", "")]
    # A page is shown in another order than it is chosen by, see test_trove.py.
    return {"instances": behind[: min(scenario.page, int(query["limit"]))][::-1]}


def backups(scenario: Scenario, query: dict[str, str], context: Any) -> dict[str, Any]:
    rows = sorted(scenario.backups, key=lambda row: str(row["updated"]), reverse=True)
    if "instance_id" in query:
        name = scenario.name_of(query["instance_id"])
        if name in scenario.unlisted:
            return fault(context, *scenario.unlisted[name])
        rows = [row for row in rows if row["instance_id"] == query["instance_id"]]
    elif (answer := next_of(scenario.backup_lists)) is not None:
        return fault(context, *answer)
    first = int(query.get("marker", "0"))
    return {"backups": rows[first : first + int(query["limit"])]}


def next_of(answers: list[Answer | None]) -> Answer | None:
    """The next answer; the last one is repeated."""
    if not answers:
        return None
    return answers.pop(0) if len(answers) > 1 else answers[0]


def create(scenario: Scenario, body: dict[str, Any], context: Any) -> dict[str, Any]:
    name = scenario.name_of(body["instance"])
    if name in scenario.refused:
        return fault(context, *scenario.refused[name])
    scenario.bodies.append(body | {"of": name})
    new = made({"id": body["instance"]}, 0, "BUILDING") | {
        "description": body["description"],
        "parent_id": body.get("parent_id"),
    }
    scenario.backups.append(new)
    scenario.most = max(scenario.most, scenario.running())
    context.status_code = 202
    return {"backup": new}


def look(scenario: Scenario, identifier: str, context: Any) -> dict[str, Any]:
    """The first look at a new backup is python-troveclient's own, see workbook_runs.py."""
    found = next((each for each in scenario.backups if each["id"] == identifier), None)
    if found is None:
        return fault(context, 404, "Resource cannot be found.")
    shown = dict(found)
    if found["status"] == "BUILDING":
        name = scenario.name_of(found["instance_id"])
        if found.setdefault("looks", 0) and name not in scenario.cancelled:
            ends = "FAILED" if name in scenario.faulty else "COMPLETED"
            found["status"] = shown["status"] = "SAVING" if name in scenario.slow else ends
        found["looks"] += 1
    return {"backup": shown}


def ping(method: str, url: str, **given: Any) -> Any:
    """In the place of requests.request, where std.http calls it; see workbook_runs.py."""
    name, _, rest = url.removeprefix(f"{WATCHER}/").partition("/")
    if method == "POST":
        SCENARIOS[name].sent.append(given["json"])
    else:
        SCENARIOS[name].pings.append(rest)
    answer = std_actions.requests.Response()
    answer.status_code, answer._content, answer.url = 200, b"", url
    return answer


def start(scenario: Scenario) -> str:
    """Start a run as the policy's trigger does; the id of its execution."""
    trigger = str(uuid.uuid5(uuid.NAMESPACE_OID, scenario.project))
    note = {
        "description": f"Workflow execution created by cron trigger '({trigger})'.",
        "triggered_by": {"type": "cron_trigger", "id": trigger},
    }
    started = rpc_clients.get_engine_client().start_workflow(
        workbook.POLICY,
        "",
        # Behind the policy's id, which the text of its own execution has too.
        f"ff{str(uuid.uuid4())[2:]}",
        {
            "name": "nightly",
            "incremental": scenario.incremental,
            "schedule": {"id": SCHEDULE, "pattern": "10 0 * * *"} | scenario.schedule,
            "selection": scenario.selection,
        },
        description=json.dumps(note),
    )
    return str(started["id"])


def main(directory: Path, names: list[str]) -> None:
    start_engine(directory)
    import requests  # the real one, whose answers `ping` makes

    std_actions.requests.request = ping
    std_actions.requests.Response = requests.Response
    chosen = {name: each for name, each in SCENARIOS.items() if not names or name in names}
    with requests_mock.Mocker() as mock:
        mock.register_uri(requests_mock.ANY, requests_mock.ANY, json=trove)
        act_for("p")
        workbooks.create_workbook_v2(hurried(), scope="public")
        started = {}
        for name, each in chosen.items():
            act_for(each.project)
            if each.before:
                leave(*each.before)
            started[name] = [start(each), *(start(each) for _ in each.beside)]
            set_apart(started[name], each.beside)
        deadline = time.monotonic() + DEADLINE
        told = {name: ended(name, chosen[name], ids, deadline) for name, ids in started.items()}
        print(json.dumps(told))  # noqa: T201
    sys.stdout.flush()
    os._exit(0)


def act_for(project: str) -> None:
    """Let what follows be asked of Mistral by a project."""
    context.set_ctx(context.MistralContext(project_id=project, user_id="u", auth_token="t"))


def leave(state: str, minutes: int) -> None:
    """A run of another policy of the project, that only the database knows of."""
    with db_api.transaction():
        db_api.create_workflow_execution(
            {
                "name": workbook.POLICY,
                "workflow_name": workbook.POLICY,
                "state": state,
                "spec": {},
                "input": {},
                "context": {},
                "params": {},
                "created_at": (NOW - timedelta(minutes=minutes)).replace(tzinfo=None),
            }
        )


def set_apart(ids: list[str], seconds: tuple[int, ...]) -> None:
    """Say when runs were created, before they look: Mistral keeps whole seconds."""
    with db_api.transaction():
        first, *others = (db_api.get_workflow_execution(each) for each in ids)
        for other, after in zip(others, seconds, strict=True):
            other.created_at = first.created_at + timedelta(seconds=after)


def ended(name: str, scenario: Scenario, ids: list[str], deadline: float) -> dict[str, Any]:
    """Wait for the end of a scenario's runs; what came of the first, and of each."""
    act_for(scenario.project)
    told: list[dict[str, Any]] = []
    to_cancel = dict(scenario.cancelled)
    while True:
        cancel(scenario, ids[0], to_cancel)
        with db_api.transaction(read_only=True):
            found = db_api.get_workflow_execution(ids[len(told)])
            if found.state in ("SUCCESS", "ERROR"):
                told.append(outcome(found))
                if len(told) == len(ids):
                    break
            if time.monotonic() > deadline:
                print(f"{name} is {found.state}: {found.state_info}", file=sys.stderr)  # noqa: T201
                sys.stderr.flush()
                os._exit(1)
        time.sleep(0.2)
    return told[0] | {
        "each": told,
        "instances": {each["id"]: each["name"] for each in scenario.instances},
        "bodies": scenario.bodies,
        "backed_up": sorted(each["of"] for each in scenario.bodies),
        "deletes": len(scenario.deletes),
        "left": [
            [each["instance_id"], each["status"], each["parent_id"]] for each in scenario.backups
        ],
        "pings": scenario.pings,
        "sent": scenario.sent,
        "asked": {each: scenario.asked.count(each) for each in set(scenario.asked)},
        "most": scenario.most,
    }


def cancel(scenario: Scenario, root: str, names: dict[str, str]) -> None:
    """Cancel the runs of these instances that have begun a backup, as a person does."""
    for name in [each["of"] for each in scenario.bodies if each["of"] in names]:
        with db_api.transaction(read_only=True):
            [chosen] = [
                each.id
                for each in db_api.get_workflow_executions(
                    root_execution_id=root, workflow_name=names.pop(name)
                )
                if scenario.name_of(each.input["instance"]) == name
            ]
        rpc_clients.get_engine_client().stop_workflow(chosen, "CANCELLED", None)


def outcome(execution: Any) -> dict[str, Any]:
    runs = db_api.get_workflow_executions(root_execution_id=execution.id)
    kept = sum(
        len(json.dumps([task.in_context, task.published, task.runtime_context]))
        for task in execution.task_executions
    )
    return {
        "id": execution.id,
        "state": execution.state,
        "info": execution.state_info,
        "output": execution.output,
        "size": len(json.dumps(execution.output)),
        "kept": kept,
        "context": len(json.dumps(execution.context)),
        "runs": sorted(each.workflow_name for each in runs),
        "schedules": [
            each.input["schedule"] for each in runs if each.workflow_name == workbook.WORKFLOW
        ],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
