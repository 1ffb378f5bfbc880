# SPDX-License-Identifier: Apache-2.0
"""How the selection of a policy is written, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _, gettext_lazy

from trove_schedules.schedules.selection import Candidate, Choice, Selection

#: What a policy does with an instance, in words, with Bootstrap's label and Font Awesome's icon.
_LOOKS: dict[Choice, tuple[Any, str, str]] = {
    Choice.TAKEN: (gettext_lazy("Backed up"), "success", "check"),
    Choice.UNABLE: (gettext_lazy("Can't be backed up now"), "danger", "exclamation-triangle"),
    Choice.LEFT: (gettext_lazy("Left out"), "info", "minus"),
}


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


@dataclass(frozen=True, slots=True)
class Row:
    """One instance of the project, and what the policy does with it."""

    id: str
    name: str
    word: Any
    label: str
    icon: str
    reason: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run that began now would do.

    :ivar taken: how many instances it would back up.
    """

    rows: tuple[Row, ...]
    taken: int


def preview(candidates: Sequence[Candidate]) -> Preview:
    """The instances in the order in which the product gives them."""
    rows = tuple(
        Row(each.instance, each.name, *_LOOKS[each.choice], reason=each.reason or "-")
        for each in candidates
    )
    return Preview(rows, sum(each.choice is Choice.TAKEN for each in candidates))
