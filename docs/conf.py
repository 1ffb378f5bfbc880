# SPDX-License-Identifier: Apache-2.0
"""How Sphinx builds the documentation: `make docs`."""

from dataclasses import replace
from importlib import metadata

from trove_schedules.schedules.options import OPTIONS

project = "trove-schedules"
author = "The trove-schedules developers"
copyright = "the trove-schedules developers, Apache License 2.0"
release = version = metadata.version("trove-schedules")

extensions = [
    "cliff.sphinxext",
    "myst_parser",
    "reno.sphinxext",
    "sphinx.ext.autodoc",
    "sphinxarg.ext",
]
html_theme = "furo"
html_title = f"trove-schedules {release}"

# A heading of every page can be linked to, as on the code host where the pages are read too.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

# The commands that the page of the commands is made from.
autoprogram_cliff_application = "openstack"
autoprogram_cliff_app_dist_name = "trove-schedules"
# How every command of `openstack` can be made to print: said once, on the page itself.
autoprogram_cliff_ignored = [
    "--help", "--fit-width", "--max-width", "--noindent", "--prefix", "--print-empty", "--quote",
    "--sort-ascending", "--sort-column", "--sort-descending",
]  # fmt: skip

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

man_pages = [
    (
        "reference/cli",
        "openstack-database-backup-schedule",
        "scheduled database backups",
        author,
        1,
    ),
    ("reference/trove-minicloud", "trove-minicloud", "a real cloud on one machine", author, 1),
]

# Sphinx reads the texts of options as its own markup, in which a pattern's stars mean something.
for each in list(OPTIONS.values()):
    OPTIONS[each.name] = replace(each, help=each.help.replace("*", r"\*"))
