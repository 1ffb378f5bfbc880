# SPDX-License-Identifier: Apache-2.0
"""``restore``: rows back, in a new instance."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from trove_schedules.cli.openstack import base, columns, following

if TYPE_CHECKING:
    from trove_schedules.backups.restore import ScheduleRestore
    from trove_schedules.clients.instances import InstanceDetails


class RestoreSchedule(base.ShowOne):
    _description = (
        "Restore a backup of a schedule into a new instance, which is like the one that was backed "
        "up. Exit status without --wait: 0 if the restore was started. With --wait: 0 if the "
        "instance is ready, 1 if it failed, 2 if it is still being made at the timeout"
    )
    noun = "schedule"
    backup_help = "Restore this backup of the schedule or of its instance (ID)"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            self.noun,
            metavar=f"<{self.noun}>",
            help=f"{self.noun.capitalize()} to restore (name or ID; by its ID also one that is "
            "gone, and while Mistral is down)",
        )
        parser.add_argument("name", metavar="<new-name>", help="Name of the new instance")
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "--at",
            metavar="<time>",
            help="Restore the newest backup that was completed by this time: ISO 8601, such as "
            "2026-01-31T02:00, in the schedule's time zone unless it has an offset (default: the "
            "newest backup)",
        )
        which.add_argument(
            "--backup",
            metavar="<backup>",
            help=self.backup_help,
        )
        for option, unit, what in (
            ("--flavor", "flavor", "Flavor of the new instance (ID)"),
            ("--volume-size", "gigabytes", "Size of its volume; 0: no volume"),
            ("--datastore-version", "version", "Version of its datastore (name or ID)"),
            ("--network", "network", "Network that it is in (ID)"),
            ("--configuration", "configuration", "Configuration group that it has (ID)"),
        ):
            parser.add_argument(
                option,
                metavar=f"<{unit}>",
                type=int if unit == "gigabytes" else str,
                help=f"{what} (default: that of the instance that was backed up)",
            )
        parser.add_argument(
            "--dry-run", action="store_true", help="Show what would be restored; create nothing"
        )
        following.add_arguments(parser, "restore", "goes on without this command")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        restore = self._start(
            parsed_args,
            at=parsed_args.at,
            backup=parsed_args.backup,
            flavor=parsed_args.flavor,
            volume_size=parsed_args.volume_size,
            datastore_version=parsed_args.datastore_version,
            network=parsed_args.network,
            configuration=parsed_args.configuration,
            dry_run=parsed_args.dry_run,
            report=following.say,
        )
        if restore.remark:
            following.say(restore.remark)
        instance = None
        if restore.instance_id is not None:
            following.say(f"instance {restore.instance_id} is being made")
            if parsed_args.wait:
                instance = self._follow(restore, parsed_args.timeout * 60)
        return _properties(restore, instance)

    def _start(self, parsed: argparse.Namespace, **options: Any) -> ScheduleRestore:
        return self.schedules.schedule_restore(parsed.schedule, parsed.name, **options)

    def _follow(self, restore: ScheduleRestore, seconds: float) -> InstanceDetails | None:
        instance = following.follow(
            lambda: self.schedules.schedule_restore_progress(restore),
            seconds,
            f"instance {restore.instance_id} is being made",
            lambda instance: f"instance {instance.id}: {instance.status}",
        )
        self.exit_status = following.OTHERWISE
        if instance is None or not instance.ended:
            following.say(
                "it is still being made; 'openstack database instance show "
                f"{restore.instance_id}' says how far it is"
            )
        elif instance.failed:
            self.exit_status = following.FAILED
            following.say(
                f"it has failed: {instance.fault or 'Trove does not say why'}. Delete it "
                f"('openstack database instance delete {instance.id}') before you try again"
            )
        else:
            self.exit_status = following.COMPLETED
            following.say(_connection(instance))
            following.say(f"next: {self._next_steps(restore, instance)}")
        return instance

    def _next_steps(self, restore: ScheduleRestore, instance: InstanceDetails) -> str:
        """What is left to do for a person whose rows are back."""
        return (
            "look at the rows, point the application to it, and give it a schedule of its own: "
            f"openstack database backup schedule create {instance.id} <pattern> <name>"
        )


class RestorePolicy(RestoreSchedule):
    _description = (
        "Restore a backup that a policy has of one of its instances into a new instance, which is "
        "like the one that was backed up. Exit status without --wait: 0 if the restore was "
        "started. With --wait: 0 if the instance is ready, 1 if it failed, 2 if it is still being "
        "made at the timeout"
    )
    noun = "policy"
    backup_help = "Restore this backup of the policy, or of the given instance (ID)"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--instance",
            metavar="<instance>",
            help="Instance that was backed up (name or ID; one that is gone by its ID). Needed "
            "unless --backup is given",
        )
        return parser

    def _start(self, parsed: argparse.Namespace, **options: Any) -> ScheduleRestore:
        return self.schedules.policy_restore(
            parsed.policy, parsed.name, instance=parsed.instance, **options
        )

    def _next_steps(self, restore: ScheduleRestore, instance: InstanceDetails) -> str:
        return (
            "look at the rows, point the application to it, and look whether the policy takes it: "
            f"openstack database backup policy preview {restore.schedule_id}"
        )


def _connection(instance: InstanceDetails) -> str:
    where = " or ".join(instance.addresses) or "an address that Trove doesn't tell"
    port = f", port {instance.usual_port} unless your cloud has another" * bool(instance.usual_port)
    return f"it is ready. Connect to {where}{port}, with the users and passwords of the backup"


def _properties(
    restore: ScheduleRestore, instance: InstanceDetails | None
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    values = {
        "addresses": list(instance.addresses) if instance else None,
        "backup_created": columns.time(restore.backup.created),
        "backup_id": restore.backup.id,
        "configuration": restore.configuration,
        "datastore": restore.datastore,
        "datastore_version": restore.datastore_version,
        "fault": instance.fault if instance else None,
        "flavor": restore.flavor,
        "instance_id": restore.instance_id,
        "lost": columns.length(restore.lost.total_seconds()),
        "missing": restore.missing or None,
        "name": restore.name,
        "network": restore.network,
        "schedule_id": restore.schedule_id,
        "source": restore.source,
        "status": instance.status if instance else None,
        "until": columns.time(restore.until),
        "usual_port": instance.usual_port if instance else None,
        "volume_size": restore.volume_size,
    }
    return tuple(values), tuple(values.values())
