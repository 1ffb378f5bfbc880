# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from unittest import mock

import psycopg
import pytest
from psycopg.pq import ExecStatus

from trove_minicloud.guest.postgresql import replication
from trove_minicloud.root import Root
from trove_minicloud.supervision import ports


def answer(*values: bytes | None) -> SimpleNamespace:
    return SimpleNamespace(
        status=ExecStatus.TUPLES_OK,
        nfields=len(values),
        get_value=lambda row, column: values[column] if row == 0 else None,
        error_message=b"",
    )


def test_each_answer_is_a_line_as_psql_prints_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    server = mock.MagicMock()
    asked = server.__enter__.return_value.pgconn.exec_
    asked.side_effect = [answer(b"7000", b"1", b"0/3000000", None), answer(b"18.6")]
    monkeypatch.setattr(psycopg, "connect", lambda *_a, **_k: server)

    assert replication.main(["host=h", "IDENTIFY_SYSTEM", "SHOW server_version"]) == 0

    assert capfd.readouterr().out == "7000|1|0/3000000|\n18.6\n"
    assert [call.args for call in asked.call_args_list] == [
        (b"IDENTIFY_SYSTEM",),
        (b"SHOW server_version",),
    ]


def test_a_refusal_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    refusal = SimpleNamespace(status=ExecStatus.FATAL_ERROR, error_message=b"ERROR:  no such thing")
    server = mock.MagicMock()
    server.__enter__.return_value.pgconn.exec_.return_value = refusal
    monkeypatch.setattr(psycopg, "connect", lambda *_a, **_k: server)

    assert replication.main(["host=h", "SHOW nothing"]) == 1
    assert capfd.readouterr() == ("", "error: ERROR:  no such thing\n")


def test_a_server_that_is_down_is_an_error(root: Root, capfd: pytest.CaptureFixture[str]) -> None:
    [port] = ports.choose(1, root)

    assert replication.main([f"host=127.0.0.1 port={port} user=u", "IDENTIFY_SYSTEM"]) == 1
    assert capfd.readouterr().err.startswith("error: connection failed")
