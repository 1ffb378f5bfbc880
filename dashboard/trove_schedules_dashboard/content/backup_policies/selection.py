# SPDX-License-Identifier: Apache-2.0
"""How the selection of a policy is written."""

from __future__ import annotations

from django.utils.translation import gettext as _

from trove_schedules.schedules.selection import Selection


def told(selection: Selection) -> str:
    """Which instances a policy selects."""
    words = [", ".join(selection.match) or _("all")]
    if selection.exclude:
        words.append(_("without %s") % ", ".join(selection.exclude))
    if selection.datastores:
        words.append(_("only %s") % ", ".join(selection.datastores))
    if selection.replicas:
        words.append(_("replicas too"))
    return "; ".join(words)
