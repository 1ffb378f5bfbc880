# SPDX-License-Identifier: Apache-2.0
"""`python -m trove_minicloud` is the `trove-minicloud` command."""

import sys

from trove_minicloud.cli import main

sys.exit(main())
