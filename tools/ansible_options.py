# SPDX-License-Identifier: Apache-2.0
"""The options of the Ansible modules: `make ansible-options` writes them from the table of options.

A module's options must be known without the library, which may be missing where Ansible reads them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from trove_schedules.declared import schema
from trove_schedules.schedules.options import OPTIONS

PLUGINS = Path(__file__).parents[1] / "ansible" / "plugins"
_HEAD = """\
# SPDX-License-Identifier: Apache-2.0
# `make ansible-options` writes this file. Don't edit it.
"""
_TYPES = {"string": "str", "integer": "int", "boolean": "bool", "array": "list"}
#: What a module can do without where it is to be absent.
_NEEDED_IF_PRESENT = "pattern"


def files() -> dict[Path, str]:
    """What each file holds."""
    lists = schema()["properties"]
    schedule, policy = (lists[each]["items"] for each in ("schedules", "policies"))
    fragments = PLUGINS / "doc_fragments"
    return {
        PLUGINS / "module_utils" / "options.py": _arguments(SCHEDULE=schedule, POLICY=policy),
        fragments / "schedule_options.py": _fragment(schedule),
        fragments / "policy_options.py": _fragment(policy),
    }


def _arguments(**kinds: dict[str, Any]) -> str:
    """The module of arguments: of each kind a dictionary, and the options that are secret."""
    text = _HEAD + "\nfrom __future__ import annotations\n"
    for kind, item in kinds.items():
        rows = [
            f"    {json.dumps(name)}: {_literal(_argument(name, item))},\n"
            for name in item["properties"]
        ]
        text += f"\n{kind} = {{\n{''.join(rows)}}}\n"
    secrets = [name for name, option in OPTIONS.items() if option.secret]
    return text + f"\nSECRETS = ({', '.join(map(json.dumps, secrets))})\n"


def _literal(value: dict[str, Any]) -> str:
    return json.dumps(value).replace("true", "True").replace("false", "False")


def _argument(name: str, item: dict[str, Any]) -> dict[str, Any]:
    """An option, as Ansible's argument specification has it."""
    said = item["properties"][name]
    kind = said["type"] if isinstance(said["type"], str) else said["type"][0]
    argument: dict[str, Any] = {"type": _TYPES[kind]}
    if kind == "array":
        argument["elements"] = _TYPES[said["items"]["type"]]
    if name in item["required"] and name != _NEEDED_IF_PRESENT:
        argument["required"] = True
    if "enum" in said:
        argument["choices"] = [each for each in said["enum"] if each is not None]
    if name in OPTIONS and OPTIONS[name].secret:
        argument["no_log"] = True
    return argument


def _fragment(item: dict[str, Any]) -> str:
    """The module that documents the options of a kind."""
    options = {}
    for name, said in item["properties"].items():
        argument = _argument(name, item)
        description = [said["description"] + "."]
        if "maximum" in said:
            description.append(f"From {said['minimum']} to {said['maximum']}.")
        if name == _NEEDED_IF_PRESENT:
            description.append("Needed where it is to be present.")
        if argument.pop("no_log", False):
            description.append("If this is left out, it stays as it is. An empty text removes it.")
        options[name] = {"description": description} | argument
    documented = yaml.safe_dump({"options": options}, sort_keys=False, allow_unicode=True, width=84)
    return (
        f"{_HEAD}\nfrom __future__ import annotations\n\n\n"
        f'class ModuleDocFragment:\n    DOCUMENTATION = r"""\n{documented}"""\n'
    )


def main() -> None:
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
