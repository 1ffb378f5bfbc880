# SPDX-License-Identifier: Apache-2.0
"""Policies: how they are made, changed and shown, and how they are."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cliff.columns import FormattableColumn

from trove_schedules.cli.openstack import base, columns, looking, nagios, options, remarks, schedule
from trove_schedules.schedules.names import POLICY
from trove_schedules.schedules.selection import POLICY_OPTIONS, SELECTING

if TYPE_CHECKING:
    from trove_schedules.health import Health, PolicyHealth
    from trove_schedules.schedules.policy import Policy
    from trove_schedules.schedules.selection import Candidate


class CreatePolicy(base.ShowOne):
    _description = (
        "Create a policy: a schedule of backups of all database instances of the project that it "
        "selects. An instance that is new is taken at the next due time"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        options.add_needed(parser, "name", "pattern")
        options.add_all(parser, of_a_new_schedule=True, table=POLICY_OPTIONS)
        return options.expecting_quotes(parser, "pattern")

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        policy = self.schedules.policy_create(
            parsed_args.name, parsed_args.pattern, **options.given(parsed_args, POLICY_OPTIONS)
        )
        remarks.say(self.schedules, policy)
        return schedule.shown(parsed_args, _properties(policy))


class DeletePolicy(base.Command):
    _description = "Delete policies. Their backups stay"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return options.for_several(super().get_parser(prog_name), "Delete", "policy")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.do_each(
            "delete",
            "policy",
            parsed_args.policies,
            lambda policy: self.schedules.policy_delete(policy, force=parsed_args.force),
        )


class ListPolicy(base.Lister):
    _description = "List backup policies, the next due first"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--long",
            action="store_true",
            help="Also list the other options, and when Mistral last fired each policy since its "
            "last change",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        shown: list[columns.Column[Policy]] = [
            ("ID", lambda each: each.id),
            ("Name", lambda each: each.name),
            ("Instances", _selected),
            ("Pattern", lambda each: each.pattern),
            ("Next Due", schedule.next_due),
        ]
        if parsed_args.long:
            shown += [
                ("Description", lambda each: each.description),
                ("Paused", lambda each: each.paused),
                ("At A Time", lambda each: each.selection.max_parallel),
                ("Builds On", schedule.base_of),
                ("Retention", schedule.retention),
                ("Attempts", schedule.attempts),
                ("Deadline", lambda each: each.deadline),
                ("Last Firing", lambda each: columns.relative(each.updated_at)),
            ]
        return columns.table(self.schedules.policy_list(), shown)


class ShowPolicy(base.ShowOne):
    _description = "Show a backup policy and its health"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return _of_one(super().get_parser(prog_name), "show")

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        policy = self.schedules.policy_show(parsed_args.policy)
        [health] = self.schedules.policy_health([policy])
        drill = self.schedules.policy_drill_show(policy)
        told = {
            "health": str(health.state),
            "health_reason": health.reason,
            "longest_unproven": _longest_unproven(health),
            "drill_every": drill and drill.pattern,
            "next_drill": columns.time(drill.next_execution_time if drill else None),
        }
        return schedule.shown(parsed_args, _properties(policy) | told)


class HealthPolicy(base.PluginLister):
    noun = "policy"
    _description = (
        "Show the state of backup policies and why: a line for all instances of a policy together, "
        "and one for each, the worst first; with -f nagios a line for each policy that is not "
        "fine. The exit status is that of the worst policy, as monitoring plugins have it. 0: all "
        "are fine. 1: one is paused. 2: one needs help. 3: a state is unknown, there are no "
        "policies, or nothing could be read"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "policies",
            metavar="<policy>",
            nargs="*",
            default=[],
            help="Policies to look at (name or ID; default: all of the project)",
        )
        looking.add_limits(parser, "an instance")
        looking.add_projects(parser, "the policies")
        parser.add_argument(
            "--long",
            action="store_true",
            help="Also show the IDs of policy and instance, the age of the newest backup (in "
            "seconds for programs), how many due times brought no backup, how many backups a "
            "restore reads and how many are kept, the newest restore that was proven, the size of "
            "the newest backup in gigabytes, the instance that is unproven for the longest, and "
            "the project",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        found = looking.of_projects(self, parsed_args).policy_health(
            parsed_args.policies, limits=looking.limits(parsed_args)
        )
        if not found:
            self.log.warning("no policies %s", looking.where(parsed_args))
        self.exit_status = looking.worst(found).exit_status
        if parsed_args.formatter == nagios.NAME:
            return nagios.rows_of_policies(found)
        lines = [line for each in found for line in _lines(each)]
        return columns.table(lines, _health_columns(parsed_args))


class PreviewPolicy(base.Lister):
    _description = (
        "List the database instances of the project, and what a run of a policy that began now "
        "would do with each: those first that it would back up (taken), then those whose status "
        "doesn't allow it (unable), then those that it leaves on purpose (left)"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = _of_one(super().get_parser(prog_name), "preview")
        parser.add_argument("--long", action="store_true", help="Show instance IDs in full")
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        shown: list[columns.Column[Candidate]] = [
            ("Choice", lambda each: str(each.choice)),
            ("Name", lambda each: each.name),
            ("Instance", lambda each: columns.instance(each.instance, whole=parsed_args.long)),
            ("Reason", lambda each: each.reason),
        ]
        found = self.schedules.policy_preview(parsed_args.policy)
        remarks.say(self.schedules, self.schedules.policy_show(parsed_args.policy))
        return columns.table(found, shown)


class SetPolicy(base.Command):
    _description = (
        "Change a policy. Its ID, executions and backups stay. The change itself starts no run, "
        "and doesn't clear missed backups"
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = _of_one(super().get_parser(prog_name), "change")
        options.add_all(parser, of_a_new_schedule=False, table=POLICY_OPTIONS)
        parser.add_argument(
            "--drill-every",
            metavar="<pattern>",
            help="Drill the instances in turn, one at each due time of this pattern (UTC): five "
            "cron fields in quotes, as for --pattern. With --force even while a repeated drill is "
            "in progress, which then leaves its temporary instance behind",
        )
        options.add_force(parser, "Change the policy")
        return options.expecting_quotes(parser, "pattern", "drill_every")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        changes = options.changes(parsed_args, POLICY_OPTIONS)
        policy, drill_every = parsed_args.policy, parsed_args.drill_every
        if drill_every is not None:
            from trove_schedules.drills import repeating  # not at import, see the package

            # A wrong one is refused before anything is changed.
            repeating.check(drill_every, policy, POLICY)
        if drill_every is None or any(value is not None for value in changes.values()):
            policy = self.schedules.policy_set(policy, force=parsed_args.force, **changes)
            remarks.say(self.schedules, policy)
        if drill_every is not None:
            self.schedules.policy_drill_every(policy, drill_every, force=parsed_args.force)


class UnsetPolicy(base.Command):
    _description = "Remove options from a policy"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = _of_one(super().get_parser(prog_name), "change")
        options.add_unsettable(parser, POLICY_OPTIONS)
        parser.add_argument(
            "--drill-every",
            action="store_true",
            help="Stop repeating drills, also those of a policy that is gone (by its ID)",
        )
        options.add_force(parser, "Change the policy")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        policy, names, force = parsed_args.policy, parsed_args.names or [], parsed_args.force
        if names or not parsed_args.drill_every:
            policy = self.schedules.policy_set(policy, unset=names, force=force)
            remarks.say(self.schedules, policy)
        if parsed_args.drill_every:
            self.schedules.policy_drill_every(policy, None, force=force)


class PausePolicy(base.Command):
    _description = "Pause policies: they make no backups until they are resumed"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return options.for_several(super().get_parser(prog_name), "Pause", "policy")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.do_each(
            "pause",
            "policy",
            parsed_args.policies,
            lambda policy: self.schedules.policy_pause(policy, force=parsed_args.force),
        )


class ResumePolicy(base.Command):
    _description = "Resume paused policies. Each next runs at its next due time"

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        return options.for_several(super().get_parser(prog_name), "Resume", "policy")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        self.do_each(
            "resume",
            "policy",
            parsed_args.policies,
            lambda policy: self.schedules.policy_resume(policy, force=parsed_args.force),
        )


def _of_one(parser: argparse.ArgumentParser, verb: str) -> argparse.ArgumentParser:
    parser.add_argument("policy", metavar="<policy>", help=f"Policy to {verb} (name or ID)")
    return parser


#: A policy, and one of its instances; None for all of them together.
_Line = tuple["PolicyHealth", "Health | None"]


class _Instance(FormattableColumn[Any]):
    """The name of an instance, or None for all of a policy's."""

    def human_readable(self) -> str:
        return "(all)" if self._value is None else str(self._value)


def _lines(policy: PolicyHealth) -> Iterator[_Line]:
    yield policy, None
    for each in policy.instances:
        yield policy, each


def _health_columns(parsed: argparse.Namespace) -> list[columns.Column[_Line]]:
    def of_one(name: str) -> Callable[[_Line], Any]:
        return lambda line: line[1] and getattr(line[1], name)

    project: columns.Column[_Line] = ("Project", lambda line: line[0].project_id)
    shown: list[columns.Column[_Line]] = [
        ("State", lambda line: str((line[1] or line[0]).state)),
        ("Policy", lambda line: line[0].name),
        ("Instance", lambda line: _Instance(of_one("instance_name")(line))),
        ("Last Backup", lambda line: columns.relative(of_one("last_success")(line))),
        ("Next Due", lambda line: columns.relative(line[0].next_execution_time)),
        ("Reason", lambda line: (line[1] or line[0]).reason),
    ]
    if parsed.long:
        shown += [
            ("ID", lambda line: line[0].policy_id),
            ("Instance ID", of_one("instance")),
            ("Age", lambda line: columns.length(of_one("age")(line))),
            ("Missed", of_one("missed")),
            ("Chain Depth", of_one("chain_depth")),
            ("Kept", of_one("kept")),
            ("Last Proven Restore", lambda line: columns.relative(of_one("last_proven")(line))),
            ("Proven Backup", of_one("proven_backup")),
            ("Last Size", of_one("last_size")),
            ("Longest Unproven", lambda line: None if line[1] else _longest_unproven(line[0])),
        ]
    return [*shown, project] if parsed.long or parsed.all_projects else shown


def _longest_unproven(health: PolicyHealth) -> str | None:
    """The name of the instance."""
    unproven = health.longest_unproven
    return None if unproven is None else unproven.instance_name or unproven.instance


def _selected(policy: Policy) -> str:
    """Which instances it takes, in words."""
    selection = policy.selection
    said = [", ".join(selection.match) or "all"]
    if selection.exclude:
        said.append(f"not {', '.join(selection.exclude)}")
    if selection.datastores:
        said.append(f"of {', '.join(selection.datastores)}")
    if selection.replicas:
        said.append("replicas too")
    return "; ".join(said)


def _properties(policy: Policy) -> dict[str, Any]:
    """A policy as one object: its options, and where it stands."""
    values = schedule.properties(policy)
    del values["instance"], values["parent_id"]
    for name in SELECTING:
        value = getattr(policy.selection, name)
        several = isinstance(value, tuple)
        values[name] = (columns.Several(value) if value else None) if several else value
    return dict(sorted(values.items()))
