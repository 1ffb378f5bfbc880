# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with a database server, a backup or a restore.

MiniCloudError
├─ InstanceNotFoundError      no instance of that name or id
├─ AmbiguousInstanceError     several instances bear that name
├─ InstanceBusyError          a backup of the instance is running, or it is being stopped
├─ InvalidNameError           no name for a new instance
├─ InvalidCheckError          a check of restored copies that none would pass
├─ StoreError                 the store of the backups refuses us or can't be reached
├─ DatastoreError             a database server, or the programs for it, can't be used
│  ├─ ProgramsMissingError    no suitable programs of the database on this machine
│  ├─ UnreachableFolderError  the user who runs the server can't get at its folder
│  ├─ InvalidDsnError         an address of a database server that we don't take
│  ├─ ServerUnavailableError  the server refuses us or doesn't answer
│  └─ QueryError              the server refuses a query, or answers no single value
├─ BackupError                the backup was not taken
│  ├─ BackupToolError         the database's own tool failed
│  ├─ VerificationError       what the tool delivered isn't a whole backup
│  └─ ParentRefusedError      no incremental backup can be built on that parent
└─ RestoreError               the backup was not restored
   ├─ BackupNotFoundError     no such backup in the store
   ├─ DamagedManifestError    what the store knows of a backup can't be read
   ├─ BrokenChainError        a backup that this one needs is gone or doesn't fit
   ├─ LostPartError           a part of the stored bytes is gone
   ├─ ChecksumMismatchError   stored bytes are not those that were written
   └─ CheckFailedError        the restored rows are not what they should be
"""

from trove_minicloud.errors import MiniCloudError


class InstanceNotFoundError(MiniCloudError, LookupError):
    """No instance of that name or id."""


class AmbiguousInstanceError(MiniCloudError, LookupError):
    """Several instances bear that name."""


class InstanceBusyError(MiniCloudError):
    """A backup of the instance is running, or it is being stopped."""


class InvalidNameError(MiniCloudError, ValueError):
    """A new instance can't bear that name."""


class InvalidCheckError(MiniCloudError, ValueError):
    """No restored copy would pass that check."""


class StoreError(MiniCloudError):
    """The store of the backups refuses us or can't be reached."""


class DatastoreError(MiniCloudError):
    """A database server, or the programs for it, can't be used."""


class ProgramsMissingError(DatastoreError):
    """No suitable programs of the database on this machine."""


class UnreachableFolderError(DatastoreError):
    """The user who runs the server can't get at its folder."""


class InvalidDsnError(DatastoreError, ValueError):
    """An address of a database server that we don't take."""


class ServerUnavailableError(DatastoreError):
    """The server refuses us or doesn't answer."""


class QueryError(DatastoreError):
    """The server refuses a query, or answers something else than one value."""


class BackupError(MiniCloudError):
    """The backup was not taken."""


class BackupToolError(BackupError):
    """The database's own tool failed.

    `returncode` is negative if a signal ended the tool; `raw_bytes` is what it had delivered.
    """

    def __init__(self, tool: str, returncode: int, stderr: str, raw_bytes: int) -> None:
        self.returncode = returncode
        self.raw_bytes = raw_bytes
        self.reason = stderr.strip() or "it said nothing"
        how = f"was ended by signal {-returncode}" if returncode < 0 else f"exited {returncode}"
        super().__init__(f"{tool} {how} after {raw_bytes} bytes: {self.reason}")


class VerificationError(BackupError):
    """What the tool delivered isn't a whole backup."""


class ParentRefusedError(BackupError):
    """No incremental backup can be built on that parent."""


class RestoreError(MiniCloudError):
    """The backup was not restored."""


class BackupNotFoundError(RestoreError, LookupError):
    """No such backup in the store."""


class DamagedManifestError(RestoreError):
    """What the store knows of a backup can't be read."""


class BrokenChainError(RestoreError):
    """A backup that this one needs is gone or doesn't fit."""


class LostPartError(RestoreError):
    """A part of the stored bytes is gone."""


class ChecksumMismatchError(RestoreError):
    """Stored bytes are not those that were written."""

    def __init__(self, name: str, expected: str, actual: str) -> None:
        self.name, self.expected, self.actual = name, expected, actual
        super().__init__(
            f"{name} is damaged: its sha256 should be {expected} and is {actual}."
            " Nothing was restored from it."
        )


class CheckFailedError(RestoreError):
    """The restored rows are not what they should be."""
