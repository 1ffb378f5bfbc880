# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.unit.minicloud import examples
from trove_minicloud.inside_trove import standins
from trove_minicloud.root import ROOT_VARIABLE, Root


def _addresses(instance_id: str) -> list[str]:
    ports = standins.neutron_client(None).list_ports(device_id=instance_id)["ports"]
    return [fixed["ip_address"] for port in ports for fixed in port["fixed_ips"]]


def test_an_instance_that_can_not_be_read_has_no_address_and_the_others_have_theirs(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(root.path))
    good = examples.saved(root, id="good")
    (root.instances / "bad" / "instance.json").mkdir(parents=True)
    assert _addresses(good.id) == ["127.0.0.1"]
    assert _addresses("bad") == _addresses("none") == []
