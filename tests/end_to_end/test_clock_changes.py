# SPDX-License-Identifier: Apache-2.0
"""The short form of `make clock-changes`."""

from bench import clock_changes


def test_each_due_time_around_a_change_of_the_clocks_gets_one_backup() -> None:
    """The services' clock is moved from one firing to the next; Mistral fires by itself."""
    rows = list(clock_changes.run(only=1))
    assert len(rows) == 2, clock_changes.table(rows)
    assert all(row.good for row in rows), clock_changes.table(rows)
