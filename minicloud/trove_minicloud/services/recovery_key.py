# SPDX-License-Identifier: Apache-2.0
"""The key that opens the copies of a cloud's own state: a line of text in a file of the root."""

import base64
import binascii
import secrets
from pathlib import Path

from trove_minicloud.errors import RecoveryError
from trove_minicloud.files import write_private
from trove_minicloud.root import Root
from trove_minicloud.stores.sealed import KEY_LENGTH


def ensure(root: Root) -> bool:
    """Draw the root's key unless there is one; whether it was drawn."""
    if root.recovery_key.exists():
        return False
    keep(root, secrets.token_bytes(KEY_LENGTH))
    return True


def keep(root: Root, key: bytes) -> None:
    """Have this be the root's key."""
    write_private(root.recovery_key, base64.urlsafe_b64encode(key).decode() + "\n")


def read(file: Path) -> bytes:
    """:raises RecoveryError: there is no key in it."""
    try:
        key = base64.b64decode(file.read_text().strip(), altchars=b"-_", validate=True)
    except OSError as error:
        raise RecoveryError(f"The recovery key can't be read: {error}") from error
    except (UnicodeDecodeError, binascii.Error):
        key = b""
    if len(key) != KEY_LENGTH:
        raise RecoveryError(f"{file} holds no recovery key.")
    return key


def advice(root: Root) -> str:
    """What people have to know about it."""
    return (
        f"Keep a copy of {root.recovery_key} off this machine: what is copied of the cloud's own"
        " state can't be read without it."
    )
