# SPDX-License-Identifier: Apache-2.0
"""What people are told when a service fails."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _
from horizon import exceptions

from trove_schedules.errors import (
    AuthenticationError,
    ScheduledBackupError,
    ServiceUnavailableError,
)


def report(request: HttpRequest, error: ScheduledBackupError, redirect: str | None = None) -> None:
    """Show the error's own words; the page goes on, or another one is shown instead.

    Where a service gave no answer at all, those words are about connections and URLs: a sentence
    says so, and they follow as its details.

    Call it while the error is handled. A login that has ended leads to the login form.
    """
    if isinstance(error, AuthenticationError):
        raise exceptions.NotAuthenticated(str(error)) from error
    message, details = str(error), ""
    if isinstance(error, ServiceUnavailableError) and error.status is None:
        message, details = _("%s does not answer now.") % error.service, str(error)
    exceptions.handle(request, message, redirect=redirect, details=details)
