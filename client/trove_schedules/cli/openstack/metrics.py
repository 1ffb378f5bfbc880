# SPDX-License-Identifier: Apache-2.0
"""``metrics``: Prometheus' text, for the text file collector of node_exporter."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from trove_schedules.cli import text
from trove_schedules.cli.openstack import base, looking
from trove_schedules.errors import ServiceError

if TYPE_CHECKING:
    from trove_schedules.coverage import Coverage
    from trove_schedules.health import Health
    from trove_schedules.overview import Snapshot

_PREFIX = "trove_backup_schedule_"
_COVERAGE_PREFIX = "trove_backup_coverage_"
#: Metric, its help, and how it is read from a schedule's health.
_GAUGES: tuple[tuple[str, str, Callable[[Health], float | datetime | None]], ...] = (
    (
        "last_success_timestamp_seconds",
        "When the newest completed backup of the schedule began.",
        lambda each: each.last_success,
    ),
    (
        "last_proven_restore_timestamp_seconds",
        "When the newest drill of the schedule that passed ended.",
        lambda each: each.last_proven,
    ),
    (
        "next_execution_timestamp_seconds",
        "When the schedule is due next.",
        lambda each: each.next_execution_time,
    ),
    (
        "missed",
        "Due times since the last success that brought no backup.",
        lambda each: each.missed,
    ),
    (
        "chain_depth",
        "Backups that a restore of the newest one reads.",
        lambda each: each.chain_depth,
    ),
    ("kept", "Completed backups of the schedule that exist.", lambda each: each.kept),
    (
        "last_backup_size_gigabytes",
        "Size of the newest completed backup of the schedule, as Trove has it.",
        lambda each: each.last_size,
    ),
    (
        "last_backup_duration_seconds",
        "How long the newest completed backup of the schedule took.",
        lambda each: each.last_duration,
    ),
    ("quota_left", "Backups that the project may still make.", lambda each: each.quota_left),
)


class ScheduleMetrics(base.Command):
    _description = (
        "Print the health of backup schedules, and unless some are chosen that of the instances of "
        "policies and the coverage of all instances, as metrics in Prometheus' text format. Exit "
        "status: 0 if the health could be read, whatever it is"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        looking.add_arguments(parser)
        looking.add_exclude(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        now = looking.of_projects(self, parsed_args).snapshot()
        some = parsed_args.schedules or parsed_args.instance
        # First: see Snapshot.
        covered = None if some else self._covered(now, parsed_args)
        found = looking.look(now, parsed_args)
        if not some:
            found = [*found, *self._by_policies(now, parsed_args)]
        names = Names(self._instance_names(now), looking.project_names(self, parsed_args))
        written = [
            *lines(found, names),
            *(() if covered is None else coverage_lines(covered, names)),
        ]
        text.write(self.app.stdout, "".join(f"{line}\n" for line in written))

    def _covered(self, now: Snapshot, parsed_args: argparse.Namespace) -> list[Coverage] | None:
        """What protects each instance; None: it can't be read."""
        try:
            return now.coverage(exclude=parsed_args.exclude, max_age=parsed_args.max_age)
        except ServiceError as error:
            # The health is told without it, and an alert says that it is missing.
            self.log.warning("The coverage of instances can't be read: %s", error)
            return None

    def _by_policies(self, now: Snapshot, parsed_args: argparse.Namespace) -> list[Health]:
        """The state of each instance by each policy."""
        try:
            found = now.policy_health(limits=looking.limits(parsed_args))
        except ServiceError as error:
            # As above: while Mistral is down, backups tell of policies as they do of schedules.
            self.log.warning("The health of policies can't be read: %s", error)
            return []
        return [each for policy in found for each in policy.instances]

    def _instance_names(self, now: Snapshot) -> dict[str, str]:
        try:
            return now.instance_names()
        except ServiceError as error:
            # The health is told without them, and says itself what keeps Trove from answering.
            self.log.warning("The instances have no names: %s", error)
            return {}


@dataclass(frozen=True, slots=True)
class Names:
    """The names of instances and projects, by their ids."""

    instances: Mapping[str, str]
    projects: Mapping[str, str]


def lines(found: Sequence[Health], names: Names) -> Iterator[str]:
    """Gauges, labelled by schedule, instance and project, and their names.

    No label is called ``instance``: that is the target's own, and a scrape would rename ours.
    """
    from trove_schedules.health import State  # not at import, see the package

    labelled = [(_labels(each, names), each) for each in found]
    yield from _gauge(
        f"{_PREFIX}state",
        "1 for the state that the schedule is in, 0 for the others.",
        (
            (f'{labels},state="{state}"', int(each.state == state))
            for labels, each in labelled
            for state in State
        ),
    )
    for name, said, read in _GAUGES:
        values = ((labels, _number(read(each))) for labels, each in labelled)
        yield from _gauge(
            f"{_PREFIX}{name}",
            said,
            ((labels, value) for labels, value in values if value is not None),
        )


def coverage_lines(found: Sequence[Coverage], names: Names) -> Iterator[str]:
    """Gauges, labelled by instance and project, and the number of instances in each state."""
    from trove_schedules.coverage import Cover  # not at import, see the package

    counts = Counter(each.state for each in found)
    yield from _gauge(
        f"{_COVERAGE_PREFIX}instances",
        "Instances that are covered in this way.",
        ((f'state="{state}"', counts[state]) for state in Cover),
    )
    labelled = [(_instance_labels(each.instance, each.project_id, names), each) for each in found]
    yield from _gauge(
        f"{_COVERAGE_PREFIX}state",
        "How the instance is covered; always 1.",
        ((f'{_written(labels)},state="{each.state}"', 1) for labels, each in labelled),
    )
    yield from _gauge(
        f"{_COVERAGE_PREFIX}last_backup_timestamp_seconds",
        "When the newest completed backup of the instance began, whoever made it.",
        (
            (_written(labels), each.backup.created.timestamp())
            for labels, each in labelled
            if each.backup
        ),
    )
    yield from _gauge(
        f"{_COVERAGE_PREFIX}last_proven_restore_timestamp_seconds",
        "When the newest drill of the instance that passed ended.",
        (
            (_written(labels), each.last_proven.timestamp())
            for labels, each in labelled
            if each.last_proven
        ),
    )


def _gauge(name: str, said: str, samples: Iterable[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP {name} {said}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        yield f"{name}{{{labels}}} {value}"


def _labels(health: Health, names: Names) -> str:
    return _written(
        {"schedule": health.schedule_id, "name": health.name}
        | _instance_labels(health.instance, health.project_id, names)
    )


def _instance_labels(instance: str, project_id: str | None, names: Names) -> dict[str, str | None]:
    return {
        "instance_id": instance,
        "instance_name": names.instances.get(instance),
        "project_id": project_id,
        "project_name": names.projects.get(project_id or ""),
    }


def _written(labels: Mapping[str, str | None]) -> str:
    return ",".join(f'{key}="{_escape(value)}"' for key, value in labels.items() if value)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float | datetime | None) -> float | None:
    if isinstance(value, datetime):
        return value.timestamp()
    return None if value is None else float(value)
