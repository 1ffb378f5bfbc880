# SPDX-License-Identifier: Apache-2.0
"""The shell variables by which OpenStack clients find the mini cloud."""

import os
import shlex
from collections.abc import Mapping

from trove_minicloud import loopback
from trove_minicloud.root import Root
from trove_minicloud.settings import PROJECT, REGION, USER, Settings

# A login that the user's shell may already have. In the clients these would go before clouds.yaml.
_CONFLICTING = (
    "OS_ACCESS_TOKEN",
    "OS_APPLICATION_CREDENTIAL_ID",
    "OS_APPLICATION_CREDENTIAL_NAME",
    "OS_APPLICATION_CREDENTIAL_SECRET",
    "OS_AUTH_SYSTEM",
    "OS_AUTH_TOKEN",
    "OS_AUTH_TYPE",
    "OS_AUTH_URL",
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
    "OS_IDENTITY_API_VERSION",
    "OS_INTERFACE",
    "OS_KEY",
    "OS_MISTRAL_URL",
    "OS_PASSWORD",
    "OS_PROJECT_DOMAIN_ID",
    "OS_PROJECT_DOMAIN_NAME",
    "OS_PROJECT_ID",
    "OS_PROJECT_NAME",
    "OS_REGION_NAME",
    "OS_SERVICE_TYPE",
    "OS_SYSTEM_SCOPE",
    "OS_TENANT_ID",
    "OS_TENANT_NAME",
    "OS_TOKEN",
    "OS_TRUST_ID",
    "OS_URL",
    "OS_USERNAME",
    "OS_USER_DOMAIN_ID",
    "OS_USER_DOMAIN_NAME",
    "OS_USER_ID",
)
# These programs read no clouds.yaml.
_WITHOUT_CLOUDS = ("mistral", "swift", "trove")


def exports(root: Root, settings: Settings, *, admin: bool) -> str:
    """Lines for a shell to evaluate.

    Most clients find their login in clouds.yaml, and so `--os-cloud` chooses another. For those
    that don't read it there are shell functions, which give them the login as variables. Exported
    for all, the variables would win over `--os-cloud`.
    """
    user, password, project, cloud = (
        ("admin", settings.admin_password, "admin", "minicloud-admin")
        if admin
        else (USER, settings.demo_password, PROJECT, "minicloud")
    )
    values = {
        "OS_CLIENT_CONFIG_FILE": str(root.clouds_file),
        "OS_CLOUD": cloud,
        # troveclient imports eventlet where that is installed, as it is beside the services, and
        # eventlet then warns at each command.
        "PYTHONWARNINGS": "ignore:::troveclient.client",
        **loopback.exceptions(os.environ),
    }
    login = {
        "OS_AUTH_URL": settings.keystone_url,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": user,
        "OS_PASSWORD": password,
        "OS_PROJECT_NAME": project,
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": REGION,
    }
    with_login = " ".join(_assignments(login))
    return "\n".join(
        [
            f"unset {' '.join(_CONFLICTING)}",
            *(f"export {assignment}" for assignment in _assignments(values)),
            *(f'{name}() {{ {with_login} command {name} "$@"; }}' for name in _WITHOUT_CLOUDS),
        ]
    )


def _assignments(values: Mapping[str, str]) -> list[str]:
    return [f"{name}={shlex.quote(value)}" for name, value in values.items()]
