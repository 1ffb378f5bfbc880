# SPDX-License-Identifier: Apache-2.0
"""A unit of systemd that runs the mini cloud: for all the machine as root, else for the user."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from trove_minicloud import loopback
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import ROOT_VARIABLE, Root
from trove_minicloud.supervision import state

NAME = "trove-minicloud.service"
_SYSTEM = Path("/etc/systemd/system")
_TIMEOUT = 60
# Of the shell that installs it, what the mini cloud would find there.
_OURS = "TROVE_MINICLOUD_"

_UNIT = """\
[Unit]
Description=Mini cloud: Keystone, Mistral, Trove and databases under {description}
After=network.target

[Service]
{environment}
ExecStart={program} up --root {root}
# It waits for running backups.
ExecStop={program} down --root {root}
TimeoutStopSec=15min
Restart=on-failure
RestartSec=5
# The supervisor stops its programs in order.
KillMode=mixed
UMask=0077

[Install]
WantedBy={target}
"""


def install(root: Root) -> list[str]:
    """Write the unit, have systemd start it now and at each boot; lines that say what was done.

    :raises MiniCloudError: there is no systemd, another root has the unit, the mini cloud is up
        without it, or systemd refuses.
    """
    system = os.getuid() == 0
    file = (_SYSTEM if system else _user_folder()) / NAME
    wanted = unit(root, system=system)
    systemctl = ("systemctl",) if system else ("systemctl", "--user")
    if shutil.which("systemctl") is None:
        raise MiniCloudError("There is no systemctl on this machine: systemd doesn't run it.")
    if file.exists() and f"--root {_argument(str(root.path))}\n" not in file.read_text():
        raise MiniCloudError(f"{file} runs another mini cloud; remove it first.")
    if state.supervisor_pid(root) is not None and not _is_active(systemctl):
        raise MiniCloudError(
            "The mini cloud is up, and systemd can't take it over; take it down first:"
            " trove-minicloud down"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(wanted)
    commands = [(*systemctl, "daemon-reload"), (*systemctl, "enable", "--now", NAME)]
    if not system:
        # Without it a user's services end with the last login.
        commands.insert(0, ("loginctl", "enable-linger"))
    for command in commands:
        _run(command, file)
    return [f"wrote {file}", *(f"ran {' '.join(command)}" for command in commands)]


def unit(root: Root, *, system: bool) -> str:
    """The text of the unit."""
    own = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
    own.pop(ROOT_VARIABLE, None)
    own |= {"PATH": os.environ.get("PATH", os.defpath)} | loopback.exceptions(os.environ)
    return _UNIT.format(
        description=_percent(str(root.path)),
        environment="\n".join(
            f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(own.items())
        ),
        program=f"{_argument(sys.executable)} -m trove_minicloud",
        root=_argument(str(root.path)),
        target="multi-user.target" if system else "default.target",
    )


def _user_folder() -> Path:
    configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(configuration) / "systemd" / "user"


def _is_active(systemctl: tuple[str, ...]) -> bool:
    return subprocess.run((*systemctl, "is-active", "--quiet", NAME), check=False).returncode == 0


def _run(command: tuple[str, ...], file: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    if done.returncode != 0:
        raise MiniCloudError(
            f"{file} is written, but `{' '.join(command)}` fails: {done.stderr.strip()}"
        )


def _argument(text: str) -> str:
    """An argument of a command of the unit."""
    return _quoted(text.replace("$", "$$"))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_percent(escaped)}"'


def _percent(text: str) -> str:
    return text.replace("%", "%%")
