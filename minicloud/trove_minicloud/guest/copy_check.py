# SPDX-License-Identifier: Apache-2.0
"""What an instance's restored copies are asked: a query of its operator, with the answer to expect.

It is a file in the instance's folder, and goes with the instance.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from trove_minicloud.errors import CheckFailedError, DamagedFileError, InvalidCheckError
from trove_minicloud.files import known_fields, read_json, write_json
from trove_minicloud.guest import datastores, instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root

# Trove cuts the text of an instance's fault after 255 characters.
_ANSWER_LIMIT = 40
_QUERY_LIMIT = 80


@dataclass(frozen=True, slots=True)
class Check:
    """A query, and the one value that it answers on an intact copy, as the server writes it.

    `database` is where it is asked; None is `postgres` on PostgreSQL, and none on MariaDB.
    """

    query: str
    expected: str
    database: str | None


def store(root: Root, instance: Instance, check: Check) -> None:
    """Ask the running instance, and keep the check, in the place of another, if it holds there.

    :raises QueryError: the server refuses the query, or its answer is not one value.
    :raises InvalidCheckError: the answer is another one: no copy would pass.
    :raises InstanceNotFoundError: the instance was deleted meanwhile.
    """
    if (answer := _ask(root, instance, check)) != check.expected:
        raise InvalidCheckError(
            f"{instance.name} answers {answer!r} now, and not {check.expected!r}: no copy would"
            " pass. Nothing was changed."
        )
    try:
        write_json(_file(root, instance.id), asdict(check))
    except FileNotFoundError:
        raise instances.deleted_meanwhile(instance) from None


def clear(root: Root, instance: Instance) -> None:
    """Whether there is one or not."""
    _file(root, instance.id).unlink(missing_ok=True)


def load(root: Root, instance_id: str) -> Check | None:
    """The instance's check; None where it has none, or is gone."""
    path = _file(root, instance_id)
    if (values := read_json(path)) is None:
        return None
    try:
        return Check(**known_fields(Check, values))
    except TypeError as error:
        raise DamagedFileError(f"{path} is not what this version wrote.") from error


def require(root: Root, copy: Instance, source: str, check: Check) -> None:
    """Ask a restored copy that serves.

    :param source: what to call the instance that the check is of.
    :raises QueryError: the server refuses the query, or its answer is not one value.
    :raises CheckFailedError: it is another one.
    """
    if (answer := _ask(root, copy, check)) != check.expected:
        raise CheckFailedError(
            f"The check of {_cut(source, _ANSWER_LIMIT)} is answered with"
            f" {_cut(answer, _ANSWER_LIMIT)!r} instead of {_cut(check.expected, _ANSWER_LIMIT)!r}:"
            f" {_cut(check.query, _QUERY_LIMIT)}"
        )


def _ask(root: Root, instance: Instance, check: Check) -> str:
    kind = datastores.named(instance.datastore)
    return kind.ask(root, instance, check.query, check.database)


def _file(root: Root, instance_id: str) -> Path:
    return root.instances / instance_id / "check.json"


def _cut(text: str, limit: int) -> str:
    """In one line of at most this many characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
