# SPDX-License-Identifier: Apache-2.0
"""List and create backups by python-troveclient, hand the results to Mistral's serializer as its
executor does, and print as JSON the requests to Trove and what came of them.

A process of its own, so that it can be given another python-troveclient by PYTHONPATH.
"""

from __future__ import annotations

import json
from typing import Any

import requests_mock
from mistral_lib import actions, serialization
from troveclient.v1 import client

TROVE = "http://trove.test/v1.0/p"
BACKUPS = [
    {"id": f"b{number}", "name": "n", "status": "COMPLETED", "parent_id": None}
    for number in range(5)
]


def trove() -> Any:
    """A client as mistral-extra makes it."""
    made = client.Client("u", "token", project_id="p", auth_url=TROVE)
    made.client.auth_token = "token"
    made.client.management_url = TROVE
    return made


def serialized(result: Any) -> Any:
    text = serialization.get_polymorphic_serializer().serialize(actions.Result(data=result))
    return json.loads(json.loads(text)["__serial_data"])["data"]


with requests_mock.Mocker() as mock:
    facts = {}
    mock.get(f"{TROVE}/backups", json={"backups": BACKUPS})
    mock.post(f"{TROVE}/backups", json={"backup": BACKUPS[0]})
    for each in BACKUPS:
        mock.get(f"{TROVE}/backups/{each['id']}", json={"backup": each})
    for name, act in (
        ("list", lambda: trove().backups.list(instance_id="i")),
        ("create", lambda: trove().backups.create("n", "i")),
    ):
        mock.reset_mock()
        result = serialized(act())
        rows = result if isinstance(result, list) else [result]
        facts[name] = {
            "requests": len(mock.request_history),
            "rows": [{key: row.get(key) for key in BACKUPS[0]} for row in rows],
        }
print(json.dumps(facts))  # noqa: T201 - the answer
