# SPDX-License-Identifier: Apache-2.0
"""The deployment for openstack-helm is one that Kubernetes takes. Helm itself is not run."""

from __future__ import annotations

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.conftest import DEPLOY

FILES = DEPLOY / "openstack-helm"


def _values(name: str) -> Any:
    return yaml.safe_load((FILES / name).read_text())


@pytest.fixture
def deployment() -> Any:
    """With the values of values.yaml, as Helm's templates put them in."""
    text = yaml.safe_dump(_values("periodic.yaml")["extraObjects"]["mistral_periodic"])
    values = _values("values.yaml")

    def value(match: re.Match[str]) -> str:
        found = values
        for name in match[1].split("."):
            found = found[name]
        return str(found)

    text = re.sub(r"{{ \.Values\.([a-z_.]+) }}", value, text)
    assert "{{" not in text
    return yaml.safe_load(text)


def test_kubernetes_takes_the_deployment(deployment: Any) -> None:
    kubernetes_validate.validate(deployment, "1.31", strict=True)
    spec = deployment["spec"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    [container] = spec["template"]["spec"]["containers"]
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in spec["template"]["spec"]["volumes"]}


def test_it_runs_the_periodic_server_from_the_image_with_the_actions(
    deployment: Any, periodic: list[str]
) -> None:
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == _values("values.yaml")["images"]["tags"]["mistral_engine"]
    assert container["command"] == ["mistral-server", *periodic[1:]]


def test_with_the_periodic_server_the_api_does_not_fire() -> None:
    assert _values("periodic.yaml")["conf"]["mistral"]["cron_trigger"] == {"run_in_api": False}
    assert "cron_trigger" not in _values("values.yaml")["conf"]["mistral"]


def test_the_image_gets_the_actions() -> None:
    lines = (FILES / "Dockerfile").read_text().splitlines()
    assert "FROM ${MISTRAL}" in lines
    assert "RUN pip install --no-cache-dir mistral-extra" in lines
