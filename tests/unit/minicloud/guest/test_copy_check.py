# SPDX-License-Identifier: Apache-2.0
import stat
from dataclasses import replace
from unittest.mock import create_autospec

import pytest

from tests.unit.minicloud import examples
from trove_minicloud.errors import (
    CheckFailedError,
    DamagedFileError,
    InstanceNotFoundError,
    InvalidCheckError,
    QueryError,
)
from trove_minicloud.guest import copy_check, datastores, instances
from trove_minicloud.guest.copy_check import Check
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root

CHECK = Check("select count(*) >= 100 from orders", "t", "shop")


class Kind:
    """Servers that answer whatever they are told to, and keep what they were asked."""

    def __init__(self) -> None:
        self.answer = "t"
        self.asked: list[tuple[str, str, str | None]] = []

    def ask(self, _root: Root, instance: Instance, query: str, database: str | None) -> str:
        self.asked.append((instance.id, query, database))
        return self.answer


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Kind:
    made = Kind()
    monkeypatch.setattr(datastores, "named", create_autospec(datastores.named, return_value=made))
    return made


@pytest.fixture
def instance(root: Root) -> Instance:
    return examples.saved(root)


def test_a_check_that_holds_is_kept_for_the_owners_eyes(
    root: Root, instance: Instance, kind: Kind
) -> None:
    copy_check.store(root, instance, CHECK)
    assert kind.asked == [("instance-1", CHECK.query, "shop")]
    assert copy_check.load(root, "instance-1") == CHECK
    (file,) = instance.folder(root).glob("check*")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # It is no change of the instance, which Trove would wait to hear of, nor an instance itself.
    assert instances.all_instances(root) == [instance]


def test_a_check_that_does_not_hold_now_leaves_the_one_before(
    root: Root, instance: Instance, kind: Kind
) -> None:
    copy_check.store(root, instance, CHECK)
    with pytest.raises(InvalidCheckError, match=r"m answers 't' now, and not 'true'.*Nothing was"):
        copy_check.store(root, instance, replace(CHECK, expected="true"))
    assert copy_check.load(root, "instance-1") == CHECK


def test_a_query_that_the_server_refuses_is_not_kept(
    root: Root, instance: Instance, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "ask", create_autospec(kind.ask, side_effect=QueryError("no table")))
    with pytest.raises(QueryError, match="no table"):
        copy_check.store(root, instance, CHECK)
    assert copy_check.load(root, "instance-1") is None


def test_a_check_of_an_instance_that_is_gone(root: Root, kind: Kind) -> None:
    with pytest.raises(InstanceNotFoundError, match="m was deleted meanwhile"):
        copy_check.store(root, examples.instance(), CHECK)
    assert copy_check.load(root, "instance-1") is None


def test_it_is_cleared_also_where_there_is_none(root: Root, instance: Instance, kind: Kind) -> None:
    copy_check.store(root, instance, CHECK)
    for _time in range(2):
        copy_check.clear(root, instance)
        assert copy_check.load(root, "instance-1") is None


@pytest.mark.parametrize("content", ["{", '{"query": "select 1"}', "[]"])
def test_a_damaged_file_is_named(root: Root, instance: Instance, content: str) -> None:
    (instance.folder(root) / "check.json").write_text(content)
    with pytest.raises(DamagedFileError, match=r"check\.json"):
        copy_check.load(root, "instance-1")


def test_a_copy_that_answers_as_expected_passes(root: Root, kind: Kind) -> None:
    copy_check.require(root, examples.instance(id="copy"), "m", CHECK)
    assert kind.asked == [("copy", CHECK.query, "shop")]


def test_another_answer_is_told_with_the_query_in_what_trove_keeps_of_a_fault(
    root: Root, kind: Kind
) -> None:
    kind.answer = "f"
    with pytest.raises(CheckFailedError) as caught:
        copy_check.require(root, examples.instance(id="copy"), "m", CHECK)
    assert str(caught.value) == (
        "The check of m is answered with 'f' instead of 't': select count(*) >= 100 from orders"
    )

    kind.answer = "wrong \n" * 100
    long = Check("select\n" + "'long' || " * 100 + "'!'", "right" * 100, None)
    with pytest.raises(CheckFailedError) as caught:
        copy_check.require(root, examples.instance(id="copy"), "name" * 60, long)
    text = str(caught.value)
    assert len(text) <= 255 and "\n" not in text and "\\n" not in text
    assert "'wrong wrong" in text and "'rightright" in text and ": select 'long'" in text
