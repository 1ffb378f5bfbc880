# SPDX-License-Identifier: Apache-2.0
import signal
from pathlib import Path

from tests.unit.minicloud import examples
from trove_minicloud.guest.postgresql import server_config
from trove_minicloud.guest.postgresql.backing_up import backup_command
from trove_minicloud.guest.postgresql.binaries import Programs
from trove_minicloud.guest.postgresql.connection import Server
from trove_minicloud.guest.postgresql.restored import combine_command, verify_command
from trove_minicloud.guest.postgresql.server import (
    connection_string,
    initdb_command,
    server_program,
    single_user_command,
)
from trove_minicloud.root import Root

PROGRAMS = Programs(Path("/pg/bin"), "18.6")
OLD = Programs(Path("/pg15/bin"), "15.20")
SERVER = Server("127.0.0.1", 6000, "backup", Path("/i/password"))


def test_initdb_makes_checksummed_utf_8_clusters_that_let_nobody_in() -> None:
    argv = initdb_command(PROGRAMS, Path("/data"))

    assert argv[:5] == ("/pg/bin/initdb", "-D", "/data", "-U", "postgres")
    assert {"--auth=reject", "--data-checksums", "--encoding=UTF8"} <= set(argv)
    assert "--builtin-locale=C.UTF-8" in argv
    assert "--builtin-locale=C.UTF-8" not in initdb_command(OLD, Path("/data"))


def test_single_user_mode_stops_at_an_error_and_logs_no_statement() -> None:
    argv = single_user_command(PROGRAMS, Path("/data"), {"restore_command": "false"}, "a")

    assert argv[:4] == ("/pg/bin/postgres", "--single", "-D", "/data")
    assert {"exit_on_error=on", "log_statement=none", "restore_command=false"} <= set(argv)
    assert argv[-1] == "a"


def test_random_passwords_get_one_round_where_the_server_lets_us_choose() -> None:
    assert "scram_iterations=1" in single_user_command(PROGRAMS, Path("/data"), {}, "a")
    assert "scram_iterations=1" not in single_user_command(OLD, Path("/data"), {}, "a")


def test_backups_never_ask_for_a_password_and_go_to_stdout_with_their_wal() -> None:
    argv = backup_command(PROGRAMS, SERVER, None)

    assert argv[0] == "/pg/bin/pg_basebackup"
    assert argv[3:] == ("-w", "-c", "fast", "-X", "fetch", "-Ft", "-D", "-")
    assert backup_command(PROGRAMS, SERVER, Path("/b"))[-1] == "--incremental=/b"


def test_restores_combine_the_full_backup_first() -> None:
    argv = combine_command(PROGRAMS, [Path("/full"), Path("/incremental")], Path("/data"))

    assert argv[0] == "/pg/bin/pg_combinebackup"
    assert argv[-5:] == ("-o", "/data", "--link", "/full", "/incremental")
    older = combine_command(Programs(PROGRAMS.folder, "17.10"), [Path("/full")], Path("/data"))
    assert "--link" not in older
    assert verify_command(PROGRAMS, Path("/data"))[-1] == "/data"


def test_servers_listen_on_loopback_only_and_summarize_their_wal() -> None:
    values = server_config.settings(6000, 18, {"max_connections": 200})

    assert values["listen_addresses"] == "127.0.0.1"
    assert values["port"] == "6000"
    assert values["unix_socket_directories"] == ""
    assert values["summarize_wal"] == "on"
    assert values["max_connections"] == "200"
    assert "summarize_wal" not in server_config.settings(6000, 15, {})


def test_a_restored_copy_keeps_its_sources_configuration_aside(tmp_path: Path) -> None:
    (tmp_path / "postgresql.auto.conf").write_text("archive_command = 'to the source'")

    server_config.write(tmp_path, {"port": "6000"})

    assert (tmp_path / "postgresql.conf").read_text() == "port = '6000'\n"
    assert (tmp_path / "postgresql.auto.conf").read_text() == ""
    assert "to the source" in (tmp_path / "postgresql.auto.conf.source").read_text()


def test_servers_are_stopped_without_waiting_for_their_clients(root: Root) -> None:
    program = server_program(root, examples.instance())

    assert program.stop_signal is signal.SIGINT
    assert program.argv[1:] == ("-D", str(root.instances / "instance-1" / "data"))


def test_the_administrators_connection_string_names_the_passwords_file(root: Root) -> None:
    text = connection_string(root, examples.instance())

    assert text.startswith("host=127.0.0.1 port=15432 user=postgres")
    assert text.endswith("superuser.password")


def test_a_path_with_spaces_is_quoted_in_the_connection_string() -> None:
    text = connection_string(Root.at("/my cloud's"), examples.instance())

    assert r"passfile='/my cloud\'s/instances/instance-1/superuser.password'" in text
