# SPDX-License-Identifier: Apache-2.0
"""The short form of `make nights`."""

from bench.clock import own_clock
from bench.nights.__main__ import Nights, table
from bench.nights.faults import IN_S3, ON_DISK
from bench.nights.machine import machine

_FAULTS = {fault.name: fault for fault in ON_DISK + IN_S3}


def test_every_morning_health_is_right_and_backups_restore() -> None:
    """Two nights, each with a fault, and a SIGKILL to everything after it."""
    with own_clock() as clock, machine(clock, look_every=30) as tried:
        names = (
            ("folder", "no room beside the databases' reserve"),
            ("S3", "machine off at the due time"),
        )
        nights = list(Nights(tried, [(store, _FAULTS[name]) for store, name in names]).run())

    assert [line for night in nights for line in night.wrong] == [], table(nights)
    # Orders has three attempts a night, and shop has one.
    assert [night.kept["orders"] for night in nights] == [1, 2]
    assert nights[-1].kept["shop"] >= 1
    assert nights[-1].restored == sum(nights[-1].kept.values())
