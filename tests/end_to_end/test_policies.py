# SPDX-License-Identifier: Apache-2.0
"""A policy: one trigger for all instances of the project."""

from __future__ import annotations

from tests.end_to_end.cloud import NEVER_SOON, LiveCloud
from trove_schedules import ScheduledBackups
from trove_schedules.schedules.names import schedule_of


def _rows(cloud: LiveCloud, words: tuple[str, ...], status: int = 0) -> list[dict[str, object]]:
    done = cloud.openstack(*words, "-f", "json", check=False)
    assert done.status == status, done
    found: list[dict[str, object]] = done.json
    return found


def test_every_command_of_a_policy_does_what_it_says(
    cloud: LiveCloud, schedules: ScheduledBackups
) -> None:
    instance = next(key for key, name in schedules.instance_names().items() if name == "m")
    cloud.openstack(
        *("policy", "create", "fleet", NEVER_SOON, "--match", "m", "--keep-last", "1"),
        *("--exclude", "test-*", "--max-parallel", "3"),
    )
    [row] = _rows(cloud, ("policy", "list", "--long"))
    assert (row["Instances"], row["At A Time"]) == ("m; not test-*", 3)
    cloud.openstack("policy", "set", "fleet", "--match", "m", "--match", "m-*", "--force")
    cloud.openstack("policy", "unset", "fleet", "--exclude", "--max-parallel")
    shown = cloud.openstack("policy", "show", "fleet", "-f", "json").json
    assert (shown["match"], shown["exclude"], shown["health"]) == (["m", "m-*"], None, "PENDING")
    cloud.openstack("policy", "set", "fleet", "--drill-every", NEVER_SOON)
    shown = cloud.openstack("policy", "show", "fleet", "-f", "json").json
    assert shown["drill_every"] == NEVER_SOON
    cloud.openstack("policy", "unset", "fleet", "--drill-every")
    taken = [row["Name"] for row in _rows(cloud, ("policy", "preview", "fleet"))
             if row["Choice"] == "taken"]  # fmt: skip
    assert taken == ["m"]

    for _ in range(2):
        run = cloud.openstack("policy", "run", "fleet", "--wait", "-f", "json").json
        assert (run["state"], run["instance"]) == ("SUCCESS", "*")
        assert run["output"]["status"] == "Backed up 1 of 1"
    [newest, _] = _rows(cloud, ("policy", "execution", "list", "fleet"))
    assert newest["ID"] == run["id"]
    parts = _rows(cloud, ("policy", "execution", "list", "fleet", "--instance", "m", "--long"))
    assert [part["State"] for part in parts] == ["SUCCESS"] * 2
    shown = cloud.openstack("policy", "execution", "show", str(parts[0]["ID"]), "-f", "json").json
    assert (shown["instance"], shown["schedule_id"]) == (instance, run["schedule_id"])

    [whole, part] = _rows(cloud, ("policy", "health", "fleet"))
    assert (whole["Instance"], part["Instance"], part["State"]) == (None, "m", "OK")
    kept = [str(row["Backup"]) for row in _rows(cloud, ("policy", "prune", "fleet", "--dry-run"))
            if row["Verdict"] == "keep"]  # fmt: skip
    assert kept == [parts[0]["Backup"]]
    cloud.openstack("policy", "pin", "fleet", kept[0])
    [pinned] = [row for row in _rows(cloud, ("policy", "prune", "fleet", "--dry-run"))
                if row["Backup"] == kept[0]]  # fmt: skip
    assert "pin" in str(pinned["Kept By"])
    cloud.openstack("policy", "unpin", "fleet", kept[0])
    drill = cloud.openstack("policy", "drill", "fleet", "--wait", "-f", "json").json
    assert (drill["state"], drill["instance"]) == ("SUCCESS", instance)
    assert drill["output"]["status"].startswith(f"Drill passed: backup {kept[0]} restored")
    [_, part] = _rows(cloud, ("policy", "health", "fleet", "--long"))
    assert part["Proven Backup"] == kept[0]
    told = cloud.openstack("policy", "health", "fleet", "-f", "nagios").out
    assert told.startswith("OK - 1 policy | ok=1 warning=0 critical=0 unknown=0 missed=0")
    assert any(
        row["Name"] == "m" and "policy" in {each["kind"] for each in row["Protected By"]}
        for row in _rows(
            cloud, ("coverage",), status=cloud.openstack("coverage", check=False).status
        )
    )

    cloud.openstack("policy", "pause", "fleet")
    [whole, part] = _rows(cloud, ("policy", "health"), status=1)
    assert (whole["State"], part["State"]) == ("PAUSED", "PAUSED")
    cloud.openstack("policy", "resume", "fleet")
    cloud.openstack("policy", "delete", "fleet")
    assert cloud.triggers() == []
    made = [each for each in schedules.backup_list(instance)
            if schedule_of(each.description) == run["schedule_id"]]  # fmt: skip
    assert parts[0]["Backup"] in {each.id for each in made}
