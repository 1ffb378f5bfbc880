# SPDX-License-Identifier: Apache-2.0
"""The one folder that holds everything of a mini cloud: where each file is."""

import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path

from trove_minicloud.errors import RootError

ROOT_VARIABLE = "TROVE_MINICLOUD_ROOT"
#: The file of the versions that have run on a root: in the root, and in what is copied of it.
VERSIONS = "versions.json"


@dataclass(frozen=True, slots=True)
class Root:
    """The folder of one mini cloud. The path is absolute."""

    path: Path

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> "Root":
        """The root in this folder, which need not exist yet; symbolic links are followed.

        :raises RootError: no path can be made of it.
        """
        try:
            return cls(Path(path).expanduser().resolve())
        except (OSError, RuntimeError, ValueError) as error:
            raise RootError(f"Can't use {str(path)!r} as the root: {error}") from error

    @classmethod
    def default(cls) -> "Root":
        """`$TROVE_MINICLOUD_ROOT`, else the customary place for the invoking user."""
        if chosen := os.environ.get(ROOT_VARIABLE):
            return cls.at(chosen)
        if os.getuid() == 0:
            return cls.at("/var/lib/trove-minicloud")
        return cls.at("~/.local/share/trove-minicloud")

    @property
    def marker(self) -> Path:
        """The first file of every root: it tells a root, however unfinished, from other folders."""
        return self.path / ".trove-minicloud"

    @property
    def settings_file(self) -> Path:
        return self.path / "cloud.json"

    @property
    def recovery_key(self) -> Path:
        """What opens the copies of the cloud's own state."""
        return self.path / "recovery.key"

    @property
    def recovering(self) -> Path:
        """A folder that is there while the root is being made from a store."""
        return self.path / "recovering"

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

    @property
    def cache(self) -> Path:
        """What libraries would otherwise keep in the home directory of the user."""
        return self.path / "cache"

    def exists(self) -> bool:
        """Whether a mini cloud was started here before, if only for a moment.

        :raises RootError: something else is here, or it can't be read.
        """
        try:
            if self._is_ours():
                return True
            occupied = self.path.exists()
        except OSError as error:
            raise RootError(f"Can't read {self.path}: {error}") from error
        if occupied:
            raise RootError(f"There is no mini cloud in {self.path}.")
        return False

    def prepare(self) -> None:
        """Create what is missing of the folder and its parts.

        A database server refuses to run as uid 0 and so runs as another user: that user must be
        able to pass through the root and `instances`, and may read nothing else.

        :raises RootError: the folder can't be created or passed, holds other things, or belongs
            to somebody else. Nothing has changed then.
        """
        passable = 0o711 if os.getuid() == 0 else 0o700
        try:
            self._require_usable()
            self._create(passable)
            self.marker.touch(mode=0o600)
            for folder, mode in (
                (self.instances, passable),
                (self.logs, 0o700),
                (self.backups, 0o700),
                (self.cache, 0o700),
            ):
                folder.mkdir(exist_ok=True)
                folder.chmod(mode)
        except OSError as error:
            raise RootError(f"Can't use {self.path} as the root: {error}") from error

    def _is_ours(self) -> bool:
        # Roots of the first version have no marker.
        return self.marker.exists() or self.settings_file.exists()

    def _require_usable(self) -> None:
        if self.path.exists():
            if not self._is_ours() and any(self.path.iterdir()):
                raise RootError(
                    f"{self.path} holds other things: choose an empty or a new folder with --root."
                )
            owner = self.path.stat().st_uid
            if owner != os.getuid():
                raise RootError(
                    f"{self.path} belongs to uid {owner}, and this is uid {os.getuid()}: run the"
                    " mini cloud as its owner, or choose another folder with --root."
                )
            if self.backups.is_symlink() and not self.backups.is_dir():
                raise RootError(
                    f"Backups are kept in {self.backups.readlink()}, which is not there: mount its"
                    " disk and try again."
                )
        if os.getuid() != 0:
            return
        for folder in (self.path, *self.path.parents):
            if folder.is_dir() and not folder.stat().st_mode & stat.S_IXOTH:
                raise RootError(
                    f"The databases run as another user than root, who can't pass through"
                    f" {folder}: choose another folder with --root, or allow it"
                    f" (chmod o+x {shlex.quote(str(folder))})."
                )

    def _create(self, mode: int) -> None:
        """Create the folder and its parents, passable from the first moment on."""
        before = os.umask(0)
        try:
            for folder in reversed((self.path, *self.path.parents)):
                if not folder.exists():
                    folder.mkdir(mode=mode, exist_ok=True)
        finally:
            os.umask(before)
