# SPDX-License-Identifier: Apache-2.0
"""The stock `mistral-server`, with its own arguments, and a clock that is an hour ahead.

Not by libfaketime: under it either `time.sleep` fails or a wait for a lock lasts the hour
(libfaketime 0.9.10, Python 3.11).
"""

import runpy
import sys
import time
from pathlib import Path

import time_machine

_HOUR = 3600


def main() -> None:
    server = Path(sys.executable).with_name("mistral-server")
    sys.argv[0] = str(server)
    with time_machine.travel(time.time() + _HOUR):
        runpy.run_path(str(server), run_name="__main__")


if __name__ == "__main__":
    main()
