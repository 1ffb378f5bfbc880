# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with the mini cloud, as its user sees it.

MiniCloudError            says what failed, the evidence, and what to do next
├─ NotUpError             a command needs the running cloud, and it isn't running
├─ PortTakenError         another program listens on a port of ours
├─ DiskFullError          the disk under the root is full
├─ DamagedFileError       a file of ours holds what we never wrote
├─ StartupError           a program died or didn't answer in time while the cloud came up
│  └─ StopRequestedError  somebody stopped the cloud while it came up
├─ ScheduledError         backup schedules point at what is to be deleted
├─ WaitTimeoutError       something didn't reach the wanted state in time
├─ StopError              a process outlived its SIGKILL
└─ RootError              the root folder can't be used as it is
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
    """Backup schedules point at the instance that is to be deleted, or may do so."""


class WaitTimeoutError(MiniCloudError):
    """Something didn't reach the wanted state in time; the text holds what was seen instead."""


class StopError(MiniCloudError):
    """A process was still there after SIGKILL and a wait."""


class RootError(MiniCloudError):
    """The root folder is not usable."""
