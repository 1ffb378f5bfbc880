# SPDX-License-Identifier: Apache-2.0
"""The tree of errors: what callers catch, and what people read."""

import inspect
import re

import pytest

from trove_schedules import errors
from trove_schedules.errors import ScheduledBackupError, ServiceError

ALL = [each for _, each in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("error", ALL)
def test_every_error_is_of_the_tree_and_named_so(error):
    assert issubclass(error, ScheduledBackupError)
    assert error.__name__.endswith("Error")


def test_the_drawing_in_the_docstring_is_the_tree():
    drawn = re.findall(r"^    (?:│  )*(?:[├└]─ )?(\w+Error)\b", errors.__doc__, re.MULTILINE)
    drawn += re.findall(r"^    [│ ]  [├└]─ (\w+Error)\b", errors.__doc__, re.MULTILINE)
    assert set(drawn) == {each.__name__ for each in ALL}


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.InvalidPatternError, ValueError),
        (errors.ScheduleNotFoundError, LookupError),
        (errors.BackupNotFoundError, LookupError),
    ],
)
def test_errors_can_be_caught_as_pythons_own(error, builtin):
    assert issubclass(error, builtin)


def test_a_service_error_says_who_what_and_how_to_find_it_in_the_log():
    error = ServiceError(
        "out of order", service="Mistral", operation="list", status=500, request_id="req-1"
    )
    assert str(error) == "Mistral: list failed: out of order (HTTP 500, request req-1)"
    assert (error.service, error.operation, error.status) == ("Mistral", "list", 500)


def test_a_service_error_without_an_answer_has_no_empty_brackets():
    error = ServiceError("no route", service="Trove", operation="show instance")
    assert str(error) == "Trove: show instance failed: no route"
