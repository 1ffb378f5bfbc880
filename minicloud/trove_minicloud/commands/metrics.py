# SPDX-License-Identifier: Apache-2.0
"""What `status` shows, in Prometheus' text format, for the text file collector of node_exporter."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

_PREFIX = "trove_minicloud_"
#: Metric, its help, and where it is in what `status.describe` says of the room.
_ROOM = (
    ("free_bytes", "Free on the disk that backups go to.", "free"),
    ("reserve_bytes", "Of these, what backups leave to databases.", "reserve"),
    ("last_day_bytes", "What the kept backups of the last 24 hours take.", "last_day"),
    ("nights_left", "For how many nights like the last there is room.", "nights"),
)


def lines(described: dict[str, Any]) -> Iterator[str]:
    """The gauges of a mini cloud. What isn't known is left out."""
    up = ("", int(described["state"] == "running" and not described["error"]))
    yield from _gauge("well", "1 if the mini cloud is up and has no problem of its own.", [up])
    yield from _gauge(
        "program_ready",
        "1 for a program that is ready, 0 for others.",
        [(_labels(each), int(each["state"] == "ready")) for each in described["programs"]],
    )
    room = described["room"] or {}
    for name, said, key in _ROOM:
        if room.get(key) is not None:
            yield from _gauge(name, said, [("", room[key])])
    if (copy := described["state_copy"]) is not None:
        yield from _gauge(
            "state_copy_failed",
            "1 if the last try to copy the cloud's own state failed.",
            [("", int(copy["error"] is not None))],
        )
        if copy["copied_at"] is not None:
            copied_at = int(datetime.fromisoformat(copy["copied_at"]).timestamp())
            yield from _gauge(
                "state_copied_timestamp_seconds",
                "When the cloud's own state was last copied into the store.",
                [("", copied_at)],
            )


def _labels(program: dict[str, Any]) -> str:
    labels = f'name="{program["program"]}"'
    if program["instance"]:
        escaped = program["instance"].replace("\\", "\\\\").replace('"', '\\"')
        labels += f',instance_name="{escaped}"'
    return f"{{{labels}}}"


def _gauge(name: str, said: str, samples: Sequence[tuple[str, int]]) -> Iterator[str]:
    if samples:
        yield f"# HELP {_PREFIX}{name} {said}"
        yield f"# TYPE {_PREFIX}{name} gauge"
        yield from (f"{_PREFIX}{name}{labels} {value}" for labels, value in samples)
