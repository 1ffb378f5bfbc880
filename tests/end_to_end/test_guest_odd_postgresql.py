# SPDX-License-Identifier: Apache-2.0
"""Odd but ordinary PostgreSQL servers: what is odd in them says nothing about their backups."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.end_to_end.databases import PostgreSQL
from tests.end_to_end.guest import Guest
from trove_minicloud.errors import CheckFailedError
from trove_minicloud.guest import copy_check, proving
from trove_minicloud.guest.copy_check import Check
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.postgresql.server import connection_string
from trove_minicloud.stores.manifest import Manifest


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    with Guest.of(PostgreSQL()) as made:
        yield made


def execute(guest: Guest, instance: Instance, database: str, *statements: str | bytes) -> None:
    with psycopg.connect(
        connection_string(guest.root, instance),
        dbname=database,
        client_encoding="SQL_ASCII",
        autocommit=True,
    ) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[arg-type]


#: By database; of `odd`, after which it can't be used any more, at last.
_ODD: dict[str, list[str | bytes]] = {
    "postgres": [
        "CREATE DATABASE legacy ENCODING 'SQL_ASCII' TEMPLATE template0"
        " LOCALE_PROVIDER libc LOCALE 'C'",
        "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0"
        " LOCALE_PROVIDER libc LOCALE 'C'",
        "CREATE DATABASE half_dropped",
        "CREATE DATABASE closed",
        "CREATE DATABASE model IS_TEMPLATE true CONNECTION LIMIT 0",
        "CREATE DATABASE odd",
        'CREATE DATABASE "it\'s = a name"',
        "CREATE ROLE weak",
        "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'half_dropped'",
        "UPDATE pg_database SET datallowconn = false WHERE datname IN ('closed', 'template1')",
    ],
    "legacy": ["CREATE TABLE t AS SELECT 1", b'CREATE TABLE "caf\xe9" AS SELECT 1'],
    "latin": [b'CREATE TABLE "caf\xe9" AS SELECT 1'],
    "model": ["CREATE TABLE t AS SELECT 1"],
    "it's = a name": ['CREATE SCHEMA "a.b"', 'CREATE TABLE "a.b"."we""ird\n%s" AS SELECT 1'],
    "odd": [
        # Whoever logs in writes a line.
        "CREATE TABLE audit (at timestamptz)",
        "CREATE FUNCTION login() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$BEGIN INSERT INTO public.audit VALUES (now()); END$$",
        "CREATE EVENT TRIGGER audit_login ON login EXECUTE FUNCTION login()",
        "CREATE TABLE t AS SELECT n FROM generate_series(1, 7) n",
        "CREATE TABLE heir (more int) INHERITS (t)",
        "INSERT INTO heir VALUES (8, 8)",
        "CREATE TABLE parts (n int) PARTITION BY LIST (n)",
        "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1)",
        "INSERT INTO parts VALUES (1)",
        "CREATE TABLE nothing ()",
        "CREATE UNLOGGED TABLE scratch AS SELECT 1",
        "CREATE MATERIALIZED VIEW empty_view AS SELECT 1 WITH NO DATA",
        "CREATE TABLE secret AS SELECT 1",
        "ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        # An extension whose library isn't here.
        "CREATE EXTENSION bloom",
        "CREATE TABLE indexed AS SELECT 1 AS n",
        "CREATE INDEX ON indexed USING bloom (n)",
        "UPDATE pg_proc SET probin = '$libdir/not_here' WHERE proname = 'blhandler'",
        # A transaction in doubt holds its lock for ever.
        "CREATE TABLE in_doubt AS SELECT 1",
        "BEGIN",
        "LOCK TABLE in_doubt",
        "PREPARE TRANSACTION 'in doubt'",
        # Functions and operators of others' names, for whoever finds them first.
        "CREATE SCHEMA traps",
        "CREATE FUNCTION traps.format(text, name, name) RETURNS text LANGUAGE sql AS"
        " $$SELECT 'SELECT 0'$$",
        "CREATE FUNCTION traps.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS"
        " $$SELECT $1$$",
        "CREATE FUNCTION traps.count() RETURNS bigint LANGUAGE sql AS $$SELECT 0::bigint$$",
        "ALTER DATABASE odd SET search_path = traps, pg_catalog",
        "ALTER DATABASE odd SET statement_timeout = '1ms'",
        "ALTER DATABASE odd SET transaction_timeout = '1ms'",
        "ALTER DATABASE odd SET lock_timeout = '1ms'",
        "ALTER DATABASE odd SET idle_session_timeout = '1ms'",
        "ALTER DATABASE odd SET client_encoding = 'EUC_JP'",
        "ALTER DATABASE odd SET default_transaction_isolation = 'serializable'",
        "ALTER DATABASE odd SET default_transaction_read_only = on",
        "ALTER DATABASE odd SET default_transaction_deferrable = on",
        "ALTER DATABASE odd SET exit_on_error = on",
        "ALTER DATABASE odd SET datestyle = 'SQL, DMY'",
        "ALTER DATABASE odd SET timezone = 'Pacific/Kiritimati'",
        "ALTER DATABASE odd SET session_preload_libraries = 'not_here'",
        "ALTER ROLE postgres IN DATABASE odd SET role = 'weak'",
    ],
}


@pytest.fixture(scope="module")
def odd(guest: Guest) -> Iterator[Instance]:
    instance = guest.create("odd")
    with guest.running(instance):
        execute(guest, instance, "postgres", "ALTER SYSTEM SET max_prepared_transactions = 2")
        execute(guest, instance, "postgres", "ALTER SYSTEM SET archive_mode = on")
    with guest.running(instance):
        for database, statements in _ODD.items():
            execute(guest, instance, database, *statements)
        yield instance


@pytest.fixture(scope="module")
def backup(guest: Guest, odd: Instance) -> Manifest:
    return guest.back_up(odd)


@pytest.fixture(scope="module")
def copy(guest: Guest, backup: Manifest) -> Iterator[Instance]:
    made = guest.restore(backup, "copy")
    with guest.running(made):
        yield made


def test_a_copy_of_an_odd_server_is_proven(
    guest: Guest, odd: Instance, backup: Manifest, copy: Instance
) -> None:
    # Written as PostgreSQL writes it without any settings, and not as its database has it.
    answer = Check("SELECT timestamptz '2026-07-01 12:00+00'", "2026-07-01 12:00:00+00", "odd")
    copy_check.store(guest.root, odd, answer)
    said: list[str] = []

    proving.prove(guest.root, copy, backup, said.append)
    copy_check.clear(guest.root, odd)

    counted, left_out, off, on_again, checked = said
    assert counted.split("tables: ")[1].split(", ") == [
        "odd.public.t 7",
        "it's = a name.a.b.we\"ird %s 1",
        "latin.public.caf\\xe9 1",
        "legacy.public.caf\\xe9 1",
        "legacy.public.t 1",
        "model.public.t 1",
        "odd.public.heir 1",
        "odd.public.parts_1 1",
        "odd.public.secret 1",
        "odd.public.audit 0",
        "odd.public.nothing 0",
    ]
    for name, reason in {
        "half_dropped": "invalid since an interrupted DROP DATABASE",
        "closed": "it allows no connections",
        "template1": "it allows no connections",
        "odd.public.scratch": "unlogged: no backup holds its rows",
        "odd.public.indexed": "an extension's library is missing here: ",
        "odd.public.in_doubt": "locked: ",
    }.items():
        assert f"{name} ({reason}" in left_out
    assert off.endswith("for its original: event trigger odd.audit_login, archive_mode = 'on'")
    assert "remove max_logical_replication_workers and event_triggers from" in on_again
    assert f"{copy.data(guest.root)}/postgresql.conf, " in on_again
    assert "trove-minicloud instance start copy" in on_again
    assert checked == "the check of odd is answered as expected"


def test_a_table_that_only_the_copy_has_lost_fails_it_with_the_tables_name(
    guest: Guest, odd: Instance, backup: Manifest, copy: Instance
) -> None:
    def lose(instance: Instance) -> None:
        with (
            psycopg.connect(connection_string(guest.root, instance), dbname="model") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT pg_relation_filepath('t')")
            ((path,),) = cursor.fetchall()
        # Or the server would miss the file when it stops.
        execute(guest, instance, "postgres", "CHECKPOINT")
        (instance.data(guest.root) / path).unlink()

    lose(copy)
    said: list[str] = []
    with pytest.raises(
        CheckFailedError, match=r"^1 object of .* model\.public\.t \(could not open"
    ):
        proving.prove(guest.root, copy, backup, said.append)
    assert "odd.public.t 7" in said[0]

    # So it was in the source, and the backup is as good as it could be.
    lose(odd)
    said.clear()
    proving.prove(guest.root, copy, backup, said.append)
    assert any(line.startswith("unreadable, as in odd: model.public.t (could") for line in said)


def test_a_copy_is_let_in_whatever_its_source_did_to_the_roles_and_databases(guest: Guest) -> None:
    instance = guest.create("closed up")
    with guest.running(instance):
        execute(
            guest,
            instance,
            "postgres",
            "CREATE TABLE t AS SELECT 1",
            "UPDATE pg_database SET datistemplate = false WHERE datname = 'template1'",
            "DROP DATABASE template1",
            "ALTER ROLE minicloud_backup CONNECTION LIMIT 0",
            "ALTER ROLE postgres NOLOGIN CONNECTION LIMIT 0 VALID UNTIL '2001-01-01'",
        )
        backup = guest.back_up(instance)
    copy = guest.restore(backup, "open")
    with guest.running(copy):
        said: list[str] = []
        proving.prove(guest.root, copy, backup, said.append)
    assert said[0].endswith("holds 1 rows in 1 tables: postgres.public.t 1")


def test_a_copy_leaves_the_replication_of_its_original_alone(guest: Guest) -> None:
    # It would take over the publisher's slot, and with that the rows.
    publisher, subscriber = guest.create("publisher"), guest.create("subscriber")
    with guest.running(publisher):
        execute(guest, publisher, "postgres", "ALTER SYSTEM SET wal_level = 'logical'")
    with guest.running(publisher), guest.running(subscriber):
        for instance in (publisher, subscriber):
            execute(guest, instance, "postgres", "CREATE TABLE t (n int PRIMARY KEY)")
        execute(guest, publisher, "postgres", "CREATE PUBLICATION p FOR TABLE t")
        password = publisher.superuser_password_file(guest.root).read_text().rsplit(":", 1)[1]
        address = f"host=127.0.0.1 port={publisher.port} user=postgres password={password.strip()}"
        execute(
            guest,
            subscriber,
            "postgres",
            f"CREATE SUBSCRIPTION s CONNECTION '{address} dbname=postgres' PUBLICATION p",
            "SELECT pg_create_physical_replication_slot('standby', true)",
        )
        backup = guest.back_up(subscriber)
        copy = guest.restore(backup, "replica")
        with guest.running(copy):
            said: list[str] = []
            proving.prove(guest.root, copy, backup, said.append)
            execute(guest, publisher, "postgres", "INSERT INTO t VALUES (1)")
            _wait_for_rows(guest, subscriber, 1)

            assert guest.execute(copy, "SELECT count(*) FROM t") == [(0,)]
            workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'logical%'"
            assert guest.execute(copy, workers) == [(0,)]
            assert guest.execute(copy, "SELECT count(*) FROM pg_replication_slots") == [(0,)]
            assert guest.execute(copy, "SHOW archive_mode") == [("off",)]
        assert said[1].endswith("for its original: subscription postgres.s")


def _wait_for_rows(guest: Guest, instance: Instance, count: int) -> None:
    deadline = time.monotonic() + 60
    while guest.execute(instance, "SELECT count(*) FROM t") != [(count,)]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
