# SPDX-License-Identifier: Apache-2.0
"""Which texts Trove takes."""

import pytest

from tests.unit.client.schedules.plans import SCHEDULE
from trove_schedules.errors import InvalidScheduleError
from trove_schedules.schedules.names import marker
from trove_schedules.schedules.text import check_text


class TestText:
    @pytest.mark.parametrize("text", ["n", "1", "<% env() %>", "é a", "a" * 255])
    def test_what_trove_takes_is_taken(self, text):
        check_text("name", text)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "name ''"),
            ("x" * 256, "256 characters long; at most 255"),
            (None, "must be a text"),
            (b"n", "must be a text"),
            ("资料", "letter"),
            *(
                (f"a{control}b", "control characters")
                for control in (
                    "\n",
                    "\t",
                    "\0",
                    "\x1b",
                    "\x7f",
                    "\x9b",
                    "\x85",
                    "\u2028",
                    "\ud800",
                )
            ),
            ("nightly\n", "single line"),
        ],
    )
    def test_what_trove_would_refuse_is_refused(self, text, told):
        with pytest.raises(InvalidScheduleError, match=told):
            check_text("name", text)

    def test_room_is_left_for_what_is_added(self):
        addition = f" {marker(SCHEDULE)}"
        check_text("description", "d" * 207, addition)
        check_text("description", "", addition)
        with pytest.raises(InvalidScheduleError, match="at most 207"):
            check_text("description", "d" * 208, addition)
