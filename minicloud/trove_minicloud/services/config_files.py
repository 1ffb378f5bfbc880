# SPDX-License-Identifier: Apache-2.0
"""Text of the services' configuration files: sections that are the same, and INI rendering."""

from collections.abc import Mapping
from pathlib import Path

from trove_minicloud.root import Root
from trove_minicloud.settings import REGION, Settings

#: In a service's folder: options of the user's own, read after ours. Never written by us.
OVERRIDES = "override.conf"


def files(directory: Path, name: str) -> list[str]:
    """The configuration files of the service in this folder, the last word last."""
    found = [directory / f"{name}.conf", directory / OVERRIDES]
    return [str(file) for file in found if file.exists()]


def config_arguments(directory: Path, name: str) -> list[str]:
    """The same as arguments of a program that uses oslo.config."""
    return [argument for file in files(directory, name) for argument in ("--config-file", file)]


def render(sections: Mapping[str, Mapping[str, object]]) -> str:
    """The sections as an oslo.config file."""
    lines: list[str] = []
    for name, options in sections.items():
        lines += [f"[{name}]", *(f"{key} = {_value(raw)}" for key, raw in options.items()), ""]
    return "\n".join(lines)


def logging_options() -> dict[str, object]:
    """Everything to stderr, which the supervisor sends to the program's log file."""
    return {
        "use_stderr": True,
        "log_color": False,
        "default_log_levels": ",".join(f"{name}={level}" for name, level in _LOG_LEVELS.items()),
        "logging_context_format_string": _LOG_FORMAT.format(context=" [%(request_id)s]"),
        "logging_default_format_string": _LOG_FORMAT.format(context=""),
    }


def cache_variables(root: Root) -> dict[str, str]:
    """Where libraries keep what they would otherwise leave in the home directory."""
    return {
        "XDG_CACHE_HOME": str(root.cache),
        "TROVECLIENT_UUID_CACHE_DIR": str(root.cache / "troveclient"),
    }


def service_user(settings: Settings, name: str, password: str) -> dict[str, object]:
    """How a service logs in to Keystone for itself and to check its callers' tokens."""
    return {
        "auth_type": "password",
        "auth_url": settings.keystone_url,
        "www_authenticate_uri": settings.keystone_url,
        "username": name,
        "password": password,
        "project_name": "service",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
        "region_name": REGION,
    }


# Libraries that would bury the services' own messages.
_LOG_LEVELS = {
    "alembic": "WARNING",
    "keystonemiddleware": "ERROR",
    "mistral_extra": "WARNING",
    "neutronclient": "ERROR",
    "oslo_config": "ERROR",
    "oslo_policy": "ERROR",
    "py.warnings": "ERROR",
    "sqlalchemy": "WARNING",
    "stevedore": "WARNING",
    "swiftclient": "WARNING",
    # At INFO it writes requests with their tokens, such as every look at the quota.
    "trove.extensions": "WARNING",
    "urllib3": "WARNING",
}
_LOG_FORMAT = "%(asctime)s.%(msecs)03d %(levelname)s %(name)s{context} %(message)s"


def _value(raw: object) -> str:
    # oslo.config substitutes $name, so a dollar in a path or a password has to be doubled.
    return str(raw).replace("$", "$$")
