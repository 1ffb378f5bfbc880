# SPDX-License-Identifier: Apache-2.0
from tests.unit.minicloud import examples
from trove_minicloud.stores.manifest import Manifest


def test_a_manifest_survives_its_json() -> None:
    manifest = examples.manifest("b", kind="incremental", parent_id="a", reason="é <% env() %>")

    assert Manifest.from_json(manifest.to_json()) == manifest
