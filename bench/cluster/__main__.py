# SPDX-License-Identifier: Apache-2.0
"""A cluster to look at: `python -m bench.cluster --root DIR`, until Ctrl-C.

The commands of `trove-minicloud` work with it by the same --root, but for `up`.
"""

import argparse
import logging
import sys

from bench.cluster import servers
from bench.cluster.layout import Distributed
from bench.minicloud import import_path
from trove_minicloud.cloud import running
from trove_minicloud.errors import MiniCloudError
from trove_minicloud.root import Root


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", required=True, metavar="DIR", help="a new folder, or its own")
    for option, kind in (("--engines", "engines"), ("--executors", "executors")):
        parser.add_argument(option, type=int, metavar="N", help=f"Mistral {kind} (at first 2)")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    import_path()
    try:
        root = Root.at(chosen.root)
        root.prepare()
        servers.want(root, chosen.engines, chosen.executors)
        if not running.run(root, Distributed):
            print(f"The cluster under {root.path} is already up.")
    except MiniCloudError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
