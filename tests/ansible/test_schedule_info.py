# SPDX-License-Identifier: Apache-2.0
"""The module `schedule_info`."""

from __future__ import annotations

from tests.ansible.collection import Collection
from tests.unit.client.fake_cloud import FakeCloud


def test_it_lists_a_project_or_an_instance_with_health_if_asked(
    collection: Collection, cloud: FakeCloud
) -> None:
    cloud.add_instance("n")
    schedules = cloud.schedules()
    url = "https://hc.test/very-secret"
    made = {
        name: schedules.schedule_create(name, "0 2 * * *", "nightly", notify_url=url)
        for name in ("m", "n")
    }
    found = collection.module("schedule_info", name="nightly")
    assert not found["changed"]
    assert {each["id"] for each in found["schedules"]} == {each.id for each in made.values()}
    assert all("health" not in each for each in found["schedules"])
    [one] = collection.module("schedule_info", instance="n", health=True, check=True)["schedules"]
    assert (one["id"], one["pattern"], one["pinned"]) == (made["n"].id, "0 2 * * *", [])
    assert one["health"]["state"] == "PENDING"
    assert "very-secret" not in str([found, one])
    assert collection.module("schedule_info", name="weekly", health=True)["schedules"] == []
