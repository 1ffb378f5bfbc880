# SPDX-License-Identifier: Apache-2.0
"""Odd but ordinary MariaDB servers: what is odd in them says nothing about their backups."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.end_to_end.databases import MariaDB
from tests.end_to_end.guest import Guest
from trove_minicloud.guest import copy_check, proving
from trove_minicloud.guest.copy_check import Check
from trove_minicloud.guest.instances import Instance
from trove_minicloud.stores.manifest import Manifest
from trove_minicloud.supervision import processes


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    with Guest.of(MariaDB()) as made:
        yield made


_ODD = (
    "CREATE TABLE versioned (n int) WITH SYSTEM VERSIONING",
    "INSERT INTO versioned SELECT seq FROM seq_1_to_250",
    "DELETE FROM versioned WHERE n > 240",
    "CREATE TABLE part_one (n int) ENGINE=MyISAM",
    "CREATE TABLE part_two (n int) ENGINE=MyISAM",
    "CREATE TABLE merged (n int) ENGINE=MERGE UNION=(part_one, part_two)",
    "DROP TABLE part_two",
    "CREATE TABLE discarded (n int) ENGINE=InnoDB",
    "ALTER TABLE discarded DISCARD TABLESPACE",
    "CREATE TABLE in_memory (n int) ENGINE=MEMORY",
    "INSERT INTO in_memory VALUES (1)",
    "CREATE TABLE listed (n int NOT NULL) ENGINE=CSV",
    "INSERT INTO listed VALUES (1), (2)",
    "CREATE TABLE my_isam (n int, KEY (n)) ENGINE=MyISAM",
    "INSERT INTO my_isam SELECT seq FROM seq_1_to_3000",
    "CREATE TABLE aria_plain (n int, KEY (n)) ENGINE=Aria TRANSACTIONAL=0",
    "INSERT INTO aria_plain SELECT seq FROM seq_1_to_3000",
    "CREATE TABLE aria_safe (n int, KEY (n)) ENGINE=Aria TRANSACTIONAL=1",
    "INSERT INTO aria_safe SELECT seq FROM seq_1_to_3000",
    "CREATE TABLE parts (n int) PARTITION BY HASH (n) PARTITIONS 3",
    "INSERT INTO parts SELECT seq FROM seq_1_to_30",
    "CREATE TABLE aria_parts (n int) ENGINE=Aria PARTITION BY HASH (n) PARTITIONS 3",
    "INSERT INTO aria_parts SELECT seq FROM seq_1_to_30",
    "CREATE TABLE pressed (n int, t text, FULLTEXT (t)) ROW_FORMAT=COMPRESSED",
    "INSERT INTO pressed VALUES (1, 'one')",
    "CREATE SEQUENCE counter",
    "CREATE TABLE gone (n int)",
    "CREATE VIEW over_nothing AS SELECT * FROM gone",
    "DROP TABLE gone",
    "CREATE DATABASE `a-b.c@d ``e`",
    "CREATE TABLE `a-b.c@d ``e`.`ta``ble\n%s ü` (n int)",
    "INSERT INTO `a-b.c@d ``e`.`ta``ble\n%s ü` VALUES (1)",
    "CREATE TABLE actor (n int)",
    "CREATE EVENT act ON SCHEDULE EVERY 1 SECOND DO INSERT INTO test.actor VALUES (1)",
    "XA START 'in doubt'",
    "UPDATE parts SET n = n + 1",
    "XA END 'in doubt'",
    "XA PREPARE 'in doubt'",
    # For whoever logs in from now on.
    "SET GLOBAL sql_mode = 'ORACLE,ANSI_QUOTES'",
    "SET GLOBAL time_zone = '+13:00'",
    "SET GLOBAL max_statement_time = 0.001",
    "SET GLOBAL lock_wait_timeout = 1",
    "SET GLOBAL tx_isolation = 'SERIALIZABLE'",
    "SET GLOBAL system_versioning_asof = '2001-01-01'",
    "SET GLOBAL div_precision_increment = 30",
    "SET GLOBAL init_connect = 'SET @a = 1'",
)


@pytest.fixture(scope="module")
def odd(guest: Guest) -> Iterator[Instance]:
    instance = guest.create("odd")
    with guest.running(instance):
        guest.execute(instance, *_ODD)
        yield instance


@pytest.fixture(scope="module")
def backup(guest: Guest, odd: Instance) -> Manifest:
    return guest.back_up(odd)


def test_a_copy_of_an_odd_server_is_proven(guest: Guest, odd: Instance, backup: Manifest) -> None:
    # Written as MariaDB writes it without any settings.
    query = "SELECT concat(cast(from_unixtime(0) AS char), ' ', 1 / 3)"
    copy_check.store(guest.root, odd, Check(query, "1970-01-01 00:00:00 0.3333", None))
    copy = guest.restore(backup, "copy")
    said: list[str] = []
    with guest.running(copy):
        proving.prove(guest.root, copy, backup, said.append)
        # Its event is due every second.
        assert guest.execute(copy, "SELECT count(*) FROM actor") == [(0,)]
    copy_check.clear(guest.root, odd)

    counted, left_out, off, on_again, checked = said
    assert counted.split("tables: ")[1].split(", ") == [
        "test.aria_plain 3000",
        "test.aria_safe 3000",
        "test.my_isam 3000",
        "test.versioned 240",
        "test.aria_parts 30",
        "test.parts 30",
        "test.listed 2",
        "a-b.c@d `e.ta`ble %s ü 1",
        "test.pressed 1",
        "test.actor 0",
        "test.part_one 0",
    ]
    assert left_out == (
        "not looked at: test.discarded (its tablespace was discarded), test.in_memory (MEMORY:"
        " its rows are in the server's memory only), test.merged (a MERGE table over tables that"
        " are not there or differ)"
    )
    assert off.endswith("for its original: the scheduler of its events test.act")
    assert "SET GLOBAL event_scheduler = ON, and event_scheduler=ON in" in on_again
    assert checked == "the check of odd is answered as expected"


def test_a_table_that_was_not_closed_is_repaired_before_it_is_judged(
    guest: Guest, backup: Manifest
) -> None:
    copy = guest.restore(backup, "crashed")
    tables = ("my_isam", "aria_plain")
    with guest.running(copy) as server:
        guest.execute(copy, *(f"INSERT INTO {name} VALUES (0)" for name in tables))
        processes.stop_group(
            processes.ProcessRecord(server.pid, server.start_time, signal.SIGKILL, 10)
        )
    with guest.running(copy):
        # By the server itself, or by us.
        guest.execute(copy, "SET GLOBAL aria_recover_options = 'OFF'")
        said: list[str] = []
        proving.prove(guest.root, copy, backup, said.append)
    assert "test.aria_plain 3001, test.my_isam 3001, " in said[0]
    assert said[1].startswith("repaired before it was counted: test.aria_plain (")
    assert said[1].endswith("status: OK)")
