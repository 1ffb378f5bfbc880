# SPDX-License-Identifier: Apache-2.0
"""What a command, and a call of the API, takes beside the least that could do the same.

``openstack cron trigger list`` starts the same program, logs in the same way and asks Mistral for
the same rows, so it is the floor for ``openstack database backup schedule list``. In the API the
other side is python-troveclient's own code, which checks nothing: neither the pattern, the
instance nor the workflow.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

from keystoneauth1.session import Session
from mistralclient.api.v2.client import Client as MistralClient
from troveclient.v1.backups import Backups

import trove_schedules
from bench import report
from bench.minicloud import login, mini_cloud
from bench.report import Report
from trove_minicloud.root import ROOT_VARIABLE, Root

BIN = Path(sys.executable).parent
NEVER_SOON = "0 0 1 1 *"
#: Schedules that the commands list.
LISTED = 10


def command(root: Root, *words: str) -> Callable[[], str]:
    """Type a command as the tenant; its output."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
    environment |= {
        ROOT_VARIABLE: str(root.path),
        "OS_CLIENT_CONFIG_FILE": str(root.clouds_file),
        "OS_CLOUD": "minicloud",
    }

    def run() -> str:
        done = subprocess.run(
            [BIN / words[0], *words[1:]], env=environment, stdout=subprocess.PIPE, check=True
        )
        return done.stdout.decode()

    return run


def processor_time(call: Callable[[], object]) -> Callable[[], float]:
    """A side that says how many seconds of processor a command takes."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        call()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return seconds


def commands(root: Root, found: Report, rounds: int, listed: int) -> None:
    """The schedules of the project, which are its only triggers, by our command and the floor."""
    ours = command(root, "openstack", "database", "backup", "schedule", "list", "-f", "value")
    floor = command(root, "openstack", "cron", "trigger", "list", "-f", "value")
    for name, call in (("schedule list", ours), ("cron trigger list", floor)):
        found.expect(f"rows of {name}", len(call().splitlines()), listed)
    against = "openstack cron trigger list"
    for unit, side in (("s", report.timed), ("s of processor", processor_time)):
        seconds = report.in_turns(rounds, side(ours), side(floor))
        found.add(
            "openstack database backup schedule list", unit,
            seconds[0], against=against, theirs=seconds[1], at_most=1.15,
        )  # fmt: skip


def calls(session: Session, instance: str, found: Report, rounds: int) -> None:
    """Create and delete: ours checks the input, finds the instance and the workflow."""
    new, old = trove_schedules.connect(session=session), Backups(api=None)
    url = session.get_endpoint(service_type="workflowv2", interface="public")
    client = MistralClient(mistral_url=url, session=session)
    before = len(new.schedule_list())
    made: dict[str, list[str]] = {"ours": [], "theirs": []}

    def create() -> None:
        made["ours"].append(new.schedule_create(instance, NEVER_SOON, "n").id)

    def old_create() -> None:
        schedule = old.schedule_create(instance, NEVER_SOON, "n", mistral_client=client)
        made["theirs"].append(schedule.id)

    create(), old_create()  # both sides hold a token and a connection then
    sides = report.in_turns(rounds, report.timed(create), report.timed(old_create))
    found.add("create a schedule", "s", sides[0], against="python-troveclient", theirs=sides[1])
    found.expect("schedules listed", len(new.schedule_list()), before + 2 * rounds + 2)
    sides = report.in_turns(
        rounds + 1,
        report.timed(lambda: new.schedule_delete(made["ours"].pop())),
        report.timed(lambda: old.schedule_delete(made["theirs"].pop(), client)),
    )
    found.add("delete a schedule", "s", sides[0], against="python-troveclient", theirs=sides[1])
    found.expect("schedules left", len(new.schedule_list()), before)


def run(full: bool) -> Report:
    found = Report("latency")
    with mini_cloud() as root:
        command(root, "trove-minicloud", "instance", "create", "m")()
        trove_schedules.connect(session=login(root, "minicloud-admin")).workbook_load(public=True)
        session = login(root)
        schedules = trove_schedules.connect(session=session)
        made = [schedules.schedule_create("m", NEVER_SOON, f"n{i}") for i in range(LISTED)]
        calls(session, made[0].instance, found, rounds=20 if full else 5)
        commands(root, found, rounds=15 if full else 3, listed=LISTED)
    return found


def draw(found: Report, folder: Path) -> None:
    rows = [row for row in found.rows if row.unit == "s"]
    report.bar_chart(
        folder / "bench-latency.svg",
        "A command beside the floor, a call beside python-troveclient's",
        "seconds (medians)",
        [row.what.removeprefix("openstack database backup ") for row in rows],
        {
            "trove-schedules": [median(row.ours) for row in rows],
            "the other side": [median(row.theirs) for row in rows],
        },
        logarithmic=True,
    )


if __name__ == "__main__":
    sys.exit(report.main(run, draw))
