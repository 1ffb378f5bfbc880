# SPDX-License-Identifier: Apache-2.0
"""Ids, and what has one."""

import uuid
from types import SimpleNamespace

import pytest

from trove_schedules.ids import id_of, is_uuid

SCHEDULE = "fb149a29-be9b-49c1-a2f7-ca6c1213896f"


@pytest.mark.parametrize("text", [None, 5, uuid.UUID(SCHEDULE), "", f" {SCHEDULE}"])
def test_only_a_text_that_is_a_uuid_is_a_uuid(text):
    assert not is_uuid(text)


@pytest.mark.parametrize("given", ["s1", SimpleNamespace(id="s1")])
def test_an_object_stands_for_its_id(given):
    assert id_of(given) == "s1"
