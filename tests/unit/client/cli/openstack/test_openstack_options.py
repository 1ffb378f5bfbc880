# SPDX-License-Identifier: Apache-2.0
"""A pattern without quotes: the shell puts the names of files in the place of each star."""

from __future__ import annotations

import pytest

from trove_schedules.cli.openstack.changes import SetSchedule
from trove_schedules.cli.openstack.schedule import CreateSchedule

STARS = ["CHANGELOG.md", "README.md", "client"]
IN_QUOTES = "put the pattern in quotes, such as '0 2 * * *'"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (CreateSchedule, ["m", "0", "2", *STARS * 3, "nightly"]),
        (CreateSchedule, ["m", "0", "2", "*", "*", "*", "nightly", "--keep-last", "7"]),
        (CreateSchedule, ["--keep-last", "7", "m", *STARS * 5, "nightly"]),
        (SetSchedule, ["nightly", "--pattern", "0", "2", *STARS * 3]),
        (SetSchedule, ["--pattern", "0", "2", *STARS * 3, "nightly"]),
        (SetSchedule, ["nightly", "--drill-every", "0", "4", *STARS * 2, "0"]),
    ],
)
def test_a_pattern_without_quotes_is_told_to_be_put_in_quotes(
    take, schedules, capsys, command, words
):
    with pytest.raises(SystemExit) as caught:
        take(command, *words)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert IN_QUOTES in said
    assert "unrecognized" not in said
    assert schedules.mock_calls == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (CreateSchedule, ["m", "nightly"]),
        (CreateSchedule, ["m", "0 2 * * *"]),
        (SetSchedule, ["nightly", "--pattern"]),
        (SetSchedule, ["nightly", "--drill-every"]),
    ],
)
def test_too_few_arguments_are_told_so_with_a_word_on_the_pattern(
    take, schedules, capsys, command, words
):
    with pytest.raises(SystemExit):
        take(command, *words)
    assert "; the pattern is one argument, put it in quotes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (CreateSchedule, ["m", "0 2 * * *", "nightly", "--keep-lats", "7"]),
        (SetSchedule, ["nightly", "--keep-lats", "7"]),
        (SetSchedule, ["nightly", "--pattern", "0 2 * * *", "other"]),
    ],
)
def test_what_has_to_do_with_no_pattern_is_told_as_ever(take, schedules, capsys, command, words):
    with pytest.raises(SystemExit):
        take(command, *words)
    said = capsys.readouterr().err
    assert "unrecognized arguments: " in said
    assert "quotes" not in said.partition("error:")[2]
