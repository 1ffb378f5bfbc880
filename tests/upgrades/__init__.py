# SPDX-License-Identifier: Apache-2.0
"""What earlier versions of the mini cloud have left, kept small, and how it is laid into a root.

Each file has the texts of a root's small files by their paths, and its databases as SQL. What it
doesn't have: the data of instances and backups. `make.py` made them.
"""

import gzip
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from trove_minicloud.root import Root
from trove_minicloud.supervision import ports

_FOLDER = Path(__file__).parent
#: The project's first mini cloud that was tagged for this, and OpenStack releases before ours.
NAMES = tuple(sorted(file.name.removesuffix(".json.gz") for file in _FOLDER.glob("*.json.gz")))


def lay(name: str, root: Root) -> None:
    """Make the root what that version left, with ports that are free now."""
    texts = gzip.decompress((_FOLDER / f"{name}.json.gz").read_bytes()).decode()
    found = sorted(set(re.findall(r'\\"[a-z_]*port\\": (\d+)', texts)))
    chosen = dict(zip(found, ports.choose(len(found), root), strict=True))
    texts = re.sub(
        rf"\b({'|'.join(found)})\b", lambda match: str(chosen[match.group()]), texts
    ).replace("@ROOT@", str(root.path))
    for path, text in json.loads(texts).items():
        file = root.path / path
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.suffix == ".sqlite":
            with closing(sqlite3.connect(file)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.executescript(text)
        else:
            file.write_text(text)
        file.chmod(0o600)
