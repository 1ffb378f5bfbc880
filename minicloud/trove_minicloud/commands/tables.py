# SPDX-License-Identifier: Apache-2.0
"""What the commands print as tables for people."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from trove_minicloud.root import Root

if TYPE_CHECKING:
    from trove_minicloud.guest.instances import Instance


def row_of(instance: "Instance") -> dict[str, str]:
    """The instance in a list of them."""
    return {
        "id": instance.id,
        "name": instance.name,
        "datastore": f"{instance.datastore} {instance.version}",
        "address": f"{instance.host}:{instance.port}",
        "wanted": instance.wanted if instance.managed else "not managed",
    }


def show_instance(root: Root, instance: "Instance") -> None:
    """Print all there is to tell of one instance, and how to connect to it."""
    from trove_minicloud.guest import datastores

    fields = row_of(instance) | {"created at": f"{instance.created_at:%Y-%m-%d %H:%M:%S} UTC"}
    if instance.managed:
        kind = datastores.named(instance.datastore)
        fields["connect with"] = kind.connect_command(root, instance)
    show_fields(fields)


def show_fields(fields: Mapping[str, object]) -> None:
    """Print one thing, a line for each of its fields."""
    show([{"field": name, "value": value} for name, value in fields.items()])


def show(rows: Sequence[Mapping[str, object]]) -> None:
    """Print the rows under their keys. Without rows, print nothing."""
    if not rows:
        return
    lines = [[key.upper() for key in rows[0]]]
    lines += [["" if value is None else str(value) for value in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(map(str.ljust, line, widths)).rstrip())
