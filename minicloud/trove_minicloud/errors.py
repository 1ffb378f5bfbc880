# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with the mini cloud, as its user sees it.

MiniCloudError            says what failed, the evidence, and what to do next
├─ NotUpError             a command needs the running cloud, and it isn't running
├─ PortTakenError         another program listens on a port of ours
├─ DiskFullError          the disk under the root is full
├─ DamagedFileError       a file of ours holds what we never wrote
├─ StartupError           a program died or didn't answer in time while the cloud came up
│  └─ StopRequestedError  somebody stopped the cloud while it came up
├─ ScheduledError         schedules back up what is to be deleted
├─ WaitTimeoutError       something didn't reach the wanted state in time
├─ StopError              a process outlived its SIGKILL
├─ RecoveryError          a cloud can't be brought back from a store
├─ RootError              the root folder can't be used as it is
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


class MiniCloudError(Exception):
    """Base of every error of this package that a user can act on."""


class NotUpError(MiniCloudError):
    """The command needs the running mini cloud."""


class PortTakenError(MiniCloudError):
    """Somebody else listens on a port of the mini cloud."""


class DiskFullError(MiniCloudError):
    """There is no space left for the mini cloud's files."""


class DamagedFileError(MiniCloudError):
    """A file under the root holds what no version of this package wrote."""


class StartupError(MiniCloudError):
    """A program didn't come up; the text holds its exit status and last log lines."""


class StopRequestedError(StartupError):
    """The cloud was asked to stop before it was up. Nothing has failed."""


class ScheduledError(MiniCloudError):
    """Schedules back up the instance that is to be deleted, or may do so."""


class WaitTimeoutError(MiniCloudError):
    """Something didn't reach the wanted state in time; the text holds what was seen instead."""


class StopError(MiniCloudError):
    """A process was still there after SIGKILL and a wait."""


class RecoveryError(MiniCloudError):
    """A cloud can't be brought back from what is in a store."""


class RootError(MiniCloudError):
    """The root folder is not usable."""


class InstanceNotFoundError(MiniCloudError, LookupError):
    """No instance of that name or id."""


class AmbiguousInstanceError(MiniCloudError, LookupError):
    """Several instances bear that name."""


class InstanceBusyError(MiniCloudError):
    """A backup of the instance is running, or it is being stopped; `holder` says which."""

    def __init__(self, text: str, holder: str = "something else") -> None:
        self.holder = holder
        super().__init__(text)


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
