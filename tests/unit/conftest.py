# SPDX-License-Identifier: Apache-2.0
"""What all unit tests share."""

from hypothesis import settings

# No test says how long something takes: the machine may be busy.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
