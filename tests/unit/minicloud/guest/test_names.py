# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.unit.minicloud import examples
from trove_minicloud.errors import InvalidNameError
from trove_minicloud.guest import instances, names
from trove_minicloud.root import Root


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "x" * 256, " m", "\udcff", "\x1b[1m"])
def test_a_name_that_can_not_be_shown_or_stored_is_refused(root: Root, name: str) -> None:
    with pytest.raises(InvalidNameError, match="1 to 255 printable characters on one line"):
        names.check(root, name)


@pytest.mark.parametrize("name", ["keystone", "mistral", "trove", "horizon", "supervisor"])
def test_the_name_of_a_service_is_refused(root: Root, name: str) -> None:
    with pytest.raises(InvalidNameError, match=f"'{name}'.*a program of the mini cloud"):
        names.check(root, name)


def test_a_name_that_is_taken_is_refused_with_the_id_of_its_bearer(root: Root) -> None:
    instance = examples.instance()
    instance.folder(root).mkdir()
    instances.save(root, instance)

    with pytest.raises(InvalidNameError, match=r"'m' already \(instance-1\)"):
        names.check(root, "m")
    with pytest.raises(InvalidNameError, match="already"):
        names.check(root, instance.id)
    names.check(root, "Käse 2" + "x" * 249)
