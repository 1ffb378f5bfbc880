#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

DOCUMENTATION = r"""
module: policy
short_description: Create, change or delete a backup policy of many database instances
description:
- Makes a policy be as the task says.
- A policy has all instances of OpenStack Trove backed up that it selects.
- A policy is told by its name. With another name, it is another policy.
- The task says all. An option that it leaves out has its default, but O(paused), O(notify_url) and
  O(webhook_url) stay as they are.
- C(openstack database backup schedule apply --prune) never deletes what this module has created.
version_added: 0.1.0
author: The trove-schedules developers (!UNKNOWN)
extends_documentation_fragment:
- trove_schedules.backups.cloud
- trove_schedules.backups.policy_options
options:
  state:
    description:
    - Whether there is to be such a policy. The backups of a policy that is deleted stay.
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
- name: Back every database up each night, but for those of tests, and keep two weeks
  trove_schedules.backups.policy:
    cloud: mycloud
    name: everything
    pattern: H H(1-4) * * *
    exclude: ["test-*"]
    keep_daily: 14

- name: Make no more hourly backups of orders
  trove_schedules.backups.policy:
    cloud: mycloud
    name: hourly-orders
    state: absent
"""

RETURN = r"""
policy:
  description:
  - The policy as it is after the task, or in check mode as it is before it.
  - It has every option by its name, but for O(notify_url) and O(webhook_url).
  - It is null if there is no such policy.
  returned: success
  type: dict
  contains:
    id:
      description: Its ID, which stays the same whatever is changed.
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
from ansible_collections.trove_schedules.backups.plugins.module_utils.options import POLICY


def present(module, schedules):
    return wanted.present(module, schedules, "policy", POLICY, cloud.shown)


def absent(module, schedules):
    found = [each for each in schedules.policy_list() if each.name == module.params["name"]]
    return wanted.absent(module, found, "policy", schedules.policy_delete, cloud.shown)


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            **POLICY,
            **cloud.CLOUD,
        },
        required_if=[("state", "present", ("pattern",))],
        supports_check_mode=True,
    )
    cloud.run(module, present if module.params["state"] == "present" else absent)


if __name__ == "__main__":
    main()
