# SPDX-License-Identifier: Apache-2.0
"""What Python imports before anything else: this process follows a clock that can be moved."""

import os
import sys
from pathlib import Path

# time_machine would import it for its own fixture, into every service.
sys.modules["pytest"] = None  # type: ignore[assignment]
from bench.clock import VARIABLE, follow  # noqa: E402

del sys.modules["pytest"]
if file := os.environ.get(VARIABLE):
    follow(Path(file))
