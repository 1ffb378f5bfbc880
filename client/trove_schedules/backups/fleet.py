# SPDX-License-Identifier: Apache-2.0
"""Which instance of a policy a person means, though it may be gone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from trove_schedules.clients.services import Services
from trove_schedules.errors import AmbiguousNameError, InstanceNotFoundError
from trove_schedules.ids import is_uuid
from trove_schedules.runs import history
from trove_schedules.runs.execution import ScheduleExecution
from trove_schedules.schedules.names import schedule_of
from trove_schedules.schedules.policy import Policy

#: How many of a policy's newest runs are looked through for a name: one page of them.
_RUNS = 100
#: The most instances that an error lists.
_MOST_TOLD = 20


def instance_id(services: Services, policy: Policy | None, policy_id: str, wanted: str) -> str:
    """The id of an instance of the policy. What has the form of an id is taken for one.

    Trove forgets the name of an instance that is deleted. A run of the policy knows it where the
    instance had failed, or could not be backed up.

    :param policy: None where it is gone, or Mistral can't be asked.
    :raises InstanceNotFoundError: nothing knows the name; those that are gone are listed by id.
    :raises AmbiguousNameError: several have it.
    """
    if is_uuid(wanted):
        return wanted
    names = services.trove.instance_names()
    found = {each for each, name in names.items() if name == wanted}
    if not found and policy is not None:
        runs = islice(history.executions(services.mistral, policy, limit=_RUNS), _RUNS)
        found = {key for run in runs for key, name in _told(run) if name == wanted}
    if len(found) == 1:
        return found.pop()
    if found:
        raise AmbiguousNameError(
            f"{len(found)} database instances are or were named {wanted!r}; "
            f"give the id of one: {', '.join(sorted(found))}"
        )
    raise InstanceNotFoundError(
        f"no database instance of this project is named {wanted!r}; "
        f"{_gone(services, policy_id, set(names))}"
    )


def _told(run: ScheduleExecution) -> Iterator[tuple[str, str]]:
    """The instances that a run of a policy names, which users can write as they like."""
    for key in ("failed", "unable"):
        rows = run.output.get(key)
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and is_uuid(str(row.get("instance"))):
                yield str(row["instance"]), str(row.get("name"))


def _gone(services: Services, policy_id: str, there: set[str]) -> str:
    """The instances that are gone and of which the policy has backups, for people."""
    newest = {
        each.instance_id: each
        for each in sorted(services.trove.backups(), key=lambda each: each.created)
        if schedule_of(each.description) == policy_id
        and each.status == "COMPLETED"
        and each.instance_id not in there
    }
    if not newest:
        return "the policy has no backup of one that is gone"
    told = [
        f"{key} (newest backup {each.created:%Y-%m-%d %H:%M:%S} UTC)"
        for key, each in reversed(newest.items())
    ]
    more = [f"and {len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
    return (
        "one that is gone is given by its id, and of these the policy has backups: "
        f"{', '.join(told[:_MOST_TOLD] + more)}"
    )
