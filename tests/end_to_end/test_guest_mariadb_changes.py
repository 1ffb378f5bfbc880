# SPDX-License-Identifier: Apache-2.0
"""Tables of MariaDB that are made, changed and dropped while a backup of their server is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.end_to_end.databases import MariaDB
from tests.end_to_end.guest import Guest
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.mariadb.stream_check import BackupCheck


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    with Guest.of(MariaDB()) as made:
        yield made


_PLACE = MariaDB.place
#: More than the pipe of a tool holds.
_ROWS = "AS SELECT repeat('x', 1000) AS t FROM seq_1_to_15000"
_TO_DISK = "SET GLOBAL innodb_log_checkpoint_now = 1"
_BEFORE = [
    # Older than those that hold tables; see `_make_last`.
    "CREATE DATABASE z0",
    f"DROP DATABASE {_PLACE}",
    f"CREATE DATABASE {_PLACE}",
    f"USE {_PLACE}",
    "CREATE DATABASE dropped",
    "CREATE TABLE dropped.t (n int) ENGINE=Aria",
    "CREATE DATABASE altered",
    "CREATE DATABASE again",
]
_MEANWHILE = [
    "DROP DATABASE dropped",
    "ALTER DATABASE altered CHARACTER SET latin1",
    "CREATE DATABASE made",
    "DROP DATABASE again",
    "CREATE DATABASE again",
]
for _engine in ("InnoDB", "Aria", "MyISAM"):
    for _name in ("drop", "remade", "rename", "log", "alter", "engine", "truncate", "optimize"):
        _BEFORE += [
            f"CREATE TABLE {_engine}_{_name} (n int, KEY (n)) ENGINE={_engine}",
            f"INSERT INTO {_engine}_{_name} SELECT seq FROM seq_1_to_3000",
        ]
    _BEFORE += [
        f"CREATE TABLE {_engine}_parts (n int) ENGINE={_engine} PARTITION BY HASH (n) PARTITIONS 3",
        f"CREATE TABLE again.{_engine}_same (n int) ENGINE={_engine}",
        f"CREATE TABLE again.{_engine}_old (n int) ENGINE={_engine}",
    ]
    _MEANWHILE += [
        f"DROP TABLE {_engine}_drop",
        # As a dump does it that is loaded again.
        f"DROP TABLE {_engine}_remade",
        f"CREATE TABLE {_engine}_remade (n int) ENGINE={_engine}",
        f"INSERT INTO {_engine}_remade VALUES (1)",
        f"RENAME TABLE {_engine}_rename TO {_engine}_renamed",
        # As logs are rotated.
        f"RENAME TABLE {_engine}_log TO {_engine}_log_old",
        f"CREATE TABLE {_engine}_log LIKE {_engine}_log_old",
        f"INSERT INTO {_engine}_log VALUES (1)",
        f"ALTER TABLE {_engine}_alter ADD COLUMN more int DEFAULT 5",
        f"ALTER TABLE {_engine}_engine ENGINE=Aria TRANSACTIONAL=0",
        f"TRUNCATE TABLE {_engine}_truncate",
        f"INSERT INTO {_engine}_truncate VALUES (1)",
        f"OPTIMIZE TABLE {_engine}_optimize",
        f"CREATE TABLE {_engine}_made (n int, KEY (n)) ENGINE={_engine}",
        f"INSERT INTO {_engine}_made SELECT seq FROM seq_1_to_3000",
        f"DROP TABLE {_engine}_parts",
        f"CREATE TABLE made.{_engine} AS SELECT 1 AS n",
        f"CREATE TABLE again.{_engine}_same (n int) ENGINE={_engine}",
        f"INSERT INTO again.{_engine}_same VALUES (1)",
        f"CREATE TABLE again.{_engine}_new (n int) ENGINE={_engine}",
        f"INSERT INTO again.{_engine}_new VALUES (1)",
    ]


def _make_last(guest: Guest, instance: Instance) -> None:
    """A large table of Aria: while it is copied, the others have been.

    The tool takes the databases in the order of their folder, which depends on the file system: the
    newest last or first, or any.
    """
    ours = re.compile(rf"{_PLACE}|again|z\d+")
    for number in range(1, 100):
        guest.execute(instance, f"CREATE DATABASE z{number}")
        listed = [each.name for each in instance.data(guest.root).iterdir()]
        *_, last = filter(ours.fullmatch, listed)
        if last.startswith("z"):
            guest.execute(instance, f"CREATE TABLE {last}.large ENGINE=Aria {_ROWS}")
            return
    raise AssertionError(f"None of 100 databases is the last of {listed}.")


@pytest.mark.parametrize(
    ("tables_copied", "incremental", "lost"),
    # The last are changes of which mariadb-backup itself loses track: of an Aria table that gets
    # another name before it is copied, for which the backup fails, and of one that is truncated
    # after that; in an increment, of a name that another table takes over, and of a table of InnoDB
    # that is made anew before anything of it was written: then the copy can't be prepared.
    [
        (0, False, "RENAME TABLE Aria|Aria_log "),
        (10, False, "Aria_truncate"),
        (
            0,
            True,
            r"RENAME TABLE Aria|Aria_log |InnoDB_(log|truncate|remade|optimize)|again\.InnoDB",
        ),
    ],
    ids=["before", "after", "incremental"],
)
def test_what_happens_to_tables_during_a_backup_is_in_it(
    guest: Guest,
    tables_copied: int,
    incremental: bool,
    lost: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = guest.create(f"changing {tables_copied} {incremental}")
    statements = [line for line in _MEANWHILE if not re.search(lost, line)]
    copied: set[bytes] = set()
    feed = BackupCheck.feed
    changed = False

    def change_then_feed(check: BackupCheck, data: memoryview) -> None:
        # The tool can't go on meanwhile: its pipe is full.
        nonlocal changed
        copied.update(re.findall(rb"E.{4}([a-z]+/Aria_\w+\.MAD)", bytes(data), re.DOTALL))
        if not changed and len(copied) >= tables_copied:
            changed = True
            guest.execute(instance, *statements)
        feed(check, data)

    with guest.running(instance):
        guest.execute(instance, *_BEFORE)
        _make_last(guest, instance)
        guest.execute(instance, _TO_DISK)
        parent = None
        if incremental:
            parent = guest.back_up(instance)
            # Without enough of it the tool would go on to Aria's tables, and lock one.
            guest.execute(instance, f"CREATE TABLE z0.changed ENGINE=InnoDB {_ROWS}", _TO_DISK)
        monkeypatch.setattr(BackupCheck, "feed", change_then_feed)
        backup = guest.back_up(instance, parent)
        monkeypatch.undo()
        assert changed
        expected = guest.kind.look_at(guest.root, instance)
    copy = guest.restore(backup, f"copy of {instance.name}")
    with guest.running(copy):
        found = guest.kind.look_at(guest.root, copy)
    assert (found.unreadable, found.left_out) == ({}, {})
    assert found.rows == expected.rows
