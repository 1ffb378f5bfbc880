# SPDX-License-Identifier: Apache-2.0
"""Schedules as Mistral keeps them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.mistral_api import Row
from tests.unit.client.fake_cloud import FakeCloud

UNKNOWN = "00000000-0000-4000-8000-000000000000"
OTHER_PROJECT = "f" * 32


def add_schedule(
    cloud: FakeCloud,
    instance: str,
    *,
    generation: int = 1,
    schedule: str | None = None,
    project: str | None = None,
    earlier: tuple[str, ...] = (),
    **values: Any,
) -> Row:
    """A schedule's trigger as Mistral keeps it; returns its row."""
    schedule = schedule or str(uuid.uuid4())
    kept = {"id": schedule} | ({"earlier": list(earlier)} if earlier else {})
    given = {"instance": instance, "name": "nightly", "schedule": kept}
    return cloud.mistral.add_trigger(
        project or cloud.project,
        f"trove-backup:{instance}:{schedule}:{generation}",
        **({"workflow_input": json.dumps(given)} | values),
    )


def id_of(row: Row) -> str:
    """The schedule id in a trigger's name."""
    return str(row["name"].split(":")[2])


def triggers(cloud: FakeCloud) -> list[Row]:
    return cloud.mistral.rows("cron_triggers")


def change_triggers(cloud: FakeCloud, **values: Any) -> None:
    """Let all triggers be different."""
    for row in triggers(cloud):
        cloud.mistral.change("cron_triggers", row, **values)
