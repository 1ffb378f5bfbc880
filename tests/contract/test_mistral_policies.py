# SPDX-License-Identifier: Apache-2.0
"""The default rules that the dashboard ships are Mistral's own."""

from __future__ import annotations

import yaml
from mistral import policies

from tests.docs.pages import REPOSITORY

CONF = REPOSITORY / "dashboard" / "trove_schedules_dashboard" / "conf"


def test_the_shipped_default_rules_are_mistral_s() -> None:
    shipped = yaml.safe_load(CONF.joinpath("default_policies", "mistral.yaml").read_text())
    mistral = {rule.name: rule.check_str for rule in policies.list_rules()}
    assert len(shipped) == 8
    assert [rule for rule in shipped if mistral[rule["name"]] != rule["check_str"]] == []


def test_the_sample_shows_mistral_s_defaults() -> None:
    lines = CONF.joinpath("mistral_policy.yaml").read_text().splitlines()
    sample = yaml.safe_load("\n".join(line[1:] for line in lines if line.startswith('#"')))
    mistral = {rule.name: rule.check_str for rule in policies.list_rules()}
    assert sample == {name: mistral[name] for name in sample}
