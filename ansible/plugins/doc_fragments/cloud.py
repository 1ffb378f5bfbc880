# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cloud:
    description:
    - Cloud to log in to, by its name in C(clouds.yaml).
    - If this is left out, the environment variable E(OS_CLOUD), or the other C(OS_*) variables, say
      it.
    type: str
  region_name:
    description:
    - Region, instead of the one that the cloud's configuration names.
    type: str
  interface:
    description:
    - Endpoints to use, instead of those that the cloud's configuration names.
    type: str
    choices: [public, internal, admin]
requirements:
- python >= 3.11
- trove-schedules >= 0.1.0
notes:
- The modules run where the library C(trove-schedules) is, as a rule on C(localhost).
- Mistral acts by a trust of the user who is logged in. So a task that creates or changes something
  needs a password or a token. With an application credential it is refused.
"""
