# SPDX-License-Identifier: Apache-2.0
from dataclasses import asdict
from unittest.mock import create_autospec

import pytest

from tests.unit.minicloud import examples
from trove_minicloud.errors import CheckFailedError, InstanceNotFoundError, WaitTimeoutError
from trove_minicloud.files import write_json
from trove_minicloud.guest import datastores, folders, instances, proving
from trove_minicloud.guest.copy_check import Check
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root

BACKUP = examples.manifest("backup-1", instance_name="m before")


class Kind:
    """Servers that serve at the second look."""

    def __init__(self) -> None:
        self.rows = {"shop.public.orders": 20_000, "shop.public.kinds": 3}
        self.answer = "t"
        self.looks = 0

    def is_serving(self, _root: Root, _instance: Instance) -> bool:
        self.looks += 1
        return self.looks > 1

    def count_rows(self, _root: Root, _instance: Instance) -> dict[str, int]:
        assert self.looks > 1
        return self.rows

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
    kind.rows = rows
    assert _prove(root, copy)[0].endswith(f"holds NO ROWS, in {len(rows)} tables")


def test_many_tables_and_odd_names_make_one_line(root: Root, kind: Kind, copy: Instance) -> None:
    kind.rows = {f"a.t\n{number}": number for number in range(100)}
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
