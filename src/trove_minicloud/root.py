# SPDX-License-Identifier: Apache-2.0
"""The one folder that holds everything of a mini cloud: where each file is."""

import os
from dataclasses import dataclass
from pathlib import Path

from trove_minicloud.errors import RootError

ROOT_VARIABLE = "TROVE_MINICLOUD_ROOT"


@dataclass(frozen=True, slots=True)
class Root:
    """The folder of one mini cloud. The path is absolute."""

    path: Path

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> "Root":
        """The root in this folder, which need not exist yet."""
        return cls(Path(path).expanduser().absolute())

    @classmethod
    def default(cls) -> "Root":
        """`$TROVE_MINICLOUD_ROOT`, else the customary place for the invoking user."""
        if chosen := os.environ.get(ROOT_VARIABLE):
            return cls.at(chosen)
        if os.getuid() == 0:
            return cls(Path("/var/lib/trove-minicloud"))
        return cls.at("~/.local/share/trove-minicloud")

    @property
    def settings_file(self) -> Path:
        return self.path / "cloud.json"

    @property
    def clouds_file(self) -> Path:
        """The clouds.yaml for any OpenStack client; it holds passwords."""
        return self.path / "clouds.yaml"

    @property
    def lock_file(self) -> Path:
        return self.path / "supervisor.lock"

    @property
    def state_file(self) -> Path:
        return self.path / "supervisor.json"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def instances(self) -> Path:
        return self.path / "instances"

    @property
    def backups(self) -> Path:
        return self.path / "backups"

    def service(self, name: str) -> Path:
        """The private folder of one service."""
        return self.path / name

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def prepare(self) -> None:
        """Create the folders that are missing.

        A database server refuses to run as uid 0 and so runs as another user: that user must be
        able to pass through the root and `instances`, and may read nothing else.

        :raises RootError: the folder can't be created or belongs to somebody else.
        """
        passable = 0o711 if os.getuid() == 0 else 0o700
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            owner = self.path.stat().st_uid
            if owner != os.getuid():
                raise RootError(
                    f"{self.path} belongs to uid {owner}, and this is uid {os.getuid()}: run the"
                    " mini cloud as its owner, or choose another folder with --root."
                )
            self.path.chmod(passable)
            for folder, mode in (
                (self.instances, passable),
                (self.logs, 0o700),
                (self.backups, 0o700),
            ):
                folder.mkdir(exist_ok=True)
                folder.chmod(mode)
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise RootError(f"Can't use {self.path} as the root: {error}") from error
