#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: schedule
short_description: Create, change or delete a backup schedule of a database instance
description:
- Makes a schedule of backups of an instance of OpenStack Trove be as the task says.
- A schedule is told by its instance and its name. With another name, it is another schedule.
- The task says all. An option that it leaves out has its default, but O(paused), O(notify_url) and
  O(webhook_url) stay as they are.
- C(openstack database backup schedule apply --prune) never deletes what this module has created.
version_added: 0.1.0
author: The trove-schedules developers (!UNKNOWN)
extends_documentation_fragment:
- trove_schedules.backups.cloud
- trove_schedules.backups.schedule_options
options:
  state:
    description:
    - Whether there is to be such a schedule. The backups of a schedule that is deleted stay.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    description: Says what it would do, and changes nothing.
    support: full
  diff_mode:
    description: Says what it changes. The value of a secret option isn't shown.
    support: full
"""

EXAMPLES = r"""
- name: Back orders-db up every night, and keep two weeks
  trove_schedules.backups.schedule:
    cloud: mycloud
    instance: orders-db
    name: nightly
    pattern: H H(1-4) * * *
    keep_daily: 14
    drill_every: H 5 * * 0

- name: Back up every half hour, and keep three days
  trove_schedules.backups.schedule:
    cloud: mycloud
    instance: orders-db
    name: hourly
    pattern: "*/30 * * * *"
    incremental: true
    full_every: 48
    keep_days: 3

- name: Make no more weekly backups
  trove_schedules.backups.schedule:
    cloud: mycloud
    instance: orders-db
    name: weekly
    state: absent
"""

RETURN = r"""
schedule:
  description:
  - The schedule as it is after the task, or in check mode as it is before it.
  - It has every option by its name, but for O(notify_url) and O(webhook_url).
  - It is null if there is no such schedule.
  returned: success
  type: dict
  contains:
    id:
      description: Its ID, which stays the same whatever is changed.
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
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.trove_schedules.backups.plugins.module_utils import cloud, wanted
from ansible_collections.trove_schedules.backups.plugins.module_utils.options import SCHEDULE


def show(schedule):
    return cloud.shown(schedule, "instance")


def present(module, schedules):
    return wanted.present(module, schedules, "schedule", SCHEDULE, show)


def absent(module, schedules):
    listed = cloud.schedules_of(schedules, module.params["instance"])
    found = [each for each in listed if each.name == module.params["name"]]
    return wanted.absent(module, found, "schedule", schedules.schedule_delete, show)


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            **SCHEDULE,
            **cloud.CLOUD,
        },
        required_if=[("state", "present", ("pattern",))],
        supports_check_mode=True,
    )
    cloud.run(module, present if module.params["state"] == "present" else absent)


if __name__ == "__main__":
    main()
