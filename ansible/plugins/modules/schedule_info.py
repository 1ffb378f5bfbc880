#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: schedule_info
short_description: List the backup schedules of a database instance or of the project
description:
- Lists the schedules of backups of an instance of OpenStack Trove, or of the project.
- The next due comes first.
version_added: 0.1.0
author: The trove-schedules developers (!UNKNOWN)
extends_documentation_fragment:
- trove_schedules.backups.cloud
options:
  instance:
    description:
    - List the schedules of this instance only (name or ID).
    type: str
  name:
    description:
    - List the schedules of this name only.
    type: str
  health:
    description:
    - Also tell the health of each schedule. It takes some requests more for each instance.
    type: bool
    default: false
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: See how the schedules of orders-db are
  trove_schedules.backups.schedule_info:
    cloud: mycloud
    instance: orders-db
    health: true
  register: found

- name: Stop the play where one needs help
  ansible.builtin.assert:
    that: item.health.state in ["OK", "RUNNING", "PENDING"]
    fail_msg: "{{ item.name }}: {{ item.health.reason }}"
  loop: "{{ found.schedules }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
schedules:
  description:
  - The schedules. Each has every option by its name, but for C(notify_url) and C(webhook_url).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: ID of the schedule.
      type: str
    instance:
      description: ID of its instance.
      type: str
    created_at:
      description: When it was created, in UTC.
      type: str
    next_execution_time:
      description: When it is due next, in UTC; null while it is paused.
      type: str
    declared:
      description: Whether a file has made it, or taken it over.
      type: bool
    pinned:
      description: IDs of the backups that are kept whatever the rules say.
      type: list
      elements: str
    health:
      description: Its state, why it is so, its newest completed backup, and more.
      returned: if O(health=true)
      type: dict
      contains:
        state:
          description: OK, RUNNING, PENDING, PAUSED, or one that needs help, such as FAILED.
          type: str
        reason:
          description: Why it is in this state.
          type: str
        last_success:
          description: When the newest completed backup began, in UTC, or null.
          type: str
        missed:
          description: How many due times since then brought no backup.
          type: int
        last_proven:
          description: When a backup was last shown to restore, in UTC, or null.
          type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.trove_schedules.backups.plugins.module_utils import cloud


def listed(module, schedules):
    name = module.params["name"]
    found = schedules.schedule_list(module.params["instance"])
    found = [each for each in found if name in (None, each.name)]
    shown = [cloud.shown(each, "instance") for each in found]
    # None would mean every schedule of the project.
    if module.params["health"] and found:
        healths = {each.schedule_id: each for each in schedules.schedule_health(found)}
        for each in shown:
            each["health"] = cloud.shown_health(healths[each["id"]])
    return {"changed": False, "schedules": shown}


def main():
    module = AnsibleModule(
        argument_spec={
            "instance": {"type": "str"},
            "name": {"type": "str"},
            "health": {"type": "bool", "default": False},
            **cloud.CLOUD,
        },
        supports_check_mode=True,
    )
    cloud.run(module, listed)


if __name__ == "__main__":
    main()
