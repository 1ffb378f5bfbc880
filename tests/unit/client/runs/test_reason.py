# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from trove_schedules.runs.reason import reason

ATTEMPT = "The action raised an exception [action=<x>, action_ex_id=a1, msg='{}']"


@pytest.mark.parametrize("nothing", [None, "", " \n "])
def test_no_text_gives_no_reason(nothing):
    assert reason(nothing) is None


def test_the_last_attempt_counts():
    text = (
        "Failure caused by error in tasks: create\n\n"
        f"  create [task_ex_id=t1] -> {ATTEMPT.format('busy')}\n"
        f"    [action_ex_id=a1, idx=0]: {ATTEMPT.format('busy')}\n"
        f"    [action_ex_id=a2, idx=0]: {ATTEMPT.format('Quota exceeded (HTTP 413)')}\n"
    )
    assert reason(text) == "Quota exceeded (HTTP 413)"


@pytest.mark.parametrize(
    "message", ["Instance 'm' is not ready", "['backups'] exceeded", "'quoted'", "a=[1]"]
)
def test_quotes_and_brackets_belong_to_the_message(message):
    assert reason(ATTEMPT.format(message)) == message


def test_a_message_of_several_lines_becomes_one():
    assert reason(ATTEMPT.format("first\n  second")) == "first second"


def test_a_message_that_was_cut_is_taken_as_far_as_it_goes():
    assert reason("[action=<x>, msg='Unable to conn") == "Unable to conn"


def test_a_text_without_a_message_ends_with_the_reason():
    assert reason("Backup 0d8c failed.") == "Backup 0d8c failed."
    assert reason("Failure caused by error in tasks: look\n\n  Timeout\n") == "Timeout"


def test_an_empty_message_gives_no_reason():
    assert reason(ATTEMPT.format("")) is None


FAULT = "Backup b1 failed. Last fault of the instance, 2026-12-01T02:00:05. "


def test_a_fault_that_trove_has_broken_into_lines_is_one_reason():
    broken = "Backup b1\nFAILED:\n    /srv/backups is not there:\n    mount its disk."
    assert reason(FAULT + broken) == "/srv/backups is not there: mount its disk."


def test_a_fault_that_trove_has_cut_is_taken_from_its_beginning():
    cut = "Backup b1 FAILED:\n    Could not connect to\n    http://s3.example.org\n..."
    assert reason(FAULT + cut) == "Could not connect to http://s3.example.org ..."


@pytest.mark.parametrize("fault", ["No space\nleft on device.", "Backup b0 FAILED:\n    no route."])
def test_another_fault_of_the_instance_is_told_as_that(fault):
    assert reason(FAULT + fault) == FAULT + " ".join(fault.split())
