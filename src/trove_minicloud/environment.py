# SPDX-License-Identifier: Apache-2.0
"""The shell variables by which OpenStack clients find the mini cloud."""

import shlex

from trove_minicloud.root import Root
from trove_minicloud.settings import PROJECT, REGION, USER, Settings


def exports(root: Root, settings: Settings, *, admin: bool) -> str:
    """Lines for a shell to evaluate. They hold the password of the user.

    `OS_CLOUD` would do for most clients, but the `trove` program doesn't read clouds.yaml and
    needs the variables one by one. In `openstack` these win over `--os-cloud`, so a shell has
    either the tenant's or the administrator's.
    """
    user, password, project, cloud = (
        ("admin", settings.admin_password, "admin", "minicloud-admin")
        if admin
        else (USER, settings.demo_password, PROJECT, "minicloud")
    )
    values = {
        "OS_CLIENT_CONFIG_FILE": str(root.clouds_file),
        "OS_CLOUD": cloud,
        "OS_AUTH_URL": settings.keystone_url,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": user,
        "OS_PASSWORD": password,
        "OS_PROJECT_NAME": project,
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": REGION,
    }
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())
