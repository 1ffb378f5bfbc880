# SPDX-License-Identifier: Apache-2.0
"""The health of policies: of each of their instances, and of all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from trove_schedules.clients.instances import Instance
from trove_schedules.drills.drill import NEVER_PROVEN
from trove_schedules.drills.proofs import proofs_of_policy
from trove_schedules.errors import InvalidPatternError, ServiceError
from trove_schedules.health.judge import Look, look
from trove_schedules.health.seen import Seen
from trove_schedules.health.state import Health, Limits, PolicyHealth, State, worst_first
from trove_schedules.health.survey import Backups, PartRuns, judged, proofs_known
from trove_schedules.health.words import at
from trove_schedules.ids import HasId
from trove_schedules.lists import Lists
from trove_schedules.schedules.policy import Policy
from trove_schedules.schedules.schedule import reaches
from trove_schedules.triggers.finding import find_policy_unless_given
from trove_schedules.words import counted

#: The most instances that a reason names.
_MOST_NAMED = 5
_NEVER = datetime.min.replace(tzinfo=UTC)
#: How the status of an instance's run begins for which its policy's had no time.
_NOT_REACHED = "Skipped: not reached"


def health_of_policies(
    lists: Lists, wanted: Collection[str | HasId], limits: Limits
) -> list[PolicyHealth]:
    """The state of policies, the worst first.

    :param wanted: which; none means every one. One that is given as a :class:`Policy` is judged as
        it is.
    :raises ScheduleNotFoundError: there is no such policy.
    """
    mistral = lists.services.mistral
    found = (
        [find_policy_unless_given(mistral, each) for each in wanted] if wanted else lists.policies
    )
    try:
        instances = lists.instances_with_times if found else []
        backups = Backups(lists.services.trove, lists.backups)
    except ServiceError as error:
        return [_summary(each, (), (), (State.UNKNOWN, f"Trove can't say: {error}"))
                for each in found]  # fmt: skip
    # The same one may be asked for by its id and by its name.
    policies = {each.id: each for each in found}.values()
    looked = [
        _looked_at(lists, each, [one for one in instances if reaches(each, one.project_id)],
                   backups, limits)
        for each in policies
    ]  # fmt: skip
    runs = PartRuns(mistral, [look for each in looked for look in each.looks], lists.now)
    return worst_first(_judged(lists, each, backups, limits, runs) for each in looked)


@dataclass(frozen=True)
class _Looked:
    """A policy, and what the backups of its instances tell.

    :ivar instances: of its project, by id.
    :ivar unable: why those that it takes can't be backed up now, or None, by id.
    """

    policy: Policy
    instances: Mapping[str, Instance]
    unable: Mapping[str, str | None]
    looks: Sequence[Look]


def _looked_at(
    lists: Lists,
    policy: Policy,
    instances: Sequence[Instance],
    backups: Backups,
    limits: Limits,
) -> _Looked:
    known = {each.id: each for each in instances}
    taken = policy.selection.takes(instances)
    looks = [
        look(
            policy.of(each.instance, known[each.instance].created),
            backups.of(each.instance),
            limits=limits,
            orphaned=False,
            now=lists.now,
        )
        for each in taken
    ]
    return _Looked(policy, known, {each.instance: each.reason for each in taken}, looks)


def _judged(
    lists: Lists, looked: _Looked, backups: Backups, limits: Limits, runs: PartRuns
) -> PolicyHealth:
    policy, known = looked.policy, looked.instances
    looks = [
        _newly_taken(each, looked, backups, limits, runs.not_taken(each)) for each in looked.looks
    ]
    proofs, trouble = proofs_known(lists, partial(proofs_of_policy, policy_id=policy.id))
    states = []
    for state in judged(
        lists,
        looks,
        backups,
        runs,
        proof_of=lambda schedule: proofs.get(schedule.instance, NEVER_PROVEN),
        notes=trouble,
    ):
        unable = looked.unable[state.instance]
        why = f"{state.reason}; it can't be backed up now: {unable}" if unable else state.reason
        states.append(replace(state, reason=why, instance_name=known[state.instance].name))
    gone = tuple(_gone(policy, backups, known.keys(), lists.now))
    told = _told(policy, states, len(known))
    unproven = [] if trouble else _longest_unproven_first(states)
    return _summary(policy, states, gone, told, unproven)


def _newly_taken(
    seen: Look, looked: _Looked, backups: Backups, limits: Limits, left: datetime | None
) -> Look:
    """The same, if an instance has come into the selection since the run that did not take it.

    It is not known when it did. But without a change of the instance, such as a new name, or of the
    policy, that run would have taken it: then something is wrong, and the due time stays owed.

    :param left: when that run began; None where the last one took the instance, or there was none.
    """
    schedule = seen.schedule
    if left is None or seen.seen is None or seen.seen.completed:
        return seen
    changes = looked.instances[schedule.instance].updated, looked.policy.changed_at
    if all(each is None or each <= left for each in changes):
        return seen
    return look(
        replace(schedule, owed_since=seen.seen.unserved[-1]),
        backups.of(schedule.instance),
        limits=limits,
        orphaned=False,
        now=seen.seen.now,
    )


def _summary(
    policy: Policy,
    states: Sequence[Health],
    gone: tuple[str, ...],
    told: tuple[State, str],
    unproven: Sequence[Health] = (),
) -> PolicyHealth:
    state, reason = told
    said = [reason, *(f"instance {each} is gone; its backups stay" for each in gone[:_MOST_NAMED])]
    not_reached = sum(each.reason.startswith(_NOT_REACHED) for each in states)
    if not_reached:
        said.append(
            f"the run had no time for {not_reached} of {counted(len(states), 'instance')}: give it "
            "more attempts, or divide it into policies that are due at different hours"
        )
    said += _unproven_said(unproven)
    return PolicyHealth(
        policy_id=policy.id,
        name=policy.name,
        state=state,
        reason="; ".join(said),
        next_execution_time=policy.next_execution_time,
        instances=tuple(states),
        not_reached=not_reached,
        gone=gone,
        project_id=policy.project_id,
        longest_unproven=unproven[0] if unproven else None,
    )


def _longest_unproven_first(states: Sequence[Health]) -> list[Health]:
    """The instances that have something to prove, those first that never have."""
    proven = [each for each in states if each.kept]
    return sorted(proven, key=lambda each: (each.last_proven or _NEVER, each.instance_name or ""))


def _unproven_said(unproven: Sequence[Health]) -> Iterator[str]:
    """Of which of them no restore was proven, or else of which for the longest time."""
    never = [each for each in unproven if each.last_proven is None]
    if never:
        yield f"never proven to restore: {_named(never)}"
    elif unproven:
        longest = unproven[0]
        yield f"longest unproven: {_named([longest])}, since {at(longest.last_proven)}"


def _named(states: Sequence[Health]) -> str:
    """The names of the first of these instances, and how many more there are."""
    more = [f"and {len(states) - _MOST_NAMED} more"] if len(states) > _MOST_NAMED else []
    names = [each.instance_name or each.instance for each in states[:_MOST_NAMED]]
    return ", ".join([*names, *more])


def _told(policy: Policy, states: Sequence[Health], listed: int) -> tuple[State, str]:
    """The state of all, and how many are in which."""
    if not states:
        none = f"it takes none of the project's {counted(listed, 'instance')}"
        if policy.paused:
            return State.PAUSED, none
        # A pattern with a slip in it would be a silent gap.
        return (State.STALE if listed else State.PENDING), none
    worst = states[0].state
    number = Counter(each.state for each in states)
    if len(number) == 1:
        said = f"{counted(len(states), 'instance')}: {worst}"
    else:
        said = f"{counted(len(states), 'instance')}: " + ", ".join(
            f"{count} {state}" for state, count in number.items()
        )
    ill = [each for each in states if each.state.exit_status >= 2]
    if ill:
        said += f" ({_named(ill)})"
    if worst == State.PENDING:
        said += f"; first due at {at(policy.next_execution_time)}"
    left = states[0].quota_left
    # With rules, each instance's run deletes what the policy no longer keeps.
    made = min(policy.selection.max_parallel, len(states)) if policy.rules else len(states)
    if left is not None and left < made and not policy.paused:
        said += (
            f"; the project's quota leaves room for {counted(left, 'backup')}, and a run makes up "
            f"to {made} before it deletes any"
        )
        worst = State.QUOTA if worst.exit_status == 0 else worst
    return worst, said


def _gone(policy: Policy, backups: Backups, known: Collection[str], now: datetime) -> Iterator[str]:
    """The instances that had their backup lately, and that the project has no more."""
    if policy.paused:
        return
    for instance in backups.instances():
        if instance in known:
            continue
        try:
            seen = Seen(policy.of(instance), backups.of(instance), now)
        except InvalidPatternError:
            return
        # Told at one due time, and forgotten at the next.
        if seen.completed and seen.missed <= 1:
            yield instance
