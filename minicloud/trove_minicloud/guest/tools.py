# SPDX-License-Identifier: Apache-2.0
"""Runs one of a database's own programs to its end: `run`."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from trove_minicloud.errors import DatastoreError, MiniCloudError
from trove_minicloud.guest.accounts import Account

ENVIRONMENT: Mapping[str, str] = {"PATH": os.defpath, "LC_ALL": "C"}
_OUTPUT_LIMIT = 2000
_ERRORS_LIMIT = 5


def run(
    argv: Sequence[str],
    folder: Path,
    *,
    env: Mapping[str, str] = ENVIRONMENT,
    stdin: str = "",
    user: Account = None,
    timeout: float = 600.0,
    error: type[MiniCloudError] = DatastoreError,
) -> str:
    """Run the program in the folder, and return what it wrote to stdout.

    :param env: its whole environment.
    :param user: who to be, if not ourselves.
    :param timeout: in seconds.
    :raises MiniCloudError: (of the class `error`) it failed; the text holds what it said.
    """
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            cwd=folder,
            env=dict(env),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    except subprocess.TimeoutExpired as expired:
        raise error(f"{argv[0]} took more than {timeout:.0f} s.") from expired
    if done.returncode != 0:
        raise error(f"{argv[0]} exited {done.returncode}: {_reason(done.stdout, done.stderr)}")
    return done.stdout


def _reason(stdout: str, stderr: str) -> str:
    """What the program said last, after its errors: who shows the reason may cut its end off."""
    lines = "\n".join(filter(None, (stdout.strip(), stderr.strip()))).splitlines()
    errors = [line for line in lines if "ERROR" in line or "error:" in line.lower()]
    rest = "\n".join(line for line in lines if line not in errors)
    return "\n".join(filter(None, (*errors[:_ERRORS_LIMIT], rest[-_OUTPUT_LIMIT:])))
