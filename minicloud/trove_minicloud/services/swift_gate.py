# SPDX-License-Identifier: Apache-2.0
"""Lets nobody but Swift's own servers ask those of them that keep things.

On a real cloud these are in a network of their own, and trust whoever can reach them. Here that
would be every user of the machine. So each request between them bears a secret, in a header that
Swift's gatekeeper takes out of requests from outside.
"""

import hmac
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

#: In Swift's folder: the secret.
FILE = "between-servers.secret"
_HEADER = "X-Backend-Between-Servers"
_VARIABLE = f"HTTP_{_HEADER.upper().replace('-', '_')}"

Application = Callable[[Mapping[str, Any], Callable[..., Any]], Iterable[bytes]]


def factory(settings: Mapping[str, str], **_local: str) -> Callable[[Application], Application]:
    """The filter of a server's pipeline, as Paste calls it."""
    secret = _secret(Path(settings["swift_dir"])).encode()

    def gated(application: Application) -> Application:
        def answer(environment: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            shown = str(environment.get(_VARIABLE, "")).encode()
            if hmac.compare_digest(shown, secret):
                return application(environment, start)
            start("403 Forbidden", [("Content-Length", "0")])
            return []

        return answer

    return gated


def show(directory: Path) -> None:
    """Have every request of this process to such a server bear the secret."""
    # An extra, which those who configure it may lack.
    from swift.common import bufferedhttp

    secret = _secret(directory)
    connect = bufferedhttp.http_connect_raw

    def http_connect_raw(
        ipaddr: str,
        port: int,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        query_string: str | None = None,
        ssl: bool = False,
    ) -> Any:
        shown = {**(headers or {}), _HEADER: secret}
        return connect(ipaddr, port, method, path, shown, query_string, ssl)

    # All of them are opened by it.
    bufferedhttp.http_connect_raw = http_connect_raw


def _secret(directory: Path) -> str:
    return (directory / FILE).read_text(encoding="utf-8")
