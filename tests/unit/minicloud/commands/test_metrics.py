# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from trove_minicloud.commands import metrics

_DESCRIBED: dict[str, Any] = {
    "root": "/cloud",
    "state": "running",
    "error": "",
    "room": {"free": 4096, "reserve": 1024, "last_day": 100, "nights": 30},
    "state_copy": {"copied_at": "2026-01-31T02:00:00+00:00", "url": "u", "size": 9, "error": None},
    "programs": [
        {"program": "trove", "instance": "", "state": "silent"},
        {"program": "postgresql-1", "instance": "orders", "state": "ready"},
    ],
}


def _samples(described: dict[str, Any]) -> dict[str, str]:
    return dict(
        line.rsplit(" ", 1) for line in metrics.lines(described) if not line.startswith("#")
    )


def test_programs_room_and_the_copy_of_the_state_are_gauges() -> None:
    assert _samples(_DESCRIBED) == {
        "trove_minicloud_well": "1",
        'trove_minicloud_program_ready{name="trove"}': "0",
        'trove_minicloud_program_ready{name="postgresql-1",instance_name="orders"}': "1",
        "trove_minicloud_free_bytes": "4096",
        "trove_minicloud_reserve_bytes": "1024",
        "trove_minicloud_last_day_bytes": "100",
        "trove_minicloud_nights_left": "30",
        "trove_minicloud_state_copy_failed": "0",
        "trove_minicloud_state_copied_timestamp_seconds": "1769824800",
    }
    described = list(metrics.lines(_DESCRIBED))
    assert described[:2] == [
        "# HELP trove_minicloud_well 1 if the mini cloud is up and has no problem of its own.",
        "# TYPE trove_minicloud_well gauge",
    ]


@pytest.mark.parametrize(
    "changed", [{"state": "down"}, {"state": "killed"}, {"error": "The disk is nearly full."}]
)
def test_a_cloud_that_is_down_or_has_a_problem_is_not_well(changed: dict[str, str]) -> None:
    assert _samples(_DESCRIBED | changed)["trove_minicloud_well"] == "0"


def test_what_is_not_known_is_left_out() -> None:
    without_backups = _DESCRIBED | {"room": _DESCRIBED["room"] | {"nights": None}}
    assert "trove_minicloud_nights_left" not in _samples(without_backups)
    down = {"state": "down", "error": "", "room": None, "state_copy": None, "programs": []}
    assert _samples(down) == {"trove_minicloud_well": "0"}


def test_a_copy_of_the_state_that_fails_is_told_even_if_there_never_was_one() -> None:
    failed = {"copied_at": None, "url": None, "size": 0, "error": "The store is full."}
    told = _samples(_DESCRIBED | {"state_copy": failed})
    assert told["trove_minicloud_state_copy_failed"] == "1"
    assert "trove_minicloud_state_copied_timestamp_seconds" not in told


def test_odd_names_are_escaped() -> None:
    program = {"program": "postgresql-1", "instance": 'a "b" \\c', "state": "ready"}
    assert r'instance_name="a \"b\" \\c"' in "\n".join(
        metrics.lines(_DESCRIBED | {"programs": [program]})
    )
