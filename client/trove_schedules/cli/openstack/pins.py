# SPDX-License-Identifier: Apache-2.0
"""``pin`` and ``unpin``: backups that a schedule or policy keeps whatever its rules say."""

from __future__ import annotations

import argparse

from trove_schedules.cli.openstack import base, options


class PinBackup(base.Command):
    _description = (
        "Keep a backup of a schedule whatever its rules of retention say, and what it builds on. A "
        "schedule has at most 50 pinned backups; show lists them"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return _add_arguments(super().get_parser(prog_name), "schedule", _TO_PIN)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        schedule, backup, force = parsed_args.schedule, parsed_args.backup, parsed_args.force
        self.schedules.schedule_pin(schedule, backup, force=force)


class UnpinBackup(base.Command):
    _description = "Leave a pinned backup to the schedule's rules of retention again"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return _add_arguments(super().get_parser(prog_name), "schedule", _PINNED)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        schedule, backup, force = parsed_args.schedule, parsed_args.backup, parsed_args.force
        self.schedules.schedule_unpin(schedule, backup, force=force)


class PinBackupOfPolicy(base.Command):
    _description = (
        "Keep a backup of an instance of a policy whatever its rules of retention say, and what it "
        "builds on. A policy has at most 50 pinned backups; show lists them"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return _add_arguments(super().get_parser(prog_name), "policy", _TO_PIN)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        policy, backup, force = parsed_args.policy, parsed_args.backup, parsed_args.force
        self.schedules.policy_pin(policy, backup, force=force)


class UnpinBackupOfPolicy(base.Command):
    _description = "Leave a pinned backup to the policy's rules of retention again"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return _add_arguments(super().get_parser(prog_name), "policy", _PINNED)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        policy, backup, force = parsed_args.policy, parsed_args.backup, parsed_args.force
        self.schedules.policy_unpin(policy, backup, force=force)


_TO_PIN = "COMPLETED backup of it to keep (ID)"
_PINNED = "Pinned backup (ID)"


def _add_arguments(
    parser: argparse.ArgumentParser, noun: str, backup: str
) -> argparse.ArgumentParser:
    parser.add_argument(noun, metavar=f"<{noun}>", help=f"{noun.title()} to change (name or ID)")
    parser.add_argument("backup", metavar="<backup>", help=backup)
    options.add_force(parser, f"Change the {noun}")
    return parser
