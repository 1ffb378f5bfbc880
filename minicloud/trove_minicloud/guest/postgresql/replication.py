# SPDX-License-Identifier: Apache-2.0
"""`python -m trove_minicloud.guest.postgresql.replication`: what a server answers to commands.

It takes an address and commands for a replication connection, and prints each answer's first row in
a line, with bars between its values. psql does the same, but that of the wheel speaks no TLS.
"""

import sys
from collections.abc import Sequence

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

#: What the wheel's programs say of an address that asks for TLS, before they connect.
NO_TLS = "when SSL support is not compiled in"


def require(result: PGresult | None, *statuses: ExecStatus) -> PGresult:
    """:raises psycopg.OperationalError: the server's answer is another one."""
    if result is None or result.status not in statuses:
        said = result.error_message.decode(errors="replace") if result else "no answer"
        raise psycopg.OperationalError(said)
    return result


def main(arguments: Sequence[str]) -> int:
    conninfo, *commands = arguments
    try:
        with psycopg.connect(conninfo, autocommit=True) as server:
            for command in commands:
                result = require(server.pgconn.exec_(command.encode()), ExecStatus.TUPLES_OK)
                values = (result.get_value(0, column) or b"" for column in range(result.nfields))
                sys.stdout.write("|".join(value.decode() for value in values) + "\n")
    except psycopg.Error as error:
        sys.stderr.write(f"error: {str(error).strip()}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
