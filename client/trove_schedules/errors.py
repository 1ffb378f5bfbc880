# SPDX-License-Identifier: Apache-2.0
"""Every error this package raises on purpose, in one tree.

::

    ScheduledBackupError                 what failed, which value or id, what to do next
    ├─ InvalidScheduleError (ValueError)     bad input, found before anything was created
    │  └─ InvalidPatternError
    ├─ NotFoundError (LookupError)
    │  ├─ ScheduleNotFoundError
    │  ├─ ExecutionNotFoundError
    │  ├─ InstanceNotFoundError
    │  └─ BackupNotFoundError
    ├─ AmbiguousNameError                    several instances or schedules have this name
    ├─ ScheduleConflictError                 not now: a run is in progress
    ├─ WorkbookError
    │  ├─ WorkbookMissingError
    │  └─ WorkbookOutdatedError
    ├─ AuthenticationError
    │  └─ NotDelegableError                  this kind of login can't create trusts
    └─ ServiceError                          Mistral, Trove or Keystone said no, or nothing
       ├─ ServiceUnavailableError
       └─ PermissionDeniedError

Errors of other libraries are translated once, in ``trove_schedules.clients``; the original is
kept as ``__cause__``.
"""

from __future__ import annotations


class ScheduledBackupError(Exception):
    """Base of every error of this package."""


class InvalidScheduleError(ScheduledBackupError, ValueError):
    """An argument is wrong; nothing was created."""


class InvalidPatternError(InvalidScheduleError):
    """A cron pattern is not one of the five-field patterns that this package accepts."""


class NotFoundError(ScheduledBackupError, LookupError):
    """No such thing in this project."""


class ScheduleNotFoundError(NotFoundError):
    """No schedule has this id or name in this project."""


class ExecutionNotFoundError(NotFoundError):
    """No execution of a backup schedule has this id in this project."""


class InstanceNotFoundError(NotFoundError):
    """No database instance has this id or name in this project."""


class BackupNotFoundError(NotFoundError):
    """No backup has this id in this project."""


class AmbiguousNameError(ScheduledBackupError):
    """Several database instances, or several schedules, have this name; use the id."""


class ScheduleConflictError(ScheduledBackupError):
    """The schedule or execution is in use right now."""


class WorkbookError(ScheduledBackupError):
    """The Mistral workbook is not what this package needs."""


class WorkbookMissingError(WorkbookError):
    """The workbook is not loaded."""


class WorkbookOutdatedError(WorkbookError):
    """A workbook of the right name is loaded, but it can't run these schedules."""


class AuthenticationError(ScheduledBackupError):
    """Keystone refused the login, or none was given."""


class NotDelegableError(AuthenticationError):
    """This login can't create Keystone trusts, which every schedule needs."""


class ServiceError(ScheduledBackupError):
    """A service refused or failed.

    :ivar service: ``"Mistral"``, ``"Trove"`` or ``"Keystone"``.
    :ivar operation: what was asked of it, for people.
    :ivar status: the HTTP status, or None where no answer came.
    :ivar request_id: the service's id of the request, to find it in its log, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        service: str,
        operation: str,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.service = service
        self.operation = operation
        self.status = status
        self.request_id = request_id

    def says_missing(self, service: str, said: str) -> bool:
        """Whether this service itself says that what was asked for is missing.

        A 404 alone doesn't say it: it may be Keystone's, passed on ("Could not find trust …"), or a
        proxy's.

        :param said: what the service's text then holds, such as the id that was asked for.
        """
        return self.status == 404 and self.service == service and said in str(self.args[0])

    def __str__(self) -> str:
        details = []
        if self.status is not None:
            details.append(f"HTTP {self.status}")
        if self.request_id is not None:
            details.append(f"request {self.request_id}")
        suffix = f" ({', '.join(details)})" if details else ""
        return f"{self.service}: {self.operation} failed: {self.args[0]}{suffix}"


class ServiceUnavailableError(ServiceError):
    """No usable answer: the service is down, unreachable or overloaded."""


class PermissionDeniedError(ServiceError):
    """The service's policy forbids this to the user."""
