# SPDX-License-Identifier: Apache-2.0
"""Run the workbook's drills on Mistral's own engine; see workbook_runs.py.

Only Trove is made up, at the wire: one project for each scenario. Prints, as JSON, how each ended.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests_mock

from tests.contract.workbook_runs import (
    GONE,
    INSTANCE,
    NOW,
    OTHER,
    SCHEDULE,
    Answer,
    Clock,
    backup,
    fault,
    hurried,
    next_of,
    start_engine,
)

# The import above chooses the backend, before Mistral asks for one.
# isort: split
from mistral import context
from mistral.db.v2 import api as db_api
from mistral.rpc import clients as rpc_clients
from mistral.services import workbooks

from trove_schedules import workbook
from trove_schedules.schedules.selection import Selection

#: How long each of them may take, in seconds.
DEADLINE = 150
OVER = "Quota exceeded for resources: ['instances']."
BUILDING = "Instance x is not ready. (Status is BUILD)."
NETWORK = "33333333-be9b-49c1-a2f7-ca6c1213896f"
SOURCE = {
    "id": INSTANCE,
    "name": "orders",
    "status": "ACTIVE",
    "created": "2025-01-01T00:00:00",
    "flavor": {"id": "7", "links": []},
    "volume": {"size": 5, "used": 1.5},
    "datastore": {"type": "postgresql", "version": "18.6", "version_number": "18.6"},
    "addresses": [
        {"address": "203.0.113.7", "type": "public"},
        {"address": "10.0.0.7", "type": "private", "network": NETWORK},
    ],
}
#: A source of a cloud without volumes and networks.
PLAIN = {key: SOURCE[key] for key in ("id", "name", "status", "created", "flavor", "datastore")}


@dataclass
class Scenario:
    """A project: what Trove has of it, and answers, one after the other; the last is repeated.

    :ivar leftovers: instances with the name of a drill of this schedule: the name of the execution
        that made it ("own" for the run itself) and how many minutes ago.
    :ivar more: N other instances of the project.
    :ivar pages: the other instances of the project in full, or what a list of them is answered.
    :ivar created: what a create is answered: a status and a message.
    :ivar looks: what a look at the temporary instance is answered, until it is deleted.
    :ivar deletes: what a deletion is answered.
    :ivar there: what the temporary instance has, or what a list is answered.
    :ivar here: the same of the instance that was backed up.
    """

    backups: list[dict[str, Any]] = field(default_factory=lambda: [backup("1", 60)])
    leftovers: list[tuple[str, float]] = field(default_factory=list)
    more: int = 0
    pages: list[dict[str, Any]] | Answer = field(default_factory=list)
    source: dict[str, Any] | Answer = field(default_factory=lambda: SOURCE)
    created: list[Answer] = field(default_factory=lambda: [(200, "BUILD")])
    looks: list[Answer] = field(default_factory=lambda: [(200, "BUILD"), (200, "ACTIVE")])
    deletes: list[Answer] = field(default_factory=lambda: [(202, "")])
    fault: str = "file:///a.tar.zst is\ndamaged"
    there: dict[str, list[str]] | Answer = field(
        default_factory=lambda: {"databases": ["a", "b"], "users": ["app"]}
    )
    here: dict[str, list[str]] | Answer = field(
        default_factory=lambda: {"databases": ["a", "b"], "users": ["app"]}
    )
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    bodies: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    instances: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, (made_by, minutes) in enumerate(self.leftovers):
            execution = self.id if made_by == "own" else str(uuid.uuid4())
            self.instances.append(
                instance(f"trove-drill-{SCHEDULE}-{execution}", minutes, f"leftover-{number}")
            )
        for number in range(self.more):
            self.instances.append(instance(f"trove-drill-{OTHER}-x", 999, f"other-{number:03}"))
        if isinstance(self.pages, list):
            self.instances += self.pages


def instance(name: str, minutes: float, identifier: str) -> dict[str, Any]:
    created = (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S")
    return SOURCE | {"id": identifier, "name": name, "created": created}


def in_turn() -> list[dict[str, Any]]:
    """The instances of a project, of which a policy takes some, of several pages."""
    named = {f"{number}-{other}": f"test-{other}" for number in "123" for other in range(10)}
    named |= {number: f"db-{number}" for number in IN_TURN}
    return [instance(name, 999, identifier) for identifier, name in named.items()]


BUILT: Answer = (200, "BUILD")
FAILED: Answer = (200, "ERROR")
LATE: Answer = (422, BUILDING)
SCENARIOS = {
    "passed": Scenario(),
    "plain": Scenario(source=PLAIN),
    "lacking": Scenario(
        there={"databases": ["a"], "users": ["app", "old"]},
        here={"databases": ["a", "b"], "users": ["app", "x"]},
    ),
    "not_told": Scenario(there=(422, "Operation not supported for datastore redis.")),
    "source_does_not_tell": Scenario(here=(500, "The guest is tired")),
    "newest": Scenario(
        [
            backup("1", 60),
            backup("2", 50),
            backup("3", 40, "FAILED"),
            backup("4", 30, of=OTHER),
            backup("5", 20, of=None),
            backup("6", 10, "SAVING"),
        ]
    ),
    "no_backup": Scenario([backup("1", 60, "FAILED"), backup("2", 9, of=OTHER)]),
    "damaged": Scenario(looks=[BUILT, (200, "BUILD"), FAILED]),
    "look_recovers": Scenario(looks=[BUILT, (500, "tired"), (200, "ACTIVE")]),
    "lost_and_made": Scenario(looks=[(504, "too slow"), BUILT]),
    "lost": Scenario(created=[(504, "too slow")]),
    "stolen": Scenario(looks=[BUILT, (404, GONE)]),
    "never_ends": Scenario(looks=[(200, "BUILD")], deletes=[LATE]),
    "late": Scenario(looks=[(200, "BUILD")], deletes=[LATE, (202, "")]),
    "never_seen": Scenario(looks=[BUILT, (500, "Trove is tired")]),
    "quota": Scenario(created=[(413, OVER)]),
    "forbidden": Scenario(created=[(403, "Policy forbids")]),
    "no_source": Scenario(source=(404, GONE)),
    "undeletable": Scenario(deletes=[(500, "Nova is tired")]),
    "gone_already": Scenario(deletes=[(404, GONE)]),
    "leftovers": Scenario(leftovers=[("dead", 5), ("dead", 500)], more=45),
    "lost_by_mistral": Scenario(leftovers=[("own", 61)]),
    "in_use": Scenario(leftovers=[("dead", 5), ("own", 59)]),
    "leftover_stays": Scenario(leftovers=[("dead", 5)], deletes=[LATE, (202, "")]),
}
#: A policy's drills, due each day: how often it is due before, and what Trove has of its project.
IN_TURN = ["33", "11", "22"]
TURNS = {f"turn {days}": (days, Scenario(pages=in_turn())) for days in range(7)} | {
    "turn of none": (0, Scenario()),
    "turn unlisted": (0, Scenario(pages=(503, "Trove is tired"))),
}
BY_ID = {each.id: each for each in [*SCENARIOS.values(), *(each for _, each in TURNS.values())]}


def trove(request: Any, context: Any) -> dict[str, Any]:
    address = urlsplit(request.url)
    context.headers["Content-Type"] = "application/json"
    project, kind, *rest = address.path.removeprefix("/v1.0/").split("/")
    scenario = BY_ID[project]
    if kind == "backups":
        if rest:
            return {"backup": next(each for each in scenario.backups if each["id"] == rest[0])}
        return {"backups": scenario.backups}
    if request.method == "POST":
        return create(scenario, request.json()["instance"], context)
    if rest[1:]:
        return listed(scenario, *rest, context)
    if not rest:
        if isinstance(scenario.pages, tuple):
            return fault(context, *scenario.pages)
        return page(scenario, parse_qs(address.query))
    if request.method == "DELETE":
        return delete(scenario, rest[0], context)
    return show(scenario, rest[0], context)


def page(scenario: Scenario, query: dict[str, list[str]]) -> dict[str, Any]:
    """Trove chooses a page by id, and shows it in another order; see test_trove.py."""
    after = query.get("marker", [""])[0]
    rows = sorted(scenario.instances, key=lambda row: row["id"])
    chosen = [row for row in rows if row["id"] > after][: int(query["limit"][0])]
    return {"instances": chosen[::-1]}


def create(scenario: Scenario, body: dict[str, Any], context: Any) -> dict[str, Any]:
    scenario.bodies.append(body)
    status, text = next_of(scenario.created)
    if status != 200:
        return fault(context, status, text)
    made = SOURCE | {"id": "temporary", "name": body["name"], "status": text}
    scenario.instances.append(made)
    return {"instance": made}


def show(scenario: Scenario, identifier: str, context: Any) -> dict[str, Any]:
    if identifier == INSTANCE:
        if isinstance(scenario.source, tuple):
            return fault(context, *scenario.source)
        return {"instance": scenario.source}
    found = next((each for each in scenario.instances if each["id"] == identifier), None)
    if found is None:
        return fault(context, 404, GONE)
    # The first look is python-troveclient's own, see workbook_runs.py.
    if identifier == "temporary" and "temporary" not in scenario.deleted:
        status, text = next_of(scenario.looks)
        if status != 200:
            return fault(context, status, text)
        found = found | {"status": text}
        if text == "ERROR":
            found["fault"] = {"message": scenario.fault, "created": "2026-01-02T00:00:00"}
    return {"instance": found}


def listed(scenario: Scenario, identifier: str, kind: str, context: Any) -> dict[str, Any]:
    told = scenario.here if identifier == INSTANCE else scenario.there
    if isinstance(told, tuple):
        return fault(context, *told)
    return {kind: [{"name": name} for name in told[kind]]}


def delete(scenario: Scenario, identifier: str, context: Any) -> dict[str, Any]:
    status, text = next_of(scenario.deletes)
    if status != 202:
        return fault(context, status, text)
    scenario.deleted.append(identifier)
    scenario.instances = [each for each in scenario.instances if each["id"] != identifier]
    context.status_code = 202
    return {}


def main(directory: Path) -> None:
    start_engine(directory)
    with requests_mock.Mocker() as mock:
        mock.register_uri(requests_mock.ANY, requests_mock.ANY, json=trove)
        admin = context.MistralContext(project_id="p", user_id="u", auth_token="t", is_admin=True)
        context.set_ctx(admin)
        workbooks.create_workbook_v2(hurried(), scope="public")
        for each in SCENARIOS.values():
            context.set_ctx(context.MistralContext(project_id=each.id, user_id="u", auth_token="t"))
            rpc_clients.get_engine_client().start_workflow(
                workbook.DRILL,
                "",
                each.id,
                {"instance": INSTANCE, "schedule": {"id": SCHEDULE}},
                description="",
            )
        told = {name: ended(name, each) for name, each in SCENARIOS.items()}
        for days, each in TURNS.values():
            start_turn(each, days)
        told |= {name: ended(name, each) for name, (_, each) in TURNS.items()}
        print(json.dumps(told))  # noqa: T201
    sys.stdout.flush()
    os._exit(0)


def start_turn(scenario: Scenario, days: int) -> None:
    """Start what a policy's trigger of drills starts, N days later."""
    context.set_ctx(context.MistralContext(project_id=scenario.id, user_id="u", auth_token="t"))
    Clock.ahead[scenario.id] = timedelta(days=days)
    rpc_clients.get_engine_client().start_workflow(
        workbook.POLICY_DRILL,
        "",
        scenario.id,
        {"schedule": {"id": SCHEDULE, "due": [10]}, "selection": Selection(("db-*",)).written()},
        description="",
    )


def ended(name: str, scenario: Scenario) -> dict[str, Any]:
    """Wait for an execution's end."""
    deadline = time.monotonic() + DEADLINE
    while True:
        context.set_ctx(context.MistralContext(project_id=scenario.id, user_id="u", auth_token="t"))
        with db_api.transaction(read_only=True):
            found = db_api.get_workflow_execution(scenario.id)
            if found.state in ("SUCCESS", "ERROR"):
                return {
                    "id": scenario.id,
                    "state": found.state,
                    "info": found.state_info,
                    "output": found.output,
                    "backups": {each["name"]: each["id"] for each in scenario.backups},
                    "created": {each["id"]: each["created"] for each in scenario.backups},
                    "bodies": scenario.bodies,
                    "deleted": scenario.deleted,
                    "left": sorted(each["id"] for each in scenario.instances),
                }
            if time.monotonic() > deadline:
                print(  # noqa: T201
                    f"{name} is {found.state} after {DEADLINE} s: {found.state_info}",
                    file=sys.stderr,
                    flush=True,
                )
                os._exit(1)
        time.sleep(0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
