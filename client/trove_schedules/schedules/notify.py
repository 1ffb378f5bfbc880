# SPDX-License-Identifier: Apache-2.0
"""Whom a schedule's runs tell how they stand: the URLs, and what is put behind the pinged one.

A ping is the dead-man style: a service expects a ping for each backup, and raises the alarm when
none comes. The suffixes are by default those of healthchecks.io and of what is compatible with it.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from trove_schedules.errors import InvalidScheduleError

MAX_URL = 1000
MAX_SUFFIX = 200
#: The suffix that stands for: no ping for this signal.
NO_PING = "-"

_PRINTABLE = re.compile(r"[!-~]+")


def check_url(what: str, url: str) -> None:
    """Refuse what Mistral could never ask.

    :param what: what to call it in the error.
    :raises InvalidScheduleError: it is no plain http or https URL. What is said of it never holds
        the URL itself, because whoever knows that can use it.
    """
    if not isinstance(url, str) or len(url) > MAX_URL or _PRINTABLE.fullmatch(url) is None:
        raise InvalidScheduleError(
            f"the {what} must be a text of at most {MAX_URL} printable ASCII characters, with "
            "no blanks among them"
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidScheduleError(f"the {what} is not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise InvalidScheduleError(
            f"the {what} must begin with http:// or https:// and a host, not with "
            f"{parts.scheme or 'nothing'}:"
        )
    if "@" in parts.netloc:
        raise InvalidScheduleError(
            f"the {what} holds a user or a password; everybody of the project can read a "
            "schedule, so use a URL that needs none"
        )


def check_notify_url(url: str) -> None:
    """Refuse a notify URL that can't be pinged, or can't be followed by a suffix.

    :raises InvalidScheduleError: it is one of these; as above.
    """
    check_url("notify URL", url)
    if "?" in url or "#" in url:
        raise InvalidScheduleError(
            "the notify URL holds a '?' or '#', after which no suffix can be added; give each ping "
            "its own query instead, such as notify-success '?status=up'"
        )


def check_suffix(name: str, suffix: str) -> None:
    """Refuse a suffix that can't follow a URL.

    :raises InvalidScheduleError: it can't.
    """
    option = name.replace("_", "-")
    if suffix in ("", NO_PING):
        return
    if not isinstance(suffix, str) or not suffix.startswith(("/", "?")):
        raise InvalidScheduleError(
            f"{option} {suffix!r} must begin with / or ?, or be empty for no suffix, or {NO_PING} "
            "for no ping"
        )
    if len(suffix) > MAX_SUFFIX or _PRINTABLE.fullmatch(suffix) is None:
        raise InvalidScheduleError(
            f"{option} {suffix!r} must be at most {MAX_SUFFIX} printable ASCII characters without "
            "blanks; encode others as %XX"
        )
