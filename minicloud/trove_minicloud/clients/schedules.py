# SPDX-License-Identifier: Apache-2.0
"""Which schedules back an instance up, whoever's they are."""

import json
from typing import Any

from keystoneauth1.exceptions import ClientException

from trove_minicloud import settings
from trove_minicloud.clients.sessions import admin_session
from trove_minicloud.errors import MiniCloudError, NotUpError
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root

_TIMEOUT = 30.0


def backing_up(root: Root, instance: Instance) -> dict[str, str]:
    """The names of the schedules by their ids.

    :raises MiniCloudError: Mistral, which keeps the schedules, doesn't say.
    """
    chosen = settings.load(root)
    if chosen is None:
        raise NotUpError("The mini cloud has never been up.")
    # A schedule is a cron trigger of this name, or two while it is being changed.
    named = f"trove-backup:{instance.id}:"
    try:
        answer = admin_session(chosen, _TIMEOUT).get(
            f"{chosen.mistral_url}/cron_triggers",
            params={"all_projects": "true", "name": f"has:{named}"},
        )
    except ClientException as error:
        raise MiniCloudError(f"Mistral doesn't answer: {error}") from error
    triggers: list[dict[str, Any]] = answer.json()["cron_triggers"]
    return {
        each["name"].removeprefix(named).partition(":")[0]: _name(each["workflow_input"])
        for each in triggers
        if each["name"].startswith(named)
    }


def _name(workflow_input: str | dict[str, Any]) -> str:
    """Mistral gives the input as JSON in a text."""
    given = json.loads(workflow_input) if isinstance(workflow_input, str) else workflow_input
    return str(given.get("name"))
