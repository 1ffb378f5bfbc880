# SPDX-License-Identifier: Apache-2.0
"""A folder of programs that look like PostgreSQL's to whoever takes a backup with them."""

import hashlib
import json
import sys
from pathlib import Path

import google_crc32c

from tests.unit.minicloud import examples

SEGMENT = bytes(16 << 20)

# Refuses incremental backups if the folder holds a file `refuses`, and all if it holds
# `tablespaces`. Fails in the middle if it holds `fails`, and waits there if it holds `waits`.
_PG_BASEBACKUP = """\
#!{python}
import pathlib, sys, time
folder = pathlib.Path(__file__).parent
if sys.argv[1] == "--version":
    print("pg_basebackup (PostgreSQL) 18.6")
    raise SystemExit
incremental = any(argument.startswith("--incremental=") for argument in sys.argv)
with (folder / "calls").open("a") as calls:
    calls.write("incremental\\n" if incremental else "full\\n")
if incremental and (folder / "refuses").exists():
    sys.exit("pg_basebackup: error: WAL summaries are required")
if (folder / "tablespaces").exists():
    sys.exit("pg_basebackup: error: can only write single tablespace to stdout, database has 2")
content = (folder / "backup.tar").read_bytes()
sys.stdout.buffer.write(content[:4096])
sys.stdout.flush()
(folder / "reached").touch()
if (folder / "fails").exists():
    sys.exit("pg_basebackup: error: the server went away")
while (folder / "waits").exists():
    time.sleep(0.05)
sys.stdout.buffer.write(content[4096:])
"""

_PSQL = """\
#!{python}
import pathlib, sys, time
folder = pathlib.Path(__file__).parent
if (folder / "down").exists():
    sys.exit("psql: error: connection refused")
if (folder / "slow").exists():
    time.sleep(1)
answers = {{"IDENTIFY_SYSTEM": "7000|1|0/3000000|", "SHOW server_version": "18.6",
    "SHOW summarize_wal": "on"}}
for flag, command in zip(sys.argv, sys.argv[1:]):
    if flag == "-c":
        print(answers[command])
"""


def install(folder: Path) -> Path:
    folder.mkdir()
    for name, script in (("pg_basebackup", _PG_BASEBACKUP), ("psql", _PSQL)):
        (folder / name).write_text(script.format(python=sys.executable))
        (folder / name).chmod(0o755)
    (folder / "backup.tar").write_bytes(backup())
    return folder


def backup(files: dict[str, bytes] | None = None, listed: dict[str, bytes] | None = None) -> bytes:
    """A pg_basebackup tar of the files whose manifest knows the `listed` ones."""
    if files is None:
        files = {"PG_VERSION": b"18\n", "base/1/1259": b"rows" * 5000, "empty": b""}
    wal = {"pg_wal/000000010000000000000002": SEGMENT}
    manifest = {"backup_manifest": manifest_of(files if listed is None else listed)}
    return examples.tar(files | wal | manifest)


def manifest_of(files: dict[str, bytes], algorithm: str = "CRC32C") -> bytes:
    entries = [
        {
            "Path": name,
            "Size": len(content),
            "Checksum-Algorithm": algorithm,
            "Checksum": google_crc32c.value(content).to_bytes(4, "little").hex(),
        }
        for name, content in files.items()
    ]
    wal_range = {"Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000120"}
    content = {
        "PostgreSQL-Backup-Manifest-Version": 2,
        "Files": entries,
        "WAL-Ranges": [wal_range],
    }
    body = json.dumps(content)[:-1] + ",\n"
    return f'{body}"Manifest-Checksum": "{hashlib.sha256(body.encode()).hexdigest()}"}}\n'.encode()
