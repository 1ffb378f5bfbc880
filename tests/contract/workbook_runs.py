# SPDX-License-Identifier: Apache-2.0
"""Run the workbook on Mistral's own engine, with mistral-extra's actions and python-troveclient.

Only Trove is made up, at the wire: one instance for each scenario, with the answers it gives. The
waiting times of the workbook are made short. Prints, as JSON, how each scenario ended. It is a
process of its own (see the ``runs`` fixture), because the engine's threads can't be stopped.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests_mock
from oslo_service import backend

# ruff: noqa: E402 - the backend has to be chosen before Mistral asks for one
backend.init_backend(backend.BackendType.THREADING)

import mistral.api.app  # noqa: F401  (registers the options)
from mistral import config, context
from mistral.db.v2 import api as db_api
from mistral.engine import engine_server
from mistral.rpc import base as rpc, clients as rpc_clients
from mistral.services import action_manager, security, workbooks, workflows
from mistral_extra.actions.openstack import base as openstack_actions

from trove_schedules import workbook

BUSY = "is not currently available for an action to be performed (instance status was BACKUP)."
DOWN = "is not currently available for an action to be performed (instance status was SHUTDOWN)."
OVER = "Quota exceeded for resources: ['backups']."
GONE = "Resource cannot be found."
SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"
PARENT = "0d8c4bd9-0d2c-4cd6-9b0d-1b9ff6e4c0a7"
DEADLINE = 60
CONFIGURATION = """
[DEFAULT]
transport_url = fake://
[database]
connection = sqlite:///{directory}/mistral.sqlite
[executor]
type = local
[notifier]
type = local
[pecan]
auth_enable = True
"""

Answer = tuple[int, str]
LOADED = (200, "NEW")


@dataclass
class Scenario:
    """What Trove answers, one after the other; the last answer is repeated.

    :ivar listed: the states of the instance's backups.
    :ivar created: what a create is answered: a status and a message.
    :ivar looks: what a look at the backup is answered: a status and the backup's state. Before
        the workbook's own looks there is one by python-troveclient: when Mistral serialises the
        new backup, it loads itself.
    :ivar fault: the instance's last fault, or what a look at the instance is answered.
    """

    given: dict[str, Any] = field(default_factory=dict)
    listed: list[list[str] | Answer] = field(default_factory=lambda: [[]])
    created: list[Answer] = field(default_factory=lambda: [(202, "NEW")])
    looks: list[Answer] = field(default_factory=lambda: [LOADED, (200, "COMPLETED")])
    fault: dict[str, str] | Answer | None = None
    instance: str = field(default_factory=lambda: str(uuid.uuid4()))
    listings: list[list[str]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)


SCHEDULED = {"schedule": {"id": SCHEDULE}}
SCENARIOS = {
    "complete": Scenario(SCHEDULED),
    "by_hand": Scenario({"description": None, "parent_id": None}),
    "texts": Scenario(
        SCHEDULED | {"name": "<% env() %> {{ 1 + 1 }} '\" é😀", "description": "<% $.name %> é😀"}
    ),
    "parent": Scenario(SCHEDULED | {"parent_id": PARENT}),
    "incremental": Scenario(SCHEDULED | {"incremental": True}),
    "old_ones": Scenario(SCHEDULED, listed=[["COMPLETED", "FAILED", "DELETE_FAILED"]]),
    "new": Scenario(SCHEDULED, listed=[["NEW"]]),
    "building": Scenario(SCHEDULED, listed=[["BUILDING", "COMPLETED"]]),
    "saving": Scenario(SCHEDULED, listed=[["COMPLETED", "SAVING"]]),
    "list_recovers": Scenario(SCHEDULED, listed=[(503, "busy"), []]),
    "list_fails": Scenario(SCHEDULED, listed=[(503, "Trove is tired")]),
    "overtaken": Scenario(SCHEDULED, created=[(422, f"Instance x {BUSY}")]),
    "down": Scenario(SCHEDULED, created=[(422, f"Instance x {DOWN}")]),
    "down_then_up": Scenario(SCHEDULED, created=[(422, f"Instance x {DOWN}"), (202, "NEW")]),
    "quota": Scenario(SCHEDULED, created=[(413, OVER)]),
    "no_instance": Scenario(SCHEDULED, created=[(404, GONE)]),
    "forbidden": Scenario(SCHEDULED, created=[(403, "Policy forbids")]),
    "slow": Scenario(SCHEDULED, looks=[LOADED, (200, "SAVING"), (200, "COMPLETED")]),
    "failed": Scenario(SCHEDULED, looks=[LOADED, (200, "BUILDING"), (200, "FAILED")]),
    "explained": Scenario(
        SCHEDULED,
        looks=[LOADED, (200, "FAILED")],
        fault={"message": 'disk "full" <% env() %> é😀', "created": "2026-01-01T00:00:00"},
    ),
    "unexplained": Scenario(
        SCHEDULED, looks=[LOADED, (200, "FAILED")], fault=(404, "No such instance")
    ),
    "deleted": Scenario(SCHEDULED, looks=[LOADED, (200, "BUILDING"), (404, GONE)]),
    "look_recovers": Scenario(SCHEDULED, looks=[LOADED, (500, "tired"), (200, "COMPLETED")]),
    "never_ends": Scenario(SCHEDULED, looks=[LOADED, (200, "SAVING")]),
    "never_seen": Scenario(SCHEDULED, looks=[LOADED, (500, "Trove is tired")]),
}
BY_INSTANCE = {each.instance: each for each in SCENARIOS.values()}
BY_BACKUP: dict[str, Scenario] = {}
OLD: dict[str, dict[str, Any]] = {}


def next_of(answers: list[Any]) -> Any:
    return answers.pop(0) if len(answers) > 1 else answers[0]


def fault(context: Any, status: int, message: str) -> dict[str, Any]:
    context.status_code = status
    context.headers["Content-Type"] = "application/json"
    return {"someFault": {"code": status, "message": message}}


def trove(request: Any, context: Any) -> dict[str, Any]:
    address = urlsplit(request.url)
    context.headers["Content-Type"] = "application/json"
    if request.method == "POST":
        body = request.json()["backup"]
        scenario = BY_INSTANCE[body["instance"]]
        scenario.bodies.append(body)
        status, text = next_of(scenario.created)
        if status != 202:
            return fault(context, status, text)
        context.status_code = status
        identifier = str(uuid.uuid4())
        BY_BACKUP[identifier] = scenario
        return {"backup": row(identifier, text)}
    instance = address.path.partition("/instances/")[2]
    if instance:
        cause = BY_INSTANCE[instance].fault
        if isinstance(cause, tuple):
            return fault(context, *cause)
        shown = {"id": instance, "name": "m"} | ({"fault": cause} if cause else {})
        return {"instance": shown}
    identifier = address.path.partition("/backups/")[2]
    if identifier:
        if identifier in OLD:
            return {"backup": OLD[identifier]}
        status, text = next_of(BY_BACKUP[identifier].looks)
        if status != 200:
            return fault(context, status, text)
        return {"backup": row(identifier, text)}
    query = parse_qs(address.query)
    scenario = BY_INSTANCE[query["instance_id"][0]]
    answer = next_of(scenario.listed)
    if isinstance(answer, tuple):
        scenario.listings.append([])
        return fault(context, *answer)
    assert len(answer) <= int(query["limit"][0])
    rows = [row(str(uuid.uuid4()), each) for each in answer]
    OLD.update((each["id"], each) for each in rows)
    scenario.listings.append([each["id"] for each in rows])
    return {"backups": rows}


def row(identifier: str, status: str) -> dict[str, Any]:
    """A backup as Trove shows it, as far as anybody looks."""
    return {"id": identifier, "status": status, "name": "nightly", "description": None}


def hurried() -> str:
    """The workbook with short waits."""
    text = workbook.text()
    for there, here in (("delay: 15", "delay: 1"), ("2700", "3")):
        assert there in text
        text = text.replace(there, here)
    return text


def main(directory: Path) -> None:
    file = directory / "mistral.conf"
    file.write_text(CONFIGURATION.format(directory=directory))
    config.parse_args(args=["--config-file", str(file)])
    db_api.setup_db()
    workflows.sync_db()
    action_manager.sync_db()
    security.delete_trust = lambda trust_id=None: None
    endpoint = SimpleNamespace(url="http://trove.test/v1.0/%(tenant_id)s", region="RegionOne")
    openstack_actions.OpenStackAction.get_service_endpoint = lambda self: endpoint
    rpc.get_transport()
    engine_server.get_oslo_service().start()

    with requests_mock.Mocker() as mock:
        mock.register_uri(requests_mock.ANY, requests_mock.ANY, json=trove)
        ctx = context.MistralContext(project_id="p", user_id="u", auth_token="t")
        context.set_ctx(ctx)
        workbooks.create_workbook_v2(hurried())
        started = {
            name: rpc_clients.get_engine_client().start_workflow(
                workbook.WORKFLOW,
                "",
                None,
                {"instance": each.instance, "name": "nightly"} | each.given,
                description="",
            )["id"]
            for name, each in SCENARIOS.items()
        }
        print(json.dumps({name: ended(name, each) for name, each in started.items()}))  # noqa: T201
    sys.stdout.flush()
    os._exit(0)


def ended(name: str, execution_id: str) -> dict[str, Any]:
    """Wait for an execution's end."""
    deadline = time.monotonic() + DEADLINE
    while True:
        with db_api.transaction(read_only=True):
            found = db_api.get_workflow_execution(execution_id)
            if found.state in ("SUCCESS", "ERROR"):
                return {
                    "state": found.state,
                    "info": found.state_info,
                    "output": found.output,
                    "instance": SCENARIOS[name].instance,
                    "listings": SCENARIOS[name].listings,
                    "bodies": SCENARIOS[name].bodies,
                }
            if time.monotonic() > deadline:
                sys.exit(f"{name} is {found.state} after {DEADLINE} s: {found.state_info}")
        time.sleep(0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
