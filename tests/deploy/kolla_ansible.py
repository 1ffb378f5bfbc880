# SPDX-License-Identifier: Apache-2.0
"""kolla-ansible on this machine: its own command, playbooks and roles, and no container engine."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.deploy.conftest import BIN, run

#: What the installed release brings along.
SHARE = Path(sys.prefix) / "share" / "kolla-ansible"
#: In the place of the module that asks Docker or Podman.
STAND_IN = """\
import json
from ansible.module_utils.basic import AnsibleModule
kinds = {"common_options": "dict", "volumes": "list", "dimensions": "dict", "healthcheck": "dict"}
names = ("action", "name", "image", *kinds)
module = AnsibleModule({each: {"type": kinds.get(each, "str")} for each in names})
with open(%r, "a") as stream:
    stream.write(json.dumps(module.params) + "\\n")
module.exit_json(changed=True)
"""


class Deployment:
    """A copy of kolla-ansible's playbooks, a configuration, and what has been written with both."""

    def __init__(self, folder: Path, share: Path) -> None:
        self.folder = folder
        self.playbooks = folder / "ansible"
        self.etc = folder / "etc"
        self.node = folder / "node"
        shutil.copytree(share / "ansible", self.playbooks)
        stand_in = STAND_IN % str(folder / "containers")
        self.playbooks.joinpath("library", "kolla_container.py").write_text(stand_in)
        self.etc.mkdir()
        shutil.copy(share / "etc_examples" / "kolla" / "passwords.yml", self.etc)
        run(BIN / "kolla-genpwd", "-p", self.etc / "passwords.yml", cwd=folder)
        options = {
            "enable_mistral": True,
            "network_interface": "lo",
            "kolla_internal_vip_address": "127.0.0.1",
            "node_config_directory": str(self.node),
            "node_custom_config": str(self.etc / "config"),
            "config_owner_user": "root",
            "config_owner_group": "root",
            # This machine has neither sudo nor the collection by which this is found out.
            "ansible_become": False,
            "kolla_same_external_internal_vip": True,
            "ansible_python_interpreter": sys.executable,
        }
        self.etc.joinpath("globals.yml").write_text(json.dumps(options))

    def deploy(self, playbook: str) -> str:
        return run(
            BIN / "kolla-ansible", "deploy", "--configdir", self.etc,
            "-i", self.playbooks / "inventory" / "all-in-one",
            "-p", self.playbooks / playbook, cwd=self.folder,
        )  # fmt: skip

    @property
    def containers(self) -> list[Any]:
        return [json.loads(line) for line in (self.folder / "containers").read_text().splitlines()]
