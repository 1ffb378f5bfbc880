# SPDX-License-Identifier: Apache-2.0
"""Loopback is never asked through a proxy, whatever the environment says of proxies."""

from collections.abc import MutableMapping

_OURS = ("127.0.0.1", "localhost")
_VARIABLES = ("no_proxy", "NO_PROXY")


def exceptions(environment: MutableMapping[str, str]) -> dict[str, str]:
    """The variables that keep every client from asking a proxy for loopback.

    Some read one spelling and some the other, and none reads both.
    """
    known = next((environment[name] for name in _VARIABLES if environment.get(name)), "")
    hosts = [host.strip() for host in known.split(",") if host.strip()]
    if "*" not in hosts:
        hosts += [host for host in _OURS if host not in hosts]
    return dict.fromkeys(_VARIABLES, ",".join(hosts))


def spare_proxies(environment: MutableMapping[str, str]) -> None:
    """Have this process, and those that it starts, ask loopback directly."""
    environment.update(exceptions(environment))
