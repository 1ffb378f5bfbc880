# SPDX-License-Identifier: Apache-2.0
"""Which names a new instance may bear. Trove itself would take any, also one twice."""

from trove_minicloud.errors import InvalidNameError
from trove_minicloud.guest.instances import all_instances
from trove_minicloud.root import Root

_NAME_LIMIT = 255
# `logs` and `status` know the programs of the mini cloud itself by these.
_PROGRAM_NAMES = frozenset(
    (
        "keystone",
        "mistral",
        "trove",
        "horizon",
        "supervisor",
        "swift-account",
        "swift-container",
        "swift-object",
        "swift-proxy",
    )
)


def check(root: Root, name: str) -> None:
    """Whether a new instance may bear the name.

    :raises InvalidNameError: it isn't usable as a name, or an instance bears it.
    """
    if not 0 < len(name) <= _NAME_LIMIT or not name.isprintable() or name != name.strip():
        raise InvalidNameError(
            f"{name[:_NAME_LIMIT]!r} can't be an instance's name: that is 1 to {_NAME_LIMIT}"
            " printable characters on one line, without spaces around them."
        )
    if name in _PROGRAM_NAMES:
        raise InvalidNameError(
            f"{name!r} can't be an instance's name: a program of the mini cloud is called so."
        )
    for instance in all_instances(root):
        if name in (instance.name, instance.id):
            raise InvalidNameError(
                f"There is an instance {name!r} already ({instance.id}); choose another name, or"
                f" delete it first: trove-minicloud instance delete {instance.id}"
            )
