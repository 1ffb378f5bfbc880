# SPDX-License-Identifier: Apache-2.0
"""Process main of one of Swift's servers: `proxy`, `account`, `container` or `object`.

Arguments: which one, the folder of all of them, and the ports of the three that keep things, as
`kind=port`.
"""

import importlib
import logging.handlers
import sys
from pathlib import Path
from typing import Any

from swift.common.ring import RingBuilder
from swift.common.utils import set_swift_dir
from swift.common.wsgi import run_wsgi

from trove_minicloud.services import swift_gate
from trove_minicloud.services.serving import die_with_parent

_MODULES = {
    "proxy": "swift.proxy.server",
    "account": "swift.account.server",
    "container": "swift.container.server",
    "object": "swift.obj.server",
}
# One device has all partitions, so there need not be many.
_PART_POWER = 4


def main(kind: str, directory: Path, ports: dict[str, int]) -> int:
    die_with_parent()
    # Servers of older releases look for swift.conf in /etc only, whatever their configuration says.
    set_swift_dir(str(directory))
    for name, port in ports.items():
        _make_ring(directory / f"{name}.ring.gz", port)
    swift_gate.show(directory)
    module = importlib.import_module(_MODULES[kind])
    options = {"verbose": True}
    if (callback := getattr(module, "global_conf_callback", None)) is not None:
        options["global_conf_callback"] = callback
    return int(run_wsgi(str(directory / f"{kind}-server.conf"), f"{kind}-server", **options))


def log_to_the_console_alone(
    _conf: Any, _name: str, _console: bool, _route: str, _format: str, logger: Any, *_more: Any
) -> None:
    """Called by Swift for each of its loggers."""
    for handler in list(logger.handlers):
        if isinstance(handler, logging.handlers.SysLogHandler):
            logger.removeHandler(handler)


def _make_ring(file: Path, port: int) -> None:
    """Say that everything is on one device; any of the servers may be the first to do so."""
    if file.exists():
        return
    builder = RingBuilder(_PART_POWER, replicas=1, min_part_hours=0)
    builder.add_dev(
        {
            "region": 1,
            "zone": 1,
            "ip": "127.0.0.1",
            "port": port,
            "replication_ip": "127.0.0.1",
            "replication_port": port,
            "device": "device",
            "weight": 1.0,
        }
    )
    builder.rebalance(seed=1)
    # It is written beside, and renamed.
    builder.get_ring().save(str(file))


if __name__ == "__main__":
    ports = (argument.split("=") for argument in sys.argv[3:])
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), {name: int(port) for name, port in ports}))
