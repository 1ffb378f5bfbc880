# SPDX-License-Identifier: Apache-2.0
"""The shell variables by which OpenStack clients find the mini cloud."""

import shlex

from trove_minicloud.root import Root
from trove_minicloud.settings import PROJECT, REGION, USER, Settings

# A login of another kind, or to another place, that the user's shell may already have. In the
# clients these would go before the ones below, or contradict them.
_CONFLICTING = (
    "OS_ACCESS_TOKEN",
    "OS_APPLICATION_CREDENTIAL_ID",
    "OS_APPLICATION_CREDENTIAL_NAME",
    "OS_APPLICATION_CREDENTIAL_SECRET",
    "OS_AUTH_SYSTEM",
    "OS_AUTH_TOKEN",
    "OS_AUTH_TYPE",
    "OS_BYPASS_URL",
    "OS_CACERT",
    "OS_CERT",
    "OS_DATABASE_ENDPOINT_OVERRIDE",
    "OS_DEFAULT_DOMAIN",
    "OS_DEFAULT_DOMAIN_ID",
    "OS_DEFAULT_DOMAIN_NAME",
    "OS_DOMAIN_ID",
    "OS_DOMAIN_NAME",
    "OS_ENDPOINT",
    "OS_ENDPOINT_TYPE",
    "OS_INTERFACE",
    "OS_KEY",
    "OS_MISTRAL_URL",
    "OS_PROJECT_DOMAIN_ID",
    "OS_PROJECT_ID",
    "OS_SERVICE_TYPE",
    "OS_SYSTEM_SCOPE",
    "OS_TENANT_ID",
    "OS_TENANT_NAME",
    "OS_TOKEN",
    "OS_TRUST_ID",
    "OS_URL",
    "OS_USER_DOMAIN_ID",
    "OS_USER_ID",
)


def exports(root: Root, settings: Settings, *, admin: bool) -> str:
    """Lines for a shell to evaluate. They hold the password of the user.

    `OS_CLOUD` would do for most clients, but the `trove` program doesn't read clouds.yaml and
    needs the variables one by one. In `openstack` these win over `--os-cloud`, so a shell has
    either the user's or the administrator's.
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
        # troveclient imports eventlet where that is installed, as it is beside the services, and
        # eventlet then warns at each command.
        "PYTHONWARNINGS": "ignore:::troveclient.client",
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    return "\n".join([f"unset {' '.join(_CONFLICTING)}", *lines])
