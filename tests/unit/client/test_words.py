# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta

import pytest

from trove_schedules.words import span


@pytest.mark.parametrize(
    ("length", "told", "short"),
    [
        ({"seconds": -5}, "0 s", "0 s"),
        ({"seconds": 119.9}, "119 s", "119 s"),
        ({"seconds": 125}, "2 min", "2 min"),
        ({"minutes": 119, "seconds": 59}, "119 min", "119 min"),
        ({"hours": 3}, "3 h", "3 h"),
        ({"hours": 3, "minutes": 12, "seconds": 59}, "3 h 12 min", "3 h"),
        ({"hours": 47, "minutes": 59}, "47 h 59 min", "47 h"),
        ({"days": 3, "minutes": 12}, "3 d", "3 d"),
        ({"days": 400, "hours": 4}, "400 d 4 h", "400 d"),
    ],
)
def test_a_length_of_time_begins_with_the_largest_unit_of_which_there_are_two(
    length, told, short
) -> None:
    assert span(timedelta(**length)) == told
    assert span(timedelta(**length), short=True) == short
