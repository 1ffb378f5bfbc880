# SPDX-License-Identifier: Apache-2.0
"""Keystone has all rules of who may do what before its first request, and no SAML."""

import subprocess
import sys

_SCRIPT = """
from trove_minicloud.services import serve_keystone
import keystone.server
from keystone.common import policies
from keystone.common.rbac_enforcer.enforcer import RBACEnforcer

keystone.server.configure(config_files=[])
serve_keystone._load_rules()
missing = {rule.name for rule in policies.list_rules()} - set(RBACEnforcer()._enforcer.rules)
# pysaml2 takes most of its time for it.
if "xmlschema" in sys.modules:
    missing.add("the delay of pysaml2")
sys.exit(str(missing) if missing else 0)
"""


def test_no_rule_is_made_at_the_first_request() -> None:
    # Keystone reads the command line.
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{_SCRIPT}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Policy" not in done.stderr, "what is deprecated is Keystone's own business"
