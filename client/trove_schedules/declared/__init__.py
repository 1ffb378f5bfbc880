# SPDX-License-Identifier: Apache-2.0
"""Schedules and policies that a file declares.

:mod:`~trove_schedules.declared.document` reads and writes the file,
:mod:`~trove_schedules.declared.steps` finds what differs from what is there, and does it.
"""

from trove_schedules.declared.document import options_of, schema
from trove_schedules.declared.steps import Action, Difference, Step

__all__ = ["Action", "Difference", "Step", "options_of", "schema"]
