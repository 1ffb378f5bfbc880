# SPDX-License-Identifier: Apache-2.0
"""`python -m bench.cluster.daemon ROOT` is the supervisor of a cluster, in the background."""

import sys

from bench.cluster.layout import Distributed
from trove_minicloud.cloud import daemon
from trove_minicloud.root import Root

if __name__ == "__main__":
    daemon.main(Root.at(sys.argv[1]), Distributed)
