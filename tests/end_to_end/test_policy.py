# SPDX-License-Identifier: Apache-2.0
"""A policy backs up each of its instances once for a due time, and names those that fail."""

from bench import fleet
from bench.crowd import Crowd
from bench.minicloud import import_path, mini_cloud
from bench.report import Report
from bench.traffic import OPTIONS


def test_two_nights_of_a_policy_of_eight_instances() -> None:
    import_path()
    found = Report("fleet")
    with mini_cloud(overrides=OPTIONS) as root:
        fleet.measure(found, Crowd(root), fleet.Size(8, 1, 2, 1, 1, parallel=8), attempts=2)
    assert found.wrong == []
