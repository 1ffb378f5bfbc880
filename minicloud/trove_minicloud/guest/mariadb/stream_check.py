# SPDX-License-Identifier: Apache-2.0
"""Checks a backup of mariadb-backup while it passes by, and what log sequence numbers it covers.

mariadb-backup ends with status 0 and "completed OK!" when it is told to build on a backup from the
future, and that backup is useless. It has checked the pages that it read; the checksums here are
of what it then sent.
"""

from configparser import ConfigParser, Error as ConfigError
from dataclasses import dataclass

from trove_minicloud.errors import VerificationError
from trove_minicloud.guest.mariadb.xbstream import XbstreamReader

CHECKPOINTS = "xtrabackup_checkpoints"
# The last file; what its end follows is complete.
_LAST = "xtrabackup_info"
_SYSTEM_TABLESPACE = "ibdata1"
_LOG = "ib_logfile0"
_LINK = ".isl"


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The log sequence numbers of a backup.

    It holds the pages changed since `from_lsn`, as they were at `to_lsn` or later, and the log
    from there to `last_lsn`, which makes them the rows of one moment.
    """

    kind: str
    from_lsn: int
    to_lsn: int
    last_lsn: int

    @classmethod
    def parse(cls, text: str) -> "Checkpoints":
        """:raises ValueError: it is no xtrabackup_checkpoints."""
        config = ConfigParser(interpolation=None)
        try:
            config.read_string(f"[checkpoints]\n{text}")
            values = config["checkpoints"]
            return cls(
                values["backup_type"],
                int(values["from_lsn"]),
                int(values["to_lsn"]),
                int(values["last_lsn"]),
            )
        except (ConfigError, KeyError) as error:
            raise ValueError(f"{error} in {text!r}") from error


class BackupCheck:
    """Feed it every byte of the stream, then `finish`.

    :param from_lsn: where the backup has to begin: 0 for a full one.
    :param reached_lsn: where the server's log was before the backup.
    """

    def __init__(self, from_lsn: int, reached_lsn: int) -> None:
        self._from_lsn = from_lsn
        self._reached_lsn = reached_lsn
        self._checkpoints = bytearray()
        self._reader = XbstreamReader(self)

    def feed(self, data: memoryview) -> None:
        self._reader.feed(data)

    def folder(self, path: str) -> None:
        """There is none in the stream."""

    def write(self, path: str, data: memoryview) -> None:
        if path == CHECKPOINTS:
            self._checkpoints += data

    def seek(self, path: str, offset: int) -> None:
        """Only tables and logs are written in another order than their own."""

    def remove(self, path: str) -> None:
        if path == CHECKPOINTS:
            self._checkpoints.clear()

    def rename(self, path: str, new_path: str) -> None:
        """Only tables are renamed."""

    def end(self, path: str) -> None:
        """:raises VerificationError: a copy of the server would use a file of the source's."""
        if path.endswith(_LINK):
            raise VerificationError(
                f"{path} names a table that is kept outside of the data directory (DATA DIRECTORY),"
                " which a restored copy would share with its source. Move it inside."
            )

    def finish(self) -> bytes:
        """The backup's xtrabackup_checkpoints, which an incremental backup on it needs.

        :raises VerificationError: this isn't a whole backup of what it should be of.
        """
        files = self._reader.finish()
        tablespace = f"{_SYSTEM_TABLESPACE}.delta" if self._from_lsn else _SYSTEM_TABLESPACE
        for name in (tablespace, _LOG, CHECKPOINTS, _LAST):
            if name not in files:
                raise VerificationError(f"The backup lacks {name}.")
        content = bytes(self._checkpoints)
        try:
            found = Checkpoints.parse(content.decode())
        except ValueError as error:
            raise VerificationError(f"The backup's {CHECKPOINTS} is damaged: {error}.") from error
        if found.from_lsn != self._from_lsn:
            raise VerificationError(
                f"The backup begins at LSN {found.from_lsn}, and should at {self._from_lsn}."
            )
        if not found.from_lsn <= found.to_lsn <= found.last_lsn:
            raise VerificationError(
                f"The backup can't be of one server: it is from LSN {found.from_lsn} to"
                f" {found.to_lsn}, and its log ends at {found.last_lsn}."
            )
        if found.last_lsn < self._reached_lsn:
            raise VerificationError(
                f"The backup's log ends at LSN {found.last_lsn}, before {self._reached_lsn}, where"
                " the server was when it began."
            )
        return content
