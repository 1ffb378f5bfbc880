# SPDX-License-Identifier: Apache-2.0
import json

from tests.unit.minicloud import examples
from trove_minicloud.stores.manifest import Manifest


def test_a_manifest_survives_its_json() -> None:
    manifest = examples.manifest("b", kind="incremental", parent_id="a", reason="é <% env() %>")

    assert Manifest.from_json(manifest.to_json()) == manifest


def test_what_a_newer_version_wrote_besides_is_passed_over() -> None:
    manifest = examples.manifest("b")
    values = json.loads(manifest.to_json()) | {"colour": "blue"}
    assert Manifest.from_json(json.dumps(values)) == manifest
