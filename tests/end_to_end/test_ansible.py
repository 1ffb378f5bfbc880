# SPDX-License-Identifier: Apache-2.0
"""A schedule by a playbook, on the real services: made, fired, healthy, left alone, deleted."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.ansible.collection import NAME, Collection
from tests.end_to_end.cloud import LiveCloud, finished
from tests.end_to_end.ticks import fire, just_due, owe
from trove_schedules import ScheduledBackups


def test_a_playbook_makes_a_schedule_that_fires(
    cloud: LiveCloud, schedules: ScheduledBackups, tmp_path: Path
) -> None:
    collection = Collection(tmp_path)
    collection.variables = {"OS_CLIENT_CONFIG_FILE": str(cloud.root.clouds_file)}
    schedule = {
        "cloud": "minicloud",
        "instance": "m",
        "name": "by-ansible",
        "pattern": just_due(),
        "attempts": 1,
        "state": "{{ state | default('present') }}",
    }
    info = {"cloud": "minicloud", "name": "by-ansible", "health": True}
    tasks = [
        {f"{NAME}.schedule": schedule},
        {f"{NAME}.schedule_info": info, "register": "found"},
        {"debug": {"msg": "{{ found.schedules | map(attribute='health.state') | list }}"}},
    ]
    playbook = tmp_path / "playbook.yaml"
    playbook.write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])
    )

    assert "changed=1" in collection.run("ansible-playbook", playbook, "--check")
    assert schedules.schedule_list("m") == []
    assert "changed=1" in collection.run("ansible-playbook", playbook)
    [made] = schedules.schedule_list("m")
    owe(cloud, made)
    fire(cloud, made)
    [run] = finished(schedules, made.id, 1)
    assert run.state == "SUCCESS"

    again = collection.run("ansible-playbook", playbook)
    assert "changed=0" in again
    assert '"OK"' in again
    assert "changed=1" in collection.run("ansible-playbook", playbook, "-e", "state=absent")
    assert schedules.schedule_list("m") == []
