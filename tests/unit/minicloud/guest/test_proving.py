# SPDX-License-Identifier: Apache-2.0
from collections.abc import Collection
from dataclasses import asdict
from unittest.mock import create_autospec

import pytest

from tests.unit.minicloud import examples
from trove_minicloud.errors import CheckFailedError, InstanceNotFoundError, WaitTimeoutError
from trove_minicloud.files import write_json
from trove_minicloud.guest import datastores, folders, instances, proving
from trove_minicloud.guest.copy_check import Check
from trove_minicloud.guest.datastores import Contents
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root

BACKUP = examples.manifest("backup-1", instance_name="m before")


class Kind:
    """Servers that serve at the second look."""

    def __init__(self) -> None:
        self.contents = Contents(rows={"shop.public.orders": 20_000, "shop.public.kinds": 3})
        self.source = Contents()
        self.quiet: list[str] = []
        self.answer = "t"
        self.looks = 0

    def is_serving(self, _root: Root, _instance: Instance) -> bool:
        self.looks += 1
        return self.looks > 1

    def look_at(
        self, _root: Root, instance: Instance, only: Collection[str] | None = None
    ) -> Contents:
        assert self.looks > 1
        assert (only is None) == (instance.id == "copy-1")
        return self.contents if instance.id == "copy-1" else self.source

    def switched_off(self, _root: Root, _copy: Instance) -> list[str]:
        return self.quiet

    def ask(self, _root: Root, _instance: Instance, _query: str, _database: str | None) -> str:
        return self.answer


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Kind:
    made = Kind()
    monkeypatch.setattr(datastores, "named", create_autospec(datastores.named, return_value=made))
    monkeypatch.setattr(proving, "_POLL_INTERVAL", 0.01)
    return made


@pytest.fixture
def copy(root: Root) -> Instance:
    return examples.saved(root, id="copy-1", name="m again")


def _prove(root: Root, copy: Instance) -> list[str]:
    said: list[str] = []
    proving.prove(root, copy, BACKUP, said.append)
    return said


def test_rows_are_counted_and_the_sources_check_is_asked(
    root: Root, kind: Kind, copy: Instance
) -> None:
    source = examples.saved(root)
    write_json(source.folder(root) / "check.json", asdict(Check("select true", "t", None)))

    assert _prove(root, copy) == [
        "m again, from backup backup-1 of m, holds 20003 rows in 2 tables:"
        " shop.public.orders 20000, shop.public.kinds 3",
        "the check of m is answered as expected",
    ]

    kind.answer = "f"
    with pytest.raises(CheckFailedError, match="The check of m is answered with 'f'"):
        _prove(root, copy)
    # It stays, to be looked at.
    assert instances.load(root, "copy-1") == copy


def test_without_a_source_there_is_no_check(root: Root, kind: Kind, copy: Instance) -> None:
    counted, check = _prove(root, copy)
    assert "of m before, holds" in counted
    assert check == "m before has no check"


@pytest.mark.parametrize("rows", [{}, {"a.b": 0, "a.c": 0}])
def test_an_empty_copy_is_not_called_counted(
    root: Root, kind: Kind, copy: Instance, rows: dict[str, int]
) -> None:
    kind.contents.rows = rows
    assert _prove(root, copy)[0].endswith(f"holds NO ROWS, in {len(rows)} tables")


def test_many_tables_and_odd_names_make_one_line(root: Root, kind: Kind, copy: Instance) -> None:
    kind.contents.rows = {f"a.t\n{number}": number for number in range(100)}
    (line, _check) = _prove(root, copy)
    assert "holds 4950 rows in 100 tables: a.t 99 99, a.t 98 98," in line
    assert line.endswith("a.t 80 80, and 80 more")
    assert "\n" not in line


def test_a_copy_that_does_not_serve_is_given_up(
    root: Root, kind: Kind, copy: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "is_serving", lambda *_: False)
    monkeypatch.setattr(proving, "_SERVING_TIMEOUT", 0.05)
    with pytest.raises(WaitTimeoutError, match=r"m again doesn't serve after .* see .*server\.log"):
        _prove(root, copy)
    folders.remove(root, "copy-1")
    with pytest.raises(InstanceNotFoundError):
        _prove(root, copy)


def test_what_was_not_looked_at_is_named_with_its_reason(
    root: Root, kind: Kind, copy: Instance
) -> None:
    kind.contents.left_out = {"old": "it allows no connections", "a.u": "unlogged"}
    kind.contents.repaired = {"a.m": "status: OK"}
    kind.quiet = ["switched off in m again: subscription a.s", "to switch it on again: …"]

    assert _prove(root, copy)[1:] == [
        "repaired before it was counted: a.m (status: OK)",
        "not looked at: a.u (unlogged), old (it allows no connections)",
        "switched off in m again: subscription a.s",
        "to switch it on again: …",
        "m before has no check",
    ]


def test_what_is_unreadable_fails_unless_the_source_can_not_read_it_either(
    root: Root, kind: Kind, copy: Instance
) -> None:
    kind.contents.unreadable = {"a.x": "gone", "a.y": "gone"}
    with pytest.raises(CheckFailedError, match=r"^2 objects of .* a\.x \(gone\), a\.y \(gone\)$"):
        _prove(root, copy)

    examples.saved(root)
    kind.source = Contents(rows={"a.y": 5}, unreadable={"a.x": "gone"})
    with pytest.raises(CheckFailedError, match=r"^1 object of .* read: a\.y \(gone\)$"):
        _prove(root, copy)

    kind.source.unreadable["a.y"] = "gone"
    assert "unreadable, as in m: a.x (gone), a.y (gone)" in _prove(root, copy)


def test_a_source_that_can_not_be_asked_excuses_nothing(
    root: Root, kind: Kind, copy: Instance
) -> None:
    kind.contents.unreadable = {"a.x": "gone"}
    kind.source.unreadable = {"a.x": "gone"}
    examples.saved(root, managed=False)
    with pytest.raises(CheckFailedError):
        _prove(root, copy)
