# SPDX-License-Identifier: Apache-2.0
"""Waits for the backups that run, so that an end of the mini cloud doesn't cost one."""

import contextlib
import time
from collections.abc import Callable, Iterator

from trove_minicloud.errors import InstanceBusyError, InstanceNotFoundError, StopError
from trove_minicloud.guest import instances
from trove_minicloud.root import Root

_TIMEOUT = 3600.0
_PURPOSE = "the end of the mini cloud"


@contextlib.contextmanager
def idle(root: Root, report: Callable[[str], None], timeout: float = _TIMEOUT) -> Iterator[None]:
    """Wait until no backup runs, and let none begin during the block.

    :param report: is called with a line for each backup that is waited for.
    :param timeout: in seconds, for all of them.
    :raises StopError: one still runs after that.
    """
    deadline = time.monotonic() + timeout
    with contextlib.ExitStack() as locks:
        for instance in instances.all_instances(root):
            # It may be deleted meanwhile.
            with contextlib.suppress(InstanceNotFoundError):
                try:
                    locks.enter_context(instances.backup_lock(root, instance.id, _PURPOSE))
                except InstanceBusyError as busy:
                    what = f"{busy.holder} of instance {instance.name}"
                    report(f"waiting for the end of {what}")
                    left = max(0.0, deadline - time.monotonic())
                    try:
                        locks.enter_context(
                            instances.backup_lock(root, instance.id, _PURPOSE, left)
                        )
                    except InstanceBusyError as error:
                        raise StopError(
                            f"After {timeout:.0f} s there is no end of {what}. Try again later, or"
                            " have it fail: trove-minicloud down --now"
                        ) from error
        yield
