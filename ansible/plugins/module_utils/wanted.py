# SPDX-License-Identifier: Apache-2.0
"""What the modules of schedules and of policies do: have one be as a task says."""

from __future__ import annotations

from ansible_collections.trove_schedules.backups.plugins.module_utils.options import SECRETS

#: The lists of a file that declares schedules and policies.
LISTS = {"schedule": "schedules", "policy": "policies"}


def present(module, schedules, noun, options, show):
    """The result of a task that creates or changes one, or leaves it alone.

    :param noun: what it is.
    :param options: the module's, of those that a file has.
    :param show: what is returned of one.
    """
    params = module.params
    # As a file has it: the options that are given, and no others.
    entry = {name: params[name] for name in options if params[name] is not None}
    entry.update({name: None for name in SECRETS if entry.get(name) == ""})
    [step] = schedules.schedule_steps({LISTS[noun]: [entry]}, mark=False)
    found = step.schedule if module.check_mode else schedules.schedule_apply(step)
    return {
        "changed": str(step.action) != "keep",
        noun: found and show(found),
        "diff": _difference(step),
    }


def absent(module, found, noun, delete, show):
    """The result of a task that deletes one.

    :param found: those that the task names, which may be none.
    :param delete: a function that deletes one.
    """
    if len(found) > 1:
        ids = ", ".join(each.id for each in found)
        module.fail_json(
            msg=f"{len(found)} {LISTS[noun]} are what the task names; delete all but one by their "
            f"ids: {ids}"
        )
    shown = [show(each) for each in found]
    if not module.check_mode:
        for each in found:
            delete(each)
    return {
        "changed": bool(found),
        noun: shown[0] if shown and module.check_mode else None,
        "diff": {"before": shown[0] if shown else {}, "after": {}},
    }


def _difference(step):
    """What a step changes, as Ansible shows it."""
    before = {each.name: each.before for each in step.differences}
    after = {each.name: each.after for each in step.differences}
    for name in SECRETS:
        if before.get(name) is not None and before[name] == after[name]:
            after[name] = "(another secret)"
    return {"before": before, "after": after}
